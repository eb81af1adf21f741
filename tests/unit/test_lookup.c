/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lookup.c: the entries that hold an address of a span are those that a walk over all entries finds. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdlib.h>

#include "ipam/guard/lookup.h"
#include "memory_fake.h"

#define ROUNDS 3000U
#define ENTRIES_MAX 40U
#define SPANS 20U
#define LINE 64U

/** random_span() - Somewhere on a short line, at its beginning or at the end of the family */
static struct span random_span(void)
{
	enum family family = random() % 2 ? FAMILY_IPV4 : FAMILY_IPV6;
	u128 top = family == FAMILY_IPV4 ? UINT32_MAX : ~(u128)0;
	u128 base = random() % 2 ? 0 : top - LINE;
	u128 a = base + (u128)random() % (LINE + 1), b = base + (u128)random() % (LINE + 1);

	if (random() % 8 == 0)
		return (struct span){.family = family, .first = 0, .last = top};
	return (struct span){.family = family, .first = a < b ? a : b, .last = a < b ? b : a};
}

/** check_span() - Hold the lookup's answer against all entries; each entry is found once, by first address */
static void check_span(const struct guard *guard, const struct lookup *lookup, const struct span *span)
{
	bool found[ENTRIES_MAX] = {0};
	size_t cursor = 0;
	uint32_t entry;
	u128 before = 0;

	while (lookup_next(lookup, span, &cursor, &entry)) {
		assert_true(entry < guard_n_entries(guard));
		assert_false(found[entry]);
		assert_true(guard_entry(guard, entry).span.first >= before);
		before = guard_entry(guard, entry).span.first;
		found[entry] = true;
	}
	assert_false(lookup_next(lookup, span, &cursor, &entry));
	for (size_t i = 0; i < guard_n_entries(guard); i++) {
		struct span other = guard_entry(guard, i).span;

		assert_int_equal(found[i], span_overlaps(&other, span));
	}
}

static void test_random(void **state)
{
	(void)state;
	srandom(1);
	for (unsigned round = 0; round < ROUNDS; round++) {
		GUARD_CLEANUP struct guard *guard = NULL;
		LOOKUP_CLEANUP struct lookup lookup = {0};
		size_t n = (size_t)random() % (ENTRIES_MAX + 1);

		assert_int_equal(guard_new(&guard), 0);
		for (size_t i = 0; i < n; i++) {
			struct guard_entry entry = {.kind = GUARD_RESERVED, .span = random_span()};

			assert_int_equal(guard_add(guard, &entry), 0);
		}
		assert_int_equal(lookup_init(guard, &lookup), 0);
		for (unsigned i = 0; i < SPANS; i++) {
			struct span span = random_span();

			check_span(guard, &lookup, &span);
		}
	}
}

static void test_out_of_memory(void **state)
{
	struct guard_entry entry = {.kind = GUARD_RESERVED, .span = {.family = FAMILY_IPV4, .last = 9}};
	GUARD_CLEANUP struct guard *guard = NULL;
	unsigned long nth = 0;
	int r;

	(void)state;
	assert_int_equal(guard_new(&guard), 0);
	assert_int_equal(guard_add(guard, &entry), 0);
	do {
		LOOKUP_CLEANUP struct lookup lookup = {0};

		memory_fail_in = ++nth;
		r = lookup_init(guard, &lookup);
		if (memory_fail_in > 0)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_null(lookup.ipv4.items);
	} while (true);
	memory_fail_in = 0;
	assert_int_equal(r, 0);
	assert_true(nth > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
