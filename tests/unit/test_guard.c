/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard against the contract (README, "Policies"): the most specific entry wins, and among equals the reservation.
 * A naive model that knows nothing of sweeps decides by a linear scan; both must agree on random policies and on each
 * edge of each entry. RANGEGUARD_LONG_TESTS in the environment: ten times as many.
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
#include <xxhash.h>

#include "ipam/guard/guard.h"
#include "memory_fake.h"
#include "rangeguard/array.h"

#define PAIRS 10000000UL
#define PAIRS_LONG 100000000UL
/** Addresses anywhere, per policy; the edges of its entries come on top */
#define ADDRESSES 200U
#define ENTRIES_MAX 12U

/** span_of() - Span of "ADDRESS/LENGTH", "FIRST-LAST" or "ADDRESS" */
static struct span span_of(const char *text)
{
	struct address address;
	struct prefix prefix;
	struct span span;

	if (prefix_parse(text, &prefix) == 0)
		return prefix_span(&prefix);
	if (span_parse(text, &span) == 0)
		return span;
	assert_int_equal(address_parse(text, &address), 0);
	return span_of_address(&address);
}

static struct address address_of(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address;
}

/** add() - Add "-SPAN" (reserved) or "+SPAN" (granted), which becomes its owner */
static void add(struct guard *guard, const char *text)
{
	struct guard_entry entry = {
		.kind = *text == '+' ? GUARD_GRANTED : GUARD_RESERVED,
		.span = span_of(text + 1),
		.owner = text,
	};

	assert_int_equal(guard_add(guard, &entry), 0);
}

/** make() - Sealed guard of texts for add(), NULL behind the last */
static struct guard *make(const char *const *entries)
{
	struct guard *guard;

	assert_int_equal(guard_new(&guard), 0);
	for (; *entries; entries++)
		add(guard, *entries);
	assert_int_equal(guard_seal(guard), 0);
	return guard;
}

#define MAKE(...) make((const char *const[]){__VA_ARGS__, NULL})

/** struct decision - @address is reserved by the entry @by of the policy, NULL: it is not reserved */
struct decision {
	const char *const policy[6];
	const char *address;
	const char *by;
};

static const struct decision decisions[] = {
	/* Edges of prefixes */
	{{"-10.20.0.0/16"}, "10.19.255.255", NULL},
	{{"-10.20.0.0/16"}, "10.20.0.0", "-10.20.0.0/16"},
	{{"-10.20.0.0/16"}, "10.20.255.255", "-10.20.0.0/16"},
	{{"-10.20.0.0/16"}, "10.21.0.0", NULL},
	{{"-10.0.0.7/32"}, "10.0.0.6", NULL},
	{{"-10.0.0.7/32"}, "10.0.0.7", "-10.0.0.7/32"},
	{{"-10.0.0.7/32"}, "10.0.0.8", NULL},
	{{"-2001:db8::7/128"}, "2001:db8::6", NULL},
	{{"-2001:db8::7/128"}, "2001:db8::7", "-2001:db8::7/128"},
	{{"-2001:db8::7/128"}, "2001:db8::8", NULL},
	{{"-2001:db8::/32"}, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "-2001:db8::/32"},
	{{"-2001:db8::/32"}, "2001:db9::", NULL},
	/* All of a family, which is not the other one */
	{{"-0.0.0.0/0"}, "0.0.0.0", "-0.0.0.0/0"},
	{{"-0.0.0.0/0"}, "255.255.255.255", "-0.0.0.0/0"},
	{{"-0.0.0.0/0"}, "::", NULL},
	{{"-::/0"}, "::", "-::/0"},
	{{"-::/0"}, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-::/0"},
	{{"-::/0"}, "0.0.0.0", NULL},
	{{"-0.0.0.0/0", "-::/0"}, "255.255.255.255", "-0.0.0.0/0"},
	{{"-0.0.0.0/0", "-::/0"}, "::", "-::/0"},
	{{"-::/0", "+::/0"}, "::1", "-::/0"},
	{{"-::/0", "+::1/128"}, "::1", NULL},
	{{"-::/0", "+::1/128"}, "::", "-::/0"},
	{{"-::/0", "+::1/128"}, "::2", "-::/0"},
	/* First and last address of a family */
	{{"-0.0.0.0/32"}, "0.0.0.0", "-0.0.0.0/32"},
	{{"-0.0.0.0/32"}, "0.0.0.1", NULL},
	{{"-255.255.255.255/32"}, "255.255.255.255", "-255.255.255.255/32"},
	{{"-255.255.255.255/32"}, "255.255.255.254", NULL},
	{{"-255.255.255.255/32"}, "::1:0:0", NULL},
	{{"-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "-::/128"}, "::", "-::/128"},
	{{"-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
	 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	 "-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
	/* The most specific entry wins, in whatever order they stand */
	{{"-10.0.0.0/8", "+10.1.0.0/16", "-10.1.2.0/24"}, "10.0.0.1", "-10.0.0.0/8"},
	{{"-10.0.0.0/8", "+10.1.0.0/16", "-10.1.2.0/24"}, "10.1.1.255", NULL},
	{{"-10.0.0.0/8", "+10.1.0.0/16", "-10.1.2.0/24"}, "10.1.2.0", "-10.1.2.0/24"},
	{{"-10.0.0.0/8", "+10.1.0.0/16", "-10.1.2.0/24"}, "10.1.3.0", NULL},
	{{"-10.0.0.0/8", "+10.1.0.0/16", "-10.1.2.0/24"}, "10.2.0.0", "-10.0.0.0/8"},
	{{"-10.1.2.0/24", "+10.1.0.0/16", "-10.0.0.0/8"}, "10.1.2.255", "-10.1.2.0/24"},
	{{"-10.1.2.0/24", "+10.1.0.0/16", "-10.0.0.0/8"}, "10.1.0.0", NULL},
	/* A grant of more than is reserved grants nothing */
	{{"-10.20.0.0/16", "+10.0.0.0/8"}, "10.20.0.0", "-10.20.0.0/16"},
	{{"+10.0.0.0/8"}, "10.20.0.0", NULL},
	/* Of equally specific ones reserved wins, then the earlier one */
	{{"-10.0.0.0/24", "+10.0.0.0/24"}, "10.0.0.1", "-10.0.0.0/24"},
	{{"+10.0.0.0/24", "-10.0.0.0/24"}, "10.0.0.1", "-10.0.0.0/24"},
	{{"+10.0.0.0/24", "-10.0.0.0-10.0.0.255", "-10.0.0.0/24"}, "10.0.0.1", "-10.0.0.0-10.0.0.255"},
	{{"-10.0.0.0/24", "-10.0.0.0-10.0.0.255"}, "10.0.0.1", "-10.0.0.0/24"},
	{{"-10.0.0.0-10.0.0.9", "+10.0.0.5-10.0.0.14"}, "10.0.0.5", "-10.0.0.0-10.0.0.9"},
	/* Ranges that are no prefix: fewer addresses is more specific, also where they cross */
	{{"-10.31.4.10-10.31.4.99"}, "10.31.4.9", NULL},
	{{"-10.31.4.10-10.31.4.99"}, "10.31.4.10", "-10.31.4.10-10.31.4.99"},
	{{"-10.31.4.10-10.31.4.99"}, "10.31.4.99", "-10.31.4.10-10.31.4.99"},
	{{"-10.31.4.10-10.31.4.99"}, "10.31.4.100", NULL},
	{{"-10.0.0.0-10.0.0.20", "+10.0.0.15-10.0.0.30"}, "10.0.0.14", "-10.0.0.0-10.0.0.20"},
	{{"-10.0.0.0-10.0.0.20", "+10.0.0.15-10.0.0.30"}, "10.0.0.15", NULL},
	{{"-10.0.0.0-10.0.0.20", "+10.0.0.15-10.0.0.30"}, "10.0.0.20", NULL},
	{{"+10.0.0.0-10.0.0.20", "-10.0.0.15-10.0.0.30"}, "10.0.0.15", "-10.0.0.15-10.0.0.30"},
	{{"-10.0.0.0-10.0.0.9", "-10.0.0.4-10.0.0.20"}, "10.0.0.9", "-10.0.0.0-10.0.0.9"},
	{{"-10.0.0.0-10.0.0.9", "-10.0.0.4-10.0.0.20"}, "10.0.0.10", "-10.0.0.4-10.0.0.20"},
	/* IPv4-mapped IPv6 is IPv4, in the policy and in the question */
	{{"-10.20.0.0/16"}, "::ffff:10.20.0.1", "-10.20.0.0/16"},
	{{"-::ffff:10.20.0.0/112"}, "10.20.255.255", "-::ffff:10.20.0.0/112"},
	{{"-::ffff:10.20.0.0/112"}, "10.21.0.0", NULL},
	/* Whoever reserves IPv4 addresses means NAT64's and 6to4's ways to them, too */
	{{"-10.20.0.0/16"}, "64:ff9b::10.20.0.1", "-10.20.0.0/16"},
	{{"-10.20.0.0/16"}, "64:ff9b::10.19.255.255", NULL},
	{{"-10.20.0.0/16"}, "64:ff9b:0:0:0:1:a14:1", NULL},
	{{"-10.20.0.0/16"}, "2002:a14:1::", "-10.20.0.0/16"},
	{{"-10.20.0.0/16"}, "2002:a14:ffff:ffff:ffff:ffff:ffff:ffff", "-10.20.0.0/16"},
	{{"-10.20.0.0/16"}, "2002:a15::", NULL},
	{{"-10.20.0.0/16", "+10.20.64.0/20"}, "64:ff9b::10.20.64.1", NULL},
	{{"-64:ff9b::/96", "+10.20.64.0/20"}, "64:ff9b::10.20.64.1", "-64:ff9b::/96"},
	{{"-10.20.0.0/16", "+64:ff9b::10.20.0.0/128"}, "64:ff9b::10.20.0.0", "-10.20.0.0/16"},
};

static void test_decide(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(decisions); i++) {
		const struct decision *decision = &decisions[i];
		GUARD_CLEANUP struct guard *guard = make(decision->policy);
		struct address address = address_of(decision->address);
		struct guard_entry entry = {.owner = NULL};
		int r = guard_decide(guard, &address, &entry);

		if (r != (decision->by ? GUARD_E_RESERVED : 0))
			fail_msg("case %zu: %s gave %d", i, decision->address, r);
		if (decision->by)
			assert_string_equal(entry.owner, decision->by);
		else
			assert_null(entry.owner);
		assert_int_equal(guard_decide(guard, &address, NULL), r);
	}
}

static void test_empty_guard_reserves_nothing(void **state)
{
	GUARD_CLEANUP struct guard *guard = make((const char *const[]){NULL});
	struct span all_ipv4 = span_of("0.0.0.0/0"), all_ipv6 = span_of("::/0"), part;

	(void)state;
	assert_int_equal(guard_touch(guard, &all_ipv4, NULL, NULL), 0);
	assert_int_equal(guard_touch(guard, &all_ipv6, NULL, NULL), 0);
	assert_int_equal(guard_next(guard, &all_ipv4, &part), 0);
	assert_int_equal(guard_n_entries(guard), 0);
}

static void test_no_family_is_never_reserved(void **state)
{
	GUARD_CLEANUP struct guard *guard = MAKE("-0.0.0.0/0", "-::/0");
	struct address none = {.family = FAMILY_NONE};
	struct span part, span = span_of_address(&none);

	(void)state;
	assert_int_equal(guard_decide(guard, &none, NULL), 0);
	assert_int_equal(guard_next(guard, &span, &part), 0);
}

static void test_unsealed_guard_refuses_everything(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	struct address address = address_of("192.0.2.1");
	struct span span = span_of("192.0.2.0/24"), part;
	struct guard_entry entry;

	(void)state;
	assert_int_equal(guard_new(&guard), 0);
	assert_int_equal(guard_decide(guard, &address, &entry), GUARD_E_RESERVED);
	assert_string_equal(entry.owner, "");
	assert_string_equal(entry.file, "");
	assert_int_equal(guard_touch(guard, &span, &part, NULL), GUARD_E_RESERVED);
	assert_true(span_covers(&part, &span));
	assert_int_equal(guard_next(guard, &span, &part), GUARD_E_RESERVED);
	assert_true(span_covers(&part, &span));
}

static void test_add_refuses(void **state)
{
	static const struct span bad[] = {
		{.family = FAMILY_NONE},
		{.family = FAMILY_IPV4, .first = 2, .last = 1},
		{.family = FAMILY_IPV6, .first = 2, .last = 1},
		{.family = FAMILY_IPV4, .first = 0, .last = (u128)1 << 32},
	};
	GUARD_CLEANUP struct guard *guard = NULL;
	struct guard_entry entry = {.span = span_of("10.0.0.0/8")};

	(void)state;
	assert_int_equal(guard_new(&guard), 0);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_int_equal(guard_add(guard, &(struct guard_entry){.span = bad[i]}), -EINVAL);
	assert_int_equal(guard_n_entries(guard), 0);
	assert_int_equal(guard_seal(guard), 0);
	assert_int_equal(guard_add(guard, &entry), -EINVAL);
	assert_int_equal(guard_seal(guard), 0);
	assert_int_equal(guard_decide(guard, &(struct address){.family = FAMILY_IPV4}, NULL), 0);
}

static void test_entries_keep_their_texts(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	char pointer[32], owner[32];

	(void)state;
	assert_int_equal(guard_new(&guard), 0);
	for (unsigned i = 0; i < 2000; i++) {
		struct guard_entry entry = {
			.kind = i % 2 ? GUARD_GRANTED : GUARD_RESERVED,
			.span = {.family = FAMILY_IPV4, .first = i, .last = i + 1},
			.owner = owner,
			.reason = i % 3 ? "reason" : "",
			.ref = i % 5 ? "NET-1042" : NULL,
			.network = i % 2 ? "pods" : NULL,
			.file = "/etc/rangeguard/reserved.d/dba.json",
			.pointer = pointer,
		};

		(void)snprintf(owner, sizeof(owner), "team %u", i / 3);
		(void)snprintf(pointer, sizeof(pointer), "/reserved/%u", i);
		assert_int_equal(guard_add(guard, &entry), 0);
	}
	assert_int_equal(guard_seal(guard), 0);
	assert_int_equal(guard_n_entries(guard), 2000);
	for (unsigned i = 0; i < 2000; i++) {
		struct guard_entry entry = guard_entry(guard, i);

		(void)snprintf(owner, sizeof(owner), "team %u", i / 3);
		(void)snprintf(pointer, sizeof(pointer), "/reserved/%u", i);
		assert_int_equal(entry.kind, i % 2 ? GUARD_GRANTED : GUARD_RESERVED);
		assert_int_equal(entry.span.family, FAMILY_IPV4);
		assert_true(entry.span.first == i && entry.span.last == i + 1);
		assert_string_equal(entry.owner, owner);
		assert_string_equal(entry.reason, i % 3 ? "reason" : "");
		assert_string_equal(entry.ref, i % 5 ? "NET-1042" : "");
		assert_string_equal(entry.network, i % 2 ? "pods" : "");
		assert_string_equal(entry.file, "/etc/rangeguard/reserved.d/dba.json");
		assert_string_equal(entry.pointer, pointer);
	}
}

/** struct touch - What of @span is reserved first: @part by entry @by, and the run @next; NULL: nothing */
struct touch {
	const char *const policy[6];
	const char *span;
	const char *part;
	const char *by;
	const char *next;
};

static const struct touch touches[] = {
	{{"-10.20.0.0/16"}, "10.0.0.0/8", "10.20.0.0/16", "-10.20.0.0/16", "10.20.0.0/16"},
	{{"-10.20.0.0/16"}, "10.20.5.0/24", "10.20.5.0/24", "-10.20.0.0/16", "10.20.5.0/24"},
	{{"-10.20.0.0/16"}, "10.20.255.0-10.21.0.9", "10.20.255.0/24", "-10.20.0.0/16", "10.20.255.0/24"},
	{{"-10.20.0.0/16"}, "10.21.0.0/16", NULL, NULL, NULL},
	{{"-10.20.0.0/16"}, "10.19.0.0/16", NULL, NULL, NULL},
	{{"-10.20.0.0/16"}, "fc00::/7", NULL, NULL, NULL},
	{{"-10.20.0.0/16"}, "::/0", "64:ff9b::a14:0/112", "-10.20.0.0/16", "64:ff9b::a14:0/112"},
	{{"-10.20.0.0/16"}, "2000::/3", "2002:a14::/32", "-10.20.0.0/16", "2002:a14::/32"},
	{{"-10.20.0.0/16"}, "2002:a14:1:2::/64", "2002:a14:1:2::/64", "-10.20.0.0/16", "2002:a14:1:2::/64"},
	{{"-10.20.0.0/16", "-64:ff9b::a15:0/112"},
	 "64:ff9b::/96",
	 "64:ff9b::a14:0/112",
	 "-10.20.0.0/16",
	 "64:ff9b::a14:0/111"},
	{{"-10.0.0.0/8", "+10.1.0.0/16"}, "10.1.0.0/16", NULL, NULL, NULL},
	{{"-10.0.0.0/8", "+10.1.0.0/16"}, "10.1.0.0-10.2.0.0", "10.2.0.0", "-10.0.0.0/8", "10.2.0.0"},
	{{"-10.0.0.0/8", "-10.1.0.0/16"}, "10.0.0.0/8", "10.0.0.0/16", "-10.0.0.0/8", "10.0.0.0/8"},
	{{"-10.0.0.0/25", "-10.0.0.128/25", "-10.0.2.0/24"}, "0.0.0.0/0", "10.0.0.0/25", "-10.0.0.0/25", "10.0.0.0/24"},
	{{"-10.0.0.0/25", "-10.0.0.128/25"},
	 "10.0.0.9-10.0.0.130",
	 "10.0.0.9-10.0.0.127",
	 "-10.0.0.0/25",
	 "10.0.0.9-10.0.0.130"},
	{{"-::/0"}, "::/0", "::/0", "-::/0", "::/0"},
	{{"-255.255.255.255/32", "-::/128"}, "0.0.0.0/0", "255.255.255.255", "-255.255.255.255/32", "255.255.255.255"},
	{{"-::/0", "-8000::/1"}, "7fff::/16", "7fff::/16", "-::/0", "7fff::/16"},
	{{"-::/1", "-8000::/1"}, "::/0", "::/1", "-::/1", "::/0"},
};

static void assert_span(const struct span *span, const char *text)
{
	struct span expected = span_of(text);

	if (!span_covers(span, &expected) || !span_covers(&expected, span)) {
		char buffer[SPAN_TEXT_MAX];

		fail_msg("%s instead of %s", span_format(span, buffer), text);
	}
}

static void test_touch_and_next(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(touches); i++) {
		const struct touch *touch = &touches[i];
		GUARD_CLEANUP struct guard *guard = make(touch->policy);
		struct span span = span_of(touch->span), part, next;
		int expected = touch->part ? GUARD_E_RESERVED : 0;
		struct guard_entry entry;

		if (guard_touch(guard, &span, &part, &entry) != expected)
			fail_msg("case %zu: %s", i, touch->span);
		assert_int_equal(guard_touch(guard, &span, NULL, NULL), expected);
		assert_int_equal(guard_next(guard, &span, &next), expected);
		if (!touch->part)
			continue;
		assert_span(&part, touch->part);
		assert_string_equal(entry.owner, touch->by);
		assert_span(&next, touch->next);
	}
}

/** First addresses of the IPv6 forms of IPv4 addresses: RFC 6052, RFC 3056 */
#define NAT64 ((u128)0x0064ff9b << 96)
#define SIX_TO_FOUR ((u128)0x2002 << 112)
/** Places where an entry makes a decision change: two, and two in each form */
#define EDGES 6U

/** struct model - The entries of a random policy, as a naive mind keeps them */
struct model {
	struct guard_entry entries[ENTRIES_MAX];
	size_t n;
};

/** inner_of() - The IPv4 address that stands in an address, by NAT64 or 6to4; false when none does */
static bool inner_of(const struct address *address, struct address *ret_inner)
{
	if (address->family != FAMILY_IPV6)
		return false;
	*ret_inner = (struct address){.family = FAMILY_IPV4, .value = (uint32_t)address->value};
	if (address->value >> 32 == NAT64 >> 32)
		return true;
	ret_inner->value = (uint32_t)(address->value >> 80);
	return address->value >> 112 == SIX_TO_FOUR >> 112;
}

/** model_own() - Index of the entry that decides on @address by a linear scan, -1: none; *ret_reserved says how */
static int model_own(const struct model *model, const struct address *address, bool *ret_reserved)
{
	int best = -1;

	for (size_t i = 0; i < model->n; i++) {
		const struct guard_entry *entry = &model->entries[i], *winner = &model->entries[best < 0 ? 0 : best];
		u128 size = entry->span.last - entry->span.first, least = winner->span.last - winner->span.first;

		if (!span_contains(&entry->span, address))
			continue;
		if (best < 0 || size < least ||
		    (size == least && winner->kind == GUARD_GRANTED && entry->kind == GUARD_RESERVED))
			best = (int)i;
	}
	*ret_reserved = best >= 0 && model->entries[best].kind == GUARD_RESERVED;
	return best;
}

/** model_decide() - The same, where the decision on an IPv4 address counts for those in which it stands */
static int model_decide(const struct model *model, const struct address *address, bool *ret_reserved)
{
	struct address inner;
	int best = model_own(model, address, ret_reserved);

	return *ret_reserved || !inner_of(address, &inner) ? best : model_own(model, &inner, ret_reserved);
}

/** random_bits() - splitmix64 (public domain, S. Vigna): small, seeded, the same everywhere */
static uint64_t random_bits(void)
{
	static uint64_t seed = 20260101;
	uint64_t z = (seed += 0x9e3779b97f4a7c15U);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

/** random_value() - An address among few, so that entries meet: near the ends, in the middle, rarely anywhere */
/* NOLINTNEXTLINE(misc-no-recursion): an IPv6 address may have an IPv4 one in it */
static u128 random_value(enum family family)
{
	u128 all = family == FAMILY_IPV4 ? UINT32_MAX : ~(u128)0;
	u128 bits = (u128)random_bits() << 64 | random_bits();

	if (family == FAMILY_IPV6 && random_bits() % 4 == 0) {
		u128 inner = random_value(FAMILY_IPV4);

		return random_bits() % 2 ? NAT64 + inner : SIX_TO_FOUR + (inner << 80) + (bits >> 48) % 3 - 1;
	}
	switch (random_bits() % 8) {
	case 0:
		return bits & all;
	case 1:
	case 2:
		return bits % 24;
	case 3:
	case 4:
		return all - bits % 24;
	default:
		return all / 2 + bits % 48;
	}
}

static struct span random_span(enum family family)
{
	struct address address = {.family = family, .value = random_value(family)};
	u128 other = random_value(family);

	if (random_bits() % 2)
		return prefix_span(&(struct prefix){address, (uint8_t)(random_bits() % (family_bits(family) + 1))});
	return (struct span){
		.family = family,
		.first = address.value < other ? address.value : other,
		.last = address.value < other ? other : address.value,
	};
}

static enum family random_family(void)
{
	return random_bits() % 2 ? FAMILY_IPV4 : FAMILY_IPV6;
}

static struct guard *random_guard(struct model *model)
{
	struct guard *guard;

	assert_int_equal(guard_new(&guard), 0);
	model->n = random_bits() % (ENTRIES_MAX + 1);
	for (size_t i = 0; i < model->n; i++) {
		model->entries[i] = (struct guard_entry){
			.kind = random_bits() % 2 ? GUARD_RESERVED : GUARD_GRANTED,
			.span = random_span(random_family()),
		};
		assert_int_equal(guard_add(guard, &model->entries[i]), 0);
	}
	assert_int_equal(guard_seal(guard), 0);
	return guard;
}

/** check_address() - Guard and model agree on an address, and on whose it is */
static void check_address(const struct guard *guard, const struct model *model, const struct address *address)
{
	struct guard_entry entry;
	bool reserved;
	int index = model_decide(model, address, &reserved);

	if (guard_decide(guard, address, &entry) != (reserved ? GUARD_E_RESERVED : 0)) {
		char text[ADDRESS_TEXT_MAX];

		fail_msg("%s: the model says %d", address_format(address, text), reserved);
	}
	if (!reserved)
		return;
	assert_true(entry.span.first == model->entries[index].span.first);
	assert_true(entry.span.last == model->entries[index].span.last);
}

/** edge() - The @n th place where a decision may change: where an entry, or a form of it, begins or has ended */
static struct address edge(const struct model *model, size_t n)
{
	const struct span *span = &model->entries[n / EDGES].span;
	u128 value = n % 2 ? span->last + 1 : span->first;

	if (span->family == FAMILY_IPV6 || n % EDGES < 2)
		return (struct address){.family = span->family, .value = value};
	return (struct address){.family = FAMILY_IPV6,
				.value = n % EDGES < 4 ? NAT64 + value : SIX_TO_FOUR + (value << 80)};
}

/** model_seek() - First address in @span whose decision is @reserved; false when there is none */
static bool model_seek(const struct model *model, const struct span *span, bool reserved, u128 *ret_value)
{
	bool found = false;

	for (size_t i = 0; i < EDGES * model->n + 1; i++) {
		struct address address = {.family = span->family, .value = span->first};
		bool decision;

		if (i < EDGES * model->n)
			address = edge(model, i);
		(void)model_decide(model, &address, &decision);
		if (!span_contains(span, &address) || decision != reserved || (found && address.value >= *ret_value))
			continue;
		*ret_value = address.value;
		found = true;
	}
	return found;
}

/** check_span() - Guard and model agree on what of a span is reserved first */
static void check_span(const struct guard *guard, const struct model *model, const struct span *span)
{
	struct span part = {0}, next = {0}, rest;
	u128 first, end;
	bool found = model_seek(model, span, true, &first);

	assert_int_equal(guard_touch(guard, span, &part, NULL), found ? GUARD_E_RESERVED : 0);
	assert_int_equal(guard_next(guard, span, &next), found ? GUARD_E_RESERVED : 0);
	if (!found)
		return;
	rest = (struct span){.family = span->family, .first = first, .last = span->last};
	assert_true(part.first == first && next.first == first);
	assert_true(span_covers(&next, &part) && span_covers(span, &next));
	assert_true(next.last == (model_seek(model, &rest, false, &end) ? end - 1 : span->last));
}

static void test_property(void **state)
{
	unsigned long wanted = getenv("RANGEGUARD_LONG_TESTS") ? PAIRS_LONG : PAIRS, pairs = 0;

	(void)state;
	while (pairs < wanted) {
		struct model model;
		GUARD_CLEANUP struct guard *guard = random_guard(&model);

		for (size_t i = 0; i < 4 * model.n; i++, pairs++) {
			const struct span *span = &model.entries[i / 4].span;
			const u128 edges[] = {span->first - 1, span->first, span->last, span->last + 1};
			struct address address = {.family = span->family, .value = edges[i % 4]};

			if (address.family == FAMILY_IPV4)
				address.value = (uint32_t)address.value;
			check_address(guard, &model, &address);
		}
		for (size_t i = 0; i < ADDRESSES; i++, pairs++) {
			struct address address = {.family = random_family()};

			address.value = random_value(address.family);
			check_address(guard, &model, &address);
		}
		for (size_t i = 0; i < 10; i++) {
			struct span span = random_span(random_family());

			check_span(guard, &model, &span);
		}
	}
}

static void digest_of(struct guard *guard, uint8_t digest[static GUARD_DIGEST_BYTES])
{
	guard_fingerprint(guard, digest);
	(void)guard_free(guard);
}

static void test_fingerprint_is_of_the_addresses(void **state)
{
	uint8_t whole[GUARD_DIGEST_BYTES], parts[GUARD_DIGEST_BYTES], granted[GUARD_DIGEST_BYTES],
		less[GUARD_DIGEST_BYTES];

	(void)state;
	digest_of(MAKE("-10.0.0.0/24", "-2001:db8::/32"), whole);
	digest_of(MAKE("-2001:db8::/32", "-10.0.0.128/25", "-10.0.0.0/25", "-10.0.0.7/32"), parts);
	digest_of(MAKE("-10.0.0.0/24", "-2001:db8::/32", "+10.0.0.0/8"), granted);
	digest_of(MAKE("-10.0.0.0/24", "-2001:db8::/32", "+10.0.0.7/32"), less);
	assert_memory_equal(whole, parts, sizeof(whole));
	assert_memory_equal(whole, granted, sizeof(whole));
	assert_memory_not_equal(whole, less, sizeof(whole));

	digest_of(MAKE("-0.0.0.1/32"), whole);
	digest_of(MAKE("-::1/128"), parts);
	assert_memory_not_equal(whole, parts, sizeof(whole));
}

static void test_fingerprint_has_one_byte_order(void **state)
{
	static const uint8_t runs[] = {
		2, 0, 0, 0, 0, 0, 0, 0,	 0,   0,   0,	0,  0, 10, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 10, 255, 255, 255, 10, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 1, 0, 0,	 0,   0,   0,	0,  0, 0,  0, 0, 0, 0, 0, 0, 0, 1,
	};
	uint8_t digest[GUARD_DIGEST_BYTES];
	XXH128_canonical_t expected;

	(void)state;
	XXH128_canonicalFromHash(&expected, XXH3_128bits(runs, sizeof(runs)));
	digest_of(MAKE("-::1/128", "-10.0.0.0/8"), digest);
	assert_memory_equal(digest, expected.digest, sizeof(digest));
}

/** struct flaws - What guard_lint() told, as one text */
struct flaws {
	char text[512];
};

static void flaw_found(void *userdata, enum guard_flaw flaw, const struct guard_entry *entry,
		       const struct guard_entry *other)
{
	struct flaws *flaws = userdata;
	size_t length = strlen(flaws->text);

	assert_int_equal(flaw == GUARD_FLAW_DUPLICATE, other != NULL);
	(void)snprintf(flaws->text + length, sizeof(flaws->text) - length, "%s%s%s;", entry->owner, other ? " = " : "",
		       other ? other->owner : "");
}

static void test_lint(void **state)
{
	static const struct {
		const char *const policy[6];
		const char *flaws;
	} cases[] = {
		{{"-10.20.0.0/16", "+10.20.64.0/20"}, ""},
		{{"-10.20.0.0/16", "-10.20.64.0/20"}, ""},
		/* Overlaps no reservation */
		{{"-10.20.0.0/16", "+10.21.0.0/16"}, "+10.21.0.0/16;"},
		{{"+10.21.0.0/16"}, "+10.21.0.0/16;"},
		{{"-10.20.0.0/16", "+2001:db8::/32"}, "+2001:db8::/32;"},
		/* Beaten by what is as specific, or more */
		{{"-10.20.0.0/16", "+10.20.0.0/16"}, "+10.20.0.0/16;"},
		{{"+10.0.0.0/8", "-10.20.0.0/16"}, "+10.0.0.0/8;"},
		{{"-10.0.0.0/8", "+10.1.0.0/16", "-10.1.0.0/17", "-10.1.128.0/17"}, "+10.1.0.0/16;"},
		{{"-10.0.0.0/8", "+10.1.0.0/16", "-10.1.0.0/17", "-10.1.128.0/18"}, ""},
		/* Where it is not beaten may be behind another grant that ends later */
		{{"+10.0.0.0-10.0.0.15", "+10.0.0.10-10.0.0.20", "-10.0.0.10-10.0.0.100"}, ""},
		{{"-0.0.0.0/0", "-::/0", "+255.255.255.255/32", "+ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"}, ""},
		/* Duplicates */
		{{"-10.0.0.0/24", "-10.0.0.0-10.0.0.255"}, "-10.0.0.0-10.0.0.255 = -10.0.0.0/24;"},
		{{"-10.0.0.0-10.0.0.255", "-10.1.0.0/16", "-10.0.0.0/24"}, "-10.0.0.0/24 = -10.0.0.0-10.0.0.255;"},
		{{"-10.0.0.0/8", "+10.0.0.0/24", "+10.0.0.0-10.0.0.255"}, "+10.0.0.0-10.0.0.255 = +10.0.0.0/24;"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		GUARD_CLEANUP struct guard *guard = make(cases[i].policy);
		struct flaws flaws = {.text = ""};

		assert_int_equal(guard_lint(guard, flaw_found, &flaws), 0);
		if (strcmp(flaws.text, cases[i].flaws) != 0)
			fail_msg("case %zu: \"%s\" instead of \"%s\"", i, flaws.text, cases[i].flaws);
	}
}

static void test_lint_grants_to_two_networks_are_no_duplicates(void **state)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	struct guard_entry entry = {.kind = GUARD_GRANTED, .span = span_of("10.1.0.0/16"), .owner = "+"};
	struct flaws flaws = {.text = ""};

	(void)state;
	assert_int_equal(guard_new(&guard), 0);
	add(guard, "-10.0.0.0/8");
	entry.network = "pods";
	assert_int_equal(guard_add(guard, &entry), 0);
	entry.network = "batch";
	assert_int_equal(guard_add(guard, &entry), 0);
	assert_int_equal(guard_lint(guard, flaw_found, &flaws), 0);
	assert_string_equal(flaws.text, "");
	entry.network = "pods";
	assert_int_equal(guard_add(guard, &entry), 0);
	assert_int_equal(guard_lint(guard, flaw_found, &flaws), 0);
	assert_string_equal(flaws.text, "+ = +;");
}

/** build_all() - All that allocates; return 0, or -ENOMEM with *guard as far as it came */
static int build_all(struct guard **guard)
{
	struct flaws flaws = {.text = ""};
	int r = guard_new(guard);

	for (unsigned i = 0; r == 0 && i < 200; i++) {
		char text[32];
		struct guard_entry entry = {
			.span = {.family = FAMILY_IPV4, .first = 2 * i, .last = 2 * i},
			.owner = text,
			.pointer = text,
		};

		(void)snprintf(text, sizeof(text), "a rather long text %u", i);
		r = guard_add(*guard, &entry);
	}
	if (r == 0)
		r = guard_lint(*guard, flaw_found, &flaws);
	return r == 0 ? guard_seal(*guard) : r;
}

static void test_out_of_memory(void **state)
{
	struct address free_address = address_of("0.0.0.1");

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		GUARD_CLEANUP struct guard *guard = NULL;
		bool failed;
		int r;

		memory_fail_in = nth;
		r = build_all(&guard);
		failed = memory_fail_in == 0;
		memory_fail_in = 0;
		if (!failed) {
			assert_int_equal(r, 0);
			assert_true(nth > 5);
			assert_int_equal(guard_decide(guard, &free_address, NULL), 0);
			return;
		}
		/* Memory that could not be given back does no harm. */
		if (r == 0)
			continue;
		assert_int_equal(r, -ENOMEM);
		if (guard)
			assert_int_equal(guard_decide(guard, &free_address, NULL), GUARD_E_RESERVED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decide),
		cmocka_unit_test(test_empty_guard_reserves_nothing),
		cmocka_unit_test(test_no_family_is_never_reserved),
		cmocka_unit_test(test_unsealed_guard_refuses_everything),
		cmocka_unit_test(test_add_refuses),
		cmocka_unit_test(test_entries_keep_their_texts),
		cmocka_unit_test(test_touch_and_next),
		cmocka_unit_test(test_property),
		cmocka_unit_test(test_fingerprint_is_of_the_addresses),
		cmocka_unit_test(test_fingerprint_has_one_byte_order),
		cmocka_unit_test(test_lint),
		cmocka_unit_test(test_lint_grants_to_two_networks_are_no_duplicates),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
