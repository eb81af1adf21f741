/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every finding of a validation, with its place in the files. What stands in the file being read is located at once,
 * in the text at hand (it may be standard input); the other side of a finding at the end.
 */

#include "plugin/commands/findings.h"

#include <stdlib.h>
#include <string.h>

#include "plugin/text/source.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** copy_text() - strdup(3) of what may be NULL */
static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

/** place_line() - The line of a place that names one; those of JSON pointers are looked for in the text */
static void place_line(struct place *place)
{
	unsigned line = place->pointer && !place->line ? pointer_line(place->pointer) : 0;

	if (line) {
		place->line = line;
		place->column = 1;
	}
}

/** grow() - Make room for one more; false when there is no memory */
static bool grow(struct findings *findings)
{
	struct kept_finding *items =
		array_room(findings->items, findings->n_items, &findings->capacity, sizeof(*items));

	if (!items)
		return false;
	findings->items = items;
	return true;
}

/** keep() - The listener */
static void keep(struct report *report, const struct finding *finding)
{
	struct findings *findings = (struct findings *)report;
	struct kept_finding *items;

	if (!grow(findings)) {
		findings->failed = true;
		return;
	}
	items = findings->items;
	items[findings->n_items++] = (struct kept_finding){
		.rule = finding->rule,
		.severity = finding->severity,
		.on_key = finding->on_key,
		.message = copy_text(finding->message),
		.at = {.file = copy_text(finding->file),
		       .pointer = copy_text(finding->pointer),
		       .line = finding->line,
		       .column = finding->column,
		       .offset = finding->offset},
		.related = {.file = copy_text(finding->related_file), .pointer = copy_text(finding->related_pointer)},
	};
	place_line(&items[findings->n_items - 1].at);
	place_line(&items[findings->n_items - 1].related);
	report->is_full = findings->most && findings->n_items >= findings->most;
}

/** findings_begin_file() - From here on, so many findings are kept one by one, LIMIT_FINDINGS, and the others counted */
void findings_begin_file(struct findings *findings)
{
	findings->most = findings->n_items + LIMIT_FINDINGS;
	findings->report.is_full = false;
	findings->report.omitted = 0;
}

/** findings_end_file() - All are kept again; how many were not is told */
void findings_end_file(struct findings *findings, const char *file)
{
	char message[96];
	struct finding finding = {.rule = RULE_INVALID_VALUE,
				  .severity = SEVERITY_NOTE,
				  .file = file,
				  .pointer = "",
				  .line = 1,
				  .column = 1,
				  .message = message};

	findings->most = 0;
	findings->report.is_full = false;
	if (!findings->report.omitted)
		return;
	(void)snprintf(message, sizeof(message), "%u more findings in this file, which are counted but not listed",
		       findings->report.omitted);
	report_finding(&findings->report, &finding);
}

/** findings_init() - A listener that has heard nothing */
void findings_init(struct findings *findings)
{
	*findings = (struct findings){.report = {.heard = keep}};
}

/** item_done() - Release a finding */
static void item_done(struct kept_finding *item)
{
	free(item->message);
	free(item->at.file);
	free(item->at.pointer);
	free(item->related.file);
	free(item->related.pointer);
}

/** findings_done() - Release what was kept */
void findings_done(struct findings *findings)
{
	for (size_t i = 0; i < findings->n_items; i++)
		item_done(&findings->items[i]);
	free(findings->items);
	for (size_t i = 0; i < findings->n_sources; i++) {
		free(findings->sources[i].file);
		source_done(&findings->sources[i].source);
	}
	free(findings->sources);
	path_list_done(&findings->files);
	*findings = (struct findings){0};
}

/** struct wanted_place - A place whose line and column are wanted */
struct wanted_place {
	struct place *place;
	bool on_key;
};

/** want() - Note a place, if it is in a file and has no position yet; return how many are noted then */
static size_t want(struct wanted_place *wanted, size_t n, struct place *place, bool on_key, const char *file)
{
	if (!place->file || !place->pointer || place->line || (file && strcmp(place->file, file) != 0))
		return n;
	wanted[n] = (struct wanted_place){.place = place, .on_key = on_key};
	return n + 1;
}

/** by_place() - qsort(3) order: file, and there about as they stand: elements of arrays by number */
static int by_place(const void *a, const void *b)
{
	const struct place *left = ((const struct wanted_place *)a)->place,
			   *right = ((const struct wanted_place *)b)->place;
	int r = strcmp(left->file, right->file);

	return r ? r : strverscmp(left->pointer, right->pointer);
}

/** document_number() - The document that a pointer is in ("#2/spec": 2); the pointer goes on behind that */
static unsigned document_number(const char **pointer)
{
	unsigned number = 0;

	if (**pointer != '#')
		return 1;
	for (++*pointer; **pointer >= '0' && **pointer <= '9'; ++*pointer)
		number = number * 10 + (unsigned)(**pointer - '0');
	return number;
}

/** locate_in() - Line and column of places in the document at hand */
static void locate_in(struct values *values, const struct wanted_place *wanted, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct values_place place = {.pointer = wanted[i].place->pointer,
					     .on_key = wanted[i].on_key,
					     .offset = wanted[i].place->offset};

		if (document_number(&place.pointer) != values->number)
			continue;
		(void)values_find(values, &place, &wanted[i].place->line, &wanted[i].place->column);
		(void)values_find_alias(values, place.pointer, &wanted[i].place->alias_line,
					&wanted[i].place->alias_column);
	}
}

/**
 * collect() - The places that are wanted, by file and place
 * @findings:	Findings
 * @from:	Index of the first of them to look at
 * @file:	Only places in this file, NULL: in any
 * @ret_n:	How many
 *
 * Return: they, to be freed; NULL when there is no memory
 */
static struct wanted_place *collect(struct findings *findings, size_t from, const char *file, size_t *ret_n)
{
	struct wanted_place *wanted = calloc(2 * (findings->n_items - from) + 1, sizeof(*wanted));
	size_t n = 0;

	if (!wanted)
		return NULL;
	for (size_t i = from; i < findings->n_items; i++) {
		n = want(wanted, n, &findings->items[i].at, findings->items[i].on_key, file);
		n = want(wanted, n, &findings->items[i].related, false, file);
	}
	qsort(wanted, n, sizeof(*wanted), by_place);
	*ret_n = n;
	return wanted;
}

/**
 * findings_locate() - Find line and column of what was found in a document that is at hand (it may be standard input)
 * @findings:	Findings
 * @from:	Index of the first that can be in it
 * @file:	Its name
 * @values:	The document
 */
void findings_locate(struct findings *findings, size_t from, const char *file, struct values *values)
{
	CLEANUP_FREE struct wanted_place *wanted = NULL;
	size_t n;

	if (findings->n_items == from)
		return;
	wanted = collect(findings, from, file, &n);
	if (wanted)
		locate_in(values, wanted, n);
	else
		findings->failed = true;
}

/**
 * findings_keep_source() - Keep a text that can't be read a second time, for places that are found later
 * @findings:	Findings
 * @file:	Its name
 * @source:	The text; empty afterwards
 */
void findings_keep_source(struct findings *findings, const char *file, struct source *source)
{
	struct kept_source *sources = reallocarray(findings->sources, findings->n_sources + 1, sizeof(*sources));
	char *name = strdup(file);

	if (sources)
		findings->sources = sources;
	if (!sources || !name) {
		findings->failed = true;
		free(name);
		return;
	}
	sources[findings->n_sources++] = (struct kept_source){.file = name, .source = *source};
	*source = (struct source){0};
}

/** kept_text() - The text of a file that can't be read a second time; NULL: it can */
static const struct source *kept_text(const struct findings *findings, const char *file)
{
	for (size_t i = 0; i < findings->n_sources; i++)
		if (strcmp(findings->sources[i].file, file) == 0)
			return &findings->sources[i].source;
	return NULL;
}

/** locate_again() - Places in one file, which is read once more */
static void locate_again(const struct findings *findings, const struct wanted_place *wanted, size_t n)
{
	const char *file = wanted->place->file;
	const struct source *kept = kept_text(findings, file);
	SOURCE_CLEANUP struct source source = {0};
	VALUES_CLEANUP struct values values = {0};
	struct source text;

	if (!kept && source_read_again(file, LIMIT_POLICY_FILE, &source) < 0)
		return;
	text = source_without_mark(kept ? kept : &source);
	if (values_start(&values, text.text, text.size, values_syntax_of(file)) != 0)
		return;
	while (values_next(&values) == 0)
		locate_in(&values, wanted, n);
}

/** locate_rest() - Read each file again in which there is a place that has no position yet */
static void locate_rest(struct findings *findings)
{
	size_t n = 0, end;
	CLEANUP_FREE struct wanted_place *wanted = collect(findings, 0, NULL, &n);

	if (!wanted)
		findings->failed = true;
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && strcmp(wanted[end].place->file, wanted[i].place->file) == 0;)
			end++;
		locate_again(findings, &wanted[i], end - i);
	}
}

/** compare_items() - Whether two findings are the same, and an order of those that are not */
static int compare_items(const struct kept_finding *a, const struct kept_finding *b)
{
	int r = a->rule != b->rule ? (a->rule < b->rule ? -1 : 1) : strcmp(a->at.pointer, b->at.pointer);

	if (!r)
		r = strcmp(a->at.file, b->at.file);
	return r ? r : strcmp(a->message, b->message);
}

/** by_item() - qsort_r(3) order of indexes: equal findings beside each other, the first one first */
static int by_item(const void *a, const void *b, void *items)
{
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	int r = compare_items((const struct kept_finding *)items + left, (const struct kept_finding *)items + right);

	return r ? r : (left > right) - (left < right);
}

/** drop_repeated() - A policy may be read for several configurations; what it says then is one finding */
static void drop_repeated(struct findings *findings)
{
	CLEANUP_FREE size_t *order = calloc(findings->n_items + 1, sizeof(*order));
	CLEANUP_FREE bool *repeated = calloc(findings->n_items + 1, sizeof(*repeated));
	struct kept_finding *items = findings->items;
	size_t n = 0;

	if (!order || !repeated || !findings->n_items)
		return;
	for (size_t i = 0; i < findings->n_items; i++)
		order[i] = i;
	qsort_r(order, findings->n_items, sizeof(*order), by_item, items);
	for (size_t i = 1; i < findings->n_items; i++)
		repeated[order[i]] = compare_items(&items[order[i - 1]], &items[order[i]]) == 0;
	for (size_t i = 0; i < findings->n_items; i++) {
		if (!repeated[i]) {
			items[n++] = items[i];
			continue;
		}
		findings->report.errors -= items[i].severity == SEVERITY_ERROR;
		findings->report.warnings -= items[i].severity == SEVERITY_WARNING;
		item_done(&items[i]);
	}
	findings->n_items = n;
}

/**
 * findings_finish() - When all has been heard: each finding once, and with its line and column
 * @findings:	Findings
 */
void findings_finish(struct findings *findings)
{
	drop_repeated(findings);
	locate_rest(findings);
}

/** has_suffix() - Whether a name ends with ".SUFFIX" */
static bool has_suffix(const char *name, const char *suffix)
{
	const char *dot = strrchr(name, '.');

	return dot && strcasecmp(dot + 1, suffix) == 0;
}

/** findings_pass_over() - Count a file of a directory that nothing is read from */
void findings_pass_over(struct findings *findings, const char *file)
{
	enum passed_over kind = PASSED_OTHER;

	if (has_suffix(file, "json"))
		kind = PASSED_JSON;
	else if (has_suffix(file, "yaml") || has_suffix(file, "yml"))
		kind = PASSED_YAML;
	findings->n_passed_over[kind]++;
}

/** findings_n_passed_over() - How many files were */
size_t findings_n_passed_over(const struct findings *findings)
{
	size_t n = 0;

	for (size_t i = 0; i < N_PASSED_OVER; i++)
		n += findings->n_passed_over[i];
	return n;
}

/** findings_pointer() - JSON pointer of a place, "" when it has none */
const char *findings_pointer(const struct place *place)
{
	return place->pointer && !pointer_line(place->pointer) ? place->pointer : "";
}

/** findings_alias() - The alias through which a place was met, its texts borrowed; false: there is none */
bool findings_alias(const struct place *place, struct place *ret_alias)
{
	*ret_alias = *place;
	ret_alias->line = place->alias_line;
	ret_alias->column = place->alias_column;
	return place->alias_line != 0;
}

/** findings_severity() - As it is printed */
const char *findings_severity(enum severity severity)
{
	static const char *const texts[] = {
		[SEVERITY_ERROR] = "error", [SEVERITY_WARNING] = "warning", [SEVERITY_NOTE] = "note"};

	return texts[severity];
}

/** findings_path() - @file without "./" in front, as those who look it up in a repository want it */
const char *findings_path(const char *file)
{
	while (strncmp(file, "./", 2) == 0) {
		file += 2;
		file += strspn(file, "/");
	}
	return file;
}

/** findings_format() - The format of a name, NULL: there is none */
const struct findings_format *findings_format(const char *name)
{
	static const struct findings_format formats[] = {
		{"text", findings_print_text},	 {"json", findings_print_json},	    {"sarif", findings_print_sarif},
		{"junit", findings_print_junit}, {"github", findings_print_github},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(formats); i++)
		if (strcmp(name, formats[i].name) == 0)
			return &formats[i];
	return NULL;
}
