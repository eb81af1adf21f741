/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's configuration as values. What is refused: tests/netns/agent.sh. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "plugin/agent/config.h"

static void parse(const char *text, struct agent_config *ret_config)
{
	struct error err = {0};

	if (agent_config_parse(json_loads(text, 0, NULL), "agent.json", ret_config, &err))
		fail_msg("%s", err.msg);
}

static void test_defaults(void **state)
{
	AGENT_CONFIG_CLEANUP struct agent_config config;
	char text[PREFIX_TEXT_MAX];

	(void)state;
	parse("{}", &config);
	assert_string_equal(config.data_dir, "/run/rangeguard");
	assert_null(config.listen);
	assert_null(config.textfile);
	assert_true(config.restore);
	assert_string_equal(config.policy.guard.policies[0], "/etc/rangeguard/reserved.d");
	assert_true(config.policy.guard.policies_default);
	assert_false(config.docker.enabled);
	assert_int_equal(config.docker.n_pools, 2);
	assert_string_equal(prefix_format(&config.docker.pools[0].base, text), "172.16.0.0/12");
	assert_int_equal(config.docker.reuse_delay, 120);
}

static void test_all_of_it(void **state)
{
	AGENT_CONFIG_CLEANUP struct agent_config config;
	char text[PREFIX_TEXT_MAX];

	(void)state;
	parse("{\"dataDir\": \"/d\", \"listen\": \":9582\", \"textfile\": \"/t\", \"restore\": false, \"x-note\": 1,"
	      "\"guard\": {\"policies\": [\"/p\"]}, \"docker\": {\"socket\": \"/s\", \"state\": \"/f\", \"pools\": "
	      "[{\"base\": \"fd00::/48\", \"size\": 64}], \"avoid\": [], \"hostRoutes\": \"warn\", \"reuseDelay\": 0}}",
	      &config);
	assert_string_equal(config.data_dir, "/d");
	assert_string_equal(config.listen, ":9582");
	assert_string_equal(config.textfile, "/t");
	assert_false(config.restore);
	assert_string_equal(config.policy.guard.policies[0], "/p");
	assert_true(config.docker.enabled);
	assert_string_equal(config.docker.socket, "/s");
	assert_string_equal(config.docker.state, "/f");
	assert_int_equal(config.docker.n_pools, 1);
	assert_string_equal(prefix_format(&config.docker.pools[0].base, text), "fd00::/48");
	assert_int_equal(config.docker.pools[0].size, 64);
	assert_int_equal(config.docker.n_avoid, 0);
	assert_int_equal(config.docker.host_routes, HOST_ROUTES_WARN);
	assert_int_equal(config.docker.reuse_delay, 0);
}

static void test_docker_is_on_or_off(void **state)
{
	AGENT_CONFIG_CLEANUP struct agent_config on;
	AGENT_CONFIG_CLEANUP struct agent_config off;

	(void)state;
	parse("{\"docker\": true}", &on);
	assert_true(on.docker.enabled);
	parse("{\"docker\": false}", &off);
	assert_false(off.docker.enabled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_docker_is_on_or_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
