/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nftables table from the lease store: what can't be read costs no other container its place. */

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

#include "ipam/store/row.h"
#include "ipam_scene.h"
#include "nf_fake.h"
#include "offload_fake.h"
#include "plugin/host/protection_internal.h"
#include "plugin/network/identity.h"
#include "plugin/network/plan.h"
#include "store_fake.h"

#define N_CONTAINERS 3

/** struct scene - A host whose kernel and store are in memory, and containers with a pin each */
struct scene {
	struct store *store;
	struct host host;
	struct guard *guard;
	struct ip_range range;
	struct range_set set;
	uint64_t digests[N_CONTAINERS];
};

static const char *const ids[N_CONTAINERS] = {"a", "b", "c"};

/** attachment_of() - The attachment of a container */
static struct attachment attachment_of(size_t i)
{
	return (struct attachment){.network = "net", .container_id = ids[i], .ifname = "eth0"};
}

/** take() - A lease of a container that is pinned to a source of its own */
static void take(struct scene *scene, size_t i)
{
	struct address source = {.family = FAMILY_IPV4, .value = 0xc0000200 + i};
	struct span destination = span_of("198.51.100.0/24");
	EGRESS_CLEANUP struct egress egress = {0};
	struct ipam_request request = {
		.lease = lease_of("net", ids[i], "eth0", 1000),
		.sets = &scene->set,
		.n_sets = 1,
		.guard = scene->guard,
	};
	struct ipam_refusal refusal;
	struct ipam_grant grant;
	void *data;
	size_t size;

	assert_int_equal(egress_add(&egress, &(struct egress_source){.family = FAMILY_IPV4, .address = &source},
				    &destination, 1),
			 0);
	assert_int_equal(egress_encode(&egress, &data, &size), 0);
	request.egress = bytes_of(data, size);
	request.lease.egress = scene->digests[i] = egress_digest(request.egress);
	request.lease.netns = "/run/netns/x";
	request.lease.anti_spoof = true;
	assert_int_equal(ipam_take(scene->store, &request, &grant, &refusal), 0);
	free(data);
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	nf_fake_reset();
	scene->store = store_fake_new();
	scene->host = (struct host){.data_dir = "/somewhere", .netfilter = nf_fake_port()};
	scene->guard = GUARD_EMPTY();
	scene->range = range_of("10.0.0.0/24", NULL, NULL);
	scene->set = (struct range_set){.ranges = &scene->range, .n_ranges = 1};
	for (size_t i = 0; i < N_CONTAINERS; i++)
		take(scene, i);
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	guard_free(scene->guard);
	store_close(scene->store);
	free(scene);
	return 0;
}

/** put_row() - Put a row that nothing here has written */
static void put_row(struct scene *scene, enum store_table table, struct bytes key, struct bytes value)
{
	assert_int_equal(scene->store->ops->begin(scene->store, true), 0);
	assert_int_equal(scene->store->ops->put(scene->store, table, key, value), 0);
	assert_int_equal(scene->store->ops->commit(scene->store), 0);
}

/** spoil_egress() - Put other bytes into the row of a container's definition */
static void spoil_egress(struct scene *scene, size_t i, struct bytes value)
{
	uint8_t key[ROW_NUMBER_BYTES];

	(void)row_write_number(key, scene->digests[i]);
	put_row(scene, STORE_EGRESS, bytes_of(key, sizeof(key)), value);
}

/** spoil_lease() - Cut the row of a container's lease */
static void spoil_lease(struct scene *scene, size_t i)
{
	struct attachment attachment = attachment_of(i);
	struct attachment_key key = attachment_key(&attachment);

	put_row(scene, STORE_LEASES, bytes_of(key.bytes, sizeof(key.bytes)), bytes_of("xyz", 3));
}

/** is_pinned() - Whether the table has a container with its pin */
static bool is_pinned(const struct scene *scene, size_t i)
{
	uint8_t source[4] = {192, 0, 2, (uint8_t)i};

	(void)scene;
	for (size_t k = 0; k < nf_fake.now.n_elements; k++)
		if (memcmp(nf_fake.now.elements[k].data, source, sizeof(source)) == 0)
			return true;
	return false;
}

/** take_plain() - A lease of a container without pins */
static void take_plain(struct scene *scene, const char *id, bool anti_spoof)
{
	struct ipam_request request = {
		.lease = lease_of("net", id, "eth0", 1000),
		.sets = &scene->set,
		.n_sets = 1,
		.guard = scene->guard,
	};
	struct ipam_refusal refusal;
	struct ipam_grant grant;

	request.lease.netns = "/run/netns/x";
	request.lease.anti_spoof = anti_spoof;
	assert_int_equal(ipam_take(scene->store, &request, &grant, &refusal), 0);
}

/** is_device() - Whether the flowtable has a container's interface */
static bool is_device(const char *id)
{
	struct attachment attachment = {.network = "net", .container_id = id, .ifname = "eth0"};
	char name[IFNAMSIZ];

	identity_host_name(&attachment, name);
	return nf_fake_has_device(name);
}

/** make_table() - Rebuild the table: what protection_make_table() returns */
static int make_table(struct scene *scene)
{
	struct error err = {0};
	int r;

	nf_fake_reset();
	r = protection_make_table(&scene->host, scene->store, &err);
	assert_true(r ? err.code && *err.msg : !err.code);
	return r;
}

static void a_table_has_all_containers(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(make_table(scene), 0);
	for (size_t i = 0; i < N_CONTAINERS; i++)
		assert_true(is_pinned(scene, i));
}

/* Cut, of other bytes, of another definition's: whichever it is, the others have their places. */
static void a_damaged_definition_costs_only_its_own(void **state)
{
	static const uint8_t whole[64] = {0};
	const struct bytes values[] = {bytes_of("", 0), bytes_of("xyz", 3), bytes_of(whole, ROW_NUMBER_BYTES),
				       bytes_of(whole, 2 * (size_t)ROW_NUMBER_BYTES), bytes_of(whole, sizeof(whole))};
	struct scene *scene = *state;

	for (size_t damaged = 0; damaged < N_CONTAINERS; damaged++) {
		for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
			spoil_egress(scene, damaged, values[k]);
			assert_int_equal(make_table(scene), 0);
			for (size_t i = 0; i < N_CONTAINERS; i++)
				assert_int_equal(is_pinned(scene, i), i != damaged);
		}
		take(scene, damaged);
	}
}

static void a_damaged_lease_costs_only_its_own(void **state)
{
	struct scene *scene = *state;

	for (size_t damaged = 0; damaged < N_CONTAINERS; damaged++) {
		spoil_lease(scene, damaged);
		assert_int_equal(make_table(scene), 0);
		for (size_t i = 0; i < N_CONTAINERS; i++)
			assert_int_equal(is_pinned(scene, i), i != damaged);
		take(scene, damaged);
	}
}

/* A store that can't be read to its end changes nothing: a table without some of its containers protects these no more. */
static void a_store_that_fails_commits_nothing(void **state)
{
	static const int errors[] = {EIO, EUCLEAN, ENOMEM};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		for (unsigned long n = 1;; n++) {
			int r;

			store_fake_fail_at(scene->store, n);
			store_fake_fail_with(scene->store, errors[i]);
			r = make_table(scene);
			if (!store_fake_has_failed(scene->store))
				break;
			assert_int_equal(r, REFUSED);
			assert_int_equal(nf_fake.batches, 0);
		}
		store_fake_fail_at(scene->store, 0);
	}
}

/* What its lease says is taken out of the table even when its definition can't be read, and the lease goes. */
static void release_with_a_damaged_definition(void **state)
{
	struct scene *scene = *state;
	struct error err = {0};

	for (size_t i = 0; i < N_CONTAINERS; i++) {
		struct attachment attachment = attachment_of(i);
		struct protection protection;

		assert_int_equal(make_table(scene), 0);
		spoil_egress(scene, i, bytes_of("xyz", 3));
		assert_int_equal(protection_release(scene->store, &scene->host, &attachment, RELEASE_DEL, 2000, &err),
				 0);
		assert_false(is_pinned(scene, i));
		assert_int_equal(protection_find(scene->store, &attachment, NULL, &protection), IPAM_E_NOT_FOUND);
		take(scene, i);
	}
}

/* Whoever is guarded takes the short cut; of whoever is not, nothing tells whose his packets are. */
static void a_table_has_the_devices_of_all_that_are_guarded(void **state)
{
	struct scene *scene = *state;
	struct error err = {0};

	take_plain(scene, "plain", true);
	take_plain(scene, "unguarded", false);
	nf_fake.flowtables = true;
	offload_fake = (struct offload_fake){.on_disk = true, .all = true};
	assert_int_equal(protection_make_table(&scene->host, scene->store, &err), 0);
	assert_true(is_device("a") && is_device("b") && is_device("c") && is_device("plain"));
	assert_false(is_device("unguarded"));
	assert_int_equal(nf_fake.now.n_devices, 4);
	offload_fake = (struct offload_fake){.on_disk = false};
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_table_has_the_devices_of_all_that_are_guarded, setup, teardown),
		cmocka_unit_test_setup_teardown(a_table_has_all_containers, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_definition_costs_only_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_lease_costs_only_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(a_store_that_fails_commits_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(release_with_a_damaged_definition, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
