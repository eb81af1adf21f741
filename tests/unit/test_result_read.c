/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results that are refused, with which code and where: reading other plugins' output. The rest is in test_result.c. */

#include "plugin/cni/result.h"
#include "rangeguard/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rangeguard/limits.h"

/** What the result says of its own version, the configuration's, and whether it is read */
static void test_read_version_rules(void **state)
{
	static const struct {
		const char *own;
		enum cni_version config;
		int code;
	} cases[] = {
		{"{}", CNI_0_4_0, 0},
		{"{\"cniVersion\":null}", CNI_0_4_0, 0},
		{"{\"cniVersion\":\"\"}", CNI_1_1_0, 0},
		{"{\"cniVersion\":\"0.4.0\"}", CNI_0_4_0, 0},
		{"{\"cniVersion\":\"1.0.0\"}", CNI_1_1_0, 0},
		{"{\"cniVersion\":\"1.1.0\"}", CNI_1_0_0, 0},
		{"{\"cniVersion\":\"0.3.0\"}", CNI_0_3_1, ERROR_CONFIG},
		{"{\"cniVersion\":\"0.1.0\"}", CNI_0_2_0, ERROR_CONFIG},
		{"{\"cniVersion\":\"0.4.0\"}", CNI_1_0_0, ERROR_CONFIG},
		{"{\"cniVersion\":\"1.0.0\"}", CNI_0_4_0, ERROR_CONFIG},
		{"{\"cniVersion\":\"9.9.9\"}", CNI_1_1_0, ERROR_CONFIG},
		{"{\"cniVersion\":\"x\"}", CNI_1_1_0, ERROR_CONFIG},
		{"{\"cniVersion\":1}", CNI_1_1_0, ERROR_DECODE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		RESULT_CLEANUP struct result result = {.ips = NULL};
		json_t *json = json_loads(cases[i].own, 0, NULL);
		struct error err = {.code = 0};

		assert_int_equal(result_from_json(json, cases[i].config, &result, &err), cases[i].code ? REFUSED : 0);
		assert_int_equal(err.code, cases[i].code);
		if (cases[i].code)
			assert_non_null(strstr(err.msg, "/prevResult/cniVersion: "));
		json_decref(json);
	}
}

static const struct {
	const char *text;
	enum cni_version version;
	int code;
	const char *pointer;
} refused_results[] = {
	{"[]", CNI_1_0_0, ERROR_DECODE, "/prevResult:"},
	{"null", CNI_1_0_0, ERROR_DECODE, "/prevResult:"},
	{"{\"interfaces\":{}}", CNI_1_0_0, ERROR_DECODE, "/prevResult/interfaces:"},
	{"{\"interfaces\":[1]}", CNI_1_0_0, ERROR_DECODE, "/prevResult/interfaces/0:"},
	{"{\"interfaces\":[{},null]}", CNI_1_0_0, ERROR_DECODE, "/prevResult/interfaces/1:"},
	{"{\"interfaces\":[{\"name\":1}]}", CNI_1_0_0, ERROR_DECODE, "/prevResult/interfaces/0/name:"},
	{"{\"interfaces\":[{\"mac\":1}]}", CNI_1_0_0, ERROR_DECODE, "/prevResult/interfaces/0/mac:"},
	{"{\"interfaces\":[{\"sandbox\":[]}]}", CNI_1_0_0, ERROR_DECODE, "/prevResult/interfaces/0/sandbox:"},
	{"{\"interfaces\":[{\"mtu\":-1}]}", CNI_1_1_0, ERROR_DECODE, "/prevResult/interfaces/0/mtu:"},
	{"{\"interfaces\":[{\"mtu\":4294967296}]}", CNI_1_1_0, ERROR_DECODE, "/prevResult/interfaces/0/mtu:"},
	{"{\"interfaces\":[{\"mtu\":\"1500\"}]}", CNI_1_1_0, ERROR_DECODE, "/prevResult/interfaces/0/mtu:"},
	{"{\"interfaces\":[{\"mtu\":1500.0}]}", CNI_1_1_0, ERROR_DECODE, "/prevResult/interfaces/0/mtu:"},
	{"{\"interfaces\":[{\"socketPath\":1}]}", CNI_1_1_0, ERROR_DECODE, "/prevResult/interfaces/0/socketPath:"},
	{"{\"interfaces\":[{\"pciID\":1}]}", CNI_1_1_0, ERROR_DECODE, "/prevResult/interfaces/0/pciID:"},
	{"{\"ips\":\"10.0.0.1/8\"}", CNI_1_0_0, ERROR_DECODE, "/prevResult/ips:"},
	{"{\"ips\":[{}]}", CNI_1_0_0, ERROR_DECODE, "/prevResult/ips/0/address:"},
	{"{\"ips\":[{\"address\":1}]}", CNI_1_0_0, ERROR_DECODE, "/prevResult/ips/0/address:"},
	{"{\"ips\":[{\"address\":\"10.0.0.1\"}]}", CNI_1_0_0, ERROR_DECODE, "/prevResult/ips/0/address:"},
	{"{\"ips\":[{\"address\":\"10.0.0.1/33\"}]}", CNI_1_0_0, ERROR_DECODE, "/prevResult/ips/0/address:"},
	{"{\"ips\":[{\"address\":\"10.0.0.1/8\",\"gateway\":\"x\"}]}", CNI_1_0_0, ERROR_DECODE,
	 "/prevResult/ips/0/gateway:"},
	{"{\"ips\":[{\"address\":\"10.0.0.1/8\",\"gateway\":\"10.0.0.2/8\"}]}", CNI_1_0_0, ERROR_DECODE,
	 "/prevResult/ips/0/gateway:"},
	{"{\"ips\":[{\"address\":\"10.0.0.1/8\",\"interface\":\"0\"}]}", CNI_1_0_0, ERROR_DECODE,
	 "/prevResult/ips/0/interface:"},
	{"{\"ips\":[{\"address\":\"10.0.0.1/8\",\"interface\":0}]}", CNI_1_0_0, ERROR_CONFIG,
	 "/prevResult/ips/0/interface:"},
	{"{\"interfaces\":[{}],\"ips\":[{\"address\":\"10.0.0.1/8\",\"interface\":1}]}", CNI_1_0_0, ERROR_CONFIG,
	 "/prevResult/ips/0/interface:"},
	{"{\"interfaces\":[{}],\"ips\":[{\"address\":\"10.0.0.1/8\",\"interface\":-2}]}", CNI_1_0_0, ERROR_CONFIG,
	 "/prevResult/ips/0/interface:"},
	{"{\"interfaces\":[{}],\"ips\":[{\"address\":\"10.0.0.1/8\",\"interface\":4294967296}]}", CNI_1_0_0,
	 ERROR_CONFIG, "/prevResult/ips/0/interface:"},
	{"{\"ips\":[{\"address\":\"10.0.0.1/8\",\"version\":\"6\"}]}", CNI_0_4_0, ERROR_CONFIG,
	 "/prevResult/ips/0/version:"},
	{"{\"ips\":[{\"address\":\"2001:db8::1/64\",\"version\":\"4\"}]}", CNI_0_3_0, ERROR_CONFIG,
	 "/prevResult/ips/0/version:"},
	{"{\"ips\":[{\"address\":\"10.0.0.1/8\",\"version\":4}]}", CNI_0_3_1, ERROR_DECODE,
	 "/prevResult/ips/0/version:"},
	{"{\"routes\":[{}]}", CNI_1_0_0, ERROR_DECODE, "/prevResult/routes/0/dst:"},
	{"{\"routes\":[{\"dst\":\"0.0.0.0/0\"},{\"dst\":\"::/129\"}]}", CNI_1_0_0, ERROR_DECODE,
	 "/prevResult/routes/1/dst:"},
	{"{\"routes\":[{\"dst\":\"::/0\",\"gw\":1}]}", CNI_1_0_0, ERROR_DECODE, "/prevResult/routes/0/gw:"},
	{"{\"routes\":[{\"dst\":\"::/0\",\"mtu\":-1}]}", CNI_1_1_0, ERROR_DECODE, "/prevResult/routes/0/mtu:"},
	{"{\"routes\":[{\"dst\":\"::/0\",\"advmss\":1.5}]}", CNI_1_1_0, ERROR_DECODE, "/prevResult/routes/0/advmss:"},
	{"{\"routes\":[{\"dst\":\"::/0\",\"priority\":\"1\"}]}", CNI_1_1_0, ERROR_DECODE,
	 "/prevResult/routes/0/priority:"},
	{"{\"routes\":[{\"dst\":\"::/0\",\"table\":4294967296}]}", CNI_1_1_0, ERROR_DECODE,
	 "/prevResult/routes/0/table:"},
	{"{\"routes\":[{\"dst\":\"::/0\",\"scope\":256}]}", CNI_1_1_0, ERROR_DECODE, "/prevResult/routes/0/scope:"},
	{"{\"dns\":[]}", CNI_1_0_0, ERROR_DECODE, "/prevResult/dns:"},
	{"{\"ip4\":[]}", CNI_0_1_0, ERROR_DECODE, "/prevResult/ip4:"},
	{"{\"ip4\":{}}", CNI_0_2_0, ERROR_DECODE, "/prevResult/ip4/ip:"},
	{"{\"ip4\":{\"ip\":\"2001:db8::1/64\"}}", CNI_0_2_0, ERROR_CONFIG, "/prevResult/ip4/ip:"},
	{"{\"ip6\":{\"ip\":\"10.0.0.1/8\"}}", CNI_0_2_0, ERROR_CONFIG, "/prevResult/ip6/ip:"},
	{"{\"ip6\":{\"ip\":\"2001:db8::1/64\",\"gateway\":\"-\"}}", CNI_0_1_0, ERROR_DECODE,
	 "/prevResult/ip6/gateway:"},
	{"{\"ip4\":{\"ip\":\"10.0.0.1/8\",\"routes\":[{\"dst\":\"x\"}]}}", CNI_0_1_0, ERROR_DECODE,
	 "/prevResult/ip4/routes/0/dst:"},
	{"{\"ip4\":{\"ip\":\"10.0.0.1/8\",\"routes\":{}}}", CNI_0_1_0, ERROR_DECODE, "/prevResult/ip4/routes:"},
};

/** A document, the version, what it is refused with, and where */
static void test_read_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(refused_results); i++) {
		json_t *json = json_loads(refused_results[i].text, JSON_DECODE_ANY, NULL);
		struct result result = {.n_ips = 4711};
		struct error err = {.code = 0};

		assert_non_null(json);
		assert_int_equal(result_from_json(json, refused_results[i].version, &result, &err), REFUSED);
		assert_int_equal(err.code, refused_results[i].code);
		assert_ptr_equal(strstr(err.msg, refused_results[i].pointer), err.msg);
		assert_int_equal(result.n_ips, 4711);
		json_decref(json);
	}
}

static void test_read_limits(void **state)
{
	static const struct {
		const char *key;
		const char *element;
		size_t max;
	} cases[] = {
		{"interfaces", "{\"name\":\"a\"}", LIMIT_RESULT_INTERFACES},
		{"ips", "{\"address\":\"10.0.0.1/8\"}", LIMIT_RESULT_INTERFACES},
		{"routes", "{\"dst\":\"::/0\"}", LIMIT_ROUTES},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		json_t *list = json_array(), *element = json_loads(cases[i].element, 0, NULL);
		json_t *json = json_pack("{s:o}", cases[i].key, list);
		RESULT_CLEANUP struct result result = {.ips = NULL};
		struct error err = {.code = 0};

		for (size_t n = 0; n < cases[i].max; n++)
			assert_int_equal(json_array_append(list, element), 0);
		assert_int_equal(result_from_json(json, CNI_1_0_0, &result, &err), 0);
		result_done(&result);
		assert_int_equal(json_array_append(list, element), 0);
		assert_int_equal(result_from_json(json, CNI_1_0_0, &result, &err), REFUSED);
		assert_int_equal(err.code, ERROR_CONFIG);
		assert_non_null(strstr(err.msg, cases[i].key));
		json_decref(element);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_version_rules),
		cmocka_unit_test(test_read_refuses),
		cmocka_unit_test(test_read_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
