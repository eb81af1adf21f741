/* SPDX-License-Identifier: GPL-2.0-or-later */
/* restore.c: what somebody took out of the kernel is put back, and it is not called whole before it is. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "offload_fake.h"
#include "plugin/host/guarding.h"
#include "plugin/host/restore.h"
#include "plugin/network/plan.h"
#include "plugin/snat/backstop.h"
#include "plugin/snat/offload.h"
#include "state_fake.h"

#define PIN_A 10
#define PIN_B 11

/** How far the classifier knows the one interface that there is */
static struct {
	bool unguarded;
	int guarding_outcome;
	unsigned puts;
} now;

static struct restored restored;
static struct error said;

int __wrap_guarding_look(struct host *host, uint32_t ifindex, const struct protection *protection,
			 struct error *reterr);
int __wrap_guarding_look(struct host *host, uint32_t ifindex, const struct protection *protection, struct error *reterr)
{
	(void)host;
	(void)protection;
	if (now.guarding_outcome == REFUSED)
		return error_set(reterr, ERROR_KERNEL, "no BPF");
	return ifindex && now.unguarded ? GUARDING_E_MISSING : 0;
}

int __wrap_guarding_put(struct host *host, uint32_t ifindex, const struct protection *protection, struct error *reterr);
int __wrap_guarding_put(struct host *host, uint32_t ifindex, const struct protection *protection, struct error *reterr)
{
	(void)host;
	(void)protection;
	(void)reterr;
	if (ifindex) {
		now.unguarded = false;
		now.puts++;
	}
	return 0;
}

int __wrap_backstop_ensure(struct port *netfilter, struct error *reterr);
int __wrap_backstop_ensure(struct port *netfilter, struct error *reterr)
{
	(void)netfilter;
	(void)reterr;
	return 0;
}

/** prepare() - Two containers with pins; the interface of the first one is there */
static void prepare(struct host_scene *scene)
{
	memset(&now, 0, sizeof(now));
	state_fake = (struct state_fake){.scene = scene};
	(void)host_scene_take(scene, "a", NETNS_THERE, PIN_A);
	(void)host_scene_take(scene, "b", NETNS_THERE, PIN_B);
	host_scene_put_link("a");
	host_scene_make_table(scene);
	fake.keeps_routes = true;
	fake_add_route(&fake.lookup,
		       &(struct route_info){.destination = {.address = address_of("10.0.0.1"), .length = 32},
					    .interface = fake.host_end.index,
					    .table = RT_TABLE_MAIN,
					    .type = RTN_UNICAST,
					    .protocol = PLAN_ROUTE_PROTOCOL});
}

/** drop_elements() - Take a container out of the table */
static void drop_elements(uint8_t pin)
{
	uint8_t source[] = {192, 0, 2, pin};

	for (size_t i = 0; i < nf_fake.now.n_elements;) {
		if (memcmp(nf_fake.now.elements[i].data, source, sizeof(source)) == 0)
			nf_fake.now.elements[i] = nf_fake.now.elements[--nf_fake.now.n_elements];
		else
			i++;
	}
}

static void prepare_without_element(struct host_scene *scene)
{
	prepare(scene);
	drop_elements(PIN_A);
}

static void prepare_without_table(struct host_scene *scene)
{
	prepare(scene);
	nf_fake_reset();
}

static void prepare_without_classifier(struct host_scene *scene)
{
	prepare(scene);
	now.unguarded = true;
}

static void prepare_without_route(struct host_scene *scene)
{
	prepare(scene);
	fake.lookup.count = 0;
}

static int act(struct host_scene *scene)
{
	state_fake.scene = scene;
	said = (struct error){0};
	return restore_containers(&scene->host, &restored, &said);
}

/** judge() - Called whole only when it is; what fails is told, counted or both; the next one finishes */
static void judge(struct host_scene *scene, int outcome, bool failed)
{
	bool whole = host_scene_is_pinned(PIN_A) && !now.unguarded && fake.lookup.count == 1;

	holds(outcome == 0 || outcome == REFUSED);
	holds(!outcome == !said.code);
	holds(whole || outcome || restored.failed);
	holds(failed || (whole && !restored.failed && restored.missing == 1 && restored.looked == 2));
	holds(state_fake.locked == 0);
	holds(act(scene) == 0 && !restored.failed);
	holds(host_scene_is_pinned(PIN_A) && host_scene_is_pinned(PIN_B) && !now.unguarded && fake.lookup.count == 1);
}

static void what_is_missing_is_put_back(void **state)
{
	static const struct host_sweep element = {prepare_without_element, act, judge},
				       classifier = {prepare_without_classifier, act, judge},
				       route = {prepare_without_route, act, judge};

	(void)state;
	assert_true(host_scene_sweep(&element) > 50);
	assert_true(host_scene_sweep(&classifier) > 50);
	assert_true(host_scene_sweep(&route) > 50);
}

/** judge_table() - As judge(); one rebuild puts back all, so that the second container lacks nothing */
static void judge_table(struct host_scene *scene, int outcome, bool failed)
{
	holds(outcome == 0 || outcome == REFUSED);
	holds(!outcome == !said.code);
	holds(outcome || restored.failed || (host_scene_is_pinned(PIN_A) && host_scene_is_pinned(PIN_B)));
	holds(failed || (!outcome && !restored.failed));
	holds(act(scene) == 0 && !restored.failed);
	holds(host_scene_is_pinned(PIN_A) && host_scene_is_pinned(PIN_B));
}

static void a_table_that_is_gone_comes_back(void **state)
{
	static const struct host_sweep sweep = {prepare_without_table, act, judge_table};

	(void)state;
	assert_true(host_scene_sweep(&sweep) > 50);
}

static void what_is_whole_is_not_touched(void **state)
{
	struct host_scene scene;
	unsigned batches;

	(void)state;
	host_scene_begin(&scene);
	prepare(&scene);
	batches = nf_fake.batches;
	assert_int_equal(act(&scene), 0);
	assert_int_equal(restored.looked, 2);
	assert_int_equal(restored.missing + restored.failed, 0);
	assert_int_equal(nf_fake.batches, batches);
	assert_int_equal(now.puts, 0);
	host_scene_end(&scene);
}

/** prepare_short_cut() - Two containers with pins in a kernel with flowtables */
static void prepare_short_cut(struct host_scene *scene)
{
	nf_fake.flowtables = true;
	offload_fake = (struct offload_fake){.on_disk = true, .loaded = true, .all = true};
	prepare(scene);
	assert_int_equal(nf_fake.now.n_devices, 2);
}

static void prepare_without_device(struct host_scene *scene)
{
	prepare_short_cut(scene);
	nf_fake_drop_device(nf_fake.now.devices[0]);
}

static void prepare_without_devices(struct host_scene *scene)
{
	prepare_short_cut(scene);
	nf_fake.now.n_devices = 0;
}

static void prepare_without_chains(struct host_scene *scene)
{
	prepare_short_cut(scene);
	for (size_t i = nf_fake.now.n_rules; i-- > 0;)
		if (strcmp(nf_fake.now.rules[i].chain, OFFLOAD_CHAIN) == 0)
			nf_fake.now.rules[i] = nf_fake.now.rules[--nf_fake.now.n_rules];
}

/** judge_short_cut() - It comes back, or stays away where a call failed: nothing depends on it, and then with the next look */
static void judge_short_cut(struct host_scene *scene, int outcome, bool failed)
{
	holds(outcome == 0 || outcome == REFUSED);
	holds(failed || (!outcome && nf_fake.now.n_devices == 2 && offload_look(nf_fake_port()) == OFFLOAD_WHOLE));
	holds(failed || !restored.missing);
	holds(act(scene) == 0 && !restored.failed);
	holds(nf_fake.now.n_devices == 2 && offload_look(nf_fake_port()) == OFFLOAD_WHOLE);
	holds(host_scene_is_pinned(PIN_A) && host_scene_is_pinned(PIN_B));
}

static void the_short_cut_comes_back(void **state)
{
	static const struct host_sweep sweeps[] = {{prepare_without_device, act, judge_short_cut},
						   {prepare_without_devices, act, judge_short_cut},
						   {prepare_without_chains, act, judge_short_cut}};

	(void)state;
	for (size_t i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++)
		assert_true(host_scene_sweep(&sweeps[i]) > 40);
	offload_fake = (struct offload_fake){.on_disk = false};
}

/* A verb works on it, and cares for it itself. */
static void what_is_locked_is_left(void **state)
{
	struct host_scene scene;

	(void)state;
	host_scene_begin(&scene);
	prepare_without_element(&scene);
	state_fake.lock_outcome = STATE_E_LOCKED;
	assert_int_equal(act(&scene), 0);
	assert_int_equal(restored.missing + restored.failed, 0);
	assert_false(host_scene_is_pinned(PIN_A));
	host_scene_end(&scene);
}

static void a_look_that_fails_is_told(void **state)
{
	struct host_scene scene;

	(void)state;
	host_scene_begin(&scene);
	prepare(&scene);
	now.guarding_outcome = REFUSED;
	assert_int_equal(act(&scene), REFUSED);
	assert_int_equal(said.code, ERROR_KERNEL);
	now.guarding_outcome = 0;
	state_fake.open_outcome = -EMFILE;
	assert_int_equal(act(&scene), REFUSED);
	assert_int_equal(said.code, ERROR_STORE);
	state_fake.open_outcome = STATE_E_ABSENT;
	assert_int_equal(act(&scene), 0);
	assert_int_equal(restored.looked, 0);
	host_scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_missing_is_put_back),	cmocka_unit_test(a_table_that_is_gone_comes_back),
		cmocka_unit_test(what_is_whole_is_not_touched), cmocka_unit_test(what_is_locked_is_left),
		cmocka_unit_test(the_short_cut_comes_back),	cmocka_unit_test(a_look_that_fails_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
