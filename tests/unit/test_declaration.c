/* SPDX-License-Identifier: GPL-2.0-or-later */
/* declaration_….c: the address keys of each plugin and engine, what they mean and where they stand. */

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

#include "memory_fake.h"
#include "plugin/foreign/subject.h"
#include "rangeguard/array.h"

#define TEXT_MAX 4096U

/** struct listener - Findings as "error POINTER\n" */
struct listener {
	struct report report;
	char text[TEXT_MAX];
};

static void hear(struct report *report, const struct finding *finding)
{
	struct listener *listener = (struct listener *)report;
	size_t length = strlen(listener->text);

	assert_int_equal(finding->rule, RULE_INVALID_VALUE);
	assert_true(strlen(finding->message) > 0);
	(void)snprintf(listener->text + length, sizeof(listener->text) - length, "%s %s\n",
		       finding->severity == SEVERITY_ERROR ? "error" : "warning", finding->pointer);
}

/** describe() - Usages as "range POINTER NETWORK FIRST-LAST\n"; of an address, no span */
static void describe(const struct declarations *declarations, char text[static TEXT_MAX])
{
	static const char *const kinds[] = {
		[DECLARED_RANGE] = "range",	  [DECLARED_GATEWAY] = "gateway",   [DECLARED_ADDRESS] = "address",
		[DECLARED_EXCLUDED] = "excluded", [DECLARED_RESERVED] = "reserved",
	};

	text[0] = '\0';
	for (size_t i = 0; i < declarations->n_items; i++) {
		const struct declaration *declaration = &declarations->items[i];
		const struct address ends[] = {{.family = declaration->span.family, .value = declaration->span.first},
					       {.family = declaration->span.family, .value = declaration->span.last}};
		char network[PREFIX_TEXT_MAX] = "-", first[ADDRESS_TEXT_MAX], last[ADDRESS_TEXT_MAX];
		bool single = address_equal(&ends[0], &ends[1]);
		size_t length = strlen(text);

		if (declaration->kind == DECLARED_RANGE || declaration->kind == DECLARED_ADDRESS)
			(void)prefix_format(&declaration->network, network);
		(void)snprintf(text + length, TEXT_MAX - length, "%s%s %s %s %s%s%s\n",
			       declaration->implied ? "implied " : "", kinds[declaration->kind], declaration->pointer,
			       network, address_format(&ends[0], first), single ? "" : "-",
			       single ? "" : address_format(&ends[1], last));
	}
}

/** struct sample - A document, what it uses, and what is wrong with it */
struct sample {
	const char *text;
	const char *declarations;
	const char *findings;
};

static const struct sample samples[] = {
	/* host-local */
	{"{'type': 'bridge', 'ipam': {'type': 'host-local', 'ranges': [[{'subnet': '10.1.0.0/24', 'gateway': "
	 "'10.1.0.254'}, {'subnet': '10.2.0.0/24', 'rangeStart': '10.2.0.5', 'rangeEnd': '10.2.0.9'}], [{'subnet': "
	 "'fd00::/64'}]]}}",
	 "range /ipam/ranges/0/0/subnet 10.1.0.0/24 10.1.0.1-10.1.0.254\n"
	 "gateway /ipam/ranges/0/0/gateway - 10.1.0.254\n"
	 "range /ipam/ranges/0/1/subnet 10.2.0.0/24 10.2.0.5-10.2.0.9\n"
	 "implied gateway /ipam/ranges/0/1/subnet - 10.2.0.1\n"
	 "range /ipam/ranges/1/0/subnet fd00::/64 fd00::1-fd00::ffff:ffff:ffff:ffff\n"
	 "implied gateway /ipam/ranges/1/0/subnet - fd00::1\n",
	 ""},
	{"{'type': 'ptp', 'ipam': {'type': 'host-local', 'Subnet': '10.1.0.0/31', 'GATEWAY': '10.1.0.1', 'routes': "
	 "[{'dst': '10.9.0.0/16', 'gw': '10.1.0.0'}], 'dataDir': '/x'}}",
	 "range /ipam/Subnet 10.1.0.0/31 10.1.0.0-10.1.0.1\ngateway /ipam/GATEWAY - 10.1.0.1\n", ""},
	{"{'type': 'ptp', 'ipam': {'type': 'host-local', 'subnet': 'usePodCidr', 'ranges': [[{'subnet': "
	 "'usePodCidrIPv6'}]]}}",
	 "", ""},
	{"{'type': 'x', 'ipam': {'type': 'host-local', 'subnet': '10.1.0.7/24', 'rangeStart': '10.2.0.1', 'gateway': "
	 "7, 'ranges': [{}, [{'subnet': null}, {'subnet': 'x'}]]}}",
	 "range /ipam/subnet 10.1.0.0/24 10.1.0.1-10.1.0.254\n",
	 "error /ipam/subnet\nerror /ipam/rangeStart\nerror /ipam/ranges/0\nerror /ipam/ranges/1/1/subnet\n"
	 "error /ipam/gateway\n"},
	{"{'type': 'x', 'ipam': {'type': 'host-local', 'subnet': '10.1.0.0/24', 'rangeStart': 'fd00::1', 'rangeEnd': "
	 "'10.1.0.0'}}",
	 "range /ipam/subnet 10.1.0.0/24 10.1.0.1-10.1.0.254\nimplied gateway /ipam/subnet - 10.1.0.1\n",
	 "error /ipam/rangeStart\nerror /ipam/rangeEnd\n"},
	/* What a runtime adds */
	{"{'type': 'x', 'args': {'cni': {'ips': ['10.1.0.5', '10.1.0.6/24', 'x']}}, 'runtimeConfig': {'ips': "
	 "['fd00::5/64'], 'ipRanges': [[{'subnet': '10.3.0.0/30', 'gateway': '10.3.0.2'}]]}}",
	 "address /args/cni/ips/0 10.1.0.5/32 10.1.0.5\naddress /args/cni/ips/1 10.1.0.0/24 10.1.0.6\n"
	 "address /runtimeConfig/ips/0 fd00::/64 fd00::5\n"
	 "range /runtimeConfig/ipRanges/0/0/subnet 10.3.0.0/30 10.3.0.1-10.3.0.2\n"
	 "gateway /runtimeConfig/ipRanges/0/0/gateway - 10.3.0.2\n",
	 "error /args/cni/ips/2\n"},
	/* static */
	{"{'type': 'macvlan', 'ipam': {'type': 'static', 'addresses': [{'address': '10.1.0.5/24', 'gateway': "
	 "'10.1.0.1'}, {'address': 'fd00::5/64'}, {}, {'address': '10.1.0.9'}]}}",
	 "address /ipam/addresses/0/address 10.1.0.0/24 10.1.0.5\ngateway /ipam/addresses/0/gateway - 10.1.0.1\n"
	 "address /ipam/addresses/1/address fd00::/64 fd00::5\n",
	 "error /ipam/addresses/2\nerror /ipam/addresses/3/address\n"},
	/* whereabouts */
	{"{'type': 'macvlan', 'ipam': {'type': 'whereabouts', 'range': '10.1.0.225/28', 'exclude': ['10.1.0.229/30', "
	 "'10.1.0.236', '10.1.0.230-10.1.0.231'], 'gateway': '10.1.0.1'}}",
	 "range /ipam/range 10.1.0.224/28 10.1.0.225-10.1.0.238\nexcluded /ipam/exclude/0 - 10.1.0.228-10.1.0.231\n"
	 "excluded /ipam/exclude/1 - 10.1.0.236\nexcluded /ipam/exclude/2 - 10.1.0.230-10.1.0.231\n"
	 "gateway /ipam/gateway - 10.1.0.1\n",
	 ""},
	{"{'type': 'macvlan', 'ipam': {'type': 'whereabouts', 'range': '10.1.0.5-10.1.0.9/24', 'range_start': "
	 "'10.1.0.1', 'ipRanges': [{'range': '10.2.0.0/24', 'range_start': '10.2.0.7', 'range_end': '10.2.0.8', "
	 "'exclude': ['x']}, {'range': '10.1.0.9-10.1.0.5/24'}, {'range': '10.1.0.9-/24'}, {}]}}",
	 "range /ipam/range 10.1.0.0/24 10.1.0.5-10.1.0.9\n"
	 "range /ipam/ipRanges/0/range 10.2.0.0/24 10.2.0.7-10.2.0.8\n",
	 "error /ipam/ipRanges/0/exclude/0\nerror /ipam/ipRanges/1/range\nerror /ipam/ipRanges/2/range\n"},
	/* Pools by CIDR and by name */
	{"{'type': 'calico', 'ipam': {'type': 'calico-ipam', 'ipv4_pools': ['10.1.0.0/16', 'default'], 'ipv6_pools': "
	 "['fd00::/129', 7]}}",
	 "range /ipam/ipv4_pools/0 10.1.0.0/16 10.1.0.0-10.1.255.255\n",
	 "error /ipam/ipv6_pools/0\nerror /ipam/ipv6_pools/1\n"},
	{"{'type': 'macvlan', 'ipam': {'type': 'spiderpool', 'default_ipv4_ippool': ['a'], 'default_ipv6_ippool': "
	 "['b']}}",
	 "", ""},
	/* Whose keys are not known */
	{"{'type': 'x', 'ipam': {'type': 'another', 'subnet': '10.1.0.0/24', 'range': true, 'addresses': {}}}",
	 "range /ipam/subnet 10.1.0.0/24 10.1.0.1-10.1.0.254\nimplied gateway /ipam/subnet - 10.1.0.1\n",
	 "warning /ipam/range\nwarning /ipam/addresses\n"},
	{"{'type': 'x', 'ipam': 7, 'args': [], 'runtimeConfig': 'x', 'subnet': '10.1.0.0/24'}",
	 "range /subnet 10.1.0.0/24 10.1.0.0-10.1.0.255\n", "warning /subnet\n"},
	/* Lists, and what plugins delegate to */
	{"{'plugins': [{'type': 'a', 'ipam': {'subnet': '10.1.0.0/30'}}, 7, {'type': 'flannel', 'delegate': {'ipam': "
	 "{'subnet': '10.2.0.0/30'}}}]}",
	 "range /plugins/0/ipam/subnet 10.1.0.0/30 10.1.0.1-10.1.0.2\nimplied gateway /plugins/0/ipam/subnet - "
	 "10.1.0.1\nrange /plugins/2/delegate/ipam/subnet 10.2.0.0/30 10.2.0.1-10.2.0.2\nimplied gateway "
	 "/plugins/2/delegate/ipam/subnet - 10.2.0.1\n",
	 ""},
	{"{'type': 'multus', 'delegates': [{'plugins': [{'type': 'a', 'ipam': {'subnet': '10.1.0.0/31'}}]}, {'ipam': "
	 "{'subnet': '10.2.0.0/31'}}]}",
	 "range /delegates/0/plugins/0/ipam/subnet 10.1.0.0/31 10.1.0.0-10.1.0.1\n"
	 "range /delegates/1/ipam/subnet 10.2.0.0/31 10.2.0.0-10.2.0.1\n",
	 ""},
	/* rangeguard and its policies */
	{"{'type': 'rangeguard', 'ipam': {'type': 'rangeguard', 'subnet': '10.1.0.0/31', 'guard': {'reserved': "
	 "[{'cidr': '10.4.0.0/16'}]}}, 'guard': {'reserved': [{'range': '10.5.0.1-10.5.0.2'}, {'range': 'x'}, 7]}}",
	 "range /ipam/subnet 10.1.0.0/31 10.1.0.0-10.1.0.1\n"
	 "reserved /ipam/guard/reserved/0 - 10.4.0.0-10.4.255.255\n"
	 "reserved /guard/reserved/0 - 10.5.0.1-10.5.0.2\n",
	 "error /guard/reserved/1/range\n"},
	{"{'reserved': [{'cidr': '10.4.0.0/16'}], 'granted': [{'cidr': '10.4.1.0/24'}]}",
	 "reserved /reserved/0 - 10.4.0.0-10.4.255.255\n", ""},
	/* netavark */
	{"{'name': 'podman', 'driver': 'bridge', 'subnets': [{'subnet': '10.1.0.0/16', 'gateway': '10.1.0.1'}, "
	 "{'subnet': 'fd00::/64', 'lease_range': {'start_ip': 'fd00::5', 'end_ip': 'fd00::9'}}, {'subnet': "
	 "'10.2.0.0/24', 'lease_range': {'end_ip': '10.3.0.1'}}, {}], 'routes': [{'destination': '10.9.0.0/16', "
	 "'gateway': '10.1.0.7'}]}",
	 "range /subnets/0/subnet 10.1.0.0/16 10.1.0.1-10.1.255.254\ngateway /subnets/0/gateway - 10.1.0.1\n"
	 "range /subnets/1/subnet fd00::/64 fd00::5-fd00::9\nrange /subnets/2/subnet 10.2.0.0/24 10.2.0.1-10.2.0.254\n",
	 "error /subnets/2/lease_range/end_ip\nerror /subnets/3\n"},
	{"{'name': 'x', 'driver': 'macvlan', 'network_interface': 'eth0', 'ipam_options': {'driver': 'dhcp'}}", "", ""},
	/* Docker */
	{"{'bip': '10.1.0.1/24', 'fixed-cidr': '10.1.0.128/25', 'default-gateway': '10.1.0.254', 'bip6': "
	 "'fd00::1/64', 'fixed-cidr-v6': 'fd00::/80', 'default-gateway-v6': 'fd00::fe', 'default-address-pools': "
	 "[{'base': '10.2.0.0/16', 'size': 24}, {}, {'base': 'x'}], 'dns': ['10.9.0.1']}",
	 "range /bip 10.1.0.0/24 10.1.0.1-10.1.0.254\ngateway /bip - 10.1.0.1\n"
	 "range /bip6 fd00::/64 fd00::1-fd00::ffff:ffff:ffff:ffff\ngateway /bip6 - fd00::1\n"
	 "range /fixed-cidr 10.1.0.128/25 10.1.0.129-10.1.0.254\nrange /fixed-cidr-v6 fd00::/80 "
	 "fd00::1-fd00::ffff:ffff:ffff\ngateway /default-gateway - 10.1.0.254\ngateway /default-gateway-v6 - fd00::fe\n"
	 "range /default-address-pools/0/base 10.2.0.0/16 10.2.0.0-10.2.255.255\n",
	 "error /default-address-pools/1\nerror /default-address-pools/2/base\n"},
	{"{'bip': '', 'Fixed-CIDR': '10.1.0.0/31', 'Default-Address-Pools': [{'Base': '10.2.0.0/31'}]}",
	 "range /Fixed-CIDR 10.1.0.0/31 10.1.0.0-10.1.0.1\nrange /Default-Address-Pools/0/Base 10.2.0.0/31 "
	 "10.2.0.0-10.2.0.1\n",
	 ""},
	/* Pools of clusters */
	{"{'apiVersion': 'v1', 'kind': 'List', 'items': [{'apiVersion': 'crd.projectcalico.org/v1', 'kind': 'IPPool', "
	 "'spec': {'cidr': '10.1.0.0/31'}}, {'apiVersion': 'apps/v1', 'kind': 'IPPool'}, {'apiVersion': "
	 "'whereabouts.cni.cncf.io/v1alpha1', 'kind': 'IPPool', 'spec': {'range': '10.2.0.0/30'}}]}",
	 "range /items/0/spec/cidr 10.1.0.0/31 10.1.0.0-10.1.0.1\n"
	 "range /items/2/spec/range 10.2.0.0/30 10.2.0.1-10.2.0.2\n",
	 ""},
	{"{'apiVersion': 'spiderpool.spidernet.io/v2beta1', 'kind': 'SpiderIPPool', 'spec': {'subnet': '10.1.0.0/20', "
	 "'ips': ['10.1.0.5-10.1.0.9', '10.1.0.11', '10.2.0.1', 7], 'excludeIPs': ['10.1.0.7', 'x'], 'gateway': "
	 "'10.1.0.1'}}",
	 "range /spec/subnet 10.1.0.0/20 10.1.0.5-10.1.0.11\n"
	 "excluded /spec/excludeIPs/0 - 10.1.0.7\ngateway /spec/gateway - 10.1.0.1\n",
	 "error /spec/ips/2\nerror /spec/ips/3\nerror /spec/excludeIPs/1\n"},
	{"{'apiVersion': 'spiderpool.spidernet.io/v2beta1', 'kind': 'SpiderSubnet', 'spec': {'Subnet': 'fd00::/127'}}",
	 "range /spec/Subnet fd00::/127 fd00::-fd00::1\n", ""},
	/* None of these */
	{"{}", "", "error \n"},
	{"[]", "", "error \n"},
	{"{'name': 'x', 'driver': 'x'}", "", "error \n"},
};

/** parse() - A document, ' in its text standing for " */
static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	assert_non_null(copy);
	for (char *quote = copy; (quote = strchr(quote, '\''));)
		*quote = '"';
	json = json_loads(copy, 0, NULL);
	free(copy);
	assert_non_null(json);
	return json;
}

static void test_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(samples); i++) {
		struct listener listener = {.report = {.heard = hear}};
		json_t *root = parse(samples[i].text);
		DECLARATIONS_CLEANUP struct declarations declarations = {0};
		char text[TEXT_MAX];

		assert_int_equal(subjects_read(root, "x.json", &declarations, &listener.report), 0);
		describe(&declarations, text);
		assert_string_equal(text, samples[i].declarations);
		assert_string_equal(listener.text, samples[i].findings);
		json_decref(root);
	}
}

static void test_kinds(void **state)
{
	static const struct {
		const char *text;
		const char *file;
		const char *kind;
	} kinds[] = {
		{"{'plugins': []}", "a", "a list of CNI plugins"},
		{"{'plugins': [], 'type': 'x'}", "a", "a list of CNI plugins"},
		{"{'type': 'x', 'reserved': []}", "a", "a CNI plugin"},
		{"{'ipam': {}}", "daemon.json", "a CNI plugin"},
		{"{'imports': []}", "a", "a policy"},
		{"{'subnets': []}", "a", "a network of netavark"},
		{"{'driver': 'bridge', 'dns_enabled': true}", "a", "a network of netavark"},
		{"{'subnets': 7}", "a", NULL},
		{"{}", "/etc/docker/daemon.json", "Docker"},
		{"{}", "daemon.json", "Docker"},
		{"{}", "mydaemon.json", NULL},
		{"{'fixed-cidr-v6': ''}", "a", "Docker"},
		{"[{'type': 'x'}]", "daemon.json", NULL},
		/* npm's, a Secret, and YAML of others, in which such keys mean something else */
		{"{'type': 'module', 'imports': {}}", "web/package.json", NULL},
		{"{'apiVersion': 'v1', 'kind': 'Secret', 'type': 'Opaque'}", "a", NULL},
		{"{'plugins': ['search']}", "mkdocs.yml", NULL},
		{"{'plugins': [{'type': 'x', 'ipam': {}}]}", "net.yaml", "a list of CNI plugins"},
		{"{'type': 'object'}", "schema.yaml", NULL},
		/* The group is exact: eight have an IPPool */
		{"{'apiVersion': 'xprojectcalico.org/v3', 'kind': 'IPPool'}", "a", NULL},
		{"{'apiVersion': 'projectcalico.org/v3', 'kind': 'IPPool'}", "a", "a pool of Calico's"},
		{"{'apiVersion': 'crd.antrea.io/v1beta1', 'kind': 'IPPool'}", "a", "Antrea's pool"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		json_t *root = parse(kinds[i].text);
		const struct kind *kind = document_kind(root, kinds[i].file);

		assert_int_equal(kind != NULL, kinds[i].kind != NULL);
		if (kind)
			assert_string_equal(kind->name, kinds[i].kind);
		json_decref(root);
	}
}

static void test_out_of_memory(void **state)
{
	struct listener listener = {.report = {.heard = hear}};
	json_t *root = parse("{'plugins': [{'type': 'x', 'ipam': {'subnet': '10.1.0.0/24'}}]}");
	unsigned long nth = 0;
	int r;

	(void)state;
	do {
		DECLARATIONS_CLEANUP struct declarations declarations = {0};

		memory_fail_in = ++nth;
		r = subjects_read(root, "x.json", &declarations, &listener.report);
		if (memory_fail_in > 0)
			break;
		assert_true(r < 0);
	} while (true);
	memory_fail_in = 0;
	assert_int_equal(r, 0);
	assert_true(nth > 2);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
