/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The request: R2 to R8, R13 of the reference's section 2, and CNI_ARGS. Linked with --wrap for strndup(3), so that it
 * can fail.
 */

#include "memory_fake.h"
#include "plugin/cni/request.h"
#include "rangeguard/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rangeguard/limits.h"

static const char *const variables[] = {"CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS",	       "CNI_IFNAME",
					"CNI_PATH",    "CNI_ARGS",	  "CNI_NETNS_OVERRIDE"};

/** environment() - Set the variables of a request, the rest is unset; each string is "NAME=VALUE" */
static void environment(const char *const *settings, size_t n)
{
	for (size_t i = 0; i < ARRAY_LENGTH(variables); i++)
		(void)unsetenv(variables[i]);
	for (size_t i = 0; i < n; i++) {
		char name[64];
		const char *equals = strchr(settings[i], '=');

		(void)snprintf(name, sizeof(name), "%.*s", (int)(equals - settings[i]), settings[i]);
		assert_int_equal(setenv(name, equals + 1, 1), 0);
	}
}

static int reset(void **state)
{
	(void)state;
	memory_fail_in = 0;
	environment(NULL, 0);
	return 0;
}

/** add_request() - Environment of a good ADD; further variables are set on top */
static void add_request(void)
{
	static const char *const good[] = {"CNI_COMMAND=ADD", "CNI_CONTAINERID=c1", "CNI_NETNS=/run/netns/x",
					   "CNI_IFNAME=eth0"};

	environment(good, ARRAY_LENGTH(good));
}

/** refused() - Whether the environment is refused with code 4, without anything written to the request */
static bool refused(struct error *err)
{
	struct request request = {.config_size = 4711};

	if (request_read_environment(&request, err) == 0) {
		request_done(&request);
		return false;
	}
	assert_int_equal(err->code, ERROR_ENVIRONMENT);
	assert_int_equal(request.config_size, 4711);
	return true;
}

/** accepted() - Whether the environment is taken; no error is written then */
static bool accepted(void)
{
	struct error err = {.code = 0};
	struct request request;

	if (request_read_environment(&request, &err) != 0)
		return false;
	request_done(&request);
	assert_int_equal(err.code, 0);
	return true;
}

/** A verb, what is set, and the whole message; NULL: accepted */
static void test_R2_R3_required_variables(void **state)
{
	static const struct {
		const char *settings[5];
		const char *msg;
	} cases[] = {
		{{0}, "required env variables [CNI_COMMAND] missing"},
		{{"CNI_COMMAND="}, "required env variables [CNI_COMMAND] missing"},
		{{"CNI_COMMAND=ADD"}, "required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME] missing"},
		{{"CNI_COMMAND=ADD", "CNI_IFNAME=eth0"}, "required env variables [CNI_CONTAINERID,CNI_NETNS] missing"},
		{{"CNI_COMMAND=ADD", "CNI_CONTAINERID=", "CNI_NETNS=/n", "CNI_IFNAME=eth0"},
		 "required env variables [CNI_CONTAINERID] missing"},
		{{"CNI_COMMAND=ADD", "CNI_CONTAINERID=c", "CNI_IFNAME=eth0"},
		 "required env variables [CNI_NETNS] missing"},
		{{"CNI_COMMAND=ADD", "CNI_CONTAINERID=c", "CNI_NETNS=/n", "CNI_IFNAME=eth0"}, NULL},
		{{"CNI_COMMAND=CHECK"}, "required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME] missing"},
		{{"CNI_COMMAND=CHECK", "CNI_CONTAINERID=c", "CNI_NETNS=/n", "CNI_IFNAME=eth0"}, NULL},
		{{"CNI_COMMAND=DEL"}, "required env variables [CNI_CONTAINERID,CNI_IFNAME] missing"},
		{{"CNI_COMMAND=DEL", "CNI_CONTAINERID=c"}, "required env variables [CNI_IFNAME] missing"},
		{{"CNI_COMMAND=DEL", "CNI_CONTAINERID=c", "CNI_IFNAME=eth0"}, NULL},
		{{"CNI_COMMAND=DEL", "CNI_CONTAINERID=c", "CNI_NETNS=", "CNI_IFNAME=eth0"}, NULL},
		{{"CNI_COMMAND=GC"}, NULL},
		{{"CNI_COMMAND=STATUS"}, NULL},
		{{"CNI_COMMAND=VERSION"}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct error err;
		size_t n = 0;

		while (cases[i].settings[n])
			n++;
		environment(cases[i].settings, n);
		if (!cases[i].msg) {
			assert_true(accepted());
			continue;
		}
		assert_true(refused(&err));
		assert_string_equal(err.msg, cases[i].msg);
	}
}

static void test_R2_values_are_handed_on(void **state)
{
	struct error err;
	struct request request;

	(void)state;
	add_request();
	assert_int_equal(request_read_environment(&request, &err), 0);
	assert_int_equal(request.verb, CNI_ADD);
	assert_string_equal(request.container_id, "c1");
	assert_string_equal(request.netns, "/run/netns/x");
	assert_string_equal(request.ifname, "eth0");
	assert_false(request.netns_override);
	assert_null(request.args.ip);
	assert_null(request.args.pod_name);
	request_done(&request);
	assert_null(request.config);
}

/** libcni's VERSION says "dummy" everywhere, its GC sends empty variables (R45): neither is checked nor handed on */
static void test_R2_R45_unused_variables_are_not_looked_at(void **state)
{
	static const char *const verbs[] = {"CNI_COMMAND=GC", "CNI_COMMAND=STATUS", "CNI_COMMAND=VERSION"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(verbs); i++) {
		const char *const settings[] = {verbs[i], "CNI_CONTAINERID=?", "CNI_NETNS=dummy", "CNI_IFNAME=a/b",
						"CNI_ARGS=IP"};
		struct error err;
		struct request request;

		environment(settings, ARRAY_LENGTH(settings));
		assert_int_equal(request_read_environment(&request, &err), 0);
		assert_string_equal(request.container_id, "");
		assert_string_equal(request.netns, "");
		assert_string_equal(request.ifname, "");
		request_done(&request);
	}
}

/** Names that both a network and a container may have, and such that neither may */
static const char *const good_names[] = {"a", "Z", "0", "a_b.c-d", "9.", "a-", "a..b", "A__"};
static const char *const bad_names[] = {"-a", ".a",	   "_a",       "a b",  "a/b", "a:b", "a\n",
					"a;", "a\xc3\xbc", "\xc3\xbc", "../x", " a",  "a%"};

static void test_R4_container_id(void **state)
{
	struct error err;
	char id[LIMIT_CONTAINER_ID + 2] = "";

	(void)state;
	add_request();
	for (size_t i = 0; i < ARRAY_LENGTH(good_names); i++) {
		(void)setenv("CNI_CONTAINERID", good_names[i], 1);
		assert_true(accepted());
	}
	for (size_t i = 0; i < ARRAY_LENGTH(bad_names); i++) {
		(void)setenv("CNI_CONTAINERID", bad_names[i], 1);
		assert_true(refused(&err));
		assert_non_null(strstr(err.msg, "invalid characters in containerID"));
		assert_string_equal(err.details, bad_names[i]);
	}
	memset(id, 'x', LIMIT_CONTAINER_ID);
	(void)setenv("CNI_CONTAINERID", id, 1);
	assert_true(accepted());
	id[LIMIT_CONTAINER_ID] = 'x';
	(void)setenv("CNI_CONTAINERID", id, 1);
	assert_true(refused(&err));
	assert_non_null(strstr(err.msg, "4096"));
}

static void test_R6_network_name(void **state)
{
	char name[LIMIT_NETWORK_NAME + 2] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(good_names); i++)
		assert_true(request_valid_name(good_names[i]));
	for (size_t i = 0; i < ARRAY_LENGTH(bad_names); i++)
		assert_false(request_valid_name(bad_names[i]));
	assert_false(request_valid_name(""));
	memset(name, 'x', LIMIT_NETWORK_NAME);
	assert_true(request_valid_name(name));
	name[LIMIT_NETWORK_NAME] = 'x';
	assert_false(request_valid_name(name));
}

static void test_R5_ifname(void **state)
{
	static const char *const good[] = {"e", "eth0", "123456789012345", "...", "a.b", "-", "eth0@x", "\xe2\x82\xac"};
	static const char *const bad[] = {
		"1234567890123456",
		".",
		"..",
		"a/b",
		"/",
		"a:1",
		":",
		"a b",
		" ",
		"a\t",
		"\n",
		"a\v",
		"\f",
		"\r",
		"a\xc2\x85",
		"\xc2\xa0",
		"\xe1\x9a\x80",
		"\xe2\x80\x80",
		"\xe2\x80\x8a",
		"\xe2\x80\xa8",
		"\xe2\x80\xa9",
		"\xe2\x80\xaf",
		"\xe2\x81\x9f",
		"\xe3\x80\x80",
		"a\xff",
		"\xe2\x82",
	};

	(void)state;
	add_request();
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		(void)setenv("CNI_IFNAME", good[i], 1);
		assert_true(accepted());
	}
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		struct error err;

		(void)setenv("CNI_IFNAME", bad[i], 1);
		assert_true(refused(&err));
		assert_non_null(strstr(err.msg, "CNI_IFNAME"));
	}
}

/** A path that can't be a namespace is refused by ADD; DEL takes it as a namespace that is gone (R31) */
static void test_R2_R31_netns(void **state)
{
	char longest[LIMIT_PATH + 1] = "";
	struct error err;

	(void)state;
	add_request();
	memset(longest, '/', LIMIT_PATH - 1);
	(void)setenv("CNI_NETNS", longest, 1);
	assert_true(accepted());

	longest[LIMIT_PATH - 1] = '/';
	for (int pass = 0; pass < 2; pass++) {
		struct request request;

		(void)setenv("CNI_NETNS", pass == 0 ? longest : "/run/netns/\xff", 1);
		(void)setenv("CNI_COMMAND", "ADD", 1);
		assert_true(refused(&err));
		assert_non_null(strstr(err.msg, "CNI_NETNS"));
		(void)setenv("CNI_COMMAND", "DEL", 1);
		assert_int_equal(request_read_environment(&request, &err), 0);
		assert_string_equal(request.netns, "");
		request_done(&request);
	}
}

static void test_R8_unknown_verb(void **state)
{
	static const char *const unknown[] = {"FOO", "add", "ADD ", "ADDX", "AD", "VERSION\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(unknown); i++) {
		char expected[64];
		struct error err;

		add_request();
		(void)setenv("CNI_COMMAND", unknown[i], 1);
		(void)snprintf(expected, sizeof(expected), "unknown CNI_COMMAND: %s", unknown[i]);
		assert_true(refused(&err));
		assert_string_equal(err.msg, expected);
	}
}

static void test_R8_verbs(void **state)
{
	static const struct {
		const char *text;
		enum cni_verb verb;
	} cases[] = {{"ADD", CNI_ADD}, {"DEL", CNI_DEL},       {"CHECK", CNI_CHECK},
		     {"GC", CNI_GC},   {"STATUS", CNI_STATUS}, {"VERSION", CNI_VERSION}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct error err;
		struct request request;

		add_request();
		(void)setenv("CNI_COMMAND", cases[i].text, 1);
		assert_int_equal(request_read_environment(&request, &err), 0);
		assert_int_equal(request.verb, cases[i].verb);
		request_done(&request);
	}
}

/** R1 is the caller's; it asks here whether a runtime called */
static void test_R1_request_present(void **state)
{
	(void)state;
	assert_false(request_present());
	(void)setenv("CNI_COMMAND", "", 1);
	assert_false(request_present());
	(void)setenv("CNI_COMMAND", "FOO", 1);
	assert_true(request_present());
}

static void test_R13_netns_override(void **state)
{
	static const struct {
		const char *text;
		bool override;
	} cases[] = {{"1", true}, {"TRUE", true}, {"true", true}, {"TrUe", true},
		     {"", false}, {"0", false},	  {"yes", false}, {"11", false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct error err;
		struct request request;

		add_request();
		(void)setenv("CNI_NETNS_OVERRIDE", cases[i].text, 1);
		assert_int_equal(request_read_environment(&request, &err), 0);
		assert_int_equal(request.netns_override, cases[i].override);
		request_done(&request);
	}
}

/** assert_text() - Check two texts that may be NULL */
static void assert_text(const char *text, const char *expected)
{
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

static void test_args_R54_pairs(void **state)
{
	static const struct {
		const char *text;
		struct {
			const char *ip, *mac, *namespace, *pod, *uid;
		} expected;
	} cases[] = {
		{"", {0}},
		{";", {0}},
		{"IP=10.0.0.1", {.ip = "10.0.0.1"}},
		{"IP=10.0.0.1;", {.ip = "10.0.0.1"}},
		{";;IP=10.0.0.1;;MAC=02:00:00:00:00:01", {.ip = "10.0.0.1", .mac = "02:00:00:00:00:01"}},
		{"IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=api-0;K8S_POD_INFRA_CONTAINER_ID=abc;"
		 "K8S_POD_UID=6f1e",
		 {.namespace = "default", .pod = "api-0", .uid = "6f1e"}},
		{"ip=10.0.0.1;XIP=1;IPX=2;K8S_POD_NAMES=x", {0}},
		{"GATEWAY=10.0.0.1;A=B=C", {0}},
		{"UNKNOWN;IP=10.0.0.1", {.ip = "10.0.0.1"}},
		{"IP=10.0.0.1;IP=10.0.0.2", {.ip = "10.0.0.2"}},
		{"IP=10.0.0.1;IP=", {0}},
		{"IP=", {0}},
		{"IP=a=b", {.ip = "a=b"}},
		{"K8S_POD_NAME=z\xc3\xbcrich", {.pod = "z\xc3\xbcrich"}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct error err;
		struct request request;

		add_request();
		(void)setenv("CNI_ARGS", cases[i].text, 1);
		assert_int_equal(request_read_environment(&request, &err), 0);
		assert_text(request.args.ip, cases[i].expected.ip);
		assert_text(request.args.mac, cases[i].expected.mac);
		assert_text(request.args.pod_namespace, cases[i].expected.namespace);
		assert_text(request.args.pod_name, cases[i].expected.pod);
		assert_text(request.args.pod_uid, cases[i].expected.uid);
		request_done(&request);
	}
}

/** ADD and CHECK refuse them; a DEL must not fail on them */
static void test_args_that_lose_a_wish(void **state)
{
	static const char *const bad[] = {
		"IP",
		"IP:10.0.0.7",
		"A=B;MAC",
		"K8S_POD_NAME;A=B",
		"IP=10.0.0.1;IP",
		"K8S_POD_NAME=\xff",
		"K8S_POD_UID=a\xc3",
		"IP 10.0.0.7;MAC=1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		struct error err;

		add_request();
		(void)setenv("CNI_ARGS", bad[i], 1);
		assert_true(refused(&err));
		assert_non_null(strstr(err.msg, "CNI_ARGS"));
		(void)setenv("CNI_COMMAND", "CHECK", 1);
		assert_true(refused(&err));
		(void)setenv("CNI_COMMAND", "DEL", 1);
		assert_true(accepted());
	}
}

static void test_args_without_memory(void **state)
{
	unsigned n = 0;
	int r;

	(void)state;
	add_request();
	(void)setenv("CNI_ARGS", "IP=10.0.0.1;MAC=02:00:00:00:00:01;K8S_POD_NAME=a", 1);
	do {
		struct error err;
		struct request request = {.config = NULL};

		memory_fail_in = ++n;
		r = request_read_environment(&request, &err);
		if (r)
			assert_int_equal(err.code, ERROR_TRY_AGAIN);
		request_done(&request);
	} while (r);
	assert_int_equal(n, 4);
}

#define REQUEST_TEST(test) cmocka_unit_test_setup(test, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REQUEST_TEST(test_R1_request_present),
		REQUEST_TEST(test_R2_R3_required_variables),
		REQUEST_TEST(test_R2_values_are_handed_on),
		REQUEST_TEST(test_R2_R45_unused_variables_are_not_looked_at),
		REQUEST_TEST(test_R4_container_id),
		REQUEST_TEST(test_R5_ifname),
		REQUEST_TEST(test_R6_network_name),
		REQUEST_TEST(test_R2_R31_netns),
		REQUEST_TEST(test_R8_unknown_verb),
		REQUEST_TEST(test_R8_verbs),
		REQUEST_TEST(test_R13_netns_override),
		REQUEST_TEST(test_args_R54_pairs),
		REQUEST_TEST(test_args_that_lose_a_wish),
		REQUEST_TEST(test_args_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
