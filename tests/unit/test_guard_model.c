/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard against a naive model that knows nothing of sweeps and decides by a linear scan: both must agree on random
 * policies and on each edge of each entry. RANGEGUARD_LONG_TESTS in the environment: ten times as many.
 */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "ipam/guard/guard.h"
#include "rangeguard/array.h"

#define PAIRS 10000000UL
#define PAIRS_LONG 100000000UL
/** Addresses anywhere, per policy; the edges of its entries come on top */
#define ADDRESSES 200U
#define ENTRIES_MAX 12U

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
