/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipam.c: leases adopted from elsewhere, leases that are not replaced while somebody lives, and walks in parts. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "network_scene.h"
#include "rangeguard/array.h"
#include "store_fake.h"

static int setup(void **state)
{
	struct scene *scene = scene_new();

	add_range(scene, 0, range_of("10.0.0.0/24", NULL, NULL));
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	scene_free(*state);
	return 0;
}

/** adopted_of() - A lease of @id with up to two addresses; @known false: of its attachment only the key */
static struct adopted adopted_of(const char *id, const char *first, const char *second, bool known)
{
	struct adopted adopted = {.lease = lease_of("net", id, "eth0", 500)};

	adopted.key = attachment_key(&adopted.lease.attachment);
	adopted.lease.addresses[adopted.lease.n_addresses++] = address_of(first);
	if (second)
		adopted.lease.addresses[adopted.lease.n_addresses++] = address_of(second);
	if (!known)
		adopted.lease.attachment = (struct attachment){.network = "", .container_id = "", .ifname = ""};
	return adopted;
}

/* What the kernel knows is held: it is not given to others, found by its attachment, and can be released. */
static void adopted_addresses_are_held(void **state)
{
	const struct adopted adopted[] = {
		adopted_of("a", "10.0.0.1", "2001:db8::1", true), adopted_of("b", "10.0.0.2", NULL, false),
		adopted_of("c", "10.0.0.1", "10.0.0.4", true), /* the first one is a's */
	};
	struct attachment attachment = {"net", "b", "eth0", false};
	struct scene *scene = *state;

	assert_int_equal(ipam_adopt(scene->store, adopted, ARRAY_LENGTH(adopted)), 0);
	assert_taken(scene, "x", 1000, "10.0.0.3");
	assert_taken(scene, "y", 1000, "10.0.0.5");
	assert_int_equal(ipam_release(scene->store, &attachment, 1000), 0);
	attachment.container_id = "c";
	assert_int_equal(ipam_release(scene->store, &attachment, 1000), 0);
	attachment.container_id = "a";
	assert_int_equal(ipam_release(scene->store, &attachment, 1000), 0);
	assert_int_equal(ipam_release(scene->store, &attachment, 1000), IPAM_E_NOT_FOUND);
}

/* ADD again for an attachment of which only the key was known: the same address, and from now on its texts. */
static void an_adopted_lease_is_taken_up_again(void **state)
{
	const struct adopted adopted = adopted_of("a", "10.0.0.7", NULL, false);
	struct scene *scene = *state;
	size_t set;

	assert_int_equal(ipam_adopt(scene->store, &adopted, 1), 0);
	assert_taken(scene, "a", 1000, "10.0.0.7");
	assert_true(scene->grant.existed);
	assert_int_equal(ipam_is_full(scene->store, scene->sets, 1, scene->guard, &set), 0);
}

static void adopting_is_all_or_nothing(void **state)
{
	const struct adopted adopted[] = {
		adopted_of("a", "10.0.0.1", NULL, true),
		adopted_of("b", "10.0.0.2", NULL, true),
	};
	struct scene *scene = *state;
	char *before = store_fake_dump(scene->store);
	unsigned long n = 0;
	int r;

	do {
		char *after;

		store_fake_fail_at(scene->store, ++n);
		r = ipam_adopt(scene->store, adopted, ARRAY_LENGTH(adopted));
		assert_int_equal(r, store_fake_has_failed(scene->store) ? -EIO : 0);
		after = store_fake_dump(scene->store);
		assert_int_equal(strcmp(before, after) == 0, r != 0);
		free(after);
	} while (r);
	assert_true(n > 5);
	free(before);
}

/** say() - ipam_lives_fn: what @userdata says */
static int say(void *userdata, const struct lease *lease)
{
	const int *answer = userdata;

	assert_int_equal(lease->n_addresses, 1);
	return *answer;
}

/* A second ADD, with the same ranges or others, must not give back what the first one's interface uses. */
static void a_living_attachment_keeps_what_it_has(void **state)
{
	struct scene *scene = *state;
	char text[ADDRESS_TEXT_MAX];
	int answer = 1;

	assert_taken(scene, "a", 1000, "10.0.0.1");
	scene->request.lives = say;
	scene->request.userdata = &answer;
	assert_int_equal(take(scene, "a", 1000), IPAM_E_LIVES);
	scene->ranges[0][0] = range_of("10.0.1.0/24", NULL, NULL);
	assert_int_equal(take(scene, "a", 1000), IPAM_E_LIVES);
	assert_string_equal(address_format(&scene->refusal.address, text), "10.0.0.1");
	answer = -EIO;
	assert_int_equal(take(scene, "a", 1000), -EIO);
	answer = 0;
	assert_taken(scene, "a", 1000, "10.0.1.1");
	assert_false(scene->grant.existed);
}

static int count(void *userdata, const struct lease *lease)
{
	unsigned *n = userdata;

	(void)lease;
	(*n)++;
	return 0;
}

/* Each lease once, whatever the size of the parts; a part may look at leases of other networks only. */
static void parts_make_a_whole(void **state)
{
	struct scene *scene = *state;
	char id[16];

	for (unsigned i = 0; i < 10; i++) {
		(void)snprintf(id, sizeof(id), "id%u", i);
		scene->request.lease.attachment.network = i % 2 ? "net" : "other";
		assert_int_equal(take(scene, id, 1000), 0);
	}
	for (size_t limit = 1; limit <= 11; limit++) {
		struct ipam_part part = {.network = "net", .limit = limit};
		unsigned n = 0, n_parts = 0;

		while (!part.ended) {
			assert_int_equal(ipam_each_part(scene->store, &part, count, &n), 0);
			n_parts++;
		}
		assert_int_equal(n, 5);
		assert_int_equal(n_parts, 10 / limit + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(adopted_addresses_are_held, setup, teardown),
		cmocka_unit_test_setup_teardown(an_adopted_lease_is_taken_up_again, setup, teardown),
		cmocka_unit_test_setup_teardown(adopting_is_all_or_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_living_attachment_keeps_what_it_has, setup, teardown),
		cmocka_unit_test_setup_teardown(parts_make_a_whole, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
