/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many leases name each row of STORE_EGRESS, counted from the leases themselves: what a damaged lease named can't be
 * told, so that its row would keep what it stands for on the host for ever.
 */

#include <errno.h>
#include <stdlib.h>

#include "ipam/lease/egress_row.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** struct digests - What the leases name, one entry a lease, sorted; @unknown: some leases can't be read */
struct digests {
	uint64_t *all;
	size_t n;
	size_t capacity;
	bool unknown;
};

static void digests_done(struct digests *digests)
{
	free(digests->all);
}

/** note_digest() - Take note of a lease's digest: 0, -ENOMEM */
static int note_digest(struct digests *digests, uint64_t digest)
{
	if (!digest)
		return 0;
	uint64_t *all = array_room(digests->all, digests->n, &digests->capacity, sizeof(*all));

	if (!all)
		return -ENOMEM;
	digests->all = all;
	digests->all[digests->n++] = digest;
	return 0;
}

/** compare_digests() - For qsort(3) */
static int compare_digests(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/** read_digests() - What all leases name: 0, negative errno */
static int read_digests(struct store *store, struct digests *digests)
{
	struct row_key at = {.size = 0};
	struct bytes key, row;
	struct lease lease;
	int r;

	while ((r = store->ops->seek(store, STORE_LEASES, row_key_bytes(&at), at.size, &key, &row)) == 0) {
		if (row_key_read(key, &at) < 0)
			return -EUCLEAN;
		if (lease_decode(row, &lease))
			digests->unknown = true;
		else if (note_digest(digests, lease.egress) < 0)
			return -ENOMEM;
	}
	if (digests->n)
		qsort(digests->all, digests->n, sizeof(*digests->all), compare_digests);
	return r < 0 ? r : 0;
}

/** count() - How many leases name a digest */
static uint64_t count(const struct digests *digests, uint64_t digest)
{
	uint64_t n = 0;
	size_t low = 0, high = digests->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (digests->all[middle] < digest)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < digests->n && digests->all[low + n] == digest)
		n++;
	return n;
}

/**
 * egress_row_recount() - Have each row say how many leases name it
 * @store:	Store, in a writing transaction
 *
 * As long as there are leases that can't be read, no row's number becomes less: one of them may name it.
 *
 * Return: 0, negative errno
 */
int egress_row_recount(struct store *store)
{
	CLEANUP(digests_done) struct digests digests = {0};
	struct ipam_egress egress = {0};
	struct row_key at = {.size = 0};
	int r = read_digests(store, &digests);

	if (r < 0)
		return r;
	while ((r = egress_row_next(store, &at, &egress)) != IPAM_E_NOT_FOUND) {
		uint64_t users = r == 0 ? count(&digests, egress.digest) : 0;

		if (r == IPAM_E_DAMAGED || users == egress.users || (digests.unknown && users < egress.users))
			continue;
		if (r == 0)
			r = egress_row_set_users(store, &egress, users);
		if (r < 0)
			return r;
	}
	return 0;
}
