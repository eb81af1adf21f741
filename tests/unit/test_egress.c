/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How packets leave: which destinations a clause is left with, and lists as bytes. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/snat/egress.h"
#include "rangeguard/array.h"

#define SPANS_MAX 8U

/** span_of() - "ADDRESS/LENGTH" or "FIRST-LAST" */
static struct span span_of(const char *text)
{
	struct prefix prefix;
	struct span span;

	if (!prefix_parse(text, &prefix))
		return prefix_span(&prefix);
	assert_int_equal(span_parse(text, &span), 0);
	return span;
}

/** spans_of() - Texts up to NULL as spans; returns how many */
static size_t spans_of(const char *const *texts, struct span spans[static SPANS_MAX])
{
	size_t n = 0;

	while (texts[n]) {
		spans[n] = span_of(texts[n]);
		n++;
	}
	return n;
}

/** assert_spans() - A clause has these destinations, in this order */
static void assert_spans(const struct egress_clause *clause, const char *const *texts)
{
	struct span expected[SPANS_MAX];
	size_t n = spans_of(texts, expected);

	assert_int_equal(clause->n_spans, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(clause->spans[i].family, clause->family);
		assert_true(clause->spans[i].first == expected[i].first && clause->spans[i].last == expected[i].last);
	}
}

/** pin() - Add a pin to destinations */
static void pin(struct egress *egress, const char *source, const char *assign, const char *const *destinations)
{
	struct span spans[SPANS_MAX];
	size_t n = spans_of(destinations, spans);
	struct address address;

	assert_int_equal(address_parse(source, &address), 0);
	assert_int_equal(
		egress_add(egress,
			   &(struct egress_source){.family = address.family, .address = &address, .assign = assign},
			   spans, n),
		0);
}

static void destinations_are_merged(void **state)
{
	EGRESS_CLEANUP struct egress egress = {0};

	(void)state;
	pin(&egress, "192.0.2.1", NULL,
	    (const char *[]){"10.2.0.0/16", "fd00::/8", "10.0.0.0/16", "10.1.0.0/16", "10.0.3.0/24", "255.0.0.0/8",
			     "255.255.0.0/16", NULL});
	pin(&egress, "2001:db8::1", "eth1", (const char *[]){"fd00::/8", "10.0.0.0/8", NULL});
	assert_int_equal(egress.n_clauses, 2);
	assert_spans(&egress.clauses[0], (const char *[]){"10.0.0.0-10.2.255.255", "255.0.0.0/8", NULL});
	assert_string_equal(egress.clauses[0].assign, "");
	assert_spans(&egress.clauses[1], (const char *[]){"fd00::/8", NULL});
	assert_string_equal(egress.clauses[1].assign, "eth1");
	assert_true(egress_pins(&egress, FAMILY_IPV4));
	assert_true(egress_pins(&egress, FAMILY_IPV6));
}

/* The first pin per destination wins: the later one is left with the rest, or with nothing. */
static void what_pins_have_is_taken_out_of_later_ones(void **state)
{
	EGRESS_CLEANUP struct egress egress = {0};

	(void)state;
	pin(&egress, "192.0.2.1", NULL, (const char *[]){"10.0.0.0/24", "10.0.2.0/24", NULL});
	pin(&egress, "192.0.2.2", NULL, (const char *[]){"10.0.0.0/16", NULL});
	pin(&egress, "192.0.2.3", NULL, (const char *[]){"10.0.7.0/24", "10.0.2.9/32", NULL});
	pin(&egress, "192.0.2.4", NULL, (const char *[]){"0.0.0.0/0", NULL});
	assert_int_equal(egress.n_clauses, 3);
	assert_spans(&egress.clauses[0], (const char *[]){"10.0.0.0/24", "10.0.2.0/24", NULL});
	assert_spans(&egress.clauses[1], (const char *[]){"10.0.1.0/24", "10.0.3.0-10.0.255.255", NULL});
	assert_spans(&egress.clauses[2], (const char *[]){"0.0.0.0-9.255.255.255", "10.1.0.0-255.255.255.255", NULL});
}

static void all_but_the_networks_own(void **state)
{
	const struct span own[] = {span_of("10.9.0.0/16"), span_of("fd00:9::/64")};
	EGRESS_CLEANUP struct egress egress = {0};

	(void)state;
	pin(&egress, "192.0.2.1", NULL, (const char *[]){"10.0.0.0/24", NULL});
	assert_int_equal(egress_add_except(&egress, &(struct egress_source){.family = FAMILY_IPV4}, own, 2), 0);
	assert_int_equal(egress_add_except(&egress, &(struct egress_source){.family = FAMILY_IPV6}, own, 2), 0);
	assert_int_equal(egress.n_clauses, 3);
	/* Masquerading comes behind the pins anyway: its destinations are the same whatever these are. */
	assert_spans(&egress.clauses[1],
		     (const char *[]){"0.0.0.0-10.8.255.255", "10.10.0.0-169.253.255.255",
				      "169.255.0.0-223.255.255.255", "240.0.0.0-255.255.255.254", NULL});
	assert_spans(&egress.clauses[2], (const char *[]){"::-fd00:8:ffff:ffff:ffff:ffff:ffff:ffff",
							  "fd00:9:0:1::-fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
							  "fec0::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL});
	assert_false(egress_pins(&egress, FAMILY_IPV6));
}

/** sample() - One clause of each kind */
static void sample(struct egress *egress)
{
	const struct span own = span_of("10.9.0.0/16");

	pin(egress, "192.0.2.1", "eth1", (const char *[]){"10.0.0.0/24", "10.0.2.0/24", NULL});
	pin(egress, "2001:db8::1", NULL, (const char *[]){"fd00::/8", NULL});
	pin(egress, "192.0.2.2", "eth1", (const char *[]){"10.1.0.0/24", NULL});
	egress->clauses[2].shared = true;
	assert_int_equal(egress_add_except(egress, &(struct egress_source){.family = FAMILY_IPV4}, &own, 1), 0);
}

static void bytes_and_back(void **state)
{
	EGRESS_CLEANUP struct egress egress = {0};
	EGRESS_CLEANUP struct egress decoded = {0};
	CLEANUP_FREE void *data = NULL;
	size_t size = 0;

	(void)state;
	sample(&egress);
	assert_int_equal(egress_encode(&egress, &data, &size), 0);
	assert_int_equal(egress_decode(bytes_of(data, size), &decoded), 0);
	assert_int_equal(decoded.n_clauses, egress.n_clauses);
	for (size_t i = 0; i < egress.n_clauses; i++) {
		const struct egress_clause *a = &egress.clauses[i], *b = &decoded.clauses[i];

		assert_int_equal(a->family, b->family);
		assert_true(address_equal(&a->source, &b->source));
		assert_string_equal(a->assign, b->assign);
		assert_int_equal(a->shared, b->shared);
		assert_int_equal(a->shared, i == 2);
		assert_true(a->list == b->list);
		assert_int_equal(a->n_spans, b->n_spans);
		for (size_t j = 0; j < a->n_spans; j++)
			assert_true(a->spans[j].first == b->spans[j].first && a->spans[j].last == b->spans[j].last &&
				    a->spans[j].family == b->spans[j].family);
	}
}

/* Cut, longer, or with any byte changed: it is refused or means something, but nothing is read that is not there. */
static void damaged_bytes(void **state)
{
	EGRESS_CLEANUP struct egress egress = {0};
	CLEANUP_FREE uint8_t *data = NULL;
	void *encoded = NULL;
	size_t size = 0;

	(void)state;
	sample(&egress);
	assert_int_equal(egress_encode(&egress, &encoded, &size), 0);
	data = realloc(encoded, size + 1);
	assert_non_null(data);
	data[size] = 0;
	for (size_t n = 0; n <= size + 1; n++) {
		CLEANUP_FREE uint8_t *cut = malloc(n + 1);
		EGRESS_CLEANUP struct egress decoded = {0};

		assert_non_null(cut);
		memcpy(cut, data, n);
		assert_int_equal(egress_decode(bytes_of(cut, n), &decoded), n == size ? 0 : -EUCLEAN);
	}
	for (size_t i = 0; i < size; i++) {
		uint8_t old = data[i];

		for (unsigned value = 0; value <= UINT8_MAX; value++) {
			EGRESS_CLEANUP struct egress decoded = {0};

			data[i] = (uint8_t)value;
			(void)egress_decode(bytes_of(data, size), &decoded);
		}
		data[i] = old;
	}
}

/* Lists are told apart by their destinations alone, definitions by all. */
static void digests(void **state)
{
	static const char *const destinations[][3] = {{"10.0.0.0/24", NULL},
						      {"10.0.0.0/25", NULL},
						      {"10.0.0.0/24", "10.0.2.0/24", NULL},
						      {"10.0.1.0/24", NULL}};
	uint64_t lists[ARRAY_LENGTH(destinations)], definitions[2 * ARRAY_LENGTH(destinations)];

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LENGTH(destinations); i++) {
		EGRESS_CLEANUP struct egress egress = {0};
		CLEANUP_FREE void *data = NULL;
		size_t size = 0, list = i / 2;

		pin(&egress, i % 2 ? "192.0.2.1" : "192.0.2.2", NULL, destinations[list]);
		assert_int_equal(egress_encode(&egress, &data, &size), 0);
		definitions[i] = egress_digest(bytes_of(data, size));
		if (i % 2)
			assert_true(lists[list] == egress.clauses[0].list);
		lists[list] = egress.clauses[0].list;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(definitions); i++)
		for (size_t j = 0; j < i; j++)
			assert_true(definitions[i] != definitions[j]);
	for (size_t i = 0; i < ARRAY_LENGTH(lists); i++)
		for (size_t j = 0; j < i; j++)
			assert_true(lists[i] != lists[j]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destinations_are_merged),
		cmocka_unit_test(what_pins_have_is_taken_out_of_later_ones),
		cmocka_unit_test(all_but_the_networks_own),
		cmocka_unit_test(bytes_and_back),
		cmocka_unit_test(damaged_bytes),
		cmocka_unit_test(digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
