/* SPDX-License-Identifier: GPL-2.0-or-later */
/* networks.c: what two ranges that overlap mean, by who hands out their addresses, and names that are taken. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/foreign/networks.h"
#include "rangeguard/array.h"

#define LINE 40U
#define RANGES_MAX 12U
#define ROUNDS 2000U

/** struct listener - The last finding, and how many */
struct listener {
	struct report report;
	enum severity severity;
	char message[ERROR_MSG_MAX];
	unsigned n;
	unsigned pairs[RANGES_MAX][RANGES_MAX];
};

static void hear(struct report *report, const struct finding *finding)
{
	struct listener *listener = (struct listener *)report;

	listener->n++;
	listener->severity = finding->severity;
	(void)snprintf(listener->message, sizeof(listener->message), "%s", finding->message);
	assert_non_null(finding->file);
	if (!finding->related_file || finding->pointer[0] != '#')
		return;
	/* Pointers of the random test: "#" and the range's letter */
	listener->pairs[finding->pointer[1] - 'a'][finding->related_pointer[1] - 'a']++;
	listener->pairs[finding->related_pointer[1] - 'a'][finding->pointer[1] - 'a']++;
}

/** struct pair - Two ranges that overlap: keeping, keeper, network, file of each; and what is told of them */
struct pair {
	struct network_range a;
	struct network_range b;
	const char *told;
};

#define OURS(keeper_, network_)                                                                                        \
	{                                                                                                              \
		.keeping = KEEPING_OURS, .keeper = (keeper_), .network = (network_), .file = (network_)                \
	}
#define CLUSTER(keeper_, network_)                                                                                     \
	{                                                                                                              \
		.keeping = KEEPING_CLUSTER, .keeper = (keeper_), .network = (network_), .file = (network_)             \
	}
#define ALONE(network_, file_)                                                                                         \
	{                                                                                                              \
		.keeping = KEEPING_ALONE, .network = (network_), .file = (file_)                                       \
	}
#define NESTED(network_, file_)                                                                                        \
	{                                                                                                              \
		.keeping = KEEPING_NESTED, .network = (network_), .file = (file_)                                      \
	}

static const struct pair pairs[] = {
	{OURS("/run/a", "x"), OURS("/run/a", "y"), "each network takes from the other"},
	{OURS("/run/a", "x"), OURS("/run/b", "y"), NULL},
	{OURS("/run/a", "x"), OURS("/run/a", "x"), NULL},
	{OURS("/run/a", "x"), ALONE("y", "y"), "may give one address twice"},
	{OURS("/run/a", "x"), CLUSTER("/run/a", "y"), "may give one address twice"},
	{CLUSTER("calico-ipam", "x"), CLUSTER("calico-ipam", "y"), NULL},
	{CLUSTER("calico-ipam", "x"), CLUSTER("whereabouts", "y"), "may give one address twice"},
	{CLUSTER(NULL, "x"), CLUSTER(NULL, "y"), "may give one address twice"},
	{ALONE("x", "x"), ALONE("y", "y"), "may give one address twice"},
	{ALONE("x", "x"), ALONE("x", "x"), "must be apart"},
	{ALONE("x", "1"), ALONE("x", "2"), NULL},
	{NESTED("x", "x"), NESTED("x", "x"), NULL},
	{NESTED("x", "x"), ALONE("y", "y"), "may give one address twice"},
};

/** assert_told() - The finding has these words; only a network whose plugin refuses it is an error */
static void assert_told(const struct listener *listener, const char *words)
{
	assert_non_null(strstr(listener->message, words));
	assert_int_equal(listener->severity, strcmp(words, "must be apart") ? SEVERITY_WARNING : SEVERITY_ERROR);
}

static void test_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
		for (unsigned swapped = 0; swapped < 2; swapped++) {
			struct listener listener = {.report = {.heard = hear}};
			struct networks networks = {.report = &listener.report};
			struct network_range a = swapped ? pairs[i].b : pairs[i].a,
					     b = swapped ? pairs[i].a : pairs[i].b;

			a.span = (struct span){.family = FAMILY_IPV4, .first = 5, .last = 9};
			b.span = (struct span){.family = FAMILY_IPV4, .first = 9, .last = 12};
			a.pointer = "/a";
			b.pointer = "/b";
			networks_add_range(&networks, &a);
			networks_add_range(&networks, &b);
			networks_compare(&networks);
			assert_int_equal(listener.n, pairs[i].told ? 1 : 0);
			if (pairs[i].told)
				assert_told(&listener, pairs[i].told);
			networks_done(&networks);
		}
	}
}

/* Of a few ranges, just those pairs are told that share an address, each once */
static void test_random_ranges(void **state)
{
	static const char *const pointers[RANGES_MAX] = {"#a", "#b", "#c", "#d", "#e", "#f",
							 "#g", "#h", "#i", "#j", "#k", "#l"};

	(void)state;
	srandom(3);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct listener listener = {.report = {.heard = hear}};
		struct networks networks = {.report = &listener.report};
		struct span spans[RANGES_MAX];

		for (size_t i = 0; i < RANGES_MAX; i++) {
			unsigned a = (unsigned)random() % LINE, b = (unsigned)random() % LINE;
			struct network_range range = {
				.span = {.family = random() % 3 ? FAMILY_IPV4 : FAMILY_IPV6,
					 .first = a < b ? a : b,
					 .last = a < b ? b : a},
				.keeping = KEEPING_NESTED,
				.network = pointers[i],
				.file = "f",
				.pointer = pointers[i],
			};

			spans[i] = range.span;
			networks_add_range(&networks, &range);
		}
		networks_compare(&networks);
		for (size_t i = 0; i < RANGES_MAX; i++)
			for (size_t j = 0; j < RANGES_MAX; j++)
				assert_int_equal(listener.pairs[i][j], i != j && span_overlaps(&spans[i], &spans[j]));
		networks_done(&networks);
	}
}

static void test_names(void **state)
{
	struct listener listener = {.report = {.heard = hear}};
	struct networks networks = {.report = &listener.report};

	(void)state;
	networks_add_name(&networks, "a", "1.conf", "/name");
	networks_add_name(&networks, "b", "2.conf", "/name");
	assert_int_equal(listener.n, 0);
	networks_add_name(&networks, "a", "3.conf", "/name");
	assert_int_equal(listener.n, 1);
	assert_int_equal(listener.severity, SEVERITY_ERROR);
	assert_non_null(strstr(listener.message, "1.conf"));
	assert_false(networks.failed);
	networks_done(&networks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_random_ranges),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
