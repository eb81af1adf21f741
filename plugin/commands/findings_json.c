/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as a JSON document of our own, version 1. */

#include <string.h>

#include "plugin/commands/findings.h"
#include "plugin/commands/rules.h"
#include "plugin/report/utf8.h"
#include "rangeguard/cleanup.h"

/** findings_json_text() - A text of any bytes (file names, cut messages) as JSON; NULL without memory */
json_t *findings_json_text(const char *text)
{
	CLEANUP_FREE char *copy = strdup(text);

	if (!copy)
		return NULL;
	utf8_mend(copy);
	return json_string(copy);
}

/** pointer_json() - Pointer of a place, "" when it has none */
static json_t *pointer_json(const struct place *place)
{
	return findings_json_text(findings_pointer(place));
}

/** place_to_json() - A place, NULL without memory */
static json_t *place_to_json(const struct place *place)
{
	return json_pack("{s:o, s:o, s:i}", "file", findings_json_text(place->file), "pointer", pointer_json(place),
			 "line", (int)place->line);
}

/** related_to_json() - The other side, and the alias that the place was met through, as an array; NULL without memory */
static json_t *related_to_json(const struct kept_finding *item)
{
	json_t *places = json_array();
	struct place alias;
	int r = item->related.file ? json_array_append_new(places, place_to_json(&item->related)) : 0;

	if (!r && findings_alias(&item->at, &alias))
		r = json_array_append_new(places, place_to_json(&alias));
	if (!r)
		return places;
	json_decref(places);
	return NULL;
}

/** finding_to_json() - One finding */
static json_t *finding_to_json(const struct kept_finding *item)
{
	char rule[RULE_TEXT_MAX];

	return json_pack("{s:s, s:s, s:o, s:o, s:i, s:i, s:o, s:o}", "rule", rules_format(item->rule, rule), "severity",
			 findings_severity(item->severity), "file", findings_json_text(item->at.file), "pointer",
			 pointer_json(&item->at), "line", (int)item->at.line, "column", (int)item->at.column, "message",
			 findings_json_text(item->message), "related", related_to_json(item));
}

/** unread_to_json() - Kinds that are not read, and how many resources are of them */
static json_t *unread_to_json(const struct findings *findings)
{
	json_t *object = json_object();

	for (size_t i = 0; i < findings->n_unread; i++)
		(void)json_object_set_new(object, findings->unread[i].kind,
					  json_integer((json_int_t)findings->unread[i].n));
	return object;
}

/** findings_print_json() - As section 8 of the contract has them */
int findings_print_json(const struct findings *findings, FILE *stream)
{
	json_t *list = json_array();
	json_t *root = json_pack("{s:i, s:i, s:i, s:o, s:i, s:{s:i, s:i}, s:o}", "version", 1, "files",
				 (int)findings->files.n_paths, "notRead", (int)findings_n_passed_over(findings),
				 "notReadKinds", unread_to_json(findings), "reserved", (int)findings->n_reserved,
				 "summary", "errors", (int)findings->report.errors, "warnings",
				 (int)findings->report.warnings, "findings", list);
	int r = 0;

	for (size_t i = 0; i < findings->n_items && !r; i++)
		r = json_array_append_new(list, finding_to_json(&findings->items[i]));
	if (!r)
		r = json_dumpf(root, stream, JSON_INDENT(2));
	json_decref(root);
	return r || fputc('\n', stream) == EOF ? -1 : 0;
}
