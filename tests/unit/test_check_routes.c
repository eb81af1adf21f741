/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_routes.c: a range against a host's routes, as the ADDs of its addresses would find them. DESIGN.md section 5. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/netconf/check.h"
#include "rangeguard/array.h"

/** What is expected, and heard */
enum outcome {
	NOTHING,
	WARNING,
	ERROR,
};

/** struct listener - Keeps the last finding, counts all */
struct listener {
	struct report report;
	char message[ERROR_MSG_MAX];
	char related[64];
};

static void hear(struct report *report, const struct finding *finding)
{
	struct listener *listener = (struct listener *)report;

	assert_int_equal(finding->rule, RULE_HOST_ROUTE);
	assert_string_equal(finding->file, "net.conf");
	assert_string_equal(finding->pointer, "/r");
	(void)snprintf(listener->message, sizeof(listener->message), "%s", finding->message);
	(void)snprintf(listener->related, sizeof(listener->related), "%s %s", finding->related_file,
		       finding->related_pointer);
}

/** struct printed_route - One route of a host, as ip(8) would print it; through eth7 */
struct printed_route {
	const char *destination, *gateway, *type, *table;
	int metric;
	bool own;
};

#define ROUTES_MAX 4

/* Routes on a link, through a gateway, of a type, in a table */
#define LINK(d)                                                                                                        \
	{                                                                                                              \
		.destination = (d)                                                                                     \
	}
#define VIA(d)                                                                                                         \
	{                                                                                                              \
		.destination = (d), .gateway = "192.0.2.1"                                                             \
	}
#define TYPE(t, d)                                                                                                     \
	{                                                                                                              \
		.destination = (d), .type = (t)                                                                        \
	}
#define LOCAL(t, d)                                                                                                    \
	{                                                                                                              \
		.destination = (d), .type = (t), .table = "local"                                                      \
	}
#define TABLE(t, d)                                                                                                    \
	{                                                                                                              \
		.destination = (d), .table = (t)                                                                       \
	}

/** read_host() - A host's routes, as many as have a destination, through routes_read() */
static void read_host(const struct printed_route host[static ROUTES_MAX], struct routes *ret_routes)
{
	json_t *root = json_array();
	struct error error;

	for (size_t i = 0; i < ROUTES_MAX && host[i].destination; i++)
		json_array_append_new(root, json_pack("{s:s, s:s*, s:s*, s:s*, s:i, s:s, s:s}", "dst",
						      host[i].destination, "gateway", host[i].gateway, "type",
						      host[i].type, "table", host[i].table, "metric", host[i].metric,
						      "protocol", host[i].own ? "82" : "static", "dev", "eth7"));
	assert_int_equal(routes_read(root, "routes.json", ret_routes, &error), 0);
	json_decref(root);
}

/** run() - check_routes() of a configuration with one range */
static enum outcome run(const char *subnet, const struct printed_route host[static ROUTES_MAX], enum role role,
			enum host_routes host_routes, struct listener *listener)
{
	struct ip_range range = {.pointer = "/r"};
	struct range_set set = {.ranges = &range, .n_ranges = 1};
	struct netconf netconf = {
		.file = "net.conf", .role = role, .sets = &set, .n_sets = 1, .guard = {.host_routes = host_routes}};
	ROUTES_CLEANUP struct routes routes = {0};
	int r;

	assert_int_equal(prefix_parse(subnet, &range.subnet), 0);
	range.span = range_default_span(&range.subnet);
	read_host(host, &routes);
	*listener = (struct listener){.report = {.heard = hear}};
	r = check_routes(&netconf, &routes, &listener->report);
	assert_int_equal(r, listener->report.errors ? REFUSED : 0);
	assert_true(listener->report.errors + listener->report.warnings <= 1);
	if (listener->report.errors)
		return ERROR;
	return listener->report.warnings ? WARNING : NOTHING;
}

static const struct {
	const char *subnet;
	struct printed_route host[ROUTES_MAX];
	enum outcome outcome;
	const char *part;
} judged_routes[] = {
	/* No trouble: default, OpenVPN's pair, a corporate aggregate, routes elsewhere, the other family */
	{"10.1.0.0/16", {VIA("default")}, NOTHING, ""},
	{"10.1.0.0/16", {LINK("0.0.0.0/1"), LINK("128.0.0.0/1")}, NOTHING, ""},
	{"10.1.0.0/16", {VIA("10.0.0.0/8")}, NOTHING, ""},
	{"10.1.0.0/16", {LINK("10.2.0.0/16"), LINK("10.0.255.0/24")}, NOTHING, ""},
	{"10.1.0.0/16", {LINK("::ffff:0:0/96"), LINK("fd00::/8")}, NOTHING, ""},
	{"10.1.0.0/16", {TYPE("throw", "10.1.0.0/16")}, NOTHING, ""},
	{"10.1.0.0/16", {TYPE("blackhole", "10.0.0.0/8")}, NOTHING, ""},
	/* docker0, a VPN's /24 inside the pool, the LAN around it; what discards takes nobody's traffic */
	{"172.17.0.0/24", {LINK("172.17.0.0/16")}, ERROR, "172.17.0.0/16 dev eth7"},
	{"10.1.0.0/16", {VIA("10.1.2.0/24")}, ERROR, "10.1.2.0/24 dev eth7"},
	{"10.1.0.0/16",
	 {LINK("10.1.2.0/24"), LINK("10.1.3.0/24"), LINK("10.1.4.0/24")},
	 ERROR,
	 "10.1.2.0/24 dev eth7 and 2 more"},
	{"10.1.0.0/16", {LINK("10.0.0.0/8")}, ERROR, "10.0.0.0/8"},
	{"10.1.0.0/16", {VIA("10.1.0.0/16")}, ERROR, "10.1.0.0/16"},
	{"10.1.0.0/16", {TYPE("blackhole", "10.1.2.0/24")}, NOTHING, ""},
	{"10.1.0.0/16", {TYPE("unreachable", "10.1.0.0/16")}, NOTHING, ""},
	{"10.1.0.0/16", {TYPE("prohibit", "10.1.2.3")}, WARNING, "prohibit 10.1.2.3/32"},
	{"127.9.0.0/16", {LOCAL("local", "127.0.0.0/8")}, ERROR, "127.0.0.0/8"},
	{"fd00:1::/64", {LINK("fd00:1::/64")}, ERROR, "fd00:1::/64"},
	{"fd00:1::/64", {{.destination = "fd00:1::/48", .gateway = "fe80::1"}}, NOTHING, ""},
	/* Only outside the addresses that are given: network and broadcast address */
	{"10.1.0.0/30", {LOCAL("broadcast", "10.1.0.0"), LOCAL("broadcast", "10.1.0.3")}, NOTHING, ""},
	/* Exact ones: somebody's; ours are leases */
	{"10.1.0.0/16", {LINK("10.1.0.5")}, WARNING, "10.1.0.5/32 dev eth7;"},
	{"10.1.0.0/16", {LINK("10.1.0.5"), VIA("10.1.0.6")}, WARNING, "and 1 more"},
	{"10.1.0.0/16", {LOCAL("local", "10.1.0.1")}, WARNING, "local 10.1.0.1/32"},
	{"10.1.0.0/16", {{.destination = "10.1.0.5", .own = true}}, NOTHING, ""},
	{"10.1.0.0/16", {LINK("10.1.0.5"), LINK("10.1.2.0/24"), LINK("10.1.0.6")}, ERROR, "10.1.2.0/24 dev eth7;"},
	/* Behind a more specific route that does not clash, no address ends at the one that would */
	{"10.1.0.0/16", {LINK("10.0.0.0/8"), VIA("10.0.0.0/15")}, NOTHING, ""},
	{"10.0.0.0/15", {LINK("10.0.0.0/8"), VIA("10.0.0.0/14")}, NOTHING, ""},
	{"10.0.0.0/8", {LINK("8.0.0.0/6"), VIA("8.0.0.0/7")}, ERROR, "8.0.0.0/6"},
	{"10.0.0.0/8", {LINK("8.0.0.0/6"), VIA("10.0.0.0/7")}, NOTHING, ""},
	{"10.1.0.0/16",
	 {LINK("10.0.0.0/8"), TYPE("throw", "10.1.0.0/17"), TYPE("throw", "10.1.128.0/17")},
	 NOTHING,
	 ""},
	{"10.1.0.0/16",
	 {LINK("10.0.0.0/8"), TYPE("throw", "10.1.0.0/17"), TYPE("throw", "10.1.128.0/18")},
	 ERROR,
	 "10.0.0.0/8"},
	/* Of equals the least metric counts */
	{"10.1.0.0/16",
	 {{.destination = "10.0.0.0/8", .metric = 200},
	  {.destination = "10.0.0.0/8", .gateway = "192.0.2.1", .metric = 100}},
	 NOTHING,
	 ""},
	{"10.1.0.0/16",
	 {{.destination = "10.0.0.0/8", .metric = 100},
	  {.destination = "10.0.0.0/8", .gateway = "192.0.2.1", .metric = 200}},
	 ERROR,
	 "10.0.0.0/8"},
	{"10.1.0.0/16",
	 {{.destination = "10.0.0.0/8", .metric = 100},
	  {.destination = "10.0.0.0/8", .gateway = "192.0.2.1", .metric = 100}},
	 ERROR,
	 "10.0.0.0/8"},
	/* Tables go before length: local, main, default */
	{"10.1.0.0/16", {LOCAL("local", "10.0.0.0/8"), VIA("10.0.0.0/15")}, ERROR, "local 10.0.0.0/8"},
	{"10.1.0.0/16", {VIA("10.0.0.0/8"), TABLE("default", "10.1.2.0/24")}, NOTHING, ""},
	{"10.1.0.0/16",
	 {TYPE("throw", "10.0.0.0/8"), TABLE("default", "10.1.2.0/24")},
	 ERROR,
	 "10.1.2.0/24 dev eth7 table default"},
	/* Other tables: perhaps. A default route in one is policy routing or TPROXY */
	{"10.1.0.0/16", {TABLE("52", "10.1.2.0/24")}, WARNING, "10.1.2.0/24 dev eth7 table 52"},
	{"10.1.0.0/16", {VIA("10.0.0.0/8"), TABLE("52", "10.1.2.0/24")}, WARNING, "table 52"},
	{"10.1.0.0/16",
	 {TABLE("52", "10.0.0.0/8"), {.destination = "10.0.0.0/15", .gateway = "192.0.2.1", .table = "52"}},
	 NOTHING,
	 ""},
	{"10.1.0.0/16",
	 {TABLE("52", "10.0.0.0/8"), {.destination = "10.0.0.0/15", .gateway = "192.0.2.1", .table = "53"}},
	 WARNING,
	 "table 52"},
	{"10.1.0.0/16", {{.destination = "default", .type = "local", .table = "100"}}, NOTHING, ""},
	{"0.0.0.0/0", {{.destination = "default", .gateway = "192.0.2.1", .table = "100"}}, NOTHING, ""},
	{"0.0.0.0/0", {VIA("default")}, ERROR, "0.0.0.0/0"},
	{"10.1.0.0/16", {LINK("10.1.0.5"), TABLE("52", "10.1.2.0/24")}, WARNING, "10.1.2.0/24 dev eth7 table 52;"},
};

static void each_route_is_judged_as_an_add_would(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(judged_routes); i++) {
		struct listener listener;
		enum outcome outcome = run(judged_routes[i].subnet, judged_routes[i].host, ROLE_INTERFACE,
					   HOST_ROUTES_REFUSE, &listener);

		if (outcome != judged_routes[i].outcome || !strstr(listener.message, judged_routes[i].part))
			fail_msg("case %zu (%s): outcome %d, '%s'", i, judged_routes[i].subnet, (int)outcome,
				 listener.message);
	}
}

static void the_configuration_decides_what_a_clash_is(void **state)
{
	static const struct printed_route host[ROUTES_MAX] = {LINK("10.2.0.0/16"), LINK("10.1.2.0/24")};
	static const struct {
		enum role role;
		enum host_routes host_routes;
		enum outcome outcome;
	} cases[] = {
		{ROLE_INTERFACE, HOST_ROUTES_REFUSE, ERROR}, {ROLE_INTERFACE, HOST_ROUTES_WARN, WARNING},
		{ROLE_INTERFACE, HOST_ROUTES_OFF, NOTHING},  {ROLE_DELEGATE, HOST_ROUTES_REFUSE, NOTHING},
		{ROLE_CHAINED, HOST_ROUTES_REFUSE, NOTHING},
	};
	struct listener listener;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_int_equal(run("10.1.0.0/16", host, cases[i].role, cases[i].host_routes, &listener),
				 cases[i].outcome);
	assert_int_equal(run("10.1.0.0/16", host, ROLE_INTERFACE, HOST_ROUTES_REFUSE, &listener), ERROR);
	assert_string_equal(listener.related, "routes.json /1");
	assert_non_null(strstr(listener.message, "10.1.0.1-10.1.255.254"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_route_is_judged_as_an_add_would),
		cmocka_unit_test(the_configuration_decides_what_a_clash_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
