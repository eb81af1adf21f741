/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that somebody else gave: held for whoever has them. */

#include <errno.h>
#include <string.h>
#include <xxhash.h>

#include "ipam/lease/ipam.h"
#include "ipam/lease/lease_table.h"
#include "ipam/store/row.h"

/** First byte of the keys in STORE_META of networks whose leases were taken over */
#define TOOK_OVER_PREFIX '<'
/** There when leases were adopted: of these the store does not know how their packets leave */
#define META_ADOPTED "adopted"

/** adopt() - Write one lease known from elsewhere, without addresses that are held already: 0, negative errno */
static int adopt(struct store *store, const struct adopted *adopted)
{
	struct lease lease = adopted->lease;
	int r = 0;

	lease.n_addresses = 0;
	for (size_t i = 0; i < adopted->lease.n_addresses && r == 0; i++) {
		const struct address *address = &adopted->lease.addresses[i];
		struct bytes holder;

		r = lease_table_find(store, address, &holder);
		if (r == 0)
			continue;
		if (r == STORE_E_NOT_FOUND)
			r = lease_table_take(store, &adopted->key, address);
		lease.addresses[lease.n_addresses++] = *address;
	}
	return r < 0 ? r : lease_table_put(store, &adopted->key, &lease);
}

/**
 * ipam_adopt() - Write leases that are known from elsewhere: from what the kernel says of this host's interfaces
 * @store:	Store opened for writing that knows nothing yet
 * @adopted:	Leases
 * @n_adopted:	How many
 *
 * Return: 0, negative errno: none was written
 */
int ipam_adopt(struct store *store, const struct adopted *adopted, size_t n_adopted)
{
	int r;

	r = store->ops->begin(store, true);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n_adopted && r == 0; i++)
		r = adopt(store, &adopted[i]);
	if (r == 0 && n_adopted)
		r = store->ops->put(store, STORE_META, bytes_of(META_ADOPTED, strlen(META_ADOPTED)), bytes_of("", 0));
	return store_end(store, r);
}

/** ipam_has_adopted() - Whether the store knows only a part of what some of its leases were armed with: 1, 0, errno */
int ipam_has_adopted(struct store *store)
{
	struct bytes value;
	int r;

	r = store->ops->begin(store, false);
	if (r < 0)
		return r;
	r = store->ops->get(store, STORE_META, bytes_of(META_ADOPTED, strlen(META_ADOPTED)), &value);
	store->ops->abort(store);
	return r < 0 ? r : r == 0;
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
 * displace() - Take an address from a lease of which no network is known, or from nobody who can be told, for one who is
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
		return r < 0 ? r : 0;
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
	/* Its texts are the store's, which hold until something is written. */
	r = lease_table_put(store, &adopted->key, &lease);
	return r < 0 ? r : lease_table_take(store, &adopted->key, address);
}

/** hold_once() - hold() as a transaction */
static int hold_once(struct store *store, const struct adopted *adopted)
{
	int r = store->ops->begin(store, true);

	return r < 0 ? r : store_end(store, hold(store, adopted));
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
	int r = hold_once(store, adopted);

	if (r == -EUCLEAN) {
		r = ipam_mend(store);
		if (r == 0)
			r = hold_once(store, adopted);
	}
	return r;
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
	return store_end(store, store->ops->put(store, STORE_META, row_key_bytes(&key), bytes_of("", 0)));
}
