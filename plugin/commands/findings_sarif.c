/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings as SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format), which GitHub code scanning and editors
 * read. One run, with all rules, so that a rule's index never depends on what was found.
 */

#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include "plugin/commands/findings.h"
#include "plugin/commands/rules.h"
#include "rangeguard/cleanup.h"

#ifndef RANGEGUARD_VERSION
#error "RANGEGUARD_VERSION must be the project's version"
#endif

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"
/** Counts up when what the fingerprint is made of changes, as the specification wants it (section 3.27.17) */
#define FINGERPRINT "rangeguard/v1"
#define FINGERPRINT_TEXT_MAX 33

/** is_unreserved() - Whether a byte stands for itself in the path of a URI (RFC 3986 section 2.3), or is its slash */
static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~/", c));
}

/** uri_of() - URI of a file: relative, file: when its path is absolute; owned, NULL without memory */
static char *uri_of(const char *file)
{
	char *uri = NULL;
	size_t size;
	FILE *stream = open_memstream(&uri, &size);

	if (!stream)
		return NULL;
	file = findings_path(file);
	if (*file == '/')
		(void)fputs("file://", stream);
	for (; *file; file++)
		(void)fprintf(stream, is_unreserved(*file) ? "%c" : "%%%02X", (unsigned char)*file);
	if (fclose(stream)) {
		free(uri);
		return NULL;
	}
	return uri;
}

/** message() - A text as SARIF's message object */
static json_t *message(const char *text)
{
	return json_pack("{s:o}", "text", findings_json_text(text));
}

/** location() - A place; a file alone where the line is not known */
static json_t *location(const struct place *place)
{
	CLEANUP_FREE char *uri = uri_of(place->file);
	json_t *physical = json_pack("{s:{s:s}}", "artifactLocation", "uri", uri);

	if (physical && place->line)
		(void)json_object_set_new(physical, "region",
					  json_pack("{s:i, s:i}", "startLine", (int)place->line, "startColumn",
						    (int)(place->column ? place->column : 1)));
	return json_pack("{s:o}", "physicalLocation", physical);
}

/** add_location() - A place with words to an array of them; 0 or -1 */
static int add_location(json_t *places, const struct place *place, const char *words)
{
	json_t *other = location(place);

	(void)json_object_set_new(other, "message", message(words));
	return json_array_append_new(places, other);
}

/** related_locations() - The other side, and the alias that the place was met through; NULL without memory */
static json_t *related_locations(const struct kept_finding *item)
{
	json_t *places = json_array();
	struct place alias;
	int r = item->related.file ? add_location(places, &item->related, "the other side of this finding") : 0;

	if (!r && findings_alias(&item->at, &alias))
		r = add_location(places, &alias, "the alias that stands for it");
	if (!r)
		return places;
	json_decref(places);
	return NULL;
}

/**
 * fingerprint() - What stays the same when the lines of a file move
 * @item:	Finding: its rule, file and pointer count; of a row in a table its message
 * @buffer:	Space for the text
 *
 * Return: @buffer, NULL without memory
 */
static const char *fingerprint(const struct kept_finding *item, char buffer[static FINGERPRINT_TEXT_MAX])
{
	CLEANUP_FREE char *text = NULL;
	XXH128_hash_t digest;
	/* A row has no place but its line. */
	bool row = item->at.pointer && pointer_line(item->at.pointer);
	int length = asprintf(&text, "%d\n%s\n%s", (int)item->rule, findings_path(item->at.file),
			      row ? item->message : findings_pointer(&item->at));

	if (length < 0) {
		text = NULL;
		return NULL;
	}
	digest = XXH3_128bits(text, (size_t)length);
	(void)snprintf(buffer, FINGERPRINT_TEXT_MAX, "%016" PRIx64 "%016" PRIx64, digest.high64, digest.low64);
	return buffer;
}

/** result() - One finding */
static json_t *result(const struct kept_finding *item)
{
	char rule[RULE_TEXT_MAX], digest[FINGERPRINT_TEXT_MAX];
	json_t *object = json_pack("{s:s, s:i, s:s, s:o, s:[o], s:{s:s}}", "ruleId", rules_format(item->rule, rule),
				   "ruleIndex", (int)rules_index(item->rule), "level",
				   findings_severity(item->severity), "message", message(item->message), "locations",
				   location(&item->at), "partialFingerprints", FINGERPRINT, fingerprint(item, digest));

	if (object && (item->related.file || item->at.alias_line) &&
	    json_object_set_new(object, "relatedLocations", related_locations(item))) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/** results() - All findings; NULL without memory */
static json_t *results(const struct findings *findings)
{
	json_t *array = json_array();

	for (size_t i = 0; i < findings->n_items; i++) {
		if (json_array_append_new(array, result(&findings->items[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/** descriptor() - One rule */
static json_t *descriptor(const struct rule_text *text)
{
	char rule[RULE_TEXT_MAX];

	return json_pack("{s:s, s:o, s:o}", "id", rules_format(text->rule, rule), "shortDescription",
			 message(text->finding), "help", message(text->remedy));
}

/** descriptors() - The rules; NULL without memory */
static json_t *descriptors(void)
{
	size_t count;
	const struct rule_text *rules = rules_all(&count);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		if (json_array_append_new(array, descriptor(&rules[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/** findings_print_sarif() - One log file with one run */
int findings_print_sarif(const struct findings *findings, FILE *stream)
{
	/* Columns are code points: see locate.h. */
	json_t *root =
		json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:s, s:o}]}", "$schema", SCHEMA, "version", "2.1.0",
			  "runs", "tool", "driver", "name", "rangeguard", "version", RANGEGUARD_VERSION, "rules",
			  descriptors(), "columnKind", "unicodeCodePoints", "results", results(findings));
	int r = root ? json_dumpf(root, stream, JSON_INDENT(2)) : -1;

	json_decref(root);
	return r || fputc('\n', stream) == EOF ? -1 : 0;
}
