/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check.c: ranges, gateways and requested addresses checked against the guard, and the words of a refusal. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/netconf/check.h"

/* What a range holds is counted through this (-Wl,--wrap). */
static unsigned n_asked;

int __real_guard_next(const struct guard *guard, const struct span *within, struct span *ret_part);
int __wrap_guard_next(const struct guard *guard, const struct span *within, struct span *ret_part);

int __wrap_guard_next(const struct guard *guard, const struct span *within, struct span *ret_part)
{
	n_asked++;
	return __real_guard_next(guard, within, ret_part);
}

/** struct listener - Keeps the first finding, counts all */
struct listener {
	struct report report;
	enum rule rule;
	enum severity severity;
	char pointer[POINTER_MAX];
	char message[ERROR_MSG_MAX];
	char related_file[64];
};

static void hear(struct report *report, const struct finding *finding)
{
	struct listener *listener = (struct listener *)report;

	if (listener->rule)
		return;
	listener->rule = finding->rule;
	listener->severity = finding->severity;
	(void)snprintf(listener->pointer, sizeof(listener->pointer), "%s", finding->pointer);
	(void)snprintf(listener->message, sizeof(listener->message), "%s", finding->message);
	(void)snprintf(listener->related_file, sizeof(listener->related_file), "%s",
		       finding->related_file ? finding->related_file : "");
}

/** make_guard() - db-platform has 10.20.0.0/16 but for 10.20.64.0/20, telephony 10.0.0.128/25 and most of fd00::/64 */
static struct guard *make_guard(void)
{
	static const struct {
		enum guard_kind kind;
		const char *text;
		const char *owner, *reason, *ref;
	} entries[] = {
		{GUARD_RESERVED, "10.20.0.0-10.20.255.255", "db-platform", "Oracle RAC", "NET-1042"},
		{GUARD_GRANTED, "10.20.64.0-10.20.79.255", "", "", ""},
		{GUARD_RESERVED, "10.0.0.128-10.0.0.255", "telephony", "", ""},
		{GUARD_RESERVED, "fd00::-fd00::cfff:ffff:ffff:ffff", "telephony", "", ""},
	};
	struct guard *guard;

	assert_int_equal(guard_new(&guard), 0);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		struct guard_entry entry = {.kind = entries[i].kind,
					    .owner = entries[i].owner,
					    .reason = entries[i].reason,
					    .ref = entries[i].ref,
					    .file = "/p/dba.json",
					    .pointer = "/reserved/0"};

		assert_int_equal(span_parse(entries[i].text, &entry.span), 0);
		assert_int_equal(guard_add(guard, &entry), 0);
	}
	assert_int_equal(guard_seal(guard), 0);
	return guard;
}

/** struct sample - A configuration with one range, and the first finding; rule 0: none */
struct sample {
	const char *subnet, *gateway, *requested;
	enum on_overlap on_overlap;
	enum rule rule;
	const char *pointer;
};

static const struct sample samples[] = {
	{"10.1.0.0/24", NULL, NULL, OVERLAP_REFUSE, 0, ""},
	{"10.20.5.0/24", NULL, NULL, OVERLAP_REFUSE, RULE_RANGE_RESERVED, "/r/subnet"},
	{"10.0.0.0/8", NULL, NULL, OVERLAP_REFUSE, RULE_RANGE_RESERVED, "/r/subnet"},
	{"10.20.64.0/20", NULL, NULL, OVERLAP_REFUSE, 0, ""},
	{"10.20.64.0/19", NULL, NULL, OVERLAP_REFUSE, RULE_RANGE_RESERVED, "/r/subnet"},
	{"10.0.0.0/24", NULL, NULL, OVERLAP_EXCLUDE, 0, ""},
	{"10.0.1.0/31", "10.0.1.1", NULL, OVERLAP_EXCLUDE, 0, ""},
	{"0.0.0.0/0", NULL, NULL, OVERLAP_EXCLUDE, 0, ""},
	{"::/0", NULL, NULL, OVERLAP_EXCLUDE, 0, ""},
	{"10.0.0.128/25", NULL, NULL, OVERLAP_EXCLUDE, RULE_NO_ADDRESS, "/r"},
	{"10.0.0.126/31", "10.0.0.126", NULL, OVERLAP_EXCLUDE, 0, ""},
	{"10.0.0.127/32", NULL, NULL, OVERLAP_REFUSE, 0, ""},
	{"10.0.0.128/32", NULL, NULL, OVERLAP_REFUSE, RULE_RANGE_RESERVED, "/r/subnet"},
	{"10.1.0.0/24", "10.20.0.1", NULL, OVERLAP_REFUSE, RULE_GATEWAY_RESERVED, "/r/gateway"},
	{"10.1.0.0/24", NULL, "10.0.0.255", OVERLAP_REFUSE, RULE_ADDRESS_RESERVED, "/ips/0"},
	{"10.1.0.0/24", NULL, "10.0.1.0", OVERLAP_REFUSE, 0, ""},
	{"2001:db8::/64", NULL, NULL, OVERLAP_REFUSE, 0, ""},
};

/** run_sample() - check_netconf() of a sample */
static int run_sample(const struct sample *sample, struct listener *listener)
{
	struct ip_range range = {.pointer = "/r"};
	struct range_set set = {.ranges = &range, .n_ranges = 1};
	struct address requested;
	char requested_at[1][RANGE_POINTER_MAX] = {"/ips/0"};
	struct netconf netconf = {
		.file = "net.conf", .sets = &set, .n_sets = 1, .guard = {.on_overlap = sample->on_overlap}};
	GUARD_CLEANUP struct guard *guard = make_guard();

	assert_int_equal(prefix_parse(sample->subnet, &range.subnet), 0);
	range.span = range_default_span(&range.subnet);
	if (sample->gateway)
		assert_int_equal(address_parse(sample->gateway, &range.gateway), 0);
	if (sample->requested) {
		assert_int_equal(address_parse(sample->requested, &requested), 0);
		netconf.requested = &requested;
		netconf.requested_at = requested_at;
		netconf.n_requested = 1;
	}
	*listener = (struct listener){.report = {.heard = hear, .errors_only = listener->report.errors_only}};
	return check_netconf(&netconf, guard, &listener->report);
}

static void each_way_to_an_address_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct listener listener = {0}, brief = {.report.errors_only = true};
		int r = run_sample(&samples[i], &listener);

		assert_int_equal(run_sample(&samples[i], &brief), r);
		assert_int_equal(brief.report.errors, listener.report.errors);

		if (r != (samples[i].rule ? REFUSED : 0) || listener.rule != samples[i].rule ||
		    strcmp(listener.pointer, samples[i].pointer) != 0)
			fail_msg("sample %zu (%s): RG%03d at '%s': %s", i, samples[i].subnet, (int)listener.rule,
				 listener.pointer, listener.message);
	}
}

static void a_refusal_names_range_owner_reason_ref_and_file(void **state)
{
	static const char *const parts[] = {"10.20.5.0/24", "10.20.0.0/16", "db-platform", "Oracle RAC",
					    "NET-1042",	    "/p/dba.json",  "/reserved/0"};
	struct listener listener = {0};

	(void)state;
	assert_int_equal(run_sample(&samples[1], &listener), REFUSED);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strstr(listener.message, parts[i]))
			fail_msg("'%s' is not in '%s'", parts[i], listener.message);
	assert_string_equal(listener.related_file, "/p/dba.json");
}

/* What is left is the span without the reserved part, and without the gateway. */
static void a_range_with_less_than_half_left_is_a_warning(void **state)
{
	static const struct {
		const char *subnet, *gateway, *numbers;
	} cases[] = {
		/* 254 less 127 would be half of them */
		{"10.0.0.0/24", "10.0.0.1", "126 usable addresses of 254, with 127 reserved"},
		/* 2^16 less the grant's 2^12 */
		{"10.20.0.0/16", NULL, "4096 usable addresses of 65534, with 61438 reserved"},
		/* Of 2^64 three sixteenths are left */
		{"fd00::/64", NULL, "about 3.5e+18 usable addresses of about 1.8e+19, with about 1.5e+19 reserved"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sample sample = {
			.subnet = cases[i].subnet, .gateway = cases[i].gateway, .on_overlap = OVERLAP_EXCLUDE};
		struct listener listener = {0};

		assert_int_equal(run_sample(&sample, &listener), 0);
		assert_int_equal(listener.severity, SEVERITY_WARNING);
		assert_string_equal(listener.pointer, "/r");
		if (listener.rule != RULE_NO_ADDRESS || !strstr(listener.message, cases[i].numbers) ||
		    !strstr(listener.message, "reserved range"))
			fail_msg("case %zu: '%s' is not in '%s'", i, cases[i].numbers, listener.message);
		assert_string_equal(listener.related_file, "/p/dba.json");
	}
}

/* A verb asks whether there is room, whatever the number of reservations in the range. */
static void room_is_found_without_counting_all(void **state)
{
	struct ip_range range = {.pointer = "/r"};
	struct range_set set = {.ranges = &range, .n_ranges = 1};
	struct netconf netconf = {
		.file = "net.conf", .sets = &set, .n_sets = 1, .guard = {.on_overlap = OVERLAP_EXCLUDE}};
	struct guard_entry entry = {.span = {.family = FAMILY_IPV4}};
	struct listener brief = {.report = {.heard = hear, .errors_only = true}}, full = {.report = {.heard = hear}};
	GUARD_CLEANUP struct guard *guard = NULL;

	(void)state;
	assert_int_equal(prefix_parse("10.9.0.0/16", &range.subnet), 0);
	range.span = range_default_span(&range.subnet);
	assert_int_equal(guard_new(&guard), 0);
	for (u128 address = range.span.first; address < range.span.last; address += 2) {
		entry.span.first = entry.span.last = address;
		assert_int_equal(guard_add(guard, &entry), 0);
	}
	assert_int_equal(guard_seal(guard), 0);
	n_asked = 0;
	assert_int_equal(check_netconf(&netconf, guard, &brief.report), 0);
	assert_true(n_asked <= 4);
	assert_int_equal(check_netconf(&netconf, guard, &full.report), 0);
	assert_true(n_asked > 30000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_to_an_address_is_judged),
		cmocka_unit_test(a_refusal_names_range_owner_reason_ref_and_file),
		cmocka_unit_test(room_is_found_without_counting_all),
		cmocka_unit_test(a_range_with_less_than_half_left_is_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
