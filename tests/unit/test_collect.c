/* SPDX-License-Identifier: GPL-2.0-or-later */
/* collect.c: the leases of the dead are given back one by one, and no other. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <string.h>

#include "plugin/host/collect.h"
#include "state_fake.h"

#define PIN_DEAD 10
#define PIN_THERE 11

/** Whether it only looks, and what was heard */
static struct {
	unsigned heard;
	bool dry_run;
} now;

/** a_comes_again() - Its ADD was quicker than the lock */
static void a_comes_again(void)
{
	host_scene_put_link("a");
}

static void prepare(struct host_scene *scene)
{
	(void)host_scene_take(scene, "a", NETNS_GONE, PIN_DEAD);
	(void)host_scene_take(scene, "b", NETNS_GONE, 0);
	(void)host_scene_take(scene, "there", NETNS_THERE, PIN_THERE);
	(void)host_scene_take(scene, "linked", NETNS_GONE, 0);
	host_scene_put_link("linked");
	host_scene_make_table(scene);
}

static void hear(void *userdata, const struct lease *lease)
{
	(void)userdata;
	assert_true(strcmp(lease->attachment.container_id, "a") == 0 ||
		    strcmp(lease->attachment.container_id, "b") == 0);
	now.heard++;
}

static struct error said;

static int act(struct host_scene *scene)
{
	const struct collect collect = {.network = "net", .dry_run = now.dry_run, .heard = hear};

	said = (struct error){0};
	state_fake.scene = scene;
	now.heard = 0;
	return collect_dead(&scene->host, &scene->state, &collect, &said);
}

/** judge() - What is there stays; what failed is told; the next one finishes */
static void judge(struct host_scene *scene, int outcome, bool failed)
{
	holds(host_scene_holds(scene, "there") && host_scene_is_pinned(PIN_THERE) && host_scene_holds(scene, "linked"));
	holds(host_scene_holds(scene, "a") || !host_scene_is_pinned(PIN_DEAD));
	holds(!outcome == !said.code && (failed || !outcome));
	holds(state_fake.locked == 0);
	/* A kernel that does not tell keeps a lease, which is no failure. */
	holds(outcome || strstr(host_scene_where(), "rtnetlink") ||
	      (!host_scene_holds(scene, "a") && !host_scene_holds(scene, "b")));
	holds(failed || (!host_scene_holds(scene, "a") && !host_scene_holds(scene, "b")));
	holds(act(scene) == 0 && !host_scene_holds(scene, "a") && !host_scene_holds(scene, "b"));
	holds(!host_scene_is_pinned(PIN_DEAD) && host_scene_is_pinned(PIN_THERE) && host_scene_holds(scene, "linked"));
}

static void only_the_dead_are_collected(void **state)
{
	static const struct host_sweep sweep = {prepare, act, judge};

	(void)state;
	assert_true(host_scene_sweep(&sweep) > 50);
}

static void a_dry_run_changes_nothing(void **state)
{
	struct host_scene scene;

	(void)state;
	host_scene_begin(&scene);
	prepare(&scene);
	now.dry_run = true;
	assert_int_equal(act(&scene), 0);
	assert_int_equal(now.heard, 2);
	assert_true(host_scene_holds(&scene, "a") && host_scene_holds(&scene, "b"));
	now.dry_run = false;
	host_scene_end(&scene);
}

/* An ADD or DEL of it is under way. */
static void what_is_locked_is_left(void **state)
{
	struct host_scene scene;

	(void)state;
	host_scene_begin(&scene);
	prepare(&scene);
	state_fake.lock_outcome = STATE_E_LOCKED;
	assert_int_equal(act(&scene), REFUSED);
	assert_int_equal(said.code, ERROR_TRY_AGAIN);
	assert_true(host_scene_holds(&scene, "a") && host_scene_holds(&scene, "b"));
	state_fake.lock_outcome = 0;
	host_scene_end(&scene);
}

/* Given again between the walk and the lock: the lease is another one now. */
static void what_came_again_stays(void **state)
{
	struct host_scene scene;

	(void)state;
	host_scene_begin(&scene);
	prepare(&scene);
	state_fake.when_locking = a_comes_again;
	assert_int_equal(act(&scene), 0);
	assert_true(host_scene_holds(&scene, "a") && !host_scene_holds(&scene, "b"));
	state_fake.when_locking = NULL;
	host_scene_end(&scene);
}

static void other_networks_stay(void **state)
{
	const struct collect collect = {.network = "other", .heard = hear};
	struct host_scene scene;

	(void)state;
	host_scene_begin(&scene);
	prepare(&scene);
	state_fake.scene = &scene;
	assert_int_equal(collect_dead(&scene.host, &scene.state, &collect, &said), 0);
	assert_true(host_scene_holds(&scene, "a") && host_scene_holds(&scene, "b"));
	host_scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_dead_are_collected), cmocka_unit_test(a_dry_run_changes_nothing),
		cmocka_unit_test(what_is_locked_is_left),      cmocka_unit_test(what_came_again_stays),
		cmocka_unit_test(other_networks_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
