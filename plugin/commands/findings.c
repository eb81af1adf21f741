/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every finding of a validation, with its place in the files. What stands in the file being read is located at once,
 * in the text at hand (it may be standard input); the other side of a finding at the end.
 */

#include "plugin/commands/findings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/commands/locate.h"
#include "rangeguard/limits.h"

/** copy_text() - strdup(3) of what may be NULL */
static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

/** locate_in_source() - Line and column of a place in the file being read */
static void locate_in_source(const struct findings *findings, struct place *place, bool on_key)
{
	if (findings->source && place->file && place->pointer && !place->line &&
	    strcmp(place->file, findings->source_file) == 0)
		(void)locate(findings->source->text, findings->source->size, place->pointer, on_key, &place->line,
			     &place->column);
}

/** is_kept() - Whether the same was found before: a policy is read once for each network that it guards */
static bool is_kept(const struct findings *findings, const struct finding *finding)
{
	for (size_t i = 0; i < findings->n_items; i++) {
		const struct kept_finding *item = &findings->items[i];

		if (item->rule == finding->rule && strcmp(item->at.file, finding->file) == 0 &&
		    strcmp(item->at.pointer, finding->pointer) == 0 && strcmp(item->message, finding->message) == 0)
			return true;
	}
	return false;
}

/** keep() - The listener */
static void keep(struct report *report, const struct finding *finding)
{
	struct findings *findings = (struct findings *)report;
	struct kept_finding *items;

	if (is_kept(findings, finding)) {
		*(finding->severity == SEVERITY_ERROR ? &report->errors : &report->warnings) -= 1;
		return;
	}
	items = reallocarray(findings->items, findings->n_items + 1, sizeof(*items));
	if (!items) {
		findings->failed = true;
		return;
	}
	findings->items = items;
	items[findings->n_items++] = (struct kept_finding){
		.rule = finding->rule,
		.severity = finding->severity,
		.on_key = finding->on_key,
		.message = copy_text(finding->message),
		.at = {copy_text(finding->file), copy_text(finding->pointer), finding->line, finding->column},
		.related = {.file = copy_text(finding->related_file), .pointer = copy_text(finding->related_pointer)},
	};
	locate_in_source(findings, &items[findings->n_items - 1].at, finding->on_key);
	locate_in_source(findings, &items[findings->n_items - 1].related, false);
}

/** findings_init() - A listener that has heard nothing */
void findings_init(struct findings *findings)
{
	*findings = (struct findings){.report = {.heard = keep}};
}

/** findings_done() - Release what was kept */
void findings_done(struct findings *findings)
{
	for (size_t i = 0; i < findings->n_items; i++) {
		struct kept_finding *item = &findings->items[i];

		free(item->message);
		free(item->at.file);
		free(item->at.pointer);
		free(item->related.file);
		free(item->related.pointer);
	}
	free(findings->items);
	*findings = (struct findings){0};
}

/** struct text_cache - The file looked into last: most findings of a run have one policy as their other side */
struct text_cache {
	struct source source;
	const char *file;
};

/** cached_text() - Text of @file, NULL when it can't be read */
static const struct source *cached_text(struct text_cache *cache, const char *file)
{
	if (cache->file && strcmp(cache->file, file) == 0)
		return &cache->source;
	source_done(&cache->source);
	cache->file = source_read(file, LIMIT_POLICY_FILE, &cache->source) == 0 ? file : NULL;
	return cache->file ? &cache->source : NULL;
}

/** locate_place() - Line and column of a place in a file of its own; unknown when that can't be read */
static void locate_place(struct text_cache *cache, struct place *place, bool on_key)
{
	const struct source *source;

	if (!place->file || !place->pointer || place->line)
		return;
	source = cached_text(cache, place->file);
	if (source)
		(void)locate(source->text, source->size, place->pointer, on_key, &place->line, &place->column);
}

/**
 * findings_locate() - Find the line and column of each finding that has no position yet
 * @findings:	Findings
 */
void findings_locate(struct findings *findings)
{
	struct text_cache cache = {0};

	for (size_t i = 0; i < findings->n_items; i++) {
		locate_place(&cache, &findings->items[i].at, findings->items[i].on_key);
		locate_place(&cache, &findings->items[i].related, false);
	}
	source_done(&cache.source);
}

/** severity_text() - As it is printed */
static const char *severity_text(enum severity severity)
{
	return severity == SEVERITY_ERROR ? "error" : "warning";
}

/** print_place() - "FILE:LINE:COLUMN", without what is not known */
static void print_place(const struct place *place, FILE *stream)
{
	(void)fputs(place->file, stream);
	if (place->line)
		(void)fprintf(stream, ":%u:%u", place->line, place->column);
}

/**
 * findings_print_text() - One line per finding in the form that compilers use, and a summary
 * @findings:	Findings, located
 * @n_files:	Files looked at
 * @stream:	Where to
 *
 * Return: 0, -1 when it can't be written
 */
int findings_print_text(const struct findings *findings, size_t n_files, FILE *stream)
{
	for (size_t i = 0; i < findings->n_items; i++) {
		const struct kept_finding *item = &findings->items[i];

		print_place(&item->at, stream);
		(void)fprintf(stream, ": %s RG%03d: %s", severity_text(item->severity), (int)item->rule, item->message);
		if (item->at.pointer && *item->at.pointer)
			(void)fprintf(stream, " [%s]", item->at.pointer);
		(void)fputc('\n', stream);
		if (item->related.file) {
			(void)fputs("  see ", stream);
			print_place(&item->related, stream);
			(void)fputc('\n', stream);
		}
	}
	(void)fprintf(stream, "%zu file%s, %u error%s, %u warning%s\n", n_files, n_files == 1 ? "" : "s",
		      findings->report.errors, findings->report.errors == 1 ? "" : "s", findings->report.warnings,
		      findings->report.warnings == 1 ? "" : "s");
	return fflush(stream) ? -1 : 0;
}

/** related_to_json() - The other side as an array of at most one place */
static json_t *related_to_json(const struct place *related)
{
	json_t *array = json_array();

	if (related->file)
		(void)json_array_append_new(array, json_pack("{s:s, s:s, s:i}", "file", related->file, "pointer",
							     related->pointer ? related->pointer : "", "line",
							     (int)related->line));
	return array;
}

/** finding_to_json() - One finding as section 8 of the contract has it */
static json_t *finding_to_json(const struct kept_finding *item)
{
	char rule[16];

	(void)snprintf(rule, sizeof(rule), "RG%03d", (int)item->rule);
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:o}", "rule", rule, "severity",
			 severity_text(item->severity), "file", item->at.file, "pointer",
			 item->at.pointer ? item->at.pointer : "", "line", (int)item->at.line, "column",
			 (int)item->at.column, "message", item->message, "related", related_to_json(&item->related));
}

/** findings_print_json() - One document, version 1; parameters and outcome as for findings_print_text() */
int findings_print_json(const struct findings *findings, size_t n_files, FILE *stream)
{
	json_t *list = json_array();
	json_t *root =
		json_pack("{s:i, s:i, s:{s:i, s:i}, s:o}", "version", 1, "files", (int)n_files, "summary", "errors",
			  (int)findings->report.errors, "warnings", (int)findings->report.warnings, "findings", list);
	int r;

	for (size_t i = 0; i < findings->n_items; i++)
		(void)json_array_append_new(list, finding_to_json(&findings->items[i]));
	r = json_dumpf(root, stream, JSON_INDENT(2));
	json_decref(root);
	return r || fputc('\n', stream) == EOF || fflush(stream) ? -1 : 0;
}
