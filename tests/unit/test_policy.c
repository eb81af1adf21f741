/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies from JSON: what they come to in the guard, and that nothing doubtful is ever passed over. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_scene.h"
#include "rangeguard/array.h"

static const struct policy_context today = {.today = DAY_2027_06_30};
static const struct policy_context offline = {.today = DAY_2027_06_30, .lint = true};

/** read_text() - policy_read_json() of a text as a whole document "p.json" */
static int read_text(struct guard *guard, const char *text, const struct policy_context *context, struct heard *heard)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int r;

	if (!json)
		fail_msg("not JSON: %s", text);
	r = policy_read_json(guard, json, "p.json", "", context, &heard->report);
	json_decref(json);
	return r;
}

static void test_entries(void **state)
{
	static const char text[] =
		"{\"reserved\": ["
		" {\"cidr\": \"10.20.0.0/16\", \"owner\": \"db-platform\", \"reason\": \"Oracle RAC\", \"ref\": \"NET-1042\"},"
		" {\"range\": \"10.31.4.10-10.31.4.99\", \"owner\": \"telephony\", \"validUntil\": \"2027-06-30\"},"
		" {\"cidr\": \"::ffff:192.0.2.0/120\", \"x-note\": {\"any\": null}}],"
		" \"granted\": [{\"cidr\": \"10.20.64.0/20\", \"network\": \"pods\", \"reason\": \"NET-1100\"},"
		" {\"cidr\": \"2001:db8::/64\"}], \"x-comment\": \"yes\"}";
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	struct guard_entry entry;
	char span[SPAN_TEXT_MAX];

	(void)state;
	assert_int_equal(read_text(guard, text, &today, &heard), 0);
	assert_string_equal(heard.text, "");
	assert_int_equal(guard_n_entries(guard), 5);

	entry = guard_entry(guard, 0);
	assert_int_equal(entry.kind, GUARD_RESERVED);
	assert_string_equal(span_format(&entry.span, span), "10.20.0.0/16");
	assert_string_equal(entry.owner, "db-platform");
	assert_string_equal(entry.reason, "Oracle RAC");
	assert_string_equal(entry.ref, "NET-1042");
	assert_string_equal(entry.network, "");
	assert_string_equal(entry.file, "p.json");
	assert_string_equal(entry.pointer, "/reserved/0");

	entry = guard_entry(guard, 1);
	assert_string_equal(span_format(&entry.span, span), "10.31.4.10-10.31.4.99");
	assert_string_equal(entry.reason, "");

	entry = guard_entry(guard, 2);
	assert_string_equal(span_format(&entry.span, span), "192.0.2.0/24");
	assert_string_equal(entry.owner, "");

	entry = guard_entry(guard, 3);
	assert_int_equal(entry.kind, GUARD_GRANTED);
	assert_string_equal(entry.network, "pods");
	assert_string_equal(entry.pointer, "/granted/0");
	entry = guard_entry(guard, 4);
	assert_string_equal(entry.network, "*");
}

/** struct fault - A document that has one: rule and pointer, and a clause of its message */
struct fault {
	const char *text;
	const char *begin;
	const char *clause;
};

static const struct fault faults[] = {
	{"[]", "301 E p.json : ", "must be an object"},
	{"{\"reserved\": {}}", "301 E p.json /reserved: ", "must be an array"},
	{"{\"granted\": \"all\"}", "301 E p.json /granted: ", "must be an array"},
	{"{\"reserve\": []}", "2 E p.json /reserve: ", "did you mean \"reserved\""},
	{"{\"reserved\": [\"10.0.0.0/8\"]}", "301 E p.json /reserved/0: ", "must be an object"},
	{"{\"reserved\": null}", "301 E p.json /reserved: ", "must be an array"},
	{"{\"reserved\": [], \"granted\": null}", "301 E p.json /granted: ", "must be an array"},
	{"{}", "301 E p.json : ", "neither reserved nor granted"},
	{"{\"x-note\": 1}", "301 E p.json : ", "neither reserved nor granted"},
	{"{\"reserved\": [null]}", "301 E p.json /reserved/0: ", "must be an object"},
	{"{\"reserved\": [{" CIDR "}, {}]}", "301 E p.json /reserved/1: ", "cidr or range"},
	{"{\"reserved\": [{\"cidr\": null}]}", "301 E p.json /reserved/0/cidr: ", "null"},
	{"{\"reserved\": [{" CIDR ", \"range\": \"10.0.0.1-10.0.0.2\"}]}", "301 E p.json /reserved/0: ", "not both"},
	{"{\"reserved\": [{" CIDR ", \"ower\": \"x\"}]}", "2 E p.json /reserved/0/ower: ", "did you mean \"owner\""},
	{"{\"reserved\": [{" CIDR ", \"network\": \"pods\"}]}", "2 E p.json /reserved/0/network: ", "unknown key"},
	/* A null was to be filled in */
	{"{\"granted\": [{" CIDR ", \"network\": null}]}", "301 E p.json /granted/0/network: ", "null"},
	{"{\"granted\": [{" CIDR ", \"validUntil\": null}]}", "301 E p.json /granted/0/validUntil: ", "null"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": null}]}", "301 E p.json /reserved/0/validUntil: ", "null"},
	{"{\"reserved\": [{" CIDR ", \"range\": null}]}", "301 E p.json /reserved/0/range: ", "null"},
	{"{\"reserved\": [{" CIDR ", \"owner\": null}]}", "301 E p.json /reserved/0/owner: ", "null"},
	{"{\"reserved\": [], \"imports\": null}", "301 E p.json /imports: ", "null"},
	{"{\"reserved\": [], \"imports\": [{\"file\": \"a\", \"format\": \"netbox\", \"where\": null}]}",
	 "301 E p.json /imports/0/where: ", "null"},
	{"{\"reserved\": [], \"imports\": [{\"file\": \"a\", \"format\": \"netbox\", \"where\": {\"role\": [null]}}]}",
	 "301 E p.json /imports/0/where/role/0: ", "null"},
	{"{\"reserved\": [{\"cidr\": 10}]}", "301 E p.json /reserved/0/cidr: ", "must be a string, not 10"},
	{"{\"reserved\": [{" CIDR ", \"owner\": 1}]}", "301 E p.json /reserved/0/owner: ", "must be a string"},
	{"{\"reserved\": [{" CIDR ", \"reason\": []}]}", "301 E p.json /reserved/0/reason: ", "must be a string"},
	{"{\"reserved\": [{" CIDR ", \"ref\": {}}]}", "301 E p.json /reserved/0/ref: ", "must be a string"},
	{"{\"granted\": [{" CIDR ", \"network\": true}]}", "301 E p.json /granted/0/network: ", "must be a string"},
	{"{\"granted\": [{" CIDR ", \"network\": \"\"}]}", "301 E p.json /granted/0/network: ", "empty"},
	/* Host bits: the proper network is named */
	{"{\"reserved\": [{\"cidr\": \"10.20.0.1/16\"}]}",
	 "301 E p.json /reserved/0/cidr: ", "the network is 10.20.0.0/16"},
	{"{\"reserved\": [{\"cidr\": \"2001:db8::1/64\"}]}", "301 E p.json /reserved/0/cidr: ", "2001:db8::/64"},
	{"{\"reserved\": [{\"cidr\": \"::ffff:10.0.0.1/104\"}]}", "301 E p.json /reserved/0/cidr: ", "10.0.0.0/8"},
	{"{\"reserved\": [{\"cidr\": \"10.20.0.0\"}]}", "301 E p.json /reserved/0/cidr: ", "ADDRESS/LENGTH"},
	{"{\"reserved\": [{\"cidr\": \"\"}]}", "301 E p.json /reserved/0/cidr: ", "ADDRESS/LENGTH"},
	{"{\"reserved\": [{\"cidr\": \"10.20.0.0/33\"}]}", "301 E p.json /reserved/0/cidr: ", "ADDRESS/LENGTH"},
	{"{\"reserved\": [{\"cidr\": \"10.020.0.0/16\"}]}", "301 E p.json /reserved/0/cidr: ", "ADDRESS/LENGTH"},
	{"{\"reserved\": [{\"range\": \"10.0.0.9-10.0.0.1\"}]}", "301 E p.json /reserved/0/range: ", "FIRST-LAST"},
	{"{\"reserved\": [{\"range\": \"10.0.0.1-2001:db8::1\"}]}", "301 E p.json /reserved/0/range: ", "FIRST-LAST"},
	{"{\"reserved\": [{\"range\": \"10.0.0.0/8\"}]}", "301 E p.json /reserved/0/range: ", "FIRST-LAST"},
	/* Days */
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"2027-02-30\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"2027-02-29\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"2027-13-01\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"2027-00-10\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"2027-6-30\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"27-06-30\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \" 2027-6-30\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"2027-06-30T\"}]}",
	 "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": \"\"}]}", "301 E p.json /reserved/0/validUntil: ", "calendar"},
	{"{\"reserved\": [{" CIDR ", \"validUntil\": 20270630}]}", "301 E p.json /reserved/0/validUntil: ", "a string"},
};

static void test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
		GUARD_CLEANUP struct guard *guard = new_guard();
		struct heard heard = HEARD;

		assert_int_equal(read_text(guard, faults[i].text, &today, &heard), REFUSED);
		assert_heard(&heard, faults[i].begin, faults[i].clause);
		assert_int_equal(heard.report.errors, 1);
	}
}

static void test_every_fault_is_reported(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;

	(void)state;
	assert_int_equal(read_text(guard,
				   "{\"reserved\": [{\"cidr\": 1, \"ownr\": \"\"}, {" CIDR "}, 7], \"granted\": [{}]}",
				   &today, &heard),
			 REFUSED);
	assert_int_equal(heard.report.errors, 4);
	assert_int_equal(guard_n_entries(guard), 1);
}

static void test_inline_object_has_other_keys(void **state)
{
	GUARD_CLEANUP struct guard *guard = new_guard();
	struct heard heard = HEARD;
	json_t *json =
		json_loads("{\"policies\": [], \"onOverlap\": \"exclude\", \"reserved\": [{" CIDR "}, {}]}", 0, NULL);

	(void)state;
	assert_int_equal(policy_read_json(guard, json, "net.conf", "/plugins/0/guard", &today, &heard.report), REFUSED);
	assert_heard(&heard, "301 E net.conf /plugins/0/guard/reserved/1: ", "cidr or range");
	assert_string_equal(guard_entry(guard, 0).pointer, "/plugins/0/guard/reserved/0");
	json_decref(json);
}

static void test_valid_until_is_inclusive(void **state)
{
	static const struct {
		const char *day;
		bool counts;
	} cases[] = {
		{"2027-06-29", false}, {"2027-06-30", true},  {"2027-07-01", true},  {"2028-02-29", true},
		{"9999-12-31", true},  {"1969-12-31", false}, {"1970-01-01", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		GUARD_CLEANUP struct guard *guard = new_guard(), *linted = new_guard();
		struct heard heard = HEARD, lint = HEARD;
		char text[128];

		(void)snprintf(text, sizeof(text), "{\"reserved\": [{" CIDR ", \"validUntil\": \"%s\"}]}",
			       cases[i].day);
		assert_int_equal(read_text(guard, text, &today, &heard), 0);
		assert_int_equal(guard_n_entries(guard), cases[i].counts);
		assert_string_equal(heard.text, "");
		assert_int_equal(read_text(linted, text, &offline, &lint), 0);
		if (cases[i].counts)
			assert_string_equal(lint.text, "");
		else
			assert_heard(&lint, "301 W p.json /reserved/0/validUntil: ", cases[i].day);
	}
}

static void test_grants_of_other_networks_do_not_count(void **state)
{
	static const struct {
		const char *glob;
		const char *network;
		bool counts;
	} cases[] = {
		{"pods", "pods", true},	   {"pods", "pods2", false},	  {"pod?", "pods", true},
		{"*", "pods", true},	   {"prod-*", "prod-east", true}, {"prod-*", "production", false},
		{"[pq]ods", "pods", true}, {"PODS", "pods", false},	  {"pods", NULL, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		const struct policy_context context = {.network = cases[i].network, .today = DAY_2027_06_30};
		GUARD_CLEANUP struct guard *guard = new_guard();
		struct heard heard = HEARD;
		char text[256];

		(void)snprintf(text, sizeof(text),
			       "{\"reserved\": [{" CIDR "}],"
			       " \"granted\": [{\"cidr\": \"10.1.0.0/16\", \"network\": \"%s\"}]}",
			       cases[i].glob);
		assert_int_equal(read_text(guard, text, &context, &heard), 0);
		assert_int_equal(guard_seal(guard), 0);
		assert_int_equal(is_reserved(guard, "10.1.0.1"), !cases[i].counts);
		assert_true(is_reserved(guard, "10.2.0.1"));
	}
}

static void test_lint(void **state)
{
	static const struct fault cases[] = {
		{"{\"reserved\": [{" CIDR "}, {" CIDR "}]}", "301 W p.json /reserved/1: ", "p.json /reserved/0"},
		{"{\"granted\": [{" CIDR "}]}", "301 W p.json /granted/0: ", "grants nothing"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		GUARD_CLEANUP struct guard *guard = new_guard();
		struct heard heard = HEARD;

		assert_int_equal(read_text(guard, cases[i].text, &offline, &heard), 0);
		assert_string_equal(heard.text, "");
		assert_int_equal(policy_lint(guard, &heard.report), 0);
		assert_heard(&heard, cases[i].begin, cases[i].clause);
		assert_int_equal(heard.report.warnings, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_every_fault_is_reported),
		cmocka_unit_test(test_inline_object_has_other_keys),
		cmocka_unit_test(test_valid_until_is_inclusive),
		cmocka_unit_test(test_grants_of_other_networks_do_not_count),
		cmocka_unit_test(test_lint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
