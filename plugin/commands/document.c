/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that `validate` reads, one after the other. */

#include "plugin/commands/document.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plugin/text/source.h"
#include "plugin/text/template.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** documents_init() - Nothing read yet; @policies is filled by the caller afterwards */
void documents_init(struct documents *documents, const struct path_list *policies)
{
	*documents = (struct documents){0};
	findings_init(&documents->findings);
	survey_init(&documents->survey, policies, &documents->findings.report);
}

/** documents_done() - Release all that was read */
void documents_done(struct documents *documents)
{
	survey_done(&documents->survey);
	findings_done(&documents->findings);
}

/** struct duplicate - A key that stands twice, until it is known whose document it is in */
struct duplicate {
	char *pointer;
	unsigned line;
	unsigned column;
};

/**
 * struct reading - A file being read
 * @named:	Somebody wants it read
 * @is_template: It is none of the formats that are read as long as it is not rendered
 * @at:		Pointer of the document at hand
 * @n_known:	Resources of kinds that are read, met before
 * @outcome:	The most that a document of it was
 */
struct reading {
	struct documents *documents;
	const char *file;
	bool named;
	bool is_template;
	struct pointer at;
	size_t n_known;
	enum survey_kind outcome;
	struct duplicate *duplicates;
	size_t n_duplicates;
};

/** keep_duplicate() - Remember a key that stands twice in its object */
static void keep_duplicate(void *userdata, const char *pointer, unsigned line, unsigned column)
{
	struct reading *reading = userdata;
	struct duplicate *duplicates;

	if (reading->n_duplicates == LIMIT_DUPLICATES)
		return;
	duplicates = reallocarray(reading->duplicates, reading->n_duplicates + 1, sizeof(*duplicates));
	if (!duplicates) {
		reading->documents->findings.failed = true;
		return;
	}
	reading->duplicates = duplicates;
	duplicates[reading->n_duplicates++] =
		(struct duplicate){.pointer = strdup(pointer), .line = line, .column = column};
}

/** tell_duplicates() - Keys that stand twice in the document at hand (RG005): in others' objects their owners decide */
static void tell_duplicates(struct reading *reading, enum survey_kind outcome)
{
	for (size_t i = 0; i < reading->n_duplicates; i++) {
		const struct duplicate *duplicate = &reading->duplicates[i];
		struct pointer pointer = reading->at;
		struct finding finding = {
			.rule = RULE_DUPLICATE,
			.severity = outcome == SURVEY_OURS ? SEVERITY_ERROR : SEVERITY_WARNING,
			.file = reading->file,
			.pointer = pointer.text,
			.line = duplicate->line,
			.column = duplicate->column,
			.message = "this key stands twice in its object; remove one",
		};

		(void)snprintf(pointer.text + pointer.length, sizeof(pointer.text) - pointer.length, "%s",
			       duplicate->pointer ? duplicate->pointer : "");
		if (outcome != SURVEY_UNKNOWN)
			report_finding(&reading->documents->findings.report, &finding);
		free(duplicate->pointer);
	}
	reading->n_duplicates = 0;
}

/** tell_template() - A template: what it says is not known */
static void tell_template(struct reading *reading)
{
	struct finding finding = {
		.rule = RULE_NOT_JSON,
		.severity = SEVERITY_WARNING,
		.file = reading->file,
		.pointer = "",
		.line = 1,
		.column = 1,
		.message = "a template, which is not read; render it first: helm template … | rangeguard validate -",
	};

	reading->is_template = true;
	if (reading->named)
		report_finding(&reading->documents->findings.report, &finding);
}

/**
 * report_syntax() - Neither JSON nor YAML (RG001); of files that nobody has named only theirs who know them
 *
 * What YAML can read with braces in its texts (alerts of Prometheus', an inventory of Ansible's) is no template.
 */
static void report_syntax(struct reading *reading, const struct values *values)
{
	enum values_syntax syntax = values_syntax_of(reading->file);
	bool has_braces = syntax == VALUES_EITHER && template_find(values->text, values->size);
	bool is_warning = !reading->named && reading->outcome == SURVEY_UNKNOWN &&
			  (syntax == VALUES_XML || (syntax == VALUES_EITHER && !values->is_whole));
	char message[sizeof(values->problem) + 64];
	struct finding finding = {
		.rule = RULE_NOT_JSON,
		.severity = is_warning ? SEVERITY_WARNING : SEVERITY_ERROR,
		.file = reading->file,
		.pointer = "",
		.line = values->line,
		.column = values->column,
		.message = message,
	};

	if (has_braces && reading->outcome == SURVEY_UNKNOWN) {
		tell_template(reading);
		return;
	}
	(void)snprintf(message, sizeof(message), "%s%s", values->problem,
		       has_braces ? "; if it is a template, render it first" : "");
	report_finding(&reading->documents->findings.report, &finding);
	/* It was read, as far as that goes. */
	if (reading->outcome == SURVEY_UNKNOWN)
		reading->outcome = SURVEY_OTHERS;
}

/** refuse_unknown() - A file that was named is of no kind that is read: say what it is */
static void refuse_unknown(struct reading *reading, const json_t *root)
{
	const char *version = json_string_value(json_object_get(root, "apiVersion"));
	const char *kind = json_string_value(json_object_get(root, "kind"));
	struct report *report = &reading->documents->findings.report;

	if (reading->documents->survey.n_known > reading->n_known)
		report_error(report, RULE_INVALID_VALUE, reading->file, "",
			     "of kinds that are read, but no address stands in it, so nothing was checked");
	else if (version && kind)
		report_error(report, RULE_INVALID_VALUE, reading->file, "",
			     "kind %.64s of %.64s is not read; rangeguard-validate(1) lists the kinds that are", kind,
			     version);
	else if (!root)
		report_error(report, RULE_INVALID_VALUE, reading->file, "",
			     "the file is empty, so nothing in it was checked");
	else if (!json_is_object(root))
		report_error(report, RULE_INVALID_VALUE, reading->file, "", "the document must be a JSON object");
	else
		report_error(
			report, RULE_INVALID_VALUE, reading->file, "",
			"neither a network configuration (type or plugins) nor a policy (reserved, granted, "
			"imports), a network of netavark (subnets), Docker's daemon.json or a cluster's pools, nor "
			"another kind that rangeguard-validate(1) lists");
}

/** read_document() - Look at the document at hand, and find the places of what was found */
static void read_document(struct reading *reading, struct values *values)
{
	struct documents *documents = reading->documents;
	size_t n_before = documents->findings.n_items;
	enum survey_kind outcome;
	char prefix[24] = "";

	if (values->number > 1)
		(void)snprintf(prefix, sizeof(prefix), "#%u", values->number);
	reading->at = pointer_of(prefix);
	outcome = survey_document(&documents->survey, values->root, reading->file, &reading->at);
	if (outcome > reading->outcome || outcome == SURVEY_OURS)
		reading->outcome = outcome;
	tell_duplicates(reading, outcome);
	findings_locate(&documents->findings, n_before, reading->file, values);
}

/** read_documents() - Each document of a text; @ret_first: the first one that is not empty; 0 or negative errno */
static int read_documents(struct reading *reading, struct values *values, json_t **ret_first)
{
	int r;

	while ((r = values_next(values)) == 0) {
		if (json_is_null(values->root))
			continue;
		if (!*ret_first)
			*ret_first = json_incref(values->root);
		read_document(reading, values);
	}
	if (r == VALUES_E_SYNTAX)
		report_syntax(reading, values);
	return r < 0 ? r : 0;
}

/** begins_as_template() - Whether a text that should be JSON begins with what is still to be filled in */
static bool begins_as_template(const struct source *text)
{
	return text->size >= 2 && (memcmp(text->text, "{{", 2) == 0 || memcmp(text->text, "{%", 2) == 0);
}

/** is_of_others() - Whether a file that nobody has named is another program's: many have a NAME.conf that was never JSON,
 * and Perl's documentation has podman's suffix */
static bool is_of_others(const struct reading *reading, const struct source *text)
{
	size_t blanks = strspn(text->text, " \t\r\n");

	if (reading->named)
		return false;
	if (fnmatch("*.pod", reading->file, FNM_CASEFOLD) == 0)
		return !strchr("[#;", text->text[blanks]);
	return values_syntax_of(reading->file) == VALUES_JSON && fnmatch("*.conf", reading->file, FNM_CASEFOLD) == 0 &&
	       !strchr("{[", text->text[blanks]);
}

/** close_reading() - Count the file: as read, or as passed over */
static void close_reading(struct reading *reading, const json_t *first)
{
	struct findings *findings = &reading->documents->findings;

	/* What a chart is rendered to need not declare any address. */
	if (strcmp(reading->file, "<stdin>") == 0 && reading->documents->survey.n_known > reading->n_known &&
	    reading->outcome == SURVEY_UNKNOWN)
		reading->outcome = SURVEY_OTHERS;
	if (reading->outcome == SURVEY_UNKNOWN && (!reading->named || reading->is_template)) {
		findings_pass_over(findings, reading->file);
		return;
	}
	if (path_list_add(&findings->files, reading->file))
		findings->failed = true;
	if (reading->outcome == SURVEY_UNKNOWN) {
		refuse_unknown(reading, first);
		if (findings->n_items) {
			findings->items[findings->n_items - 1].at.line = 1;
			findings->items[findings->n_items - 1].at.column = 1;
		}
	}
}

/** read_text() - A file's text; 0 or negative errno */
static int read_text(struct reading *reading, const struct source *text)
{
	VALUES_CLEANUP struct values values = {0};
	json_t *first = NULL;
	int r;

	if (values_syntax_of(reading->file) != VALUES_EITHER && begins_as_template(text)) {
		tell_template(reading);
		close_reading(reading, NULL);
		return 0;
	}
	r = values_start(&values, text->text, text->size, values_syntax_of(reading->file));
	if (r == VALUES_E_SYNTAX)
		report_syntax(reading, &values);
	if (!r)
		r = values_duplicates(&values, keep_duplicate, reading);
	if (!r)
		r = read_documents(reading, &values, &first);
	if (r >= 0)
		close_reading(reading, first);
	json_decref(first);
	return r < 0 ? r : 0;
}

/** is_regular() - Whether a file can be read again */
static bool is_regular(const char *path)
{
	struct stat status;

	return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/**
 * documents_read() - Validate one file
 * @documents:	What has been read; gets the findings
 * @path:	File, "-" for standard input
 * @named:	Somebody wants it read: it is an error when nothing is known of such a file; else it is passed over
 *
 * Return: 0 also with findings, negative errno when it can't be read
 */
int documents_read(struct documents *documents, const char *path, bool named)
{
	struct reading reading = {
		.documents = documents, .file = strcmp(path, "-") == 0 ? "<stdin>" : path, .named = named};
	SOURCE_CLEANUP struct source source = {0};
	struct source text;
	int r = source_read(path, LIMIT_POLICY_FILE, &source);

	if (r < 0)
		return r;
	text = source_without_mark(&source);
	if (is_of_others(&reading, &text)) {
		findings_pass_over(&documents->findings, reading.file);
		return 0;
	}
	findings_begin_file(&documents->findings);
	reading.n_known = documents->survey.n_known;
	r = read_text(&reading, &text);
	tell_duplicates(&reading, SURVEY_UNKNOWN);
	findings_end_file(&documents->findings, reading.file);
	free(reading.duplicates);
	if (!is_regular(path))
		findings_keep_source(&documents->findings, reading.file, &source);
	return r;
}

/**
 * documents_compare() - Compare the networks read with each other
 * @documents:	What has been read; gets the findings
 */
void documents_compare(struct documents *documents)
{
	survey_compare(&documents->survey);
	documents->findings.failed |= documents->survey.failed;
}
