/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills a state directory with leases as the plugin would: ipam_take(), one after the other, under the plugin's own
 * lock. Only what says who holds an address is made up. Packets leave as those of a lease that is there already.
 *
 *	seed DATA_DIR NETWORK SUBNET COUNT
 *
 * The commit of each lease is put off, so that many share one: the rows are the same, a million of them take seconds.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipam/lease/ipam.h"
#include "ipam/store/state.h"
#include "ipam/store/store_lmdb.h"

/** Leases in one transaction */
#define LEASES_PER_COMMIT 10000U
#define LOCK_WAIT_MS 5000
#define EXIT_USAGE 2

/** struct patient_store - A store whose transactions last until patient_end() */
struct patient_store {
	struct store base;
	struct store *inner;
	bool begun;
};

static struct patient_store *patient_of(struct store *store)
{
	return (struct patient_store *)store;
}

static int patient_begin(struct store *store, bool write)
{
	struct patient_store *self = patient_of(store);
	int r = self->begun ? 0 : self->inner->ops->begin(self->inner, write);

	if (!r)
		self->begun = true;
	return r;
}

static int patient_commit(struct store *store)
{
	(void)store;
	return 0;
}

static void patient_abort(struct store *store)
{
	struct patient_store *self = patient_of(store);

	self->inner->ops->abort(self->inner);
	self->begun = false;
}

static int patient_get(struct store *store, enum store_table table, struct bytes key, struct bytes *ret_value)
{
	struct store *inner = patient_of(store)->inner;

	return inner->ops->get(inner, table, key, ret_value);
}

static int patient_put(struct store *store, enum store_table table, struct bytes key, struct bytes value)
{
	struct store *inner = patient_of(store)->inner;

	return inner->ops->put(inner, table, key, value);
}

static int patient_remove(struct store *store, enum store_table table, struct bytes key)
{
	struct store *inner = patient_of(store)->inner;

	return inner->ops->remove(inner, table, key);
}

static int patient_seek(struct store *store, enum store_table table, struct bytes key, bool after,
			struct bytes *ret_key, struct bytes *ret_value)
{
	struct store *inner = patient_of(store)->inner;

	return inner->ops->seek(inner, table, key, after, ret_key, ret_value);
}

static int patient_seek_back(struct store *store, enum store_table table, struct bytes key, struct bytes *ret_key,
			     struct bytes *ret_value)
{
	struct store *inner = patient_of(store)->inner;

	return inner->ops->seek_back(inner, table, key, ret_key, ret_value);
}

/** patient_end() - Commit what has been put off */
static int patient_end(struct patient_store *self)
{
	if (!self->begun)
		return 0;
	self->begun = false;
	return self->inner->ops->commit(self->inner);
}

static const struct store_ops patient_ops = {
	.begin = patient_begin,
	.commit = patient_commit,
	.abort = patient_abort,
	.get = patient_get,
	.put = patient_put,
	.remove = patient_remove,
	.seek = patient_seek,
	.seek_back = patient_seek_back,
};

/**
 * take() - Take one address for a made-up container; its texts are as long as a kubelet's
 * @store:	Store
 * @request:	Request; its container, pod and namespace are filled in here
 * @number:	Which container
 *
 * Return: as ipam_take()
 */
static int take(struct store *store, struct ipam_request *request, unsigned long number)
{
	char container_id[65], pod_name[64], netns[64];
	struct ipam_refusal refusal;
	struct ipam_grant grant;

	(void)snprintf(container_id, sizeof(container_id), "%064lx", number);
	(void)snprintf(pod_name, sizeof(pod_name), "deployment-%08lx-%05lx", number, number & 0xfffff);
	(void)snprintf(netns, sizeof(netns), "/run/netns/cni-00000000-0000-0000-0000-%012lx", number);
	request->lease.attachment.container_id = container_id;
	request->lease.pod_name = pod_name;
	request->lease.netns = netns;
	return ipam_take(store, request, &grant, &refusal);
}

/**
 * take_all() - Take @count addresses
 * @inner:	Store
 * @request:	Whose, but for what take() fills in
 * @count:	How many
 *
 * Return: as ipam_take()
 */
static int take_all(struct store *inner, struct ipam_request *request, unsigned long count)
{
	struct patient_store store = {.base = {.ops = &patient_ops}, .inner = inner};
	int r = 0;

	for (unsigned long i = 0; i < count && r == 0; i++) {
		r = take(&store.base, request, i);
		if (r == 0 && i % LEASES_PER_COMMIT == LEASES_PER_COMMIT - 1)
			r = patient_end(&store);
	}
	return r ? r : patient_end(&store);
}

/** struct way - How packets leave, copied from a store */
struct way {
	uint64_t digest;
	void *definition;
	size_t size;
};

/** copy_way() - The first of the store's into a struct way: 0, -ENOMEM */
static int copy_way(void *userdata, const struct ipam_egress *egress)
{
	struct way *way = userdata;

	if (way->definition)
		return 0;
	way->definition = malloc(egress->definition.size + 1);
	if (!way->definition)
		return -ENOMEM;
	memcpy(way->definition, egress->definition.data, egress->definition.size);
	way->digest = egress->digest;
	way->size = egress->definition.size;
	return 0;
}

/**
 * share_way() - Take addresses whose packets leave as those of the leases that are there
 * @store:	Store
 * @request:	Whose; how packets leave is filled in here
 * @count:	How many
 *
 * Return: as ipam_take(), or what ipam_each_egress() gives
 */
static int share_way(struct store *store, struct ipam_request *request, unsigned long count)
{
	struct way way = {0};
	int r = ipam_each_egress(store, copy_way, &way);

	request->lease.egress = way.digest;
	request->lease.pins = way.digest ? "pin" : "";
	request->egress = bytes_of(way.definition, way.size);
	if (!r)
		r = take_all(store, request, count);
	free(way.definition);
	return r;
}

/**
 * seed() - Open the store and fill it
 * @data_dir:	State directory
 * @network:	Network
 * @subnet:	The one range of its one range set
 * @count:	How many leases
 *
 * Return: 0, negative errno, a positive outcome of whatever failed
 */
static int seed(const char *data_dir, const char *network, const struct prefix *subnet, unsigned long count)
{
	struct ip_range range = {.subnet = *subnet, .span = range_default_span(subnet), .pointer = ""};
	struct range_set set = {.ranges = &range, .n_ranges = 1};
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	GUARD_CLEANUP struct guard *guard = NULL;
	struct ipam_request request = {
		.lease = {.attachment = {.network = network, .ifname = "eth0"}, .pod_namespace = "default"},
		.sets = &set,
		.n_sets = 1,
	};
	char boot_id[BOOT_ID_MAX];
	int r;

	r = guard_new(&guard);
	if (!r)
		r = guard_seal(guard);
	if (!r)
		r = state_boot_id(boot_id);
	if (!r)
		r = state_open(data_dir, STATE_WRITE, &state);
	if (!r)
		r = store_lmdb_open(&state, STATE_WRITE, LOCK_WAIT_MS, boot_id, NULL, &store);
	if (r)
		return r;
	request.guard = guard;
	request.lease.since = time(NULL);
	return share_way(store, &request, count);
}

int main(int argc, char **argv)
{
	struct prefix subnet;
	uintmax_t count;
	int r;

	if (argc != 5 || prefix_parse(argv[3], &subnet)) {
		(void)fputs("Usage: seed DATA_DIR NETWORK SUBNET COUNT\n", stderr);
		return EXIT_USAGE;
	}
	count = strtoumax(argv[4], NULL, 10);
	r = seed(argv[1], argv[2], &subnet, count);
	if (r)
		(void)fprintf(stderr, "seed: %s %d\n", r < 0 ? strerror(-r) : "outcome", r);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
