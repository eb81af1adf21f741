/* SPDX-License-Identifier: GPL-2.0-or-later */
/* adopt.c: what others have is held in full, or the store is as it was and the next ADD tries again. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "host_scene.h"
#include "plugin/host/adopt.h"
#include "plugin/network/in_use.h"
#include "plugin/network/plan.h"
#include "rangeguard/array.h"

/** What in_use_read() says: addresses of the namespaces; of these the last is of no range here */
static const char *const used[] = {"10.0.0.7", "10.0.0.9", "172.16.0.1"};
static int used_outcome;
static size_t used_closed;
static unsigned used_calls;

int __wrap_in_use_read(struct port *own, struct in_use *ret_in_use);
int __wrap_in_use_read(struct port *own, struct in_use *ret_in_use)
{
	(void)own;
	used_calls++;
	if (used_outcome)
		return used_outcome;
	*ret_in_use = (struct in_use){.items = calloc(ARRAY_LENGTH(used), sizeof(*ret_in_use->items)),
				      .n_items = ARRAY_LENGTH(used),
				      .n_closed = used_closed};
	for (size_t i = 0; i < ARRAY_LENGTH(used); i++) {
		ret_in_use->items[i] =
			(struct used_address){.address = address_of(used[i]), .inode = 7 + i, .cookie = 1};
		(void)snprintf(ret_in_use->items[i].ifname, IFNAMSIZ, "eth0");
	}
	return 0;
}

/** rows_before - The store before @act */
static char *rows_before;

static void note_rows(struct host_scene *scene)
{
	free(rows_before);
	rows_before = store_fake_dump(scene->store);
}

/** is_unchanged() - Whether the store is as it was before */
static bool is_unchanged(struct host_scene *scene)
{
	char *now = store_fake_dump(scene->store);
	bool same = strcmp(now, rows_before) == 0;

	free(now);
	return same;
}

/** is_held() - Whether an address is held by somebody */
static bool is_held(struct host_scene *scene, const char *text)
{
	struct address address = address_of(text), found;
	struct span span = span_of_address(&address);
	int r = ipam_next_held(scene->store, &span, &found, NULL, NULL);

	assert_true(r == 0 || r == IPAM_E_NOT_FOUND);
	return r == 0;
}

/** prepare_kernel() - A host end of ours with a route to its container */
static void prepare_kernel(struct host_scene *scene)
{
	struct route_info route = {.type = RTN_UNICAST, .protocol = PLAN_ROUTE_PROTOCOL, .interface = 40};

	host_scene_put_link("linked");
	assert_int_equal(prefix_parse("10.0.0.5/32", &route.destination), 0);
	fake_add_route(&fake.routes, &route);
	note_rows(scene);
}

static int act_kernel(struct host_scene *scene)
{
	return adopt_from_kernel(&scene->host, scene->store);
}

static void judge_kernel(struct host_scene *scene, int outcome, bool failed)
{
	if (failed) {
		holds(outcome < 0 && is_unchanged(scene));
		holds(act_kernel(scene) == 0);
	}
	holds(failed || outcome == 0);
	holds(host_scene_holds(scene, "linked") && is_held(scene, "10.0.0.5"));
}

static void a_new_store_knows_all_host_ends_or_is_not_made(void **state)
{
	static const struct host_sweep sweep = {prepare_kernel, act_kernel, judge_kernel};

	(void)state;
	assert_true(host_scene_sweep(&sweep) > 20);
}

/* Anybody can write an alias. */
static void somebody_elses_link_is_not_adopted(void **state)
{
	struct host_scene scene;

	(void)state;
	host_scene_begin(&scene);
	prepare_kernel(&scene);
	(void)snprintf(fake.host_end.name, sizeof(fake.host_end.name), "rg0123456789ab");
	assert_int_equal(act_kernel(&scene), 0);
	assert_true(is_unchanged(&scene));
	host_scene_end(&scene);
}

static int act_in_use(struct host_scene *scene)
{
	return adopt_in_use(scene->store, &scene->set, 1);
}

/** judge_in_use() - A failure is told, and what is missing is held by the next one; then nobody is asked again */
static void judge_in_use(struct host_scene *scene, int outcome, bool failed)
{
	holds(failed ? outcome < 0 : outcome == 0);
	holds(act_in_use(scene) == 0);
	holds(is_held(scene, used[0]) && is_held(scene, used[1]) && !is_held(scene, used[2]));
	used_calls = 0;
	holds(act_in_use(scene) == 0 && used_calls == 0);
}

static void what_namespaces_have_is_held(void **state)
{
	static const struct host_sweep sweep = {note_rows, act_in_use, judge_in_use};

	(void)state;
	assert_true(host_scene_sweep(&sweep) > 20);
}

/* As long as some can't be asked, each ADD asks again. */
static void namespaces_that_can_not_be_asked_are_asked_again(void **state)
{
	struct host_scene scene;

	(void)state;
	host_scene_begin(&scene);
	note_rows(&scene);
	used_outcome = -EMFILE;
	assert_int_equal(act_in_use(&scene), -EMFILE);
	assert_true(is_unchanged(&scene));
	used_outcome = 0;
	used_closed = 1;
	assert_int_equal(act_in_use(&scene), 0);
	used_calls = 0;
	assert_int_equal(act_in_use(&scene), 0);
	assert_int_equal(used_calls, 1);
	used_closed = 0;
	host_scene_end(&scene);
}

/* What a lease says stays: its namespace has the address, too. */
static void what_is_leased_stays_whose_it_is(void **state)
{
	struct host_scene scene;
	struct attachment attachment = host_scene_attachment("leased");
	struct adopted adopted = {.key = attachment_key(&attachment), .lease = lease_of("net", "leased", "eth0", NOW)};

	(void)state;
	host_scene_begin(&scene);
	adopted.lease.addresses[0] = address_of(used[0]);
	adopted.lease.n_addresses = 1;
	assert_int_equal(ipam_hold(scene.store, &adopted), 0);
	assert_int_equal(act_in_use(&scene), 0);
	assert_true(host_scene_holds(&scene, "leased") && is_held(&scene, used[1]));
	assert_int_equal(ipam_release(scene.store, &attachment, NOW), 0);
	assert_false(is_held(&scene, used[0]));
	host_scene_end(&scene);
}

static int clean_up(void **state)
{
	(void)state;
	free(rows_before);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_store_knows_all_host_ends_or_is_not_made),
		cmocka_unit_test(somebody_elses_link_is_not_adopted),
		cmocka_unit_test(what_namespaces_have_is_held),
		cmocka_unit_test(namespaces_that_can_not_be_asked_are_asked_again),
		cmocka_unit_test(what_is_leased_stays_whose_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, clean_up);
}
