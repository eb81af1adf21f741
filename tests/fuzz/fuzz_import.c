/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as a table of each format. It comes to the same however it is cut into pieces; each entry has a line of the
 * text, and texts that are UTF-8 in one line; and what ends the reading has been reported.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/policy/import.h"
#include "plugin/report/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** is_line() - Whether a text can stand in one line of a message */
static bool is_line(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			return false;
	return utf8_valid(text);
}

/** hear() - Listener that looks at each finding */
static void hear(struct report *report, const struct finding *finding)
{
	(void)report;
	require(finding->rule == RULE_POLICY && *finding->message && is_line(finding->message));
	/* "" is the document. */
	require(pointer_line(finding->pointer) > 0 || *finding->pointer == '/' || !*finding->pointer);
}

/** struct outcome - What an import came to */
struct outcome {
	struct guard *guard;
	struct report report;
	int result;
};

/** import_pieces() - Import a table, @piece bytes at a time but the first three together */
static struct outcome import_pieces(const struct import_spec *spec, const uint8_t *data, size_t size, size_t piece)
{
	struct outcome outcome = {.report = {.heard = hear}};
	struct reader reader = {.file = "p.json", .report = &outcome.report};
	struct import import;
	int r = 0;

	require(guard_new(&outcome.guard) == 0 && import_init(&import, spec, &reader, "t.csv", outcome.guard) == 0);
	for (size_t at = 0, n; at < size && !r; at += n) {
		n = at == 0 && piece < 3 ? 3 : piece;
		n = n < size - at ? n : size - at;
		r = import_feed(&import, data + at, n);
	}
	outcome.result = r ? r : import_finish(&import);
	require(outcome.result == 0 || outcome.result == -E2BIG ||
		(outcome.result == REFUSED && outcome.report.errors > 0));
	import_done(&import);
	return outcome;
}

/** require_same() - Two imports of one text came to the same */
static void require_same(const struct outcome *a, const struct outcome *b)
{
	require(a->result == b->result && a->report.errors == b->report.errors);
	require(guard_n_entries(a->guard) == guard_n_entries(b->guard));
	for (size_t i = 0; i < guard_n_entries(a->guard); i++) {
		struct guard_entry left = guard_entry(a->guard, i), right = guard_entry(b->guard, i);

		require(left.span.first == right.span.first && left.span.last == right.span.last &&
			left.span.family == right.span.family);
		require(!strcmp(left.pointer, right.pointer) && !strcmp(left.owner, right.owner));
	}
}

/** check_entries() - What must hold for each entry of a text of that size */
static void check_entries(const struct guard *guard, size_t size)
{
	unsigned before = 0;

	for (size_t i = 0; i < guard_n_entries(guard); i++) {
		struct guard_entry entry = guard_entry(guard, i);
		unsigned line = pointer_line(entry.pointer);

		require(*entry.pointer == '/' || (line > 1 && line >= before && line <= size));
		require(is_line(entry.owner) && is_line(entry.reason) && strlen(entry.owner) <= LIMIT_IMPORT_TEXT);
		before = line;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *values[] = {"active", "fra", ""};
	static const struct import_spec specs[] = {
		{.format = IMPORT_NETBOX, .texts = {{.column = "owner"}, {.constant = "x"}}},
		{.format = IMPORT_NETBOX,
		 .filters = {{"status", values, 3}},
		 .n_filters = 1,
		 .texts = {{.column = "tenant"}, {.column = "Description"}}},
		{.format = IMPORT_PHPIPAM, .texts = {{.column = "customer"}}},
		{.format = IMPORT_INFOBLOX, .texts = {{.column = "EA-Owner"}, {.column = "comment"}}},
		{.format = IMPORT_INFOBLOX, .filters = {{"ea-site", values, 3}}, .n_filters = 1},
		{.format = IMPORT_CSV,
		 .items = "",
		 .layout = {.format = IMPORT_CSV, .form = IMPORT_ANY, .n_required = 1, .columns = {"prefix"}},
		 .valid_until = "until",
		 .texts = {{.column = "owner"}}},
		{.format = IMPORT_CSV,
		 .items = "",
		 .header = 2,
		 .encoding = IMPORT_WINDOWS1252,
		 .layout =
			 {.format = IMPORT_CSV, .form = IMPORT_MASK, .n_required = 2, .columns = {"address", "mask"}}},
		{.format = IMPORT_JSON,
		 .items = "/results",
		 .layout = {.format = IMPORT_JSON, .form = IMPORT_ANY, .n_required = 1, .columns = {"/prefix"}},
		 .filters = {{"/status/value", values, 3}},
		 .n_filters = 1,
		 .texts = {{.column = "/tenant/name"}}},
		{.format = IMPORT_ROUTES,
		 .items = "",
		 .layout = {.format = IMPORT_ROUTES, .form = IMPORT_ANY, .n_required = 1, .columns = {"dst"}}},
	};

	for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
		struct outcome whole = import_pieces(&specs[i], data, size, size ? size : 1);
		struct outcome pieces = import_pieces(&specs[i], data, size, size ? data[0] % 7U + 1 : 1);

		require_same(&whole, &pieces);
		check_entries(whole.guard, size);
		require(guard_seal(whole.guard) == 0);
		guard_free(whole.guard);
		guard_free(pieces.guard);
	}
	return 0;
}
