/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pins are for a container, and what they come to. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "plugin/verbs/pinning.h"

static char billing[] = "billing", api[] = "api-1";
static const struct cni_args args = {.pod_namespace = billing, .pod_name = api};

/** read_conf() - A configuration from text with ' for " */
static void read_conf(const char *text, struct netconf *ret_netconf)
{
	char copy[2048];
	struct first_error listener;
	struct error err = {0};
	json_t *root;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	root = json_loads(copy, 0, NULL);
	assert_non_null(root);
	first_error_init(&listener, &err, ERROR_NONE);
	if (netconf_read(root, "test", "", NULL, ret_netconf, &listener.report))
		fail_msg("%s", err.msg);
	json_decref(root);
}

#define CONF(more, ranges)                                                                                             \
	"{'cniVersion': '1.0.0', 'name': 'n', 'type': 'rangeguard', " more ", 'ipam': {'type': 'rangeguard', "         \
	"'ranges': [" ranges "]}}"
#define RANGE4 "[{'subnet': '10.9.0.0/24'}]"
#define RANGE6 "[{'subnet': 'fd00:9::/64'}]"
#define MANY                                                                                                           \
	"'snat': [{'name': 'a', 'match': {'namespace': 'bill*'}, 'source': ['192.0.2.1', '2001:db8::1'], "             \
	"'destinations': ['198.51.100.0/24', 'fd01::/16']}, {'name': 'no', 'match': {'pod': 'web'}, 'source': "        \
	"['192.0.2.2']}, {'name': 'b', 'source': ['192.0.2.3']}]"

/** make() - What a configuration comes to for the container */
static void make(struct netconf *netconf, const char *text, struct pinning *ret_pinning)
{
	CLEANUP(pinning_own_done) struct pinning_own own = {0};
	struct error err = {0};

	read_conf(text, netconf);
	assert_int_equal(pinning_own_of_ranges(netconf, &own), 0);
	assert_int_equal(pinning_make(netconf, &args, &own, ret_pinning, &err), 0);
}

static void nothing_comes_to_nothing(void **state)
{
	CLEANUP(pinning_done) struct pinning pinning = {0};
	NETCONF_CLEANUP struct netconf netconf = {0};

	(void)state;
	make(&netconf, CONF("'snat': [{'name': 'no', 'match': {'pod': 'web'}, 'source': ['192.0.2.2']}]", RANGE4),
	     &pinning);
	assert_int_equal(pinning.n_matched, 0);
	assert_int_equal(pinning.digest, 0);
	assert_int_equal(pinning.egress.n_clauses, 0);
	assert_string_equal(pinning.names, "");
}

static void pins_in_their_order_then_masquerading(void **state)
{
	static const struct {
		enum family family;
		const char *source;
		const char *first;
		size_t n_spans;
	} expected[] = {
		{FAMILY_IPV4, "192.0.2.1", "198.51.100.0/24", 1},
		{FAMILY_IPV6, "2001:db8::1", "fd01::/16", 1},
		/* The rest of the world: without the network, link-local and multicast, and what the first pin has */
		{FAMILY_IPV4, "192.0.2.3", "0.0.0.0-10.8.255.255", 5},
		{FAMILY_IPV4, NULL, "0.0.0.0-10.8.255.255", 4},
		{FAMILY_IPV6, NULL, "::-fd00:8:ffff:ffff:ffff:ffff:ffff:ffff", 3},
	};
	CLEANUP(pinning_done) struct pinning pinning = {0};
	NETCONF_CLEANUP struct netconf netconf = {0};
	char text[SPAN_TEXT_MAX];

	(void)state;
	make(&netconf, CONF("'ipMasq': true, " MANY, RANGE4 ", " RANGE6), &pinning);
	assert_int_equal(pinning.n_matched, 2);
	assert_string_equal(pinning.names, "a b");
	assert_int_equal(pinning.egress.n_clauses, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < pinning.egress.n_clauses; i++) {
		const struct egress_clause *clause = &pinning.egress.clauses[i];

		assert_int_equal(clause->family, expected[i].family);
		if (expected[i].source)
			assert_string_equal(address_format(&clause->source, text), expected[i].source);
		else
			assert_int_equal(clause->source.family, FAMILY_NONE);
		assert_string_equal(span_format(&clause->spans[0], text), expected[i].first);
		assert_int_equal(clause->n_spans, expected[i].n_spans);
	}
	assert_true(pinning.digest == egress_digest(pinning.definition));
}

/* A family that the container does not have is no clause: the kernel may not know it either. */
static void only_the_containers_families(void **state)
{
	CLEANUP(pinning_done) struct pinning pinning = {0};
	NETCONF_CLEANUP struct netconf netconf = {0};

	(void)state;
	make(&netconf, CONF("'ipMasq': true, " MANY, RANGE6), &pinning);
	assert_int_equal(pinning.egress.n_clauses, 2);
	assert_int_equal(pinning.egress.clauses[0].family, FAMILY_IPV6);
	assert_int_equal(pinning.egress.clauses[1].family, FAMILY_IPV6);
	assert_int_equal(pinning.egress.clauses[1].source.family, FAMILY_NONE);
}

static void others_addresses_have_subnets_of_their_own(void **state)
{
	static struct result_ip ips[] = {
		{.address = {.address = {.family = FAMILY_IPV4, .value = 0x0a070105}, .length = 16}, .interface = 0}};
	CLEANUP(pinning_own_done) struct pinning_own own = {0};
	struct result result = {.ips = ips, .n_ips = 1};
	char text[SPAN_TEXT_MAX];

	(void)state;
	assert_int_equal(pinning_own_of_result(&result, &own), 0);
	assert_int_equal(own.n_ranges, 1);
	assert_string_equal(span_format(&own.ranges[0], text), "10.7.0.0/16");
}

static void too_many_pins(void **state)
{
	CLEANUP(pinning_own_done) struct pinning_own own = {0};
	static struct pin pins[LIMIT_PINS_PER_CONTAINER + 1];
	struct netconf netconf = {.pins = pins};
	static char names[LIMIT_PINS_PER_CONTAINER + 1][LIMIT_PIN_NAME + 1];

	(void)state;
	for (size_t i = 0; i <= LIMIT_PINS_PER_CONTAINER; i++) {
		memset(names[i], 'x', LIMIT_PIN_NAME);
		pins[i].name = names[i];
	}
	for (netconf.n_pins = LIMIT_PINS_PER_CONTAINER; netconf.n_pins <= LIMIT_PINS_PER_CONTAINER + 1;
	     netconf.n_pins++) {
		CLEANUP(pinning_done) struct pinning pinning = {0};
		struct error err = {0};
		int r = pinning_make(&netconf, &args, &own, &pinning, &err);

		assert_int_equal(r, netconf.n_pins > LIMIT_PINS_PER_CONTAINER ? REFUSED : 0);
		assert_int_equal(err.code, r ? ERROR_CONFIG : 0);
		assert_int_equal(strlen(pinning.names), LIMIT_PINS_PER_CONTAINER * (LIMIT_PIN_NAME + 1) - 1);
	}
}

/* What an ADD has chosen of a shared pin is what its clause says; the agent's name for it goes with it. */
static void shared_pins_have_the_chosen_source(void **state)
{
	CLEANUP(pinning_done) struct pinning first = {0}, second = {0};
	CLEANUP(pinning_own_done) struct pinning_own own = {0};
	NETCONF_CLEANUP struct netconf netconf = {0};
	const struct egress_clause *clause;
	char text[ADDRESS_TEXT_MAX];
	struct error err = {0};
	size_t at = 0;

	(void)state;
	make(&netconf,
	     CONF("'snat': [{'name': 'a', 'source': ['192.0.2.1', '192.0.2.2'], 'shared': true, 'assign': 'eth1'}]",
		  RANGE4),
	     &first);
	clause = egress_shared(&first.egress, &at);
	assert_non_null(clause);
	assert_string_equal(address_format(&clause->source, text), "192.0.2.1");
	assert_null(egress_shared(&first.egress, &at));
	netconf.pins[0].sources[0] = netconf.pins[0].all[1];
	assert_int_equal(pinning_own_of_ranges(&netconf, &own), 0);
	assert_int_equal(pinning_make(&netconf, &args, &own, &second, &err), 0);
	at = 0;
	assert_string_equal(address_format(&egress_shared(&second.egress, &at)->source, text), "192.0.2.2");
	assert_true(first.digest != second.digest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_comes_to_nothing),
		cmocka_unit_test(pins_in_their_order_then_masquerading),
		cmocka_unit_test(only_the_containers_families),
		cmocka_unit_test(others_addresses_have_subnets_of_their_own),
		cmocka_unit_test(too_many_pins),
		cmocka_unit_test(shared_pins_have_the_chosen_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
