/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netconf.c and netconf_ipam.c: what a configuration means, and what is wrong with a wrong one, and where. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/netconf/netconf.h"

/** struct listener - Keeps the last error, counts all */
struct listener {
	struct report report;
	enum rule rule;
	char pointer[POINTER_MAX];
	char message[ERROR_MSG_MAX];
};

static void hear(struct report *report, const struct finding *finding)
{
	struct listener *listener = (struct listener *)report;

	if (finding->severity != SEVERITY_ERROR || listener->rule)
		return;
	listener->rule = finding->rule;
	(void)snprintf(listener->pointer, sizeof(listener->pointer), "%s", finding->pointer);
	(void)snprintf(listener->message, sizeof(listener->message), "%s", finding->message);
}

/** read_text() - netconf_read() of a text with single quotes for double ones */
static int read_text(const char *text, const struct cni_args *args, struct netconf *netconf, struct listener *listener)
{
	char *json = strdup(text);
	json_t *root;
	int r;

	for (char *c = json; *c; c++)
		if (*c == '\'')
			*c = '"';
	root = json_loads(json, 0, NULL);
	assert_non_null(root);
	*listener = (struct listener){.report = {.heard = hear}};
	r = netconf_read(root, "test.conf", "", args, netconf, &listener->report);
	json_decref(root);
	free(json);
	return r;
}

#define HEAD "{'cniVersion': '1.0.0', 'name': 'n', 'type': 'rangeguard'"
#define RANGES "'ranges': [[{'subnet': '10.0.0.0/24'}]]"
#define PINS(entries) HEAD ", 'snat': [" entries "], " IPAM "}"
#define IPAM "'ipam': {'type': 'rangeguard', " RANGES "}"

/** Configurations with just one error: what the first finding is */
static const struct {
	const char *text;
	enum rule rule;
	const char *pointer;
	const char *message; /* a part of it */
} wrong[] = {
	{HEAD ", 'mtuu': 1400, " IPAM "}", RULE_UNKNOWN_KEY, "/mtuu", "did you mean \"mtu\""},
	{HEAD ", 'ipmasq': true, " IPAM "}", RULE_UNKNOWN_KEY, "/ipmasq", "did you mean \"ipMasq\""},
	{HEAD ", 'frobnicate': {'a': 1}, " IPAM "}", RULE_UNKNOWN_KEY, "/frobnicate", "{\"a\":1}"},
	{HEAD ", 'a~b/c': 1, " IPAM "}", RULE_UNKNOWN_KEY, "/a~0b~1c", "unknown key"},
	{HEAD ", 'mtu': '1400', " IPAM "}", RULE_INVALID_VALUE, "/mtu", "an integer"},
	{HEAD ", 'mtu': 67, " IPAM "}", RULE_INVALID_VALUE, "/mtu", "too small"},
	{HEAD ", 'mtu': 65536, " IPAM "}", RULE_INVALID_VALUE, "/mtu", "between 0 and 65535"},
	{HEAD ", 'mtu': 1279, 'ipam': {'type': 'rangeguard', 'ranges': [[{'subnet': 'fd00::/64'}]]}}",
	 RULE_INVALID_VALUE, "/mtu", "1280"},
	{HEAD ", 'mode': 'bridge', " IPAM "}", RULE_INVALID_VALUE, "/mode", "not supported"},
	{HEAD ", 'mode': 'router', " IPAM "}", RULE_INVALID_VALUE, "/mode", "did you mean \"routed\""},
	{HEAD ", 'antiSpoof': 1, " IPAM "}", RULE_INVALID_VALUE, "/antiSpoof", "true or false"},
	{HEAD ", 'runtimeConfig': {'mac': 5}, " IPAM "}", RULE_INVALID_VALUE, "/runtimeConfig/mac", "string"},
	{HEAD ", 'args': {'cni': {'mac': []}}, " IPAM "}", RULE_INVALID_VALUE, "/args/cni/mac", "string"},
	{HEAD ", 'capabilities': {'ips': 'yes'}, " IPAM "}", RULE_INVALID_VALUE, "/capabilities/ips", "true or false"},
	{HEAD ", 'capabilities': {'mac': true, 'portMappings': []}, " IPAM "}", RULE_INVALID_VALUE,
	 "/capabilities/portMappings", "true or false"},
	{HEAD ", 'capabilities': {'portMappings': true}, " IPAM "}", RULE_UNKNOWN_KEY, "/capabilities/portMappings",
	 "portmap"},
	{"{'cniVersion': '1.0.0', 'name': 'n', 'type': 'bridge', 'guard': {}, 'ipam': {'type': 'rangeguard', 'guard': {}, " RANGES
	 "}}",
	 RULE_INVALID_VALUE, "/ipam/guard", "/guard already"},
	{HEAD ", 'ipMasq': 1, " IPAM "}", RULE_INVALID_VALUE, "/ipMasq", "true or false"},
	{HEAD ", 'snat': {}, " IPAM "}", RULE_INVALID_VALUE, "/snat", "array"},
	{PINS("1"), RULE_INVALID_VALUE, "/snat/0", "an object"},
	{PINS("{'name': 'x', 'source': ['192.0.2.1'], 'sources': []}"), RULE_UNKNOWN_KEY, "/snat/0/sources",
	 "\"source\""},
	{PINS("{'source': ['192.0.2.1']}"), RULE_INVALID_VALUE, "/snat/0/name", "needs a name"},
	{PINS("{'name': 'a b', 'source': ['192.0.2.1']}"), RULE_INVALID_VALUE, "/snat/0/name", "needs a name"},
	{PINS("{'name': 'x', 'source': ['192.0.2.1']}, {'name': 'x', 'source': ['192.0.2.1']}"), RULE_DUPLICATE,
	 "/snat/1", "there already, at /snat/0"},
	{PINS("{'name': 'x', 'source': ['192.0.2.1'], 'match': {'pods': 'a'}}"), RULE_UNKNOWN_KEY, "/snat/0/match/pods",
	 "\"pod\""},
	{PINS("{'name': 'x'}"), RULE_INVALID_VALUE, "/snat/0/source", "needs a source"},
	{PINS("{'name': 'x', 'source': []}"), RULE_INVALID_VALUE, "/snat/0/source", "needs a source"},
	{PINS("{'name': 'x', 'source': ['192.0.2.1/32']}"), RULE_INVALID_VALUE, "/snat/0/source/0", "prefix length"},
	{PINS("{'name': 'x', 'source': ['127.0.0.1']}"), RULE_INVALID_VALUE, "/snat/0/source/0", "can't be the source"},
	{PINS("{'name': 'x', 'source': ['192.0.2.1', '192.0.2.2']}"), RULE_INVALID_VALUE, "/snat/0/source/1", "second"},
	{PINS("{'name': 'x', 'source': ['192.0.2.1'], 'shared': true}"), RULE_SNAT, "/snat/0/shared",
	 "need \"assign\""},
	{PINS("{'name': 'x', 'source': ['192.0.2.1'], 'shared': 'yes', 'assign': 'eth1'}"), RULE_INVALID_VALUE,
	 "/snat/0/shared", "true or false"},
	{PINS("{'name': 'x', 'source': ['192.0.2.1', '2001:db8::1', '192.0.2.1'], 'shared': true, 'assign': 'eth1'}"),
	 RULE_DUPLICATE, "/snat/0/source/2", "named twice"},
	{PINS("{'name': 'x', 'source': ['192.0.2.1'], 'destinations': ['x']}"), RULE_INVALID_VALUE,
	 "/snat/0/destinations/0", "ADDRESS/LENGTH"},
	{PINS("{'name': 'x', 'source': ['192.0.2.1'], 'destinations': ['fd00::/8']}"), RULE_SNAT,
	 "/snat/0/destinations/0", "no source of its family"},
	{PINS("{'name': 'x', 'source': ['192.0.2.1'], 'destinations': []}"), RULE_SNAT, "/snat/0/destinations",
	 "empty"},
	{PINS("{'name': 'x', 'source': ['192.0.2.1'], 'assign': 'eth/0'}"), RULE_INVALID_VALUE, "/snat/0/assign",
	 "not a name that an interface can have"},
	{HEAD ", 'dns': {'nameserver': ['10.0.0.1']}, " IPAM "}", RULE_UNKNOWN_KEY, "/dns/nameserver", "nameservers"},
	{HEAD ", 'dns': {'search': ['a', 1]}, " IPAM "}", RULE_INVALID_VALUE, "/dns/search", "search[1]"},
	{HEAD ", 'ipam': {'type': 'host-local', " RANGES "}}", RULE_INVALID_VALUE, "/ipam/type", "rangeguard"},
	{HEAD ", 'ipam': {" RANGES "}}", RULE_INVALID_VALUE, "/ipam/type", "rangeguard"},
	{HEAD ", 'ipam': {'type': 'rangeguard'}}", RULE_INVALID_VALUE, "/ipam", "no address range"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': []}}", RULE_INVALID_VALUE, "/ipam", "no address range"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': [[]]}}", RULE_INVALID_VALUE, "/ipam/ranges/0", "1 to"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': [{'subnet': '10.0.0.0/24'}]}}", RULE_INVALID_VALUE,
	 "/ipam/ranges/0", "array"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': [[{'subnet': '10.0.0.1/24'}]]}}", RULE_INVALID_VALUE,
	 "/ipam/ranges/0/0/subnet", "10.0.0.0/24"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': [[{'subnet': '10.0.0.0/33'}]]}}", RULE_INVALID_VALUE,
	 "/ipam/ranges/0/0/subnet", "ADDRESS/LENGTH"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': [[{'rangeStart': '10.0.0.1'}]]}}", RULE_INVALID_VALUE,
	 "/ipam/ranges/0/0/subnet", "needs a subnet"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': [[{'subnet': '10.0.0.0/24', 'rangeStart': '10.0.1.1'}]]}}",
	 RULE_INVALID_VALUE, "/ipam/ranges/0/0/rangeStart", "not in subnet"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': [[{'subnet': '10.0.0.0/24', 'rangeEnd': 'fd00::1'}]]}}",
	 RULE_INVALID_VALUE, "/ipam/ranges/0/0/rangeEnd", "family"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': [[{'subnet': '10.0.0.0/24', 'rangeStart': '10.0.0.9', "
	      "'rangeEnd': '10.0.0.8'}]]}}",
	 RULE_INVALID_VALUE, "/ipam/ranges/0/0/rangeEnd", "before"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': [[{'subnet': '10.0.0.4/32', 'gateway': '10.0.0.4'}]]}}",
	 RULE_NO_ADDRESS, "/ipam/ranges/0/0", "no usable address"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': [[{'subnet': '10.0.0.0/24'}, {'subnet': 'fd00::/64'}]]}}",
	 RULE_INVALID_VALUE, "/ipam/ranges/0/1", "one family"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': [[{'subnet': '10.0.0.0/24'}, {'subnet': '10.0.0.0/25'}]]}}",
	 RULE_OVERLAP, "/ipam/ranges/0/1", "same set"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'ranges': [[{'subnet': '10.0.0.0/24'}], [{'subnet': '10.0.0.0/25'}]]}}",
	 RULE_OVERLAP, "/ipam/ranges/1/0", "range set 0"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'gateway': '10.0.0.1', " RANGES "}}", RULE_INVALID_VALUE, "/ipam",
	 "need its subnet"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'dataDir': 'run/x', " RANGES "}}", RULE_INVALID_VALUE, "/ipam/dataDir",
	 "absolute"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'reuseDelay': -1, " RANGES "}}", RULE_INVALID_VALUE, "/ipam/reuseDelay",
	 "between"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'guard': {}, " RANGES "}}", RULE_UNKNOWN_KEY, "/ipam/guard", "unknown"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'routes': [{'gw': '10.0.0.1'}], " RANGES "}}", RULE_INVALID_VALUE,
	 "/ipam/routes/0/dst", "needs a dst"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'routes': [{'dst': '0.0.0.0/0', 'gw': 'fe80::1'}], " RANGES "}}",
	 RULE_INVALID_VALUE, "/ipam/routes/0/gw", "family"},
	{HEAD ", 'ipam': {'type': 'rangeguard', 'routes': [{'dst': '::/0'}], " RANGES "}}", RULE_INVALID_VALUE,
	 "/ipam/routes/0/dst", "family"},
	{HEAD ", 'guard': {'onOverlap': 'skip'}, " IPAM "}", RULE_INVALID_VALUE, "/guard/onOverlap", "\"exclude\""},
	{HEAD ", 'guard': {'policies': ['etc/x.json']}, " IPAM "}", RULE_INVALID_VALUE, "/guard/policies/0",
	 "absolute"},
	{HEAD ", 'guard': {'policy': []}, " IPAM "}", RULE_UNKNOWN_KEY, "/guard/policy", "unknown key"},
	{HEAD ", 'runtimeConfig': {'ips': ['10.0.0.300']}, " IPAM "}", RULE_INVALID_VALUE, "/runtimeConfig/ips/0",
	 "not an IP address"},
	{HEAD ", 'args': {'cni': {'ips': '10.0.0.3'}}, " IPAM "}", RULE_INVALID_VALUE, "/args/cni/ips", "an array"},
	{"{'cniVersion': '9.9.9', 'name': 'n', 'type': 'rangeguard', " IPAM "}", RULE_VERSION, "/cniVersion", "9.9.9"},
	{"{'cniVersion': '1.0.0', 'type': 'rangeguard', " IPAM "}", RULE_INVALID_VALUE, "/name",
	 "missing network name"},
	{"{'cniVersion': '1.0.0', 'name': '../n', 'type': 'rangeguard', " IPAM "}", RULE_INVALID_VALUE, "/name",
	 "invalid characters"},
	{"{'cniVersion': '0.2.0', 'name': 'n', 'type': 'rangeguard', 'ipam': {'type': 'rangeguard', 'ranges': "
	 "[[{'subnet': '10.0.0.0/24'}], [{'subnet': '10.0.1.0/24'}]]}}",
	 RULE_INVALID_VALUE, "/ipam/ranges", "0.3.0"},
	{"{'cniVersion': '1.0.0', 'name': 'n', 'type': 'bridge', 'ipam': {'type': 'host-local'}}", RULE_INVALID_VALUE,
	 "/ipam/type", "not rangeguard's"},
	{"{'cniVersion': '1.0.0', 'name': 'n', 'type': 'bridge', 'ipam': {'type': 'rangeguard', "
	 "'guard': {'onOverlap': 'exclude'}, " RANGES "}}",
	 RULE_INVALID_VALUE, "/ipam/guard/onOverlap", "connected route"},
};

static void reports_what_is_wrong_and_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		NETCONF_CLEANUP struct netconf netconf = {0};
		struct listener listener;

		assert_int_equal(read_text(wrong[i].text, NULL, &netconf, &listener), REFUSED);
		if (listener.rule != wrong[i].rule || strcmp(listener.pointer, wrong[i].pointer) != 0 ||
		    !strstr(listener.message, wrong[i].message))
			fail_msg("%s\n got RG%03d at %s: %s", wrong[i].text, (int)listener.rule, listener.pointer,
				 listener.message);
	}
}

static void goes_on_after_an_error(void **state)
{
	NETCONF_CLEANUP struct netconf netconf = {0};
	struct listener listener;

	(void)state;
	assert_int_equal(read_text(HEAD ", 'mtu': 'x', 'mod': 1, 'ipam': {'type': 'rangeguard', 'ranges': "
					"[[{'subnet': 'x'}, {'subnet': '10.0.0.0/24'}]]}}",
				   NULL, &netconf, &listener),
			 REFUSED);
	assert_int_equal(listener.report.errors, 3);
	assert_int_equal(netconf.n_sets, 1);
	assert_int_equal(netconf.sets[0].n_ranges, 1);
}

static void defaults_are_those_of_the_contract(void **state)
{
	NETCONF_CLEANUP struct netconf netconf = {0};
	struct listener listener;

	(void)state;
	assert_int_equal(read_text(HEAD ", " IPAM "}", NULL, &netconf, &listener), 0);
	assert_int_equal(netconf.role, ROLE_INTERFACE);
	assert_int_equal(netconf.version, CNI_1_0_0);
	assert_int_equal(netconf.mtu, 0);
	assert_true(netconf.anti_spoof);
	assert_false(netconf.ip_masq);
	assert_string_equal(netconf.data_dir, "/run/rangeguard");
	assert_int_equal(netconf.reuse_delay, 120);
	assert_false(netconf.routes_given);
	assert_true(netconf.guard.policies_default);
	assert_int_equal(netconf.guard.n_policies, 1);
	assert_string_equal(netconf.guard.policies[0], "/etc/rangeguard/reserved.d");
	assert_int_equal(netconf.guard.on_overlap, OVERLAP_REFUSE);
	assert_int_equal(netconf.guard.host_routes, HOST_ROUTES_REFUSE);
	/* No address is spent on a gateway unless a range names one. */
	assert_int_equal(netconf.sets[0].ranges[0].gateway.family, FAMILY_NONE);
}

static void pins_are_read_as_written(void **state)
{
	NETCONF_CLEANUP struct netconf netconf = {0};
	struct listener listener;
	char text[SPAN_TEXT_MAX];

	(void)state;
	assert_int_equal(
		read_text(HEAD
			  ", 'antiSpoof': false, 'ipMasq': true, 'snat': [{'name': 'a', 'match': {'namespace': 'b*', "
			  "'pod': 'c'}, 'source': ['2001:db8::1', '192.0.2.1'], 'destinations': ['10.1.2.3/8', "
			  "'10.0.0.9', 'fd00::/8'], 'assign': 'eth1'}, {'name': 'd', 'source': ['192.0.2.2']}], " IPAM
			  "}",
			  NULL, &netconf, &listener),
		0);
	assert_false(netconf.anti_spoof);
	assert_true(netconf.ip_masq);
	assert_int_equal(netconf.n_pins, 2);
	assert_string_equal(netconf.pins[0].name, "a");
	assert_string_equal(netconf.pins[0].assign, "eth1");
	assert_string_equal(address_format(&netconf.pins[0].sources[0], text), "192.0.2.1");
	assert_string_equal(address_format(&netconf.pins[0].sources[1], text), "2001:db8::1");
	assert_true(netconf.pins[0].destinations_given);
	assert_int_equal(netconf.pins[0].n_destinations, 3);
	assert_string_equal(span_format(&netconf.pins[0].destinations[0], text), "10.0.0.0/8");
	assert_string_equal(span_format(&netconf.pins[0].destinations[1], text), "10.0.0.9");
	assert_string_equal(netconf.pins[1].pointer, "/snat/1");
	assert_int_equal(netconf.pins[1].sources[1].family, FAMILY_NONE);
	assert_false(netconf.pins[1].destinations_given);
	assert_null(netconf.pins[1].assign);
}

/* Of sources that hosts share there may be several of a family; the first stands for them until an ADD knows better. */
static void shared_sources_are_kept_in_their_order(void **state)
{
	static const char *const expected[] = {"192.0.2.2", "2001:db8::1", "192.0.2.1"};
	NETCONF_CLEANUP struct netconf netconf = {0};
	struct listener listener;
	char text[SPAN_TEXT_MAX];

	(void)state;
	assert_int_equal(read_text(PINS("{'name': 'a', 'shared': true, 'assign': 'eth1', "
					"'source': ['192.0.2.2', '2001:db8::1', '192.0.2.1']}, "
					"{'name': 'b', 'source': ['192.0.2.3']}"),
				   NULL, &netconf, &listener),
			 0);
	assert_true(netconf.pins[0].shared);
	assert_int_equal(netconf.pins[0].n_all, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(address_format(&netconf.pins[0].all[i], text), expected[i]);
	assert_string_equal(address_format(&netconf.pins[0].sources[0], text), "192.0.2.2");
	assert_string_equal(address_format(&netconf.pins[0].sources[1], text), "2001:db8::1");
	assert_false(netconf.pins[1].shared);
	assert_int_equal(netconf.pins[1].n_all, 1);
}

/* 16 of a family, and no 17th */
static void shared_sources_have_a_limit(void **state)
{
	(void)state;
	for (unsigned n = LIMIT_PIN_SHARED; n <= LIMIT_PIN_SHARED + 1; n++) {
		NETCONF_CLEANUP struct netconf netconf = {0};
		struct listener listener;
		char list[1024] = "", text[2048];

		for (unsigned i = 1; i <= n; i++)
			(void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s'192.0.2.%u'",
				       i > 1 ? ", " : "", i);
		(void)snprintf(text, sizeof(text),
			       PINS("{'name': 'a', 'shared': true, 'assign': 'eth1', 'source': [%s]}"), list);
		assert_int_equal(read_text(text, NULL, &netconf, &listener), n > LIMIT_PIN_SHARED ? REFUSED : 0);
	}
}

static void pins_match_by_globs(void **state)
{
	static char billing[] = "billing", shop[] = "shop", api[] = "api-7";
	static const struct {
		struct pin pin;
		struct cni_args args;
		bool matches;
	} cases[] = {
		{{0}, {0}, true},
		{{.namespace_glob = "bill*"}, {.pod_namespace = billing}, true},
		{{.namespace_glob = "bill*"}, {.pod_namespace = shop}, false},
		{{.namespace_glob = "bill"}, {.pod_namespace = billing}, false},
		{{.namespace_glob = "*"}, {0}, false},
		{{.namespace_glob = "billing", .pod_glob = "api-?"}, {.pod_namespace = billing, .pod_name = api}, true},
		{{.namespace_glob = "billing", .pod_glob = "web-*"},
		 {.pod_namespace = billing, .pod_name = api},
		 false},
		{{.pod_glob = "api-*"}, {.pod_namespace = shop, .pod_name = api}, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(pin_matches(&cases[i].pin, &cases[i].args), cases[i].matches);
}

static void null_counts_as_absent(void **state)
{
	NETCONF_CLEANUP struct netconf netconf = {0};
	struct listener listener;

	(void)state;
	assert_int_equal(read_text(HEAD ", 'mtu': null, 'ipMasq': null, 'dns': null, 'args': null, 'x-note': null, "
					"'cni.dev/valid-attachments': null, " IPAM "}",
				   NULL, &netconf, &listener),
			 0);
}

/* What was to fill it in has failed: neither unguarded, nor without a pin, nor another role */
static void null_is_no_guard(void **state)
{
	static const char *const texts[] = {
		HEAD ", 'guard': null, " IPAM "}",
		HEAD ", 'snat': null, " IPAM "}",
		HEAD ", 'ipam': null}",
		/* A pin or an address for everybody, a pool for each host */
		HEAD ", 'snat': [{'name': 'a', 'source': ['192.0.2.1'], 'match': null}], " IPAM "}",
		HEAD ", 'snat': [{'name': 'a', 'source': ['192.0.2.1'], 'match': {'pod': null}}], " IPAM "}",
		HEAD
		", 'snat': [{'name': 'a', 'source': ['192.0.2.1'], 'match': {'namespace': null, 'pod': 'a'}}], " IPAM
		"}",
		HEAD ", 'snat': [{'name': 'a', 'source': ['192.0.2.1'], 'destinations': null}], " IPAM "}",
		HEAD ", 'snat': [{'name': 'a', 'source': ['192.0.2.1'], 'assign': null}], " IPAM "}",
		HEAD ", 'snat': [{'name': 'a', 'source': ['192.0.2.1', null]}], " IPAM "}",
		HEAD ", 'nonMasq': null, " IPAM "}",
		HEAD ", 'annotations': null, " IPAM "}",
		HEAD ", 'antiSpoof': null, " IPAM "}",
		HEAD ", 'history': null, " IPAM "}",
		HEAD ", 'markMask': null, " IPAM "}",
		HEAD ", 'ipam': {'type': 'rangeguard', 'subnet': '10.9.0.0/24', 'blocks': null}}",
		HEAD ", 'ipam': {'type': 'rangeguard', 'subnet': '10.9.0.0/24', 'blocks': {'prefixLength': null}}}",
		HEAD ", 'ipam': {'type': 'rangeguard', 'subnet': '10.9.0.0/24', 'fixed': null}}",
		HEAD
		", 'ipam': {'type': 'rangeguard', 'subnet': '10.9.0.0/24', 'fixed': [{'namespace': null, 'pod': 'a', "
		"'addresses': ['10.9.0.5']}]}}",
		HEAD ", 'ipam': {'type': 'rangeguard', 'subnet': '10.9.0.0/24', 'discardRoutes': null}}",
		HEAD ", 'ipam': {'type': 'rangeguard', 'subnet': '10.9.0.0/24', 'adopt': null}}",
		"{'cniVersion': '1.0.0', 'name': 'n', 'type': 'bridge', 'ipam': {'type': 'rangeguard', 'subnet': "
		"'10.9.0.0/24', 'guard': null}}",
		"{'cniVersion': '1.0.0', 'name': 'n', 'type': 'bridge', 'guard': null, 'ipam': {'type': 'rangeguard', "
		"'subnet': '10.9.0.0/24'}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		NETCONF_CLEANUP struct netconf netconf = {0};
		struct listener listener;

		assert_int_equal(read_text(texts[i], NULL, &netconf, &listener), REFUSED);
	}
}

static void roles_follow_from_type_and_ipam(void **state)
{
	static const struct {
		const char *text;
		enum role role;
	} cases[] = {
		{HEAD ", " IPAM "}", ROLE_INTERFACE},
		{HEAD "}", ROLE_CHAINED},
		{"{'cniVersion': '1.0.0', 'name': 'n', 'type': 'macvlan', 'master': 'eth0', 'bogus': 1, " IPAM "}",
		 ROLE_DELEGATE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		NETCONF_CLEANUP struct netconf netconf = {0};
		struct listener listener;

		assert_int_equal(read_text(cases[i].text, NULL, &netconf, &listener), 0);
		assert_int_equal(netconf.role, cases[i].role);
	}
}

static void a_delegates_gateway_is_host_locals(void **state)
{
	NETCONF_CLEANUP struct netconf netconf = {0};
	struct listener listener;
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	assert_int_equal(read_text("{'cniVersion': '1.0.0', 'name': 'n', 'type': 'bridge', " IPAM "}", NULL, &netconf,
				   &listener),
			 0);
	assert_string_equal(address_format(&netconf.sets[0].ranges[0].gateway, text), "10.0.0.1");
}

static void sets_stand_in_host_locals_order(void **state)
{
	NETCONF_CLEANUP struct netconf netconf = {0};
	struct listener listener;
	char text[PREFIX_TEXT_MAX];
	static const char *const expected[] = {"10.9.0.0/24", "10.8.0.0/24", "10.0.0.0/24"};

	(void)state;
	assert_int_equal(read_text(HEAD ", 'runtimeConfig': {'ipRanges': [[{'subnet': '10.9.0.0/24'}]]}, 'ipam': "
					"{'type': 'rangeguard', 'subnet': '10.8.0.0/24', " RANGES "}}",
				   NULL, &netconf, &listener),
			 0);
	assert_int_equal(netconf.n_sets, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(prefix_format(&netconf.sets[i].ranges[0].subnet, text), expected[i]);
}

static void a_later_source_of_addresses_replaces_an_earlier_one(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{HEAD ", " IPAM "}", "10.0.0.3"},
		{HEAD ", 'args': {'cni': {'ips': ['10.0.0.4/24']}}, " IPAM "}", "10.0.0.4"},
		{HEAD ", 'args': {'cni': {'ips': ['10.0.0.4']}}, 'runtimeConfig': {'ips': ['::ffff:10.0.0.5']}, " IPAM
		      "}",
		 "10.0.0.5"},
	};
	char ip[] = "10.0.0.3";
	struct cni_args args = {.ip = ip};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		NETCONF_CLEANUP struct netconf netconf = {0};
		struct listener listener;
		char text[ADDRESS_TEXT_MAX];

		assert_int_equal(read_text(cases[i].text, &args, &netconf, &listener), 0);
		assert_int_equal(netconf.n_requested, 1);
		assert_string_equal(address_format(&netconf.requested[0], text), cases[i].expected);
	}
}

static void mac_of_the_strongest_source(void **state)
{
	char mac[] = "02:00:00:00:00:01";
	struct cni_args args = {.mac = mac};
	NETCONF_CLEANUP struct netconf netconf = {0};
	struct listener listener;

	(void)state;
	assert_int_equal(read_text(HEAD ", 'runtimeConfig': {'mac': '02:00:00:00:00:02'}, " IPAM "}", &args, &netconf,
				   &listener),
			 0);
	assert_string_equal(netconf.mac, "02:00:00:00:00:02");
}

static void absent_routes_are_not_no_routes(void **state)
{
	NETCONF_CLEANUP struct netconf netconf = {0};
	struct listener listener;

	(void)state;
	assert_int_equal(read_text(HEAD ", 'ipam': {'type': 'rangeguard', 'routes': [], " RANGES "}}", NULL, &netconf,
				   &listener),
			 0);
	assert_true(netconf.routes_given);
	assert_int_equal(netconf.n_routes, 0);
}

static void identity_fails_on_nothing(void **state)
{
	NETCONF_CLEANUP struct netconf netconf = {0};
	json_t *root = json_pack("{s:s, s:i, s:{s:s, s:b}, s:b}", "name", "n", "cniVersion", 7, "ipam", "dataDir",
				 "/run/elsewhere", "bogus", 1, "mtuu", 1);

	(void)state;
	assert_int_equal(netconf_read_identity(root, "test.conf", &netconf), 0);
	assert_string_equal(netconf.name, "n");
	assert_string_equal(netconf.data_dir, "/run/elsewhere");
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_what_is_wrong_and_where),
		cmocka_unit_test(goes_on_after_an_error),
		cmocka_unit_test(defaults_are_those_of_the_contract),
		cmocka_unit_test(null_counts_as_absent),
		cmocka_unit_test(null_is_no_guard),
		cmocka_unit_test(pins_are_read_as_written),
		cmocka_unit_test(shared_sources_are_kept_in_their_order),
		cmocka_unit_test(shared_sources_have_a_limit),
		cmocka_unit_test(pins_match_by_globs),
		cmocka_unit_test(roles_follow_from_type_and_ipam),
		cmocka_unit_test(a_delegates_gateway_is_host_locals),
		cmocka_unit_test(sets_stand_in_host_locals_order),
		cmocka_unit_test(a_later_source_of_addresses_replaces_an_earlier_one),
		cmocka_unit_test(mac_of_the_strongest_source),
		cmocka_unit_test(absent_routes_are_not_no_routes),
		cmocka_unit_test(identity_fails_on_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
