/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_split.c, policy_entries.c: a policy that is read one entry after the other comes to the same entries as one
 * that is read as a whole, or is left for that. Whatever text there is in the file.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/policy/policy_internal.h"
#include "plugin/text/policy_split.h"
#include "rangeguard/array.h"

#define A "{\"cidr\": \"10.20.0.0/16\", \"owner\": \"db-platform\", \"reason\": \"Oracle \\\"RAC\\\" ]}[{\\\\\"}"
#define B "{\"range\": \"10.31.4.10-10.31.4.99\", \"validUntil\": \"2027-06-30\", \"x-note\": {\"a\": [1, [2], {}]}}"
#define G "{\"cidr\": \"10.20.64.0/20\", \"network\": \"pods\"}"
#define EXPIRED "{\"cidr\": \"10.9.0.0/16\", \"validUntil\": \"2026-06-30\"}"

static const struct policy_context context = {.network = "pods", .today = 20999};

static void hear(struct report *report, const struct finding *finding)
{
	(void)report;
	(void)finding;
}

/** by_whole() - Read @text as one document: 0, REFUSED */
static int by_whole(struct guard *guard, const char *text, size_t size)
{
	struct report report = {.heard = hear};
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	int r = json ? policy_read_json(guard, json, "p.json", "", &context, &report) : REFUSED;

	json_decref(json);
	return r;
}

/** by_entries() - Read @text as a file, one entry after the other: 0, POLICY_ENTRIES_E_ODD */
static int by_entries(struct guard *guard, const char *text, size_t size)
{
	struct report report = {.heard = hear};
	struct policy_source source = {
		.fd = memfd_create("p.json", MFD_CLOEXEC), .path = "p.json", .context = &context, .report = &report};
	int r;

	assert_true(source.fd >= 0);
	assert_int_equal(write(source.fd, text, size), size);
	assert_int_equal(lseek(source.fd, 0, SEEK_SET), 0);
	r = policy_read_entries(guard, &source);
	if (r == POLICY_ENTRIES_E_ODD) {
		assert_int_equal(guard_n_entries(guard), 0);
		assert_int_equal(lseek(source.fd, 0, SEEK_CUR), 0);
	}
	assert_int_equal(report.errors, 0);
	(void)close(source.fd);
	return r;
}

/** next_of() - Index of the first entry of @kind from @index on */
static size_t next_of(const struct guard *guard, enum guard_kind kind, size_t index)
{
	while (index < guard_n_entries(guard) && guard_entry(guard, index).kind != kind)
		index++;
	return index;
}

/** assert_same_kind() - Both guards have the same entries of @kind in the same order */
static void assert_same_kind(const struct guard *a, const struct guard *b, enum guard_kind kind)
{
	size_t i = next_of(a, kind, 0), j = next_of(b, kind, 0);

	for (; i < guard_n_entries(a) && j < guard_n_entries(b);
	     i = next_of(a, kind, i + 1), j = next_of(b, kind, j + 1)) {
		struct guard_entry left = guard_entry(a, i), right = guard_entry(b, j);

		assert_true(left.span.first == right.span.first && left.span.last == right.span.last);
		assert_int_equal(left.span.family, right.span.family);
		assert_string_equal(left.owner, right.owner);
		assert_string_equal(left.reason, right.reason);
		assert_string_equal(left.ref, right.ref);
		assert_string_equal(left.network, right.network);
		assert_string_equal(left.file, right.file);
		assert_string_equal(left.pointer, right.pointer);
	}
	assert_true(i >= guard_n_entries(a) && j >= guard_n_entries(b));
}

/** compare() - Read @text both ways; return whether it was read entry by entry */
static bool compare(const char *text, size_t size)
{
	GUARD_CLEANUP struct guard *whole = NULL, *entries = NULL;
	int r;

	assert_int_equal(guard_new(&whole), 0);
	assert_int_equal(guard_new(&entries), 0);
	r = by_entries(entries, text, size);
	if (r == POLICY_ENTRIES_E_ODD)
		return false;
	assert_int_equal(r, 0);
	if (by_whole(whole, text, size) != 0)
		fail_msg("only entry by entry it is well: %.*s", (int)size, text);
	assert_same_kind(whole, entries, GUARD_RESERVED);
	assert_same_kind(whole, entries, GUARD_GRANTED);
	return true;
}

static const char *const well_formed[] = {
	"{\"reserved\": [" A "," B "], \"granted\": [" G "]}",
	" {\n\"granted\" : [ " G " ,\t" EXPIRED " ] ,\r\n \"reserved\"\n:\n[" B "] } \n",
	"{\"reserved\": []}",
	"{\"reserved\": [ ], \"granted\": []}",
	"{\"granted\": [" G "]}",
	"{\"x-note\": \"reserved\", \"reserved\": [" A "]}",
	"{\"x-note\": {\"reserved\": [1, 2], \"granted\": {}}, \"reserved\": [" A "]}",
	"{\"x-note\": [\"reserved\", [" A "]], \"reserved\": [" A "," A "]}",
	/* Another spelling of the key is the rest's */
	"{\"reserve\\u0064\": [" A "], \"granted\": [" G "]}",
};

/* Each is left for who reads it as a whole */
static const char *const odd[] = {
	"",
	"[]",
	"[" A "]",
	"{\"reserved\": [" A ",]}",
	"{\"reserved\": [," A "]}",
	"{\"reserved\": [" A " " A "]}",
	"{\"reserved\": [" A "",
	"{\"reserved\": [" A "]",
	"{\"reserved\": [" A "]}}",
	"{\"reserved\": [" A "]} x",
	"{\"reserved\": [1]}",
	"{\"reserved\": [[" A "]]}",
	"{\"reserved\": [\"10.0.0.0/8\"]}",
	"{\"reserved\": [{\"cidr\": \"10.20.0.0/16\"]}]}",
	"{\"reserved\": [{\"cidr\": \"10.20.0.1/16\"}]}",
	"{\"reserved\": [{\"cidr\": \"10.20.0.0/16\", \"cidr\": \"10.20.0.0/16\"}]}",
	"{\"reserved\": [{\"cidr\": \"10.20.0.0/16\", \"onwer\": \"x\"}]}",
	"{\"reserved\": [" A "], \"reserved\": [" A "]}",
	"{\"reserved\": [" A "], \"reserve\\u0064\": [" A "]}",
	"{\"reserved\": [" A "], \"reserved\": null}",
	"{\"reserved\": [" A "], \"grnated\": [" G "]}",
	"{\"reserved\": {\"cidr\": \"10.20.0.0/16\"}}",
	"{\"reserved\" [" A "]}",
	"{\"reserved\": : [" A "]}",
	"[\"reserved\": [" A "]]",
	"{\"reserved\": [" A "], \"x\xff\": 1}",
	"{\"reserved\": [{\"cidr\": \"10.20.0.0/16\", \"owner\": \"\xff\"}]}",
};

static void well_formed_policies_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(well_formed); i++)
		if (!compare(well_formed[i], strlen(well_formed[i])))
			fail_msg("case %zu is left alone", i);
}

static void what_is_odd_is_left_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(odd); i++)
		if (compare(odd[i], strlen(odd[i])))
			fail_msg("case %zu is read", i);
}

/** random_bits() - splitmix64 (public domain, S. Vigna) */
static uint64_t random_bits(void)
{
	static uint64_t seed = 4711;
	uint64_t z = (seed += 0x9e3779b97f4a7c15U);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

/** mutate() - Change, remove or insert a character, or move a piece */
static void mutate(char *text, size_t *size)
{
	static const char characters[] = "{}[]\",:\\ \n01ax";
	size_t at = random_bits() % *size, other = random_bits() % *size;
	char c = characters[random_bits() % (sizeof(characters) - 1)];

	switch (random_bits() % 4) {
	case 0:
		text[at] = c;
		break;
	case 1:
		memmove(text + at, text + at + 1, --*size - at);
		break;
	case 2:
		memmove(text + at + 1, text + at, (*size)++ - at);
		text[at] = c;
		break;
	default:
		c = text[at];
		text[at] = text[other];
		text[other] = c;
		break;
	}
}

static void mutations_are_read_the_same_or_left_alone(void **state)
{
	unsigned n_read = 0, n_left = 0;

	(void)state;
	for (unsigned i = 0; i < 40000; i++) {
		char text[1024];
		const char *from = well_formed[i % ARRAY_LENGTH(well_formed)];
		size_t size = strlen(from);

		(void)snprintf(text, sizeof(text), "%s", from);
		for (uint64_t n = random_bits() % 3 + 1; n > 0 && size > 2; n--)
			mutate(text, &size);
		if (compare(text, size))
			n_read++;
		else
			n_left++;
	}
	assert_true(n_read > 1000 && n_left > 1000);
}

/** struct pieces - What the splitter called back with */
struct pieces {
	char text[2048];
};

static int keep_piece(void *userdata, enum guard_kind kind, const char *text, size_t size)
{
	struct pieces *pieces = userdata;
	size_t length = strlen(pieces->text);

	(void)snprintf(pieces->text + length, sizeof(pieces->text) - length, "%d:%.*s\n", (int)kind, (int)size, text);
	return 0;
}

/* It makes no difference where one read ends and the next begins. */
static void pieces_of_the_text_make_no_difference(void **state)
{
	const char *text = well_formed[0];
	struct pieces at_once = {.text = ""};
	SPLIT_CLEANUP struct splitter whole = {.entry_fn = keep_piece, .userdata = &at_once};

	(void)state;
	assert_int_equal(split_feed(&whole, text, strlen(text)), 0);
	assert_string_equal(at_once.text, "0:" A "\n0:" B "\n1:" G "\n");
	assert_int_equal(whole.rest.size, strlen("{\"reserved\": [], \"granted\": []}"));
	for (size_t step = 1; step < 70; step++) {
		struct pieces pieces = {.text = ""};
		SPLIT_CLEANUP struct splitter splitter = {.entry_fn = keep_piece, .userdata = &pieces};

		for (size_t at = 0; at < strlen(text); at += step)
			assert_int_equal(split_feed(&splitter, text + at, strnlen(text + at, step)), 0);
		assert_string_equal(pieces.text, at_once.text);
		assert_int_equal(splitter.rest.size, whole.rest.size);
		assert_memory_equal(splitter.rest.bytes, whole.rest.bytes, whole.rest.size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_policies_are_read),
		cmocka_unit_test(what_is_odd_is_left_alone),
		cmocka_unit_test(mutations_are_read_the_same_or_left_alone),
		cmocka_unit_test(pieces_of_the_text_make_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
