/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clash.c: a route that came after the leases is found, or the look failed; it never seems to be harmless. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "host_scene.h"
#include "plugin/host/clash.h"
#include "rangeguard/array.h"

/** A table that a rule leads to before the main one */
#define TABLE_OTHER 100
/** Interface of a route that leads elsewhere, and its name; 0 calls of if_indextoname(3) fail */
#define INDEX_OTHER 77
static int name_errnum;

char *__wrap_if_indextoname(unsigned index, char *name);
char *__wrap_if_indextoname(unsigned index, char *name)
{
	errno = name_errnum ? name_errnum : ENXIO;
	return !name_errnum && index == INDEX_OTHER ? strcpy(name, "docker0") : NULL;
}

static struct route_info route_of(const char *text, uint32_t table, uint8_t type)
{
	struct route_info route = {.type = type, .table = table, .interface = INDEX_OTHER};

	assert_int_equal(prefix_parse(text, &route.destination), 0);
	return route;
}

/** netconf_of() - The network of the scene */
static struct netconf netconf_of(struct host_scene *scene, enum host_routes host_routes)
{
	static char name[] = "net";
	struct netconf netconf = {.name = name, .sets = &scene->set, .n_sets = 1, .role = ROLE_INTERFACE};

	netconf.guard.host_routes = host_routes;
	return netconf;
}

/** find() - clash_find() with one route */
static int find(struct host_scene *scene, struct route_info *route, struct clashes *ret_clashes)
{
	struct netconf netconf = netconf_of(scene, HOST_ROUTES_REFUSE);
	const struct hostroutes hostroutes = {.routes = route, .n_routes = 1};

	return clash_find(scene->store, &netconf, &hostroutes, ret_clashes);
}

/** judge() - clash_judge() of what was found */
static int judge_found(struct host_scene *scene, const struct clashes *clashes, enum host_routes host_routes,
		       struct error *reterr)
{
	struct netconf netconf = netconf_of(scene, host_routes);

	return clash_judge(scene->host.rtnetlink, &netconf, clashes, reterr);
}

/** One after the other: search and judgement, as STATUS does it; what it says is kept */
static struct error said;

static void prepare(struct host_scene *scene)
{
	(void)host_scene_take(scene, "a", NETNS_THERE, 0);
	(void)host_scene_take(scene, "b", NETNS_THERE, 0);
}

static int act_with(struct host_scene *scene, struct route_info route)
{
	struct clashes clashes;
	int r = find(scene, &route, &clashes);

	said = (struct error){0};
	if (r)
		return r;
	fake.lookup.count = 0;
	fake_add_route(&fake.lookup, &route);
	return judge_found(scene, &clashes, HOST_ROUTES_REFUSE, &said);
}

/** act_main() - A route of the main table, which hides nothing but is where an answer would go */
static int act_main(struct host_scene *scene)
{
	return act_with(scene, route_of("10.0.0.0/24", RT_TABLE_MAIN, RTN_UNICAST));
}

/** act_other() - One of a table for which the rules have to be asked */
static int act_other(struct host_scene *scene)
{
	return act_with(scene, route_of("10.0.0.0/24", TABLE_OTHER, RTN_UNICAST));
}

static void judge(struct host_scene *scene, int outcome, bool failed)
{
	(void)scene;
	holds(outcome < 0 || outcome == REFUSED);
	holds(failed || said.code == ERROR_NOT_READY);
	holds(outcome != REFUSED || said.code == ERROR_NOT_READY || said.code == ERROR_KERNEL ||
	      said.code == ERROR_TRY_AGAIN);
}

static void a_clash_is_told_whatever_fails(void **state)
{
	static const struct host_sweep main_table = {prepare, act_main, judge}, other = {prepare, act_other, judge};

	(void)state;
	assert_true(host_scene_sweep(&main_table) >= 4);
	assert_true(host_scene_sweep(&other) > 5);
}

static void what_clashes(void **state)
{
	static const struct {
		const char *destination;
		uint32_t table;
		uint8_t type;
		bool clashes;
	} cases[] = {
		{"10.0.0.0/24", RT_TABLE_MAIN, RTN_UNICAST, true},
		{"10.0.0.2/32", RT_TABLE_MAIN, RTN_UNICAST, true},
		{"10.0.0.200/32", RT_TABLE_MAIN, RTN_UNICAST, false},
		{"10.0.1.0/24", RT_TABLE_MAIN, RTN_UNICAST, false},
		{"172.16.0.0/12", RT_TABLE_MAIN, RTN_UNICAST, false},
		{"0.0.0.0/0", RT_TABLE_MAIN, RTN_UNICAST, false},
		{"10.0.0.0/24", RT_TABLE_MAIN, RTN_UNREACHABLE, false},
		{"10.0.0.0/24", TABLE_OTHER, RTN_UNREACHABLE, true},
		{"10.0.0.2/32", RT_TABLE_MAIN, RTN_BLACKHOLE, false},
	};
	struct host_scene scene;

	(void)state;
	host_scene_begin(&scene);
	prepare(&scene);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct route_info route = route_of(cases[i].destination, cases[i].table, cases[i].type);
		struct clashes clashes;

		assert_int_equal(find(&scene, &route, &clashes), 0);
		if (clashes.n != cases[i].clashes)
			fail_msg("%s of type %u: %zu clashes", cases[i].destination, cases[i].type, clashes.n);
	}
	host_scene_end(&scene);
}

/* A route to one address leads to its container, unless it is through another interface: that has to be known. */
static void an_interface_that_can_not_be_asked_for_is_a_failure(void **state)
{
	struct route_info route = route_of("10.0.0.2/32", RT_TABLE_MAIN, RTN_UNICAST);
	struct host_scene scene;
	struct clashes clashes;

	(void)state;
	host_scene_begin(&scene);
	prepare(&scene);
	name_errnum = EMFILE;
	assert_int_equal(find(&scene, &route, &clashes), -EMFILE);
	/* One that is gone meanwhile is no container's. */
	name_errnum = ENXIO;
	assert_int_equal(find(&scene, &route, &clashes), 0);
	assert_int_equal(clashes.n, 1);
	name_errnum = 0;
	host_scene_end(&scene);
}

static void only_what_refuses_refuses(void **state)
{
	struct route_info route = route_of("10.0.0.0/24", RT_TABLE_MAIN, RTN_UNICAST);
	struct host_scene scene;
	struct clashes clashes;
	struct error err = {0};

	(void)state;
	host_scene_begin(&scene);
	prepare(&scene);
	assert_int_equal(find(&scene, &route, &clashes), 0);
	assert_int_equal(judge_found(&scene, &clashes, HOST_ROUTES_WARN, &err), 0);
	assert_int_equal(judge_found(&scene, &clashes, HOST_ROUTES_REFUSE, &err), REFUSED);
	assert_non_null(strstr(err.msg, "10.0.0.0/24"));
	assert_non_null(strstr(err.msg, "10.0.0."));
	/* No rule leads to the table: a lookup finds another route. */
	clashes.found[0].route.table = TABLE_OTHER;
	fake_add_route(&fake.lookup, &route);
	assert_int_equal(judge_found(&scene, &clashes, HOST_ROUTES_REFUSE, &err), 0);
	host_scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clash_is_told_whatever_fails),
		cmocka_unit_test(what_clashes),
		cmocka_unit_test(an_interface_that_can_not_be_asked_for_is_a_failure),
		cmocka_unit_test(only_what_refuses_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
