/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard against the contract (README, "Policies"): the most specific entry wins, and among equals the reservation. */

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
#include "ipam_scene.h"
#include "memory_fake.h"
#include "rangeguard/array.h"

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
		cmocka_unit_test(test_fingerprint_is_of_the_addresses),
		cmocka_unit_test(test_fingerprint_has_one_byte_order),
		cmocka_unit_test(test_lint),
		cmocka_unit_test(test_lint_grants_to_two_networks_are_no_duplicates),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
