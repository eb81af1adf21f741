/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any JSON as a policy. What was read without error can be sealed and linted, and each entry decides as it says: the
 * first and last address of a reserved one are reserved unless a grant holds them. Read entry by entry, the text comes to
 * the same entries, or is left to be read as a whole.
 */

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugin/policy/import.h"
#include "plugin/policy/policy.h"
#include "plugin/policy/policy_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** hear() - Listener that looks at each finding's texts */
static void hear(struct report *report, const struct finding *finding)
{
	(void)report;
	require(finding->message[0] && finding->file && finding->pointer);
}

/** check_edge() - Hold the guard's word on one address against all of its entries */
static void check_edge(const struct guard *guard, const struct address *address)
{
	struct guard_entry winner;
	bool reserved = guard_decide(guard, address, &winner) == GUARD_E_RESERVED, covered = false, granted = false;

	for (size_t i = 0; i < guard_n_entries(guard); i++) {
		struct guard_entry entry = guard_entry(guard, i);
		bool holds = span_contains(&entry.span, address);

		covered |= holds && entry.kind == GUARD_RESERVED;
		granted |= holds && entry.kind == GUARD_GRANTED;
	}
	require(!reserved || (winner.kind == GUARD_RESERVED && span_contains(&winner.span, address)));
	require(reserved ? covered : granted || !covered);
}

/** check_imports() - What is read of each import without error names a file and a format */
static void check_imports(const json_t *policy, struct report *report)
{
	struct reader reader = {.file = "policy.json", .report = report};
	size_t index;
	json_t *element;

	json_array_foreach(json_object_get(policy, "imports"), index, element) {
		struct import_spec spec;
		const char *file = NULL;
		int r = import_spec_read(&reader, element, &spec, &file);

		require(r == REFUSED || (r == 0 && *file && *file != '/' && import_format_names[spec.format]));
		import_spec_done(&spec);
	}
}

/** check_entries() - Read the text entry by entry: @whole (NULL: not well-formed) tells what it must come to */
static void check_entries(const uint8_t *data, size_t size, const struct policy_context *context,
			  const struct guard *whole)
{
	struct report report = {.heard = hear};
	POLICY_SOURCE_CLEANUP struct policy_source source = {.fd = memfd_create("policy.json", MFD_CLOEXEC),
							     .path = "policy.json",
							     .context = context,
							     .report = &report};
	GUARD_CLEANUP struct guard *guard = NULL;
	int r;

	require(guard_new(&guard) == 0 && source.fd >= 0);
	require(write(source.fd, data, size) == (ssize_t)size && lseek(source.fd, 0, SEEK_SET) == 0);
	r = policy_read_entries(guard, &source);
	require(r == 0 || r == POLICY_ENTRIES_E_ODD);
	require(!report.errors && !report.warnings);
	require(r || (whole && guard_n_entries(guard) == guard_n_entries(whole)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct policy_context context = {.network = "pods", .today = 20999, .lint = true};
	struct report report = {.heard = hear};
	GUARD_CLEANUP struct guard *guard = NULL;
	json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	bool imports;
	int r;

	if (!json) {
		check_entries(data, size, &context, NULL);
		return 0;
	}
	require(guard_new(&guard) == 0);
	check_imports(json, &report);
	report.errors = 0;
	/* The tables would be real files. */
	imports = json_object_del(json, "imports") == 0;
	r = policy_read_json(guard, json, "policy.json", "", &context, &report);
	json_decref(json);
	require(r == (report.errors ? REFUSED : 0));
	if (!imports)
		check_entries(data, size, &context, r ? NULL : guard);
	require(policy_lint(guard, &report) == 0 && guard_seal(guard) == 0);
	for (size_t i = 0; i < guard_n_entries(guard) && i < 64; i++) {
		struct span span = guard_entry(guard, i).span;

		check_edge(guard, &(struct address){.family = span.family, .value = span.first});
		check_edge(guard, &(struct address){.family = span.family, .value = span.last});
	}
	return 0;
}
