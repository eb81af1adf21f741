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

#include "ipam/guard/embedded.h"
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

/** struct claims_on - What entries say of an address, the most specific one aside */
struct claims_on {
	bool reserved;
	bool granted;
};

/** claims_on() - Of all entries those that hold an address */
static struct claims_on claims_on(const struct guard *guard, const struct address *address)
{
	struct claims_on claims = {false, false};

	for (size_t i = 0; i < guard_n_entries(guard); i++) {
		struct guard_entry entry = guard_entry(guard, i);
		bool holds = span_contains(&entry.span, address);

		claims.reserved |= holds && entry.kind == GUARD_RESERVED;
		claims.granted |= holds && entry.kind == GUARD_GRANTED;
	}
	return claims;
}

/** check_edge() - Check the guard's word on one address, and on the IPv4 address that stands in it, against all its entries */
static void check_edge(const struct guard *guard, const struct address *address)
{
	struct address all[1 + EMBEDDED_FORMS] = {*address};
	struct span span = span_of_address(address), inner;
	struct guard_entry winner;
	bool reserved = guard_decide(guard, address, &winner) == GUARD_E_RESERVED, holds = false, covered = false;
	size_t n = 1;

	for (size_t form = 0; form < EMBEDDED_FORMS; form++)
		if (embedded_inner(form, &span, &inner))
			all[n++] = (struct address){.family = inner.family, .value = inner.first};
	for (size_t i = 0; i < n; i++) {
		struct claims_on claims = claims_on(guard, &all[i]);

		holds |= reserved && span_contains(&winner.span, &all[i]);
		covered |= claims.reserved;
		require(reserved || !claims.reserved || claims.granted);
	}
	require(!reserved || (winner.kind == GUARD_RESERVED && holds && covered));
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
