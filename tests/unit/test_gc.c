/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gc.c: only what the runtime does not know and nobody uses is removed, whatever fails meanwhile. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "plugin/host/guarding.h"
#include "plugin/host/lease_store.h"
#include "plugin/host/restore.h"
#include "plugin/verbs/context.h"
#include "plugin/verbs/verbs.h"
#include "rangeguard/array.h"
#include "state_fake.h"

#define PIN_STALE 10
#define PIN_VALID 11

/** The runtime's list */
static const char *valid_attachments;

static struct error said;

int __wrap_lease_store_release(struct host *host, const struct state *state, const struct attachment *attachment,
			       enum release_reason reason, struct error *reterr);
int __wrap_lease_store_release(struct host *host, const struct state *state, const struct attachment *attachment,
			       enum release_reason reason, struct error *reterr)
{
	int r = protection_release(state_fake.scene->store, host, attachment, reason, NOW, reterr);

	(void)state;
	return r && r != REFUSED ? lease_store_error(host->data_dir, r, reterr) : r;
}

int __wrap_context_open_host(const struct context *context, struct host *ret_host, struct error *reterr);
int __wrap_context_open_host(const struct context *context, struct host *ret_host, struct error *reterr)
{
	(void)context;
	(void)reterr;
	*ret_host = state_fake.scene->host;
	return 0;
}

void __wrap_guarding_sweep(struct host *host);
void __wrap_guarding_sweep(struct host *host)
{
	(void)host;
}

int __wrap_weeding(struct host *host, bool *ret_weeded, struct error *reterr);
int __wrap_weeding(struct host *host, bool *ret_weeded, struct error *reterr)
{
	(void)host;
	(void)reterr;
	*ret_weeded = false;
	return 0;
}

int __wrap_restore_shared(struct host *host, struct error *reterr);
int __wrap_restore_shared(struct host *host, struct error *reterr)
{
	(void)host;
	(void)reterr;
	return 0;
}

int __wrap_restore_containers(struct host *host, struct restored *ret_restored, struct error *reterr);
int __wrap_restore_containers(struct host *host, struct restored *ret_restored, struct error *reterr)
{
	(void)host;
	(void)reterr;
	*ret_restored = (struct restored){0};
	return 0;
}

/** prepare() - One that the runtime knows, though it is gone; one that it does not know, gone; one that lives */
static void prepare(struct host_scene *scene)
{
	state_fake = (struct state_fake){0};
	valid_attachments = "[{\"containerID\": \"valid\", \"ifname\": \"eth0\"}]";
	(void)host_scene_take(scene, "valid", NETNS_GONE, PIN_VALID);
	(void)host_scene_take(scene, "stale", NETNS_GONE, PIN_STALE);
	(void)host_scene_take(scene, "living", NETNS_THERE, 0);
	host_scene_put_link("living");
	host_scene_make_table(scene);
}

static int act(struct host_scene *scene)
{
	struct context context = {0};
	int r;

	state_fake.scene = scene;
	said = (struct error){0};
	context.root = json_pack("{s:s, s:s, s:s, s:{s:s}}", "cniVersion", "1.1.0", "name", "net", "type", "rangeguard",
				 "ipam", "type", "rangeguard");
	if (valid_attachments)
		assert_int_equal(json_object_set_new(context.root, "cni.dev/valid-attachments",
						     json_loads(valid_attachments, JSON_DECODE_ANY, NULL)),
				 0);
	r = verb_gc(&context, &said);
	context_done(&context);
	return r;
}

/** judge() - What is known or lives keeps everything; the rest goes, or the outcome says why not; the next one finishes */
static void judge(struct host_scene *scene, int outcome, bool failed)
{
	holds(host_scene_holds(scene, "valid") && host_scene_is_pinned(PIN_VALID));
	holds(host_scene_holds(scene, "living") && fake.host_end.index);
	holds(host_scene_holds(scene, "stale") || !host_scene_is_pinned(PIN_STALE));
	holds(outcome == 0 || outcome == REFUSED);
	holds(!outcome == !said.code && (failed || !outcome));
	/* A kernel that does not tell keeps a lease, which is said and no failure. */
	holds(outcome || strstr(host_scene_where(), "rtnetlink") || !host_scene_holds(scene, "stale"));
	holds(state_fake.locked == 0);
	holds(act(scene) == 0 && !host_scene_holds(scene, "stale") && !host_scene_is_pinned(PIN_STALE));
	holds(host_scene_holds(scene, "valid") && host_scene_holds(scene, "living"));
}

static void only_what_nobody_knows_is_removed(void **state)
{
	static const struct host_sweep sweep = {prepare, act, judge};

	(void)state;
	assert_true(host_scene_sweep(&sweep) > 50);
}

/* Removing everything because a key is missing, or says something else, would be a disaster. */
static void without_a_list_nothing_is_removed(void **state)
{
	static const char *const lists[] = {NULL,
					    "{}",
					    "\"valid\"",
					    "7",
					    "[7]",
					    "[{\"containerID\": \"valid\"}]",
					    "[{\"containerID\": 7, \"ifname\": \"eth0\"}]"};
	struct host_scene scene;

	(void)state;
	host_scene_begin(&scene);
	prepare(&scene);
	for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
		valid_attachments = lists[i];
		assert_int_equal(act(&scene), REFUSED);
		assert_int_equal(said.code, ERROR_CONFIG);
		assert_true(host_scene_holds(&scene, "stale"));
	}
	valid_attachments = "[]";
	assert_int_equal(act(&scene), 0);
	assert_false(host_scene_holds(&scene, "stale") || host_scene_holds(&scene, "valid"));
	assert_true(host_scene_holds(&scene, "living"));
	host_scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_nobody_knows_is_removed),
		cmocka_unit_test(without_a_list_nothing_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
