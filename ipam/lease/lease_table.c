/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an attachment holds: its lease and its addresses are written and removed here, and nowhere else. */

#include "ipam/lease/lease_table.h"

#include <errno.h>
#include <string.h>

#include "ipam/lease/egress_row.h"
#include "ipam/lease/pool.h"
#include "ipam/store/row.h"
#include "rangeguard/cleanup.h"

/** bytes_of_key() - @key as a byte string */
static struct bytes bytes_of_key(const struct attachment_key *key)
{
	return bytes_of(key->bytes, sizeof(key->bytes));
}

/** lease_table_outcome() - @r for who asked the address manager: whatever can't be read is one named outcome */
int lease_table_outcome(int r)
{
	return r == -EUCLEAN ? IPAM_E_DAMAGED : r;
}

/**
 * lease_table_get() - Read an attachment's lease
 * @store:	Store, in a transaction
 * @attachment:	Attachment
 * @key:	Its key
 * @ret_lease:	Lease; its texts are borrowed until the next change
 *
 * Return: 0, IPAM_E_NOT_FOUND, IPAM_E_DAMAGED, -EEXIST for two attachments of one digest, negative errno
 */
int lease_table_get(struct store *store, const struct attachment *attachment, const struct attachment_key *key,
		    struct lease *ret_lease)
{
	struct bytes row;
	int r;

	r = store->ops->get(store, STORE_LEASES, bytes_of_key(key), &row);
	if (r)
		return r < 0 ? r : IPAM_E_NOT_FOUND;
	if (lease_decode(row, ret_lease))
		return IPAM_E_DAMAGED;
	/* Of an adopted lease sometimes only the key is known. */
	if (!*ret_lease->attachment.network)
		return 0;
	return attachment_equal(&ret_lease->attachment, attachment) ? 0 : -EEXIST;
}

/**
 * lease_table_find() - Who holds an address
 * @store:	Store, in a transaction
 * @address:	Address
 * @ret_key:	Key of the attachment, borrowed until the next change
 *
 * Return: 0, STORE_E_NOT_FOUND when nobody does, negative errno
 */
int lease_table_find(struct store *store, const struct address *address, struct bytes *ret_key)
{
	struct row_key row = row_key_of_address(address);

	return store->ops->get(store, STORE_ADDRESSES, row_key_bytes(&row), ret_key);
}

/**
 * lease_table_next() - The first address in a span that is held
 * @store:	Store, in a transaction
 * @within:	Span
 * @ret_address: Address
 * @ret_key:	Key of the attachment, borrowed until the next change
 *
 * Return: 0, STORE_E_NOT_FOUND, negative errno
 */
int lease_table_next(struct store *store, const struct span *within, struct address *ret_address, struct bytes *ret_key)
{
	struct address address = {.family = within->family, .value = within->first};
	struct row_key key = row_key_of_address(&address);
	struct bytes found;
	int r;

	r = store->ops->seek(store, STORE_ADDRESSES, row_key_bytes(&key), false, &found, ret_key);
	if (r)
		return r;
	if (row_read_address(&found, &address) < 0 || found.size)
		return -EUCLEAN;
	if (!span_contains(within, &address))
		return STORE_E_NOT_FOUND;
	*ret_address = address;
	return 0;
}

/**
 * give_back() - Give one address back, if it is the attachment's
 * @store:	Store, in a writing transaction
 * @key:	Key of the attachment
 * @address:	Address
 * @released:	When it was released, from when on it rests; NULL: it may be given again at once
 *
 * Return: 0, negative errno
 */
static int give_back(struct store *store, const struct attachment_key *key, const struct address *address,
		     const uint64_t *released)
{
	struct row_key row = row_key_of_address(address);
	struct bytes holder;
	int r;

	r = lease_table_find(store, address, &holder);
	if (r)
		return r < 0 ? r : 0;
	if (holder.size != sizeof(key->bytes) || memcmp(holder.data, key->bytes, holder.size))
		return 0;
	r = store->ops->remove(store, STORE_ADDRESSES, row_key_bytes(&row));
	if (r)
		return r < 0 ? r : -EUCLEAN;
	return released ? pool_rest(store, address, *released) : pool_free(store, address);
}

/**
 * give_back_by_scan() - Give back what an attachment holds whose lease can't be read
 * @store:	Store, in a writing transaction
 * @key:	Key of the attachment
 * @released:	See give_back()
 *
 * The only walk through all addresses, and it takes a damaged row to get here.
 *
 * Return: 0, negative errno
 */
static int give_back_by_scan(struct store *store, const struct attachment_key *key, const uint64_t *released)
{
	struct row_key at = {.size = 0};
	struct bytes found, holder;
	int r;

	while ((r = store->ops->seek(store, STORE_ADDRESSES, row_key_bytes(&at), true, &found, &holder)) == 0) {
		struct address address;

		if (found.size > sizeof(at.data))
			return -EUCLEAN;
		memcpy(at.data, found.data, found.size);
		at.size = found.size;
		if (row_read_address(&found, &address) < 0)
			continue;
		r = give_back(store, key, &address, released);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

/**
 * lease_table_give_back() - Give back all that an attachment holds, and its lease
 * @store:	Store, in a writing transaction
 * @key:	Key of the attachment
 * @lease:	Its lease, NULL when it can't be read
 * @released:	See give_back()
 *
 * Return: 0, negative errno
 */
int lease_table_give_back(struct store *store, const struct attachment_key *key, const struct lease *lease,
			  const uint64_t *released)
{
	int r = 0;

	if (!lease)
		r = give_back_by_scan(store, key, released);
	for (size_t i = 0; lease && i < lease->n_addresses && r == 0; i++)
		r = give_back(store, key, &lease->addresses[i], released);
	if (r == 0 && lease)
		r = egress_row_release(store, lease->egress);
	if (r < 0)
		return r;
	r = store->ops->remove(store, STORE_LEASES, bytes_of_key(key));
	if (r)
		return r < 0 ? r : -EUCLEAN;
	return lease ? 0 : egress_row_recount(store);
}

/**
 * lease_table_take() - Have an attachment hold an address that nobody holds
 * @store:	Store, in a writing transaction
 * @key:	Key of the attachment
 * @address:	Address
 *
 * Return: 0, negative errno
 */
int lease_table_take(struct store *store, const struct attachment_key *key, const struct address *address)
{
	struct row_key row = row_key_of_address(address);
	int r;

	r = store->ops->put(store, STORE_ADDRESSES, row_key_bytes(&row), bytes_of_key(key));
	return r < 0 ? r : pool_take(store, address);
}

/**
 * lease_table_put() - Write an attachment's lease
 * @store:	Store, in a writing transaction
 * @key:	Key of the attachment
 * @lease:	Lease, with the addresses that it holds
 *
 * Return: 0, negative errno
 */
int lease_table_put(struct store *store, const struct attachment_key *key, const struct lease *lease)
{
	CLEANUP_FREE void *data = NULL;
	size_t size;
	int r;

	r = lease_encode(lease, &data, &size);
	if (r < 0)
		return r;
	return store->ops->put(store, STORE_LEASES, bytes_of_key(key), bytes_of(data, size));
}
