/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * routes.c: what `ip -json route show table all` prints. The elements are iproute2 6.1's own, of a namespace that has
 * each kind of route.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/netconf/routes.h"
#include "rangeguard/array.h"

/** read_text() - routes_read() of a JSON text */
static int read_text(const char *text, struct routes *ret_routes, struct error *reterr)
{
	json_t *root = json_loads(text, JSON_DECODE_ANY, NULL);
	int r;

	assert_non_null(root);
	r = routes_read(root, "routes.json", ret_routes, reterr);
	json_decref(root);
	return r;
}

static const struct {
	const char *element, *description;
	enum hostroute_kind kind;
	enum route_table table;
	bool has_gateway;
	enum family family;
} printed_routes[] = {
	{"{'dst':'default','gateway':'192.0.2.254','dev':'d1','flags':[]}", "0.0.0.0/0 dev d1", HOSTROUTE_UNICAST,
	 TABLE_MAIN, true, FAMILY_IPV4},
	{"{'dst':'default','gateway':'fd01::2','dev':'d0','metric':1024,'flags':[],'pref':'medium'}", "::/0 dev d0",
	 HOSTROUTE_UNICAST, TABLE_MAIN, true, FAMILY_IPV6},
	{"{'dst':'default','dev':'d1','table':'100','scope':'link','flags':[]}", "0.0.0.0/0 dev d1 table 100",
	 HOSTROUTE_UNICAST, TABLE_OTHER, false, FAMILY_IPV4},
	{"{'dst':'default','dev':'tun0','metric':1024,'flags':[],'pref':'medium'}", "::/0 dev tun0", HOSTROUTE_UNICAST,
	 TABLE_MAIN, false, FAMILY_IPV6},
	{"{'dst':'default','via':{'family':'inet6','host':'fe80::1'},'dev':'d1','flags':[]}", "0.0.0.0/0 dev d1",
	 HOSTROUTE_UNICAST, TABLE_MAIN, true, FAMILY_IPV4},
	{"{'dst':'10.1.2.0/24','dev':'d1','scope':'link','flags':[]}", "10.1.2.0/24 dev d1", HOSTROUTE_UNICAST,
	 TABLE_MAIN, false, FAMILY_IPV4},
	{"{'dst':'10.1.3.3','dev':'d1','protocol':'bird','scope':'link','flags':[]}", "10.1.3.3/32 dev d1",
	 HOSTROUTE_UNICAST, TABLE_MAIN, false, FAMILY_IPV4},
	{"{'type':'blackhole','dst':'10.5.0.0/16','flags':[]}", "blackhole 10.5.0.0/16", HOSTROUTE_DISCARD, TABLE_MAIN,
	 false, FAMILY_IPV4},
	{"{'type':'unreachable','dst':'fd05::/48','dev':'lo','metric':1024,'flags':[],'pref':'medium'}",
	 "unreachable fd05::/48 dev lo", HOSTROUTE_DISCARD, TABLE_MAIN, false, FAMILY_IPV6},
	{"{'type':'prohibit','dst':'10.5.0.0/16','table':'default','flags':[]}", "prohibit 10.5.0.0/16 table default",
	 HOSTROUTE_DISCARD, TABLE_DEFAULT, false, FAMILY_IPV4},
	{"{'type':'throw','dst':'10.6.0.0/16','flags':[]}", "throw 10.6.0.0/16", HOSTROUTE_THROW, TABLE_MAIN, false,
	 FAMILY_IPV4},
	{"{'dst':'10.7.0.0/16','flags':[],'nexthops':[{'gateway':'192.0.2.253','dev':'d1','weight':1}]}", "10.7.0.0/16",
	 HOSTROUTE_UNICAST, TABLE_MAIN, true, FAMILY_IPV4},
	{"{'dst':'10.7.0.0/16','flags':[],'nexthops':[{'dev':'d1'},{'gateway':'192.0.2.253','dev':'d1'}]}",
	 "10.7.0.0/16", HOSTROUTE_UNICAST, TABLE_MAIN, false, FAMILY_IPV4},
	{"{'type':'local','dst':'172.17.0.1','dev':'d0','table':'local','protocol':'kernel','flags':[]}",
	 "local 172.17.0.1/32 dev d0", HOSTROUTE_LOCAL, TABLE_LOCAL, false, FAMILY_IPV4},
	{"{'type':'broadcast','dst':'172.17.255.255','dev':'d0','table':'255','flags':[]}",
	 "broadcast 172.17.255.255/32 dev d0", HOSTROUTE_LOCAL, TABLE_LOCAL, false, FAMILY_IPV4},
	{"{'type':'anycast','dst':'fd01::','dev':'d0','table':'local','pref':'medium'}", "anycast fd01::/128 dev d0",
	 HOSTROUTE_LOCAL, TABLE_LOCAL, false, FAMILY_IPV6},
	{"{'type':'multicast','dst':'ff00::/8','dev':'e0','table':'local','pref':'medium'}",
	 "multicast ff00::/8 dev e0", HOSTROUTE_LOCAL, TABLE_LOCAL, false, FAMILY_IPV6},
	{"{'type':'unicast','dst':'10.1.2.0/24','dev':'d1','table':'main'}", "unicast 10.1.2.0/24 dev d1",
	 HOSTROUTE_UNICAST, TABLE_MAIN, false, FAMILY_IPV4},
};

static void each_kind_of_route_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(printed_routes); i++) {
		ROUTES_CLEANUP struct routes routes = {0};
		json_t *root = json_array(), *element;
		char json[256], text[ROUTE_TEXT_MAX];
		const struct known_route *route;
		struct error error = {0};

		(void)snprintf(json, sizeof(json), "%s", printed_routes[i].element);
		for (char *quote = json; (quote = strchr(quote, '\''));)
			*quote = '"';
		element = json_loads(json, 0, NULL);
		assert_non_null(element);
		json_array_append_new(root, element);
		assert_int_equal(routes_read(root, "f", &routes, &error), 0);
		json_decref(root);
		assert_int_equal(routes.n_items, 1);
		route = &routes.items[0];
		assert_string_equal(routes_describe(route, text), printed_routes[i].description);
		if (route->rule.kind != printed_routes[i].kind || route->table != printed_routes[i].table ||
		    route->rule.has_gateway != printed_routes[i].has_gateway ||
		    route->rule.destination.address.family != printed_routes[i].family)
			fail_msg("case %zu: %s", i, printed_routes[i].element);
	}
}

static void order_metric_and_maker_are_kept(void **state)
{
	ROUTES_CLEANUP struct routes routes = {0};
	struct error error;

	(void)state;
	assert_int_equal(
		read_text(
			"[{\"dst\": \"10.0.0.1\", \"protocol\": \"82\"}, {\"dst\": \"10.0.0.0/8\", \"metric\": 4294967295}]",
			&routes, &error),
		0);
	assert_int_equal(routes.n_items, 2);
	assert_true(routes.items[0].own);
	assert_false(routes.items[1].own);
	assert_int_equal(routes.items[0].index, 0);
	assert_int_equal(routes.items[1].index, 1);
	assert_int_equal(routes.items[0].metric, 0);
	assert_int_equal(routes.items[1].metric, UINT32_MAX);
	assert_string_equal(routes.file, "routes.json");
}

static void no_routes_are_fine(void **state)
{
	ROUTES_CLEANUP struct routes routes = {0};
	struct error error;

	(void)state;
	assert_int_equal(read_text("[]", &routes, &error), 0);
	assert_int_equal(routes.n_items, 0);
}

static void what_is_no_route_is_an_error(void **state)
{
	static const struct {
		const char *json, *part;
	} cases[] = {
		{"{}", "not an array"},
		{"\"default via 192.0.2.1\"", "not an array"},
		{"[{\"dst\": \"default\"}, 1]", "element 1"},
		{"[null]", "element 0"},
		{"[{}]", "element 0"},
		{"[{\"dst\": 10}]", "element 0"},
		{"[{\"dst\": \"10.0.0.0/33\"}]", "10.0.0.0/33"},
		{"[{\"dst\": \"\"}]", "element 0"},
		{"[{\"dst\": \"somewhere\"}]", "somewhere"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct routes routes;
		struct error error = {0};

		assert_int_equal(read_text(cases[i].json, &routes, &error), REFUSED);
		if (!strstr(error.msg, cases[i].part))
			fail_msg("'%s' is not in '%s'", cases[i].part, error.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_route_is_read),
		cmocka_unit_test(order_metric_and_maker_are_kept),
		cmocka_unit_test(no_routes_are_fine),
		cmocka_unit_test(what_is_no_route_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
