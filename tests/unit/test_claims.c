/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard's decision told in full. What claims say of each address must be what the guard decides; what lost must be
 * listed in the order of the contract: the most specific first, of equals the reservation, then the earlier one.
 */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/guard/claims.h"
#include "ipam_scene.h"
#include "memory_fake.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

#define ROUNDS 4000U
#define ENTRIES_MAX 10U
#define LINE 96U
#define TEXT_MAX 1024U

/** add() - Add an entry: "+SPAN" grants, "-SPAN" reserves */
static void add(struct guard *guard, const char *text)
{
	struct guard_entry entry = {.kind = *text == '+' ? GUARD_GRANTED : GUARD_RESERVED, .span = span_of(text + 1)};

	assert_int_equal(guard_add(guard, &entry), 0);
}

/** struct telling - Entries (ends with NULL), what is asked, and the answer: each part with its entries by rank */
struct telling {
	const char *entries[8];
	const char *within;
	const char *expected;
};

static const struct telling tellings[] = {
	{{NULL}, "10.0.0.1", ""},
	{{"-10.0.0.0/24"}, "10.0.1.0/24", ""},
	{{"-10.0.0.0/24"}, "::/0", ""},
	{{"-10.0.0.0/24"}, "10.0.0.1", "10.0.0.1:0 "},
	/* The issue's own example: a grant inside a reservation, and a reservation inside the grant. */
	{{"-10.0.0.0/8", "+10.1.0.0/16", "-10.1.2.0/24"}, "10.1.2.3", "10.1.2.3:2,1,0 "},
	{{"-10.0.0.0/8", "+10.1.0.0/16", "-10.1.2.0/24"}, "10.1.3.3", "10.1.3.3:1,0 "},
	{{"-10.0.0.0/8", "+10.1.0.0/16", "-10.1.2.0/24"},
	 "10.1.0.0/22",
	 "10.1.0.0/23:1,0 10.1.2.0/24:2,1,0 10.1.3.0/24:1,0 "},
	/* Equals: the reservation, then the earlier one. */
	{{"+10.0.0.0/24", "-10.0.0.0/24", "-10.0.0.0/24"}, "10.0.0.0/24", "10.0.0.0/24:1,2,0 "},
	/* Neighbouring parts of one entry are one part, although what they overrule differs. */
	{{"-10.0.0.0/25", "-10.0.0.0/16", "+10.0.0.0-10.0.0.9"}, "10.0.0.4-10.0.0.5", "10.0.0.4/31:2,0,1 "},
	{{"-10.0.0.0/20", "-10.0.0.0/16", "-10.0.8.0/21"},
	 "10.0.0.0/19",
	 "10.0.0.0/21:0,1 10.0.8.0/21:2,0,1 10.0.16.0/20:1 "},
	{{"+10.0.0.0/24", "-10.0.0.0-10.0.1.3", "-10.0.0.128-10.0.2.0"}, "10.0.0.0/24", "10.0.0.0/24:0,1,2 "},
	/* What nobody claims lies between the parts. */
	{{"-10.0.0.2", "-10.0.0.5"}, "10.0.0.0/29", "10.0.0.2:0 10.0.0.5:1 "},
	/* The ends of the families. */
	{{"-0.0.0.0/0", "-::/0"}, "0.0.0.0/0", "0.0.0.0/0:0 "},
	{{"-0.0.0.0/0", "-::/0", "+ffff::/16"}, "fffe::/15", "fffe::/16:1 ffff::/16:2,1 "},
};

/** tell() - All parts of @within, as in struct telling */
static void tell(const struct guard *guard, const char *within, char told[static TEXT_MAX])
{
	struct span span = span_of(within);
	CLAIMS_CLEANUP struct claims claims = {0};
	struct claim_part part;
	char text[SPAN_TEXT_MAX];

	told[0] = '\0';
	assert_int_equal(claims_init(guard, &span, &claims), 0);
	while (claims_next(&claims, &part)) {
		CLEANUP_FREE uint32_t *entries = NULL;
		size_t n;

		assert_int_equal(claims_list(&claims, &part.span, &entries, &n), 0);
		assert_true(n > 0);
		assert_int_equal(entries[0], part.entry);
		(void)snprintf(told + strlen(told), TEXT_MAX - strlen(told), "%s:", span_format(&part.span, text));
		for (size_t i = 0; i < n; i++)
			(void)snprintf(told + strlen(told), TEXT_MAX - strlen(told), "%u%c", entries[i],
				       i + 1 < n ? ',' : ' ');
	}
	assert_false(claims_next(&claims, &part));
}

static void test_tellings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(tellings); i++) {
		GUARD_CLEANUP struct guard *guard = NULL;
		char told[TEXT_MAX];

		assert_int_equal(guard_new(&guard), 0);
		for (size_t j = 0; tellings[i].entries[j]; j++)
			add(guard, tellings[i].entries[j]);
		tell(guard, tellings[i].within, told);
		assert_string_equal(told, tellings[i].expected);
	}
}

/** random_guard() - A few entries on a short line of addresses, so that they meet */
static struct guard *random_guard(enum family family, u128 base)
{
	struct guard *guard = NULL;
	size_t n = (size_t)random() % ENTRIES_MAX;

	assert_int_equal(guard_new(&guard), 0);
	for (size_t i = 0; i < n; i++) {
		struct guard_entry entry = {.kind = random() % 2 ? GUARD_GRANTED : GUARD_RESERVED};
		char pointer[16];

		(void)snprintf(pointer, sizeof(pointer), "/%zu", i);
		entry.pointer = pointer;
		entry.span.family = family;
		entry.span.first = base + (u128)random() % LINE;
		entry.span.last = entry.span.first + (u128)random() % (base + LINE - entry.span.first);
		assert_int_equal(guard_add(guard, &entry), 0);
	}
	assert_int_equal(guard_seal(guard), 0);
	return guard;
}

/** check_address() - What the parts say of an address is what the guard decides */
static void check_address(const struct guard *guard, const struct address *address, const struct claim_part *part)
{
	struct guard_entry decided, told;
	int r = guard_decide(guard, address, &decided);

	if (!part) {
		assert_int_equal(r, 0);
		return;
	}
	told = guard_entry(guard, part->entry);
	assert_true(span_contains(&told.span, address));
	assert_int_equal(r, told.kind == GUARD_RESERVED ? GUARD_E_RESERVED : 0);
	if (r)
		assert_string_equal(told.pointer, decided.pointer);
}

static void test_agrees_with_the_guard(void **state)
{
	static const struct {
		enum family family;
		u128 base;
	} lines[] = {
		{FAMILY_IPV4, 0x0a000000}, {FAMILY_IPV4, UINT32_MAX - LINE + 1}, {FAMILY_IPV6, ~(u128)0 - LINE + 1}};

	(void)state;
	srandom(11);
	for (unsigned round = 0; round < ROUNDS; round++) {
		enum family family = lines[round % ARRAY_LENGTH(lines)].family;
		u128 base = lines[round % ARRAY_LENGTH(lines)].base;
		GUARD_CLEANUP struct guard *guard = random_guard(family, base);
		struct span within = {.family = family, .first = base + (u128)random() % LINE};
		CLAIMS_CLEANUP struct claims claims = {0};
		struct claim_part part;
		bool found;

		within.last = within.first + (u128)random() % (base + LINE - within.first);
		assert_int_equal(claims_init(guard, &within, &claims), 0);
		found = claims_next(&claims, &part);
		for (u128 offset = 0; offset <= within.last - within.first; offset++) {
			struct address address = {.family = family, .value = within.first + offset};
			bool inside = found && span_contains(&part.span, &address);

			check_address(guard, &address, inside ? &part : NULL);
			if (inside && part.span.last == address.value)
				found = claims_next(&claims, &part);
		}
		assert_false(found);
	}
}

static void test_out_of_memory(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	struct span within = span_of("10.0.0.0/24");

	(void)state;
	assert_int_equal(guard_new(&guard), 0);
	add(guard, "-10.0.0.0/8");
	for (unsigned long nth = 1;; nth++) {
		CLAIMS_CLEANUP struct claims claims = {0};
		CLEANUP_FREE uint32_t *entries = NULL;
		size_t n;
		int r;

		memory_fail_in = nth;
		r = claims_init(guard, &within, &claims);
		if (r == 0)
			r = claims_list(&claims, &within, &entries, &n);
		if (memory_fail_in > 0) {
			assert_int_equal(r, 0);
			assert_true(nth > 4);
			break;
		}
		assert_int_equal(r, -ENOMEM);
		assert_null(entries);
	}
	memory_fail_in = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tellings),
		cmocka_unit_test(test_agrees_with_the_guard),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
