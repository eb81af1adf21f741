/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings as workflow commands of GitHub Actions, which shows them beside the lines of a pull request. Escapes as
 * actions/toolkit does (packages/core/src/command.ts).
 */

#include <string.h>

#include "plugin/commands/findings.h"
#include "plugin/commands/rules.h"
#include "plugin/text/printable.h"

/** print_escaped() - @text, each byte of it that is in @special as %XX; a log shows what a terminal would */
static void print_escaped(const char *text, const char *special, FILE *stream)
{
	while (*text) {
		if (strchr(special, *text))
			(void)fprintf(stream, "%%%02X", (unsigned)(unsigned char)*text++);
		else
			text += printable_print(text, stream);
	}
}

/** print_property() - The value of a property, which ends at a comma or colon */
static void print_property(const char *text, FILE *stream)
{
	print_escaped(text, "%\r\n:,", stream);
}

/** print_message() - What follows the two colons, to the end of the line */
static void print_message(const char *text, FILE *stream)
{
	print_escaped(text, "%\r\n", stream);
}

/** print_finding() - One command, the other side at the end of its message */
static void print_finding(const struct kept_finding *item, FILE *stream)
{
	char rule[RULE_TEXT_MAX];

	(void)fprintf(stream,
		      "::%s file=", item->severity == SEVERITY_NOTE ? "notice" : findings_severity(item->severity));
	print_property(findings_path(item->at.file), stream);
	if (item->at.line)
		(void)fprintf(stream, ",line=%u,col=%u", item->at.line, item->at.column);
	(void)fprintf(stream, ",title=%s::", rules_format(item->rule, rule));
	print_message(item->message, stream);
	if (item->related.file && item->related.line) {
		(void)fputs(" (see ", stream);
		print_message(findings_path(item->related.file), stream);
		(void)fprintf(stream, ":%u)", item->related.line);
	}
	(void)fputc('\n', stream);
}

/** findings_print_github() - One line each, and nothing else */
int findings_print_github(const struct findings *findings, FILE *stream)
{
	for (size_t i = 0; i < findings->n_items; i++)
		print_finding(&findings->items[i], stream);
	return ferror(stream) ? -1 : 0;
}
