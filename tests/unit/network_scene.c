/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network_scene.h"

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/store/row.h"
#include "store_fake.h"

#define DELAY 120U

struct scene *scene_new(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->store = store_fake_new();
	scene->guard = GUARD_EMPTY();
	scene->request = (struct ipam_request){
		.lease = lease_of("net", "id", "eth0", 1000),
		.sets = scene->sets,
		.requested = scene->requested,
		.reuse_delay = DELAY,
		.guard = scene->guard,
	};
	return scene;
}

void scene_free(struct scene *scene)
{
	guard_free(scene->guard);
	store_close(scene->store);
	free(scene);
}

void add_range(struct scene *scene, size_t set, struct ip_range range)
{
	struct range_set *at = &scene->sets[set];

	at->ranges = scene->ranges[set];
	at->ranges[at->n_ranges++] = range;
	if (set >= scene->request.n_sets)
		scene->request.n_sets = set + 1;
}

void reserve(struct scene *scene, const char *span)
{
	guard_free(scene->guard);
	scene->guard = GUARD_OF(span);
	scene->request.guard = scene->guard;
}

int take(struct scene *scene, const char *id, int64_t now)
{
	scene->request.lease.attachment.container_id = id;
	scene->request.lease.since = now;
	return ipam_take(scene->store, &scene->request, &scene->grant, &scene->refusal);
}

int take_named(struct scene *scene, const char *id, const char *first, const char *second)
{
	int r;

	scene->requested[0] = address_of(first);
	scene->request.n_requested = 1;
	if (second)
		scene->requested[scene->request.n_requested++] = address_of(second);
	r = take(scene, id, 1000);
	scene->request.n_requested = 0;
	return r;
}

int release(struct scene *scene, const char *id, int64_t now)
{
	struct attachment attachment = scene->request.lease.attachment;

	attachment.container_id = id;
	return ipam_release(scene->store, &attachment, now);
}

static int copy_lease(void *userdata, const struct lease *lease)
{
	char *text = userdata, address[ADDRESS_TEXT_MAX];

	(void)snprintf(text, 200, "%s %s %s %lld %s %zu", lease->attachment.network, lease->attachment.container_id,
		       lease->netns, (long long)lease->since, address_format(&lease->addresses[0], address),
		       lease->n_addresses);
	return 0;
}

int find(struct scene *scene, const char *id, char text[static 200])
{
	struct attachment attachment = scene->request.lease.attachment;

	attachment.container_id = id;
	return ipam_find(scene->store, &attachment, copy_lease, text);
}

void assert_address(const struct address *address, const char *expected)
{
	char text[ADDRESS_TEXT_MAX];

	assert_string_equal(address_format(address, text), expected);
}

void assert_taken(struct scene *scene, const char *id, int64_t now, const char *expected)
{
	assert_int_equal(take(scene, id, now), 0);
	assert_address(&scene->grant.addresses[0], expected);
}

void spoil(struct store *store, enum store_table table)
{
	struct bytes key, value;
	struct row_key copy;

	assert_int_equal(store->ops->begin(store, true), 0);
	assert_int_equal(store->ops->seek(store, table, bytes_of("", 0), false, &key, &value), 0);
	memcpy(copy.data, key.data, key.size);
	copy.size = key.size;
	assert_int_equal(store->ops->put(store, table, row_key_bytes(&copy), bytes_of("xyz", 3)), 0);
	assert_int_equal(store->ops->commit(store), 0);
}
