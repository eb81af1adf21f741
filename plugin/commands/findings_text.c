/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings for people: one line each in the form that compilers use, and a summary. */

#include "plugin/commands/findings.h"
#include "plugin/commands/rules.h"
#include "plugin/text/colour.h"
#include "plugin/text/printable.h"

/** print_place() - "FILE:LINE:COLUMN", without what is not known */
static void print_place(const struct place *place, FILE *stream)
{
	(void)print_printable(place->file, stream);
	if (place->line)
		(void)fprintf(stream, ":%u:%u", place->line, place->column);
}

/** print_severity() - " error RG101: ", the severity coloured */
static void print_severity(const struct kept_finding *item, bool colour, FILE *stream)
{
	char rule[RULE_TEXT_MAX];

	(void)fprintf(stream, " %s%s%s %s: ",
		      colour_begin(colour, item->severity == SEVERITY_ERROR ? COLOUR_BAD : COLOUR_DOUBTFUL),
		      findings_severity(item->severity), colour_end(colour), rules_format(item->rule, rule));
}

/** print_other() - "  see FILE:LINE:COLUMN", a line of its own */
static void print_other(const char *words, const struct place *place, FILE *stream)
{
	(void)fputs(words, stream);
	print_place(place, stream);
	(void)fputc('\n', stream);
}

/** print_finding() - One finding, and its other sides */
static void print_finding(const struct kept_finding *item, bool colour, FILE *stream)
{
	struct place alias;

	(void)fputs(colour_begin(colour, COLOUR_PLACE), stream);
	print_place(&item->at, stream);
	(void)fprintf(stream, ":%s", colour_end(colour));
	print_severity(item, colour, stream);
	(void)print_printable(item->message, stream);
	if (*findings_pointer(&item->at)) {
		(void)fputs(" [", stream);
		(void)print_printable(item->at.pointer, stream);
		(void)fputc(']', stream);
	}
	(void)fputc('\n', stream);
	if (item->related.file)
		print_other("  see ", &item->related, stream);
	if (findings_alias(&item->at, &alias))
		print_other("  used by the alias at ", &alias, stream);
}

/** print_count() - "2 files", "1 file" */
static void print_count(size_t count, const char *noun, const char *after, FILE *stream)
{
	(void)fprintf(stream, "%zu %s%s%s", count, noun, count == 1 ? "" : "s", after);
}

/** print_passed_over() - "3 not read (2 .yaml, 1 .json of no kind that is known)", if there are any */
static void print_passed_over(const struct findings *findings, FILE *stream)
{
	static const char *const names[] = {[PASSED_JSON] = ".json", [PASSED_YAML] = ".yaml", [PASSED_OTHER] = "other"};
	const char *separator = "";

	if (!findings_n_passed_over(findings))
		return;
	(void)fprintf(stream, "%zu not read (", findings_n_passed_over(findings));
	for (size_t i = 0; i < N_PASSED_OVER; i++) {
		if (!findings->n_passed_over[i])
			continue;
		(void)fprintf(stream, "%s%zu %s", separator, findings->n_passed_over[i], names[i]);
		separator = ", ";
	}
	(void)fputs(" without a known kind), ", stream);
}

/** print_unread() - "resources not read: Role (3), Secret (1), " if there are any */
static void print_unread(const struct findings *findings, FILE *stream)
{
	for (size_t i = 0; i < findings->n_unread; i++) {
		(void)fputs(i ? "" : "resources not read: ", stream);
		(void)print_printable(findings->unread[i].kind, stream);
		(void)fprintf(stream, " (%zu), ", findings->unread[i].n);
	}
}

/** print_hits() - "would be hit: db-platform: 3 containers, 1 pool", a line for each owner */
static void print_hits(const struct findings *findings, FILE *stream)
{
	static const char *const nouns[] = {
		[HIT_CONTAINER] = "container", [HIT_POOL] = "pool", [HIT_HOST] = "address", [N_SURVEY_HITS] = NULL};

	for (size_t i = 0; i < findings->n_hits; i++) {
		const struct hits *hits = &findings->hits[i];
		const char *separator = "";

		(void)fputs("would be hit by reservations of ", stream);
		(void)print_printable(*hits->owner ? hits->owner : "nobody named", stream);
		(void)fputs(": ", stream);
		for (size_t j = 0; nouns[j]; j++) {
			if (!hits->n[j])
				continue;
			(void)fprintf(stream, "%s%zu %s%s", separator, hits->n[j], nouns[j],
				      hits->n[j] == 1 ? ""
				      : j == HIT_HOST ? "es of hosts"
						      : "s");
			separator = ", ";
		}
		(void)fputc('\n', stream);
	}
}

/** findings_print_text() - As text */
int findings_print_text(const struct findings *findings, FILE *stream)
{
	for (size_t i = 0; i < findings->n_items; i++)
		print_finding(&findings->items[i], findings->colour, stream);
	print_hits(findings, stream);
	print_count(findings->files.n_paths, "file", ", ", stream);
	print_passed_over(findings, stream);
	print_unread(findings, stream);
	print_count(findings->report.errors, "error", ", ", stream);
	print_count(findings->report.warnings, "warning", "\n", stream);
	return ferror(stream) ? -1 : 0;
}
