/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reclaim.c: what the dead hold is given back, and nothing else, whatever fails meanwhile. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <string.h>

#include "host_scene.h"
#include "plugin/host/reclaim.h"

/** Pins of two containers that are gone, and of one that is there */
#define PIN_A 10
#define PIN_B 11
#define PIN_THERE 12

/** prepare() - Two dead; one whose namespace is there, one whose host end is, though its namespace is gone */
static void prepare(struct host_scene *scene)
{
	(void)host_scene_take(scene, "a", NETNS_GONE, PIN_A);
	(void)host_scene_take(scene, "b", NETNS_GONE, PIN_B);
	(void)host_scene_take(scene, "there", NETNS_THERE, PIN_THERE);
	(void)host_scene_take(scene, "linked", NETNS_GONE, 0);
	host_scene_put_link("linked");
	host_scene_make_table(scene);
}

static int act_dead(struct host_scene *scene)
{
	struct ipam_request request = {.lease = lease_of("net", "new", "eth0", NOW), .sets = &scene->set, .n_sets = 1};

	return reclaim_dead(scene->store, &request, &scene->host);
}

static int act_gone(struct host_scene *scene)
{
	unsigned n;

	return reclaim_gone(scene->store, NOW, &scene->host, &n);
}

/** judge() - The living keep everything; of the dead all goes, or all stays; what failed is not called success */
static void judge(struct host_scene *scene, int outcome, bool failed)
{
	static const struct {
		const char *id;
		uint8_t pin;
	} dead[] = {{"a", PIN_A}, {"b", PIN_B}};

	holds(host_scene_holds(scene, "there") && host_scene_is_pinned(PIN_THERE));
	holds(host_scene_holds(scene, "linked"));
	for (size_t i = 0; i < 2; i++) {
		holds(host_scene_holds(scene, dead[i].id) || !host_scene_is_pinned(dead[i].pin));
		holds(failed || !host_scene_holds(scene, dead[i].id));
	}
	holds(outcome <= 0 || outcome == RECLAIM_E_NOTHING);
	holds(outcome != RECLAIM_E_NOTHING || (host_scene_holds(scene, "a") && host_scene_holds(scene, "b")));
	/* The next one finishes what this one did not. */
	holds(act_dead(scene) >= 0);
	holds(!host_scene_holds(scene, "a") && !host_scene_holds(scene, "b"));
	holds(!host_scene_is_pinned(PIN_A) && !host_scene_is_pinned(PIN_B) && host_scene_is_pinned(PIN_THERE));
}

static void only_the_dead_lose_their_leases(void **state)
{
	static const struct host_sweep dead = {prepare, act_dead, judge}, gone = {prepare, act_gone, judge};

	(void)state;
	assert_true(host_scene_sweep(&dead) > 50);
	assert_true(host_scene_sweep(&gone) > 50);
}

static int act_possible(struct host_scene *scene)
{
	return reclaim_is_possible(scene->store, &scene->set, scene->host.rtnetlink);
}

static void judge_possible(struct host_scene *scene, int outcome, bool failed)
{
	(void)scene;
	holds(outcome == 1 || (failed && outcome < 0));
}

/** one_dead() - So that a look that fails can't be made up for by the next one */
static void one_dead(struct host_scene *scene)
{
	(void)host_scene_take(scene, "a", NETNS_GONE, 0);
	(void)host_scene_take(scene, "there", NETNS_THERE, 0);
}

/** judge_one() - A kernel that does not say whether the host end is there leaves the lease where it is */
static void judge_one(struct host_scene *scene, int outcome, bool failed)
{
	(void)scene;
	holds(outcome == 1 || (failed && outcome <= 0));
}

static void what_can_be_reclaimed_is_told(void **state)
{
	static const struct host_sweep two = {prepare, act_possible, judge_possible},
				       one = {one_dead, act_possible, judge_one};

	(void)state;
	assert_true(host_scene_sweep(&two) > 5);
	assert_true(host_scene_sweep(&one) > 5);
}

static void addresses_of_other_ranges_stay(void **state)
{
	struct host_scene scene;
	struct ip_range other = range_of("172.16.0.0/24", NULL, NULL);
	struct range_set set = {.ranges = &other, .n_ranges = 1};
	struct ipam_request request = {.lease = lease_of("net", "new", "eth0", NOW), .sets = &set, .n_sets = 1};

	(void)state;
	host_scene_begin(&scene);
	prepare(&scene);
	assert_int_equal(reclaim_dead(scene.store, &request, &scene.host), RECLAIM_E_NOTHING);
	assert_true(host_scene_holds(&scene, "a") && host_scene_holds(&scene, "b"));
	assert_int_equal(reclaim_is_possible(scene.store, &set, scene.host.rtnetlink), 0);
	host_scene_end(&scene);
}

/* An ADD gives back so many at a time, however many there are. */
static void an_add_gives_back_some_at_a_time(void **state)
{
	struct host_scene scene;
	unsigned left = 0;
	char id[16];

	(void)state;
	host_scene_begin(&scene);
	for (unsigned i = 0; i < LIMIT_RECLAIMED_PER_ADD + 3; i++) {
		(void)snprintf(id, sizeof(id), "c%u", i);
		(void)host_scene_take(&scene, id, NETNS_GONE, 0);
	}
	assert_int_equal(act_dead(&scene), 0);
	for (unsigned i = 0; i < LIMIT_RECLAIMED_PER_ADD + 3; i++) {
		(void)snprintf(id, sizeof(id), "c%u", i);
		left += host_scene_holds(&scene, id);
	}
	assert_int_equal(left, 3);
	host_scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_dead_lose_their_leases),
		cmocka_unit_test(what_can_be_reclaimed_is_told),
		cmocka_unit_test(addresses_of_other_ranges_stay),
		cmocka_unit_test(an_add_gives_back_some_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
