/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that somebody else gave: held for whom has them, one at a time. */

#include <errno.h>
#include <string.h>
#include <xxhash.h>

#include "ipam/lease/ipam.h"
#include "ipam/lease/lease_table.h"
#include "ipam/store/row.h"

/** First byte of the keys in STORE_META of networks whose leases were taken over */
#define TOOK_OVER_PREFIX '<'

/** end() - Commit the transaction of @store when @r is 0, else abort it; returns @r or the commit's negative errno */
static int end(struct store *store, int r)
{
	if (r == 0)
		return store->ops->commit(store);
	store->ops->abort(store);
	return r;
}

/** is_full() - Whether a lease can have no more addresses, or has this one */
static bool is_full(const struct lease *lease, const struct address *address)
{
	for (size_t i = 0; i < lease->n_addresses; i++)
		if (address_equal(&lease->addresses[i], address))
			return true;
	return lease->n_addresses == LIMIT_RANGE_SETS;
}

/**
 * displace() - Take an address from a lease of which no network is known, for one who is
 * @store:	Store, in a writing transaction
 * @holder:	Key of the lease
 * @address:	Address
 *
 * Return: 0, 1 when the address stays whose it is, negative errno
 */
static int displace(struct store *store, struct bytes holder, const struct address *address)
{
	struct attachment_key key;
	struct lease lease;
	struct bytes row;
	size_t n = 0;
	int r = store->ops->get(store, STORE_LEASES, holder, &row);

	if (r < 0 || holder.size != sizeof(key.bytes))
		return r < 0 ? r : -EUCLEAN;
	if (r || lease_decode(row, &lease) || *lease.attachment.network)
		return 1;
	memcpy(key.bytes, holder.data, sizeof(key.bytes));
	for (size_t i = 0; i < lease.n_addresses; i++)
		if (!address_equal(&lease.addresses[i], address))
			lease.addresses[n++] = lease.addresses[i];
	lease.n_addresses = n;
	if (n)
		return lease_table_put(store, &key, &lease);
	r = store->ops->remove(store, STORE_LEASES, bytes_of(key.bytes, sizeof(key.bytes)));
	return r < 0 ? r : 0;
}

/** hold() - ipam_hold() within a transaction */
static int hold(struct store *store, const struct adopted *adopted)
{
	const struct address *address = &adopted->lease.addresses[0];
	struct lease lease = adopted->lease, held;
	struct bytes holder;
	int r = lease_table_find(store, address, &holder);

	if (r == 0) {
		r = *adopted->lease.attachment.network ? displace(store, holder, address) : 1;
		if (r)
			return r < 0 ? r : 0;
	} else if (r != STORE_E_NOT_FOUND) {
		return r;
	}
	r = lease_table_get(store, &adopted->lease.attachment, &adopted->key, &held);
	if (r == 0 && is_full(&held, address))
		return 0;
	if (r == 0) {
		lease = held;
		lease.addresses[lease.n_addresses++] = *address;
	} else if (r != IPAM_E_NOT_FOUND && r != IPAM_E_DAMAGED) {
		return r;
	}
	r = lease_table_take(store, &adopted->key, address);
	return r < 0 ? r : lease_table_put(store, &adopted->key, &lease);
}

/**
 * ipam_hold() - Hold one more address for an attachment that has it from elsewhere
 * @store:	Store opened for writing
 * @adopted:	Attachment, with one address; one that is held already stays whose it is, if that is known
 *
 * Return: 0, negative errno
 */
int ipam_hold(struct store *store, const struct adopted *adopted)
{
	int r = store->ops->begin(store, true);

	return r < 0 ? r : end(store, hold(store, adopted));
}

/** took_over_key() - Key of a network whose leases were taken over */
static struct row_key took_over_key(const char *network)
{
	XXH128_canonical_t digest;
	struct row_key key;
	uint8_t *at = key.data;

	XXH128_canonicalFromHash(&digest, XXH3_128bits(network, strlen(network)));
	*at++ = TOOK_OVER_PREFIX;
	at = mempcpy(at, digest.digest, sizeof(digest.digest));
	key.size = (size_t)(at - key.data);
	return key;
}

/** ipam_took_over() - Whether another plugin's leases of a network were taken over: 1, 0, negative errno */
int ipam_took_over(struct store *store, const char *network)
{
	struct row_key key = took_over_key(network);
	struct bytes value;
	int r = store->ops->begin(store, false);

	if (r < 0)
		return r;
	r = store->ops->get(store, STORE_META, row_key_bytes(&key), &value);
	store->ops->abort(store);
	return r < 0 ? r : r == 0;
}

/** ipam_set_took_over() - Note that they were: 0, negative errno */
int ipam_set_took_over(struct store *store, const char *network)
{
	struct row_key key = took_over_key(network);
	int r = store->ops->begin(store, true);

	if (r < 0)
		return r;
	return end(store, store->ops->put(store, STORE_META, row_key_bytes(&key), bytes_of("", 0)));
}
