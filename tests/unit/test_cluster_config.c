/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cluster_config.c: defaults, every key, and one clear message for each thing that is wrong. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/agent/cluster_config.h"
#include "rangeguard/array.h"

#define URL "\"endpoints\":[\"https://192.0.2.1:2379\"]"

static int parse(const char *text, struct cluster_config *config, struct error *err)
{
	json_t *root = json_loads(text, 0, NULL);

	assert_non_null(root);
	*err = (struct error){0};
	return cluster_config_parse(root, "cluster.json", config, err);
}

static void defaults_and_all_keys(void **state)
{
	struct cluster_config config;
	struct error err;

	(void)state;
	assert_int_equal(parse("{" URL ",\"host\":\"h1\"}", &config, &err), 0);
	assert_string_equal(config.etcd.prefix, "/rangeguard");
	assert_int_equal(config.ttl_ms, 5000);
	assert_int_equal(config.etcd.limit_ms, 500);
	assert_true(config.routes);
	assert_null(config.etcd.user);
	cluster_config_done(&config);
	assert_int_equal(
		parse("{\"endpoints\":[\"http://a:1\",\"http://b:1\"],\"prefix\":\"/x/y\",\"host\":\"node-1.example\","
		      "\"addresses\":[\"2001:db8::1\",\"192.0.2.7\"],\"routes\":false,\"ttl\":2.5,"
		      "\"tls\":{\"ca\":\"/ca\",\"cert\":\"/c\",\"key\":\"/k\"}}",
		      &config, &err),
		0);
	assert_int_equal(config.etcd.n_endpoints, 2);
	assert_string_equal(config.host, "node-1.example");
	assert_int_equal(config.addresses[0].family, FAMILY_IPV4);
	assert_int_equal(config.addresses[1].family, FAMILY_IPV6);
	assert_false(config.routes);
	assert_int_equal(config.ttl_ms, 2500);
	assert_string_equal(config.etcd.key, "/k");
	cluster_config_done(&config);
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{"{}", "endpoints must name"},
		{"[]", "must be a JSON object"},
		{"{\"endpoints\":[]}", "endpoints must name"},
		{"{\"endpoints\":[\"192.0.2.1:2379\"]}", "endpoints[0] must be a URL"},
		{"{" URL ",\"endpoint\":\"x\"}", "\"endpoint\""},
		{"{" URL ",\"prefix\":\"rangeguard\"}", "prefix must begin with a slash"},
		{"{" URL ",\"prefix\":\"/rangeguard/\"}", "prefix must begin with a slash"},
		{"{" URL ",\"host\":\"a b\"}", "host \"a b\" must be"},
		{"{" URL ",\"host\":\"01234567890123456789012345678901234567890123456789012345678901234\"}",
		 "must be 1 to 64"},
		{"{" URL ",\"host\":\"h\",\"addresses\":[\"x\"]}", "addresses[0] must be an IP address"},
		{"{" URL ",\"host\":\"h\",\"addresses\":[\"10.0.0.1\",\"10.0.0.2\"]}", "two of one family"},
		{"{" URL ",\"host\":\"h\",\"ttl\":0.5}", "ttl must be a number of seconds"},
		{"{" URL ",\"host\":\"h\",\"ttl\":\"5 s\"}", "ttl must be a number of seconds"},
		{"{" URL ",\"host\":\"h\",\"user\":\"u\"}", "needed both"},
		{"{" URL ",\"host\":\"h\",\"user\":\"u\",\"passwordFile\":\"/nonexistent\"}",
		 "/nonexistent: No such file"},
		{"{" URL ",\"host\":\"h\",\"tls\":{\"cert\":\"/c\"}}", "both cert and key"},
		{"{" URL ",\"host\":\"h\",\"tls\":{\"cacert\":\"/c\"}}", "\"cacert\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct cluster_config config;
		struct error err;

		assert_int_not_equal(parse(cases[i].text, &config, &err), 0);
		if (!strstr(err.msg, cases[i].said))
			fail_msg("%s: said \"%s\"", cases[i].text, err.msg);
		cluster_config_done(&config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_and_all_keys),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
