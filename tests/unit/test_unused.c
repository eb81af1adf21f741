/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unused.c, other_stores.c: what nobody uses goes; what somebody may use stays, also somebody in another directory. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host_scene.h"
#include "plugin/enforce/classifier.h"
#include "plugin/host/lease_store.h"
#include "plugin/host/unused.h"
#include "rangeguard/array.h"

/** Sources that two containers are pinned to, towards the same destinations */
#define PIN_GONE 10
#define PIN_KEPT 11

/** Of another network on the same host */
#define OTHER_DIRECTORY "/elsewhere"

/** The other directory: whether the classifier knows of it, what its store holds, what opening it returns */
static struct {
	bool known;
	int walk_outcome;
	int state_outcome;
	int store_outcome;
	struct store *store;
} other;

int __wrap_classifier_each(const struct classifier *classifier,
			   int (*each)(void *userdata, uint32_t ifindex, const struct classifier_element *element),
			   void *userdata);
int __wrap_classifier_each(const struct classifier *classifier,
			   int (*each)(void *userdata, uint32_t ifindex, const struct classifier_element *element),
			   void *userdata)
{
	struct classifier_element element = {.mark = 1};
	int r = 0;

	(void)classifier;
	(void)snprintf(element.data_dir, sizeof(element.data_dir), "%s", OTHER_DIRECTORY);
	/* Two of its containers, one of this directory's, one of nobody's */
	for (uint32_t ifindex = 7; other.known && ifindex < 9 && !r; ifindex++)
		r = each(userdata, ifindex, &element);
	(void)snprintf(element.data_dir, sizeof(element.data_dir), "/somewhere");
	if (!r)
		r = each(userdata, 9, &element);
	element.data_dir[0] = '\0';
	if (!r)
		r = each(userdata, 10, &element);
	return r ? r : other.walk_outcome;
}

int __wrap_state_open(const char *path, enum state_access access, struct state *ret_state);
int __wrap_state_open(const char *path, enum state_access access, struct state *ret_state)
{
	(void)ret_state;
	assert_string_equal(path, OTHER_DIRECTORY);
	assert_int_equal(access, STATE_READ);
	return other.state_outcome;
}

int __wrap_lease_store_open(const char *data_dir, const struct state *state, enum state_access access, int wait_ms,
			    struct store **ret_store, struct error *reterr);
int __wrap_lease_store_open(const char *data_dir, const struct state *state, enum state_access access, int wait_ms,
			    struct store **ret_store, struct error *reterr)
{
	(void)state;
	(void)access;
	(void)wait_ms;
	assert_string_equal(data_dir, OTHER_DIRECTORY);
	if (other.store_outcome == REFUSED)
		return error_set(reterr, ERROR_TRY_AGAIN, "locked");
	if (!other.store_outcome)
		*ret_store = host_scene_lend(other.store);
	return other.store_outcome;
}

/** prepare() - Two pinned containers, one of which is gone, so that what it alone used is left */
static void prepare(struct host_scene *scene)
{
	struct attachment gone = host_scene_attachment("gone");

	host_scene_put_link("linked");
	(void)host_scene_take(scene, "gone", NETNS_GONE, PIN_GONE);
	(void)host_scene_take(scene, "kept", NETNS_THERE, PIN_KEPT);
	host_scene_make_table(scene);
	assert_int_equal(ipam_release(scene->store, &gone, NOW), 0);
}

/** prepare_alone() - The last container with a pin is gone */
static void prepare_alone(struct host_scene *scene)
{
	struct attachment gone = host_scene_attachment("gone");

	/* The fake kernel takes routes only when there is an interface. */
	host_scene_put_link("linked");
	(void)host_scene_take(scene, "gone", NETNS_GONE, PIN_GONE);
	host_scene_make_table(scene);
	assert_int_equal(ipam_release(scene->store, &gone, NOW), 0);
}

static struct error said;

static int act(struct host_scene *scene)
{
	said = (struct error){0};
	return unused_remove(scene->store, &scene->host, &said);
}

/** ignore_egress() - ipam_egress_fn */
static int ignore_egress(void *userdata, const struct ipam_egress *egress)
{
	size_t *n = userdata;

	(void)egress;
	(*n)++;
	return 0;
}

/** n_definitions() - How many the store has */
static size_t n_definitions(struct host_scene *scene)
{
	size_t n = 0;

	assert_int_equal(ipam_each_egress(scene->store, ignore_egress, &n), 0);
	return n;
}

/** judge() - The list of the one that is there stays, and its fence; a failure is told, and the next one finishes */
static void judge(struct host_scene *scene, int outcome, bool failed)
{
	holds(host_scene_is_pinned(PIN_KEPT));
	holds(host_scene_has_list());
	holds(fake_find("host: delete prohibit route 198.51.100.0/24") < 0);
	holds(outcome == (failed ? REFUSED : 0) && !outcome == !said.code);
	holds(act(scene) == 0 && n_definitions(scene) == 1);
	holds(host_scene_has_list());
}

/** judge_alone() - The definition goes last: as long as it is there the next one finishes */
static void judge_alone(struct host_scene *scene, int outcome, bool failed)
{
	holds(outcome == (failed ? REFUSED : 0) && !outcome == !said.code);
	holds(n_definitions(scene) || !host_scene_has_list());
	holds(act(scene) == 0 && n_definitions(scene) == 0);
	holds(!host_scene_has_list());
}

static void what_others_use_stays(void **state)
{
	static const struct host_sweep shared = {prepare, act, judge}, alone = {prepare_alone, act, judge_alone};

	(void)state;
	assert_true(host_scene_sweep(&shared) > 10);
	assert_true(host_scene_sweep(&alone) > 20);
}

/** lend_other() - Another directory with a container that is pinned to the same destinations */
static void lend_other(struct host_scene *scene)
{
	host_scene_begin(scene);
	memset(&other, 0, sizeof(other));
	other.known = true;
	other.store = scene->store;
	(void)host_scene_take(scene, "other", NETNS_THERE, PIN_KEPT);
}

/* Whatever keeps another directory from being read: what its containers may use stays, and that is said. */
static void what_another_directory_may_use_stays(void **state)
{
	static const int outcomes[] = {-EMFILE, -ENOMEM, -EPERM, -EIO, -EINTR};
	struct host_scene elsewhere, scene;

	(void)state;
	lend_other(&elsewhere);
	for (size_t i = 0; i < 4 * ARRAY_LENGTH(outcomes); i++) {
		int outcome = outcomes[i % ARRAY_LENGTH(outcomes)];

		host_scene_begin(&scene);
		prepare_alone(&scene);
		host_scene_classifier = i / ARRAY_LENGTH(outcomes) == 0 ? outcome : 0;
		other.walk_outcome = i / ARRAY_LENGTH(outcomes) == 1 ? outcome : 0;
		other.state_outcome = i / ARRAY_LENGTH(outcomes) == 2 ? outcome : 0;
		other.store_outcome = i / ARRAY_LENGTH(outcomes) == 3 ? REFUSED : 0;
		if (act(&scene) != REFUSED || !said.code || !host_scene_has_list() || n_definitions(&scene) != 1)
			fail_msg("case %zu, %d: the other directory was not asked", i / ARRAY_LENGTH(outcomes),
				 outcome);
		host_scene_end(&scene);
	}
	other.store_outcome = other.state_outcome = other.walk_outcome = 0;
	host_scene_begin(&scene);
	prepare_alone(&scene);
	host_scene_classifier = 0;
	assert_int_equal(act(&scene), 0);
	assert_true(host_scene_has_list());
	assert_int_equal(n_definitions(&scene), 0);
	host_scene_end(&scene);
	host_scene_end(&elsewhere);
	memset(&other, 0, sizeof(other));
}

/* A directory that is gone, or has no store yet, has no containers; nor has a host without the classifier others. */
static void what_is_absent_uses_nothing(void **state)
{
	struct host_scene elsewhere, scene;

	(void)state;
	lend_other(&elsewhere);
	for (unsigned i = 0; i < 4; i++) {
		host_scene_begin(&scene);
		prepare_alone(&scene);
		host_scene_classifier = i == 0 ? -ENOENT : i == 1 ? -ENOSYS : 0;
		other.state_outcome = i == 2 ? STATE_E_ABSENT : 0;
		other.store_outcome = i == 3 ? STATE_E_ABSENT : 0;
		if (act(&scene))
			fail_msg("case %u: %s", i, said.msg);
		assert_false(host_scene_has_list());
		host_scene_end(&scene);
	}
	host_scene_end(&elsewhere);
	memset(&other, 0, sizeof(other));
}

/* Of leases that were adopted the store does not know what they use. */
static void adopted_leases_keep_all(void **state)
{
	struct host_scene scene;
	struct attachment attachment = host_scene_attachment("adopted");
	struct adopted adopted = {.key = attachment_key(&attachment), .lease = lease_of("net", "adopted", "eth0", NOW)};

	(void)state;
	host_scene_begin(&scene);
	adopted.lease.addresses[0] = address_of("10.0.0.77");
	adopted.lease.n_addresses = 1;
	assert_int_equal(ipam_adopt(scene.store, &adopted, 1), 0);
	prepare_alone(&scene);
	assert_int_equal(act(&scene), 0);
	assert_true(host_scene_has_list());
	host_scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_others_use_stays),
		cmocka_unit_test(what_another_directory_may_use_stays),
		cmocka_unit_test(what_is_absent_uses_nothing),
		cmocka_unit_test(adopted_leases_keep_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
