/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's plugin protocol for IPAM drivers as values. What is refused: tests/netns/agent_docker.sh has the whole list. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "plugin/agent/docker_protocol.h"

/** wish_of() - What docker_read_wish() makes of a text; the document is kept for the texts that are borrowed */
static int wish_of(const char *text, struct docker_wish *ret_wish, json_t **ret_document, struct error *reterr)
{
	*ret_document = json_loads(text, 0, NULL);
	assert_non_null(*ret_document);
	*reterr = (struct error){0};
	return docker_read_wish(*ret_document, ret_wish, reterr);
}

static void test_a_subnet_that_is_named(void **state)
{
	struct docker_wish wish;
	struct error err;
	json_t *document;
	char text[PREFIX_TEXT_MAX];

	(void)state;
	assert_int_equal(wish_of("{\"AddressSpace\": \"rangeguard-local\", \"Pool\": \"10.1.2.3/16\", \"SubPool\": "
				 "\"10.1.4.0/24\", \"Options\": {\"rangeguard.network\": \"shop\", "
				 "\"rangeguard.hostRoutes\": \"off\", \"com.docker.network.x\": \"y\"}, \"V6\": false}",
				 &wish, &document, &err),
			 0);
	assert_true(wish.named);
	/* Docker drops host bits, too. */
	assert_string_equal(prefix_format(&wish.subnet, text), "10.1.0.0/16");
	assert_string_equal(prefix_format(&wish.range, text), "10.1.4.0/24");
	assert_string_equal(wish.network, "shop");
	assert_int_equal(wish.host_routes, HOST_ROUTES_OFF);
	json_decref(document);
}

static void test_a_subnet_that_is_not_named(void **state)
{
	struct docker_wish wish;
	struct error err;
	json_t *document;

	(void)state;
	assert_int_equal(
		wish_of("{\"Pool\": \"\", \"SubPool\": null, \"Options\": null, \"V6\": true}", &wish, &document, &err),
		0);
	assert_false(wish.named);
	assert_int_equal(wish.family, FAMILY_IPV6);
	assert_string_equal(wish.network, "docker");
	assert_int_equal(wish.host_routes, -1);
	json_decref(document);
}

static void test_refusals_say_what_and_where(void **state)
{
	static const struct {
		const char *request, *message;
	} cases[] = {
		{"{\"AddressSpace\": \"rangeguard-global\"}", "networks of a swarm"},
		{"{\"Pool\": 5}", "Pool must be a string"},
		{"{\"Pool\": \"10.0.0.0/40\"}", "subnet \"10.0.0.0/40\" is not a CIDR"},
		{"{\"Pool\": \"fd00::/64\"}", "not of IPv4"},
		{"{\"Pool\": \"10.0.0.0/24\", \"V6\": true}", "not of IPv6"},
		{"{\"Pool\": \"10.0.0.0/24\", \"SubPool\": \"10.0.0.0/23\"}", "not part of subnet"},
		{"{\"SubPool\": \"10.0.0.0/23\"}", "needs a subnet"},
		{"{\"Options\": {\"rangeguard.netwrok\": \"x\"}}", "unknown option \"rangeguard.netwrok\""},
		{"{\"Options\": {\"rangeguard.hostRoutes\": \"maybe\"}}", "must be refuse, warn or off"},
		{"{\"V6\": 1}", "V6 must be true or false"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct docker_wish wish;
		struct error err;
		json_t *document;

		assert_int_equal(wish_of(cases[i].request, &wish, &document, &err), REFUSED);
		if (!strstr(err.msg, cases[i].message))
			fail_msg("%s: %s", cases[i].request, err.msg);
		json_decref(document);
	}
}

static void test_addresses(void **state)
{
	json_t *document = json_loads("{\"PoolID\": \"rangeguard/0123456789abcdef/10.1.0.0/16\", \"Address\": "
				      "\"10.1.0.7/16\", \"Options\": {\"RequestAddressType\": "
				      "\"com.docker.network.gateway\"}}",
				      0, NULL);
	struct docker_ask ask;
	struct error err = {0};
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	assert_int_equal(docker_read_ask(document, &ask, &err), 0);
	assert_string_equal(address_format(&ask.address, text), "10.1.0.7");
	assert_true(ask.gateway);
	assert_string_equal(ask.token, "0123456789abcdef");
	assert_int_equal(ask.subnet.length, 16);
	assert_int_equal(json_object_del(document, "Options"), 0);
	assert_int_equal(json_object_set_new(document, "Address", json_string("")), 0);
	assert_int_equal(docker_read_ask(document, &ask, &err), 0);
	assert_int_equal(ask.address.family, FAMILY_NONE);
	assert_false(ask.gateway);
	assert_int_equal(json_object_set_new(document, "PoolID", json_string("LocalDefault/10.1.0.0/16")), 0);
	assert_int_equal(docker_read_ask(document, &ask, &err), REFUSED);
	json_decref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_subnet_that_is_named),
		cmocka_unit_test(test_a_subnet_that_is_not_named),
		cmocka_unit_test(test_refusals_say_what_and_where),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
