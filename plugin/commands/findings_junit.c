/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings as a JUnit report, which most CI systems show: a test case per file, failed by what fails the run. Warnings
 * that don't are the output of their case.
 */

#include <string.h>

#include "plugin/commands/findings.h"
#include "plugin/commands/rules.h"
#include "plugin/report/utf8.h"
#include "rangeguard/cleanup.h"

/** is_xml() - Whether XML 1.0 can say @character (its section 2.2); surrogates are no UTF-8 already */
static bool is_xml(uint32_t character)
{
	if (character < 0x20)
		return character == '\t' || character == '\n' || character == '\r';
	return character != 0xfffe && character != 0xffff;
}

/** print_xml() - @text, so that it may stand between tags and in attributes; what XML can't say as a question mark */
static void print_xml(const char *text, FILE *stream)
{
	uint32_t character = 0;

	while (*text) {
		size_t length = utf8_decode(text, &character);

		if (!length || !is_xml(character))
			(void)fputc('?', stream);
		else if (character < 0x20 || strchr("&<>\"'", (int)*text))
			(void)fprintf(stream, "&#%u;", (unsigned)character);
		else
			(void)fwrite(text, 1, length, stream);
		text += length ? length : 1;
	}
}

/** is_failure() - Whether a finding fails its file */
static bool is_failure(const struct findings *findings, const struct kept_finding *item)
{
	return item->severity == SEVERITY_ERROR || (item->severity == SEVERITY_WARNING && findings->strict);
}

/** print_line() - "FILE:LINE:COLUMN: warning RG105: MESSAGE" and a line feed */
static void print_line(const struct kept_finding *item, FILE *stream)
{
	char rule[RULE_TEXT_MAX];

	print_xml(item->at.file, stream);
	(void)fprintf(stream, ":%u:%u: %s %s: ", item->at.line, item->at.column, findings_severity(item->severity),
		      rules_format(item->rule, rule));
	print_xml(item->message, stream);
	(void)fputc('\n', stream);
}

/** print_failures() - Those of one file; return their number */
static size_t print_failures(const struct findings *findings, const char *file, FILE *stream)
{
	char rule[RULE_TEXT_MAX];
	size_t count = 0;

	for (size_t i = 0; i < findings->n_items; i++) {
		const struct kept_finding *item = &findings->items[i];

		if (!is_failure(findings, item) || strcmp(item->at.file, file) != 0)
			continue;
		(void)fprintf(stream, "      <failure type=\"%s\" message=\"", rules_format(item->rule, rule));
		print_xml(item->message, stream);
		(void)fputs("\">", stream);
		print_line(item, stream);
		(void)fputs("</failure>\n", stream);
		count++;
	}
	return count;
}

/** print_warnings() - What one file is told without failing */
static void print_warnings(const struct findings *findings, const char *file, FILE *stream)
{
	bool any = false;

	for (size_t i = 0; i < findings->n_items; i++) {
		const struct kept_finding *item = &findings->items[i];

		if (is_failure(findings, item) || strcmp(item->at.file, file) != 0)
			continue;
		if (!any)
			(void)fputs("      <system-out>", stream);
		print_line(item, stream);
		any = true;
	}
	if (any)
		(void)fputs("</system-out>\n", stream);
}

/** print_case() - One file; return 1 when it failed, else 0 */
static size_t print_case(const struct findings *findings, const char *file, FILE *stream)
{
	size_t failures;

	(void)fputs("    <testcase classname=\"rangeguard\" name=\"", stream);
	print_xml(findings_path(file), stream);
	(void)fputs("\">\n", stream);
	failures = print_failures(findings, file, stream);
	print_warnings(findings, file, stream);
	(void)fputs("    </testcase>\n", stream);
	return failures > 0;
}

/** add_case() - Append @file, unless it is in the list; 0 or -ENOMEM */
static int add_case(struct path_list *cases, const char *file)
{
	for (size_t i = 0; i < cases->n_paths; i++)
		if (strcmp(cases->paths[i], file) == 0)
			return 0;
	return path_list_add(cases, file);
}

/** collect_cases() - The files read, and those that a finding is in (policies that a configuration names) */
static int collect_cases(const struct findings *findings, struct path_list *cases)
{
	int r = 0;

	for (size_t i = 0; i < findings->files.n_paths && !r; i++)
		r = add_case(cases, findings->files.paths[i]);
	for (size_t i = 0; i < findings->n_items && !r; i++)
		r = add_case(cases, findings->items[i].at.file);
	return r;
}

/** print_suite() - The document around the cases, which are @body */
static void print_suite(size_t tests, size_t failures, const char *body, FILE *stream)
{
	(void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", stream);
	(void)fprintf(
		stream,
		"  <testsuite name=\"rangeguard validate\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n",
		tests, failures);
	(void)fputs(body, stream);
	(void)fputs("  </testsuite>\n</testsuites>\n", stream);
}

/** findings_print_junit() - One test suite */
int findings_print_junit(const struct findings *findings, FILE *stream)
{
	CLEANUP(path_list_done) struct path_list cases = {0};
	CLEANUP_FREE char *body = NULL;
	size_t size, failures = 0;
	FILE *memory;

	/* The suite's head says how many failed, so the cases are written first. */
	if (collect_cases(findings, &cases))
		return -1;
	memory = open_memstream(&body, &size);
	if (!memory)
		return -1;
	for (size_t i = 0; i < cases.n_paths; i++)
		failures += print_case(findings, cases.paths[i], memory);
	if (fclose(memory))
		return -1;
	print_suite(cases.n_paths, failures, body, stream);
	return ferror(stream) ? -1 : 0;
}
