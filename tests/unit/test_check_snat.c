/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_snat.c and what check.c says of sources; spans.c, on which it stands. From JSON, as users write it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipam/address/spans.h"
#include "plugin/netconf/check.h"

/** struct listener - All findings, as "RG201 /snat/1: message" lines */
struct listener {
	struct report report;
	char text[8192];
};

static void hear(struct report *report, const struct finding *finding)
{
	struct listener *listener = (struct listener *)report;
	size_t used = strlen(listener->text);

	(void)snprintf(listener->text + used, sizeof(listener->text) - used, "%s RG%03d %s: %s\n",
		       finding->severity == SEVERITY_ERROR ? "error" : "warning", (int)finding->rule, finding->pointer,
		       finding->message);
}

/** read_conf() - A network 10.9.0.0/24 and fd09::/64 with these entries, without a finding */
static void read_conf(const char *snat, struct netconf *netconf, struct listener *listener)
{
	static const char before[] =
		"{\"cniVersion\": \"1.0.0\", \"name\": \"pods\", \"type\": \"rangeguard\", \"ipam\": {\"type\": \"rangeguard\", "
		"\"ranges\": [[{\"subnet\": \"10.9.0.0/24\"}], [{\"subnet\": \"fd09::/64\"}]]}, \"snat\": [";
	char *text;
	json_t *root;

	assert_true(asprintf(&text, "%s%s]}", before, snat) > 0);
	root = json_loads(text, 0, NULL);
	if (!root)
		fail_msg("not JSON: %s", text);
	free(text);
	*listener = (struct listener){.report = {.heard = hear}};
	(void)netconf_read(root, "f", "", NULL, netconf, &listener->report);
	json_decref(root);
	assert_string_equal(listener->text, "");
}

/** finding_in() - What check_snat() finds, in @listener */
static const char *finding_in(const char *snat, struct listener *listener)
{
	NETCONF_CLEANUP struct netconf netconf = {0};

	read_conf(snat, &netconf, listener);
	assert_int_equal(check_snat(&netconf, &listener->report), 0);
	assert_int_equal(listener->report.errors, 0);
	return listener->text;
}

#define V4 "\"source\": [\"192.0.2.10\"]"
#define V6 "\"source\": [\"2001:db8::10\"]"
#define BOTH "\"source\": [\"192.0.2.10\", \"2001:db8::10\"]"

/** A second entry of which the first, or the ones before, leave nothing */
static void shadowed_entries(void **state)
{
	static const struct {
		const char *snat;
		bool shadowed; /* the last one */
	} cases[] = {
		{"{\"name\": \"a\", " V4 "}", false},
		{"{\"name\": \"a\", " V4 "}, {\"name\": \"b\", " V4 "}", true},
		/* Families: what the first has no source of is left */
		{"{\"name\": \"a\", " V4 "}, {\"name\": \"b\", " V6 "}", false},
		{"{\"name\": \"a\", " V4 "}, {\"name\": \"b\", " BOTH "}", false},
		{"{\"name\": \"a\", " BOTH "}, {\"name\": \"b\", " V6 "}", true},
		{"{\"name\": \"a\", " V4 "}, {\"name\": \"b\", " V6 "}, {\"name\": \"c\", " BOTH "}", true},
		/* Destinations */
		{"{\"name\": \"a\", " V4 ", \"destinations\": [\"198.51.100.0/24\"]}, {\"name\": \"b\", " V4 "}",
		 false},
		{"{\"name\": \"a\", " V4 "}, {\"name\": \"b\", " V4 ", \"destinations\": [\"198.51.100.0/24\"]}", true},
		{"{\"name\": \"a\", " V4 ", \"destinations\": [\"198.51.100.0/24\"]}, "
		 "{\"name\": \"b\", " V4 ", \"destinations\": [\"198.51.100.128/25\", \"198.51.100.7\"]}",
		 true},
		{"{\"name\": \"a\", " V4 ", \"destinations\": [\"198.51.100.0/25\"]}, "
		 "{\"name\": \"b\", " V4 ", \"destinations\": [\"198.51.100.0/24\"]}",
		 false},
		/* Two halves, also in two entries; and all but one address */
		{"{\"name\": \"a\", " V4 ", \"destinations\": [\"198.51.100.128/25\", \"198.51.100.0/25\"]}, "
		 "{\"name\": \"b\", " V4 ", \"destinations\": [\"198.51.100.0/24\"]}",
		 true},
		{"{\"name\": \"a\", " V4 ", \"destinations\": [\"198.51.100.128/25\"]}, "
		 "{\"name\": \"b\", " V4 ", \"destinations\": [\"198.51.100.0/25\"]}, "
		 "{\"name\": \"c\", " V4 ", \"destinations\": [\"198.51.100.0/24\"]}",
		 true},
		{"{\"name\": \"a\", " V4 ", \"destinations\": [\"198.51.100.0/25\", \"198.51.100.128/26\", "
		 "\"198.51.100.192/27\", \"198.51.100.224/28\", \"198.51.100.240/29\", \"198.51.100.248/30\", "
		 "\"198.51.100.252/31\", \"198.51.100.254\"]}, "
		 "{\"name\": \"b\", " V4 ", \"destinations\": [\"198.51.100.0/24\"]}",
		 false},
		/* The default leaves the own ranges, link-local and multicast addresses out */
		{"{\"name\": \"a\", " V4 "}, {\"name\": \"b\", " V4 ", \"destinations\": [\"10.9.0.0/24\"]}", false},
		{"{\"name\": \"a\", " V4 "}, {\"name\": \"b\", " V4 ", \"destinations\": [\"169.254.169.254\"]}",
		 false},
		{"{\"name\": \"a\", " V6 "}, {\"name\": \"b\", " V6 ", \"destinations\": [\"fd09::/96\"]}", false},
		{"{\"name\": \"a\", " V4 ", \"destinations\": [\"0.0.0.0/0\"]}, {\"name\": \"b\", " V4 "}", true},
	/* Who is matched: equal, wider, narrower, other */
#define FOR(match) "{\"name\": \"a\", \"match\": {" match "}, " V4 "}, "
#define THEN(match) "{\"name\": \"b\", \"match\": {" match "}, " V4 "}"
#define NS(glob) "\"namespace\": \"" glob "\""
#define POD(glob) "\"pod\": \"" glob "\""
		{FOR(NS("billing")) THEN(NS("billing")), true},
		{FOR(NS("billing")) THEN(NS("sales")), false},
		{FOR("") THEN(NS("billing") ", " POD("api-*")), true},
		{FOR(NS("billing")) THEN(NS("billing") ", " POD("api-*")), true},
		{FOR(NS("billing") ", " POD("api-*")) THEN(NS("billing")), false},
		{FOR(NS("bill*")) THEN(NS("billing")), true},
		{FOR(NS("bill*")) THEN(NS("bill-*-eu")), true},
		{FOR(NS("bill*")) THEN(NS("b*")), false},
		{FOR(NS("*")) THEN(NS("b?l[a-l]*")), false}, /* brackets: it can't tell */
		{FOR(NS("*")) THEN(NS("b?l*")), true},
		{FOR(NS("*")) THEN(""), false}, /* a container without a namespace */
		{FOR(NS("?illing")) THEN(NS("billing")), true},
		{FOR(NS("?illing")) THEN(NS("*illing")), false},
		{FOR(NS("[ab]illing")) THEN(NS("billing")), true},
		{FOR(NS("billing")) THEN(NS("bill*")), false},
		{FOR(NS("api-?")) THEN(NS("api-?")), true},
		{FOR(NS("a") ", " POD("x")) THEN(NS("a") ", " POD("y")), false},
	};
	struct listener listener;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *found = finding_in(cases[i].snat, &listener);

		if (!strncmp(found, "warning RG201 /snat/", 20) != cases[i].shadowed)
			fail_msg("case %zu: %s: '%s'", i, cases[i].snat, found);
		assert_int_equal(listener.report.warnings, cases[i].shadowed);
	}
}

static void the_message_names_who_is_before(void **state)
{
	struct listener listener;

	(void)state;
	assert_string_equal(
		finding_in("{\"name\": \"wide\", " V4 "}, {\"name\": \"narrow\", \"match\": {\"pod\": \"api\"}, " V4
			   "}",
			   &listener),
		"warning RG201 /snat/1: snat entry \"narrow\" never counts: for all of its containers and destinations an "
		"earlier one does (entry \"wide\"); put it before that one, or narrow that one\n");
}

static void useless_destinations_and_sources(void **state)
{
	struct listener listener;
	const char *found;

	(void)state;
	found = finding_in("{\"name\": \"a\", " BOTH
			   ", \"destinations\": [\"224.0.0.0/8\", \"127.0.0.1\", \"ff0e::/16\", "
			   "\"::1\", \"198.51.100.0/24\", \"0.0.0.0/0\", \"169.254.169.254\"]}",
			   &listener);
	assert_int_equal(listener.report.warnings, 4);
	assert_non_null(strstr(found, "RG201 /snat/0: destination 224.0.0.0/8 of snat entry \"a\""));
	assert_non_null(strstr(found, "destination 127.0.0.1 of"));
	assert_non_null(strstr(found, "destination ff0e::/16 of"));
	assert_non_null(strstr(found, "destination ::1 of"));
	found = finding_in("{\"name\": \"a\", \"source\": [\"10.9.0.5\", \"fd09::5\"]}", &listener);
	assert_int_equal(listener.report.warnings, 2);
	assert_non_null(strstr(found, "RG201 /snat/0: source 10.9.0.5 of snat entry \"a\" lies in range 10.9.0."));
	assert_non_null(strstr(found, "source fd09::5 of"));
}

/** RG104 is an error, for ADD too, with the owner's side */
static void reserved_sources(void **state)
{
	struct guard_entry entry = {.kind = GUARD_RESERVED,
				    .owner = "db-platform",
				    .reason = "Oracle RAC",
				    .ref = "NET-1042",
				    .file = "/p/dba.json",
				    .pointer = "/reserved/0"};
	NETCONF_CLEANUP struct netconf netconf = {0};
	GUARD_CLEANUP struct guard *guard = NULL;
	struct listener listener;

	(void)state;
	assert_int_equal(guard_new(&guard), 0);
	assert_int_equal(span_parse("192.0.2.0-192.0.2.255", &entry.span), 0);
	assert_int_equal(guard_add(guard, &entry), 0);
	entry.kind = GUARD_GRANTED;
	assert_int_equal(span_parse("192.0.2.64-192.0.2.95", &entry.span), 0);
	assert_int_equal(guard_add(guard, &entry), 0);
	assert_int_equal(guard_seal(guard), 0);
	read_conf("{\"name\": \"a\", \"source\": [\"2001:db8::10\"]}, {\"name\": \"b\", \"source\": [\"192.0.2.70\"]}, "
		  "{\"name\": \"c\", " BOTH "}",
		  &netconf, &listener);
	assert_int_equal(check_netconf(&netconf, guard, &listener.report), REFUSED);
	assert_string_equal(
		listener.text,
		"error RG104 /snat/2/source: source 192.0.2.10 lies in reserved range 192.0.2.0/24 (owner "
		"db-platform, reason Oracle RAC, ref NET-1042; /p/dba.json /reserved/0); choose another source, "
		"or ask the owner for a grant\n");
}

static struct span span(const char *text)
{
	struct span parsed = {0};

	assert_int_equal(span_parse(text, &parsed), 0);
	return parsed;
}

static void merged_spans_and_what_is_between(void **state)
{
	const struct span spans[] = {span("10.0.0.8-10.0.0.9"),
				     span("255.255.255.255-255.255.255.255"),
				     span("::5-::6"),
				     span("10.0.0.10-10.0.0.20"),
				     span("10.0.0.12-10.0.0.13"),
				     span("10.0.0.22-10.0.0.22")};
	const struct address inside = {.family = FAMILY_IPV4, .value = spans[0].first + 5};
	const struct address outside = {.family = FAMILY_IPV4, .value = spans[5].first - 1};
	struct span merged[6], rest[7], again[8];

	(void)state;
	assert_int_equal(spans_merge(FAMILY_IPV4, spans, 6, merged), 3);
	assert_true(merged[0].first == spans[0].first && merged[0].last == spans[3].last);
	assert_true(merged[1].first == spans[5].first && merged[2].first == UINT32_MAX);
	assert_ptr_equal(spans_find(merged, 3, &inside), &merged[0]);
	assert_null(spans_find(merged, 3, &outside));
	assert_int_equal(spans_complement(FAMILY_IPV4, merged, 3, rest), 3);
	assert_true(rest[0].first == 0 && rest[0].last == spans[0].first - 1);
	assert_true(rest[1].first == outside.value && rest[1].last == outside.value);
	assert_true(rest[2].last == UINT32_MAX - 1);
	assert_int_equal(spans_merge(FAMILY_IPV6, spans, 6, merged), 1);
	assert_int_equal(spans_complement(FAMILY_IPV6, merged, 1, rest), 2);
	assert_true(rest[1].last == ~(u128)0);
	/* All, nothing, and back */
	assert_int_equal(spans_complement(FAMILY_IPV6, merged, 0, rest), 1);
	assert_int_equal(spans_complement(FAMILY_IPV6, rest, 1, again), 0);
	assert_int_equal(spans_merge(FAMILY_IPV6, NULL, 0, merged), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shadowed_entries),
		cmocka_unit_test(the_message_names_who_is_before),
		cmocka_unit_test(useless_destinations_and_sources),
		cmocka_unit_test(reserved_sources),
		cmocka_unit_test(merged_spans_and_what_is_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
