/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address manager's reading side: nothing here changes the store. */

#include <errno.h>
#include <string.h>

#include "ipam/lease/egress_row.h"
#include "ipam/lease/lease_table.h"
#include "ipam/lease/pool.h"

/**
 * ipam_find() - Look up an attachment's lease
 * @store:	Store
 * @attachment:	Attachment
 * @found:	Called with the lease
 * @userdata:	For it
 *
 * Return: what @found returned, IPAM_E_NOT_FOUND, IPAM_E_DAMAGED, negative errno
 */
int ipam_find(struct store *store, const struct attachment *attachment, ipam_each_fn found, void *userdata)
{
	struct attachment_key key = attachment_key(attachment);
	struct lease lease;
	int r;

	r = store->ops->begin(store, false);
	if (r < 0)
		return lease_table_outcome(r);
	r = lease_table_get(store, attachment, &key, &lease);
	if (r == 0)
		r = found(userdata, &lease);
	store->ops->abort(store);
	return r == -EEXIST ? IPAM_E_NOT_FOUND : lease_table_outcome(r);
}

/**
 * each_lease() - ipam_each_part() within a transaction
 * @store:	Store, in a transaction
 * @part:	See ipam_each_part()
 * @each:	See ipam_each_part()
 * @userdata:	See ipam_each_part()
 *
 * Return: as for ipam_each()
 */
static int each_lease(struct store *store, struct ipam_part *part, ipam_each_fn each, void *userdata)
{
	bool damaged = false;
	struct lease lease;
	size_t n = 0;
	int r = 0;

	part->ended = false;
	for (; n < part->limit; n++) {
		struct bytes key = bytes_of(part->after.data, part->begun ? part->after.size : 0), row;

		r = store->ops->seek(store, STORE_LEASES, key, part->begun, &key, &row);
		if (r == 0)
			r = row_key_read(key, &part->after);
		if (r)
			break;
		part->begun = true;
		if (key.size != sizeof(struct attachment_key) || lease_decode(row, &lease)) {
			damaged = true;
			continue;
		}
		if (part->network && strcmp(lease.attachment.network, part->network) != 0)
			continue;
		r = each(userdata, &lease);
		if (r)
			return r;
	}
	if (r < 0)
		return r;
	part->ended = n < part->limit;
	return damaged ? IPAM_E_DAMAGED : 0;
}

/**
 * ipam_each_part() - Walk through some leases, to go on later, perhaps after the store was closed
 * @store:	Store
 * @part:	Which ones; afterwards, those that follow
 * @each:	Called for each; must not use the store. A value other than 0 ends the walk
 * @userdata:	For it
 *
 * A lease that is there from the first part to the last is met just once.
 *
 * Return: as for ipam_each()
 */
int ipam_each_part(struct store *store, struct ipam_part *part, ipam_each_fn each, void *userdata)
{
	int r;

	r = store->ops->begin(store, false);
	if (r < 0)
		return r;
	r = each_lease(store, part, each, userdata);
	store->ops->abort(store);
	return r;
}

/**
 * ipam_each() - Walk through the leases, in no order that means anything
 * @store:	Store
 * @network:	Only this network's, NULL: all
 * @each:	Called for each; must not use the store. A value other than 0 ends the walk
 * @userdata:	For it
 *
 * Return: 0; what @each returned; IPAM_E_DAMAGED when each lease was passed to @each but for some that can't be read;
 *	negative errno when the walk ended early: -EUCLEAN when the store itself is damaged
 */
int ipam_each(struct store *store, const char *network, ipam_each_fn each, void *userdata)
{
	struct ipam_part all = {.network = network, .limit = SIZE_MAX};

	return ipam_each_part(store, &all, each, userdata);
}

/** hear_holder() - Call @holder with the lease that @key leads to; one that can't be read is passed over */
static int hear_holder(struct store *store, struct bytes key, ipam_each_fn holder, void *userdata)
{
	struct lease lease;
	struct bytes row;
	int r = store->ops->get(store, STORE_LEASES, key, &row);

	if (r || lease_decode(row, &lease))
		return r < 0 ? r : 0;
	return holder(userdata, &lease);
}

/**
 * ipam_next_held() - The first address in a span that is held, whatever the network
 * @store:	Store
 * @within:	Span
 * @ret_address: Address
 * @holder:	NULL, or called with who holds it, unless that can't be read; must not use the store
 * @userdata:	For it
 *
 * Return: 0 or what @holder returned, IPAM_E_NOT_FOUND, IPAM_E_DAMAGED, negative errno
 */
int ipam_next_held(struct store *store, const struct span *within, struct address *ret_address, ipam_each_fn holder,
		   void *userdata)
{
	struct bytes key;
	int r;

	r = store->ops->begin(store, false);
	if (r < 0)
		return lease_table_outcome(r);
	r = lease_table_next(store, within, ret_address, &key);
	if (r == 0 && holder)
		r = hear_holder(store, key, holder, userdata);
	else if (r == STORE_E_NOT_FOUND)
		r = IPAM_E_NOT_FOUND;
	store->ops->abort(store);
	return lease_table_outcome(r);
}

/**
 * ipam_find_egress() - Look up how packets of a lease leave
 * @store:	Store
 * @digest:	Of the lease
 * @found:	Called with it
 * @userdata:	For it
 *
 * Return: what @found returned, IPAM_E_NOT_FOUND, IPAM_E_DAMAGED, negative errno
 */
int ipam_find_egress(struct store *store, uint64_t digest, ipam_egress_fn found, void *userdata)
{
	struct ipam_egress egress = {0};
	int r;

	r = store->ops->begin(store, false);
	if (r < 0)
		return lease_table_outcome(r);
	r = egress_row_get(store, digest, &egress);
	if (r == 0)
		r = found(userdata, &egress);
	store->ops->abort(store);
	return lease_table_outcome(r);
}

/**
 * each_egress() - ipam_each_egress() within a transaction
 * @store:	Store, in a transaction
 * @each:	See ipam_each_egress()
 * @userdata:	See ipam_each_egress()
 *
 * Return: as for ipam_each_egress()
 */
static int each_egress(struct store *store, ipam_egress_fn each, void *userdata)
{
	struct ipam_egress egress = {0};
	struct row_key at = {.size = 0};
	bool damaged = false;
	int r;

	for (;;) {
		r = egress_row_next(store, &at, &egress);
		if (r == 0)
			r = each(userdata, &egress);
		else if (r == IPAM_E_NOT_FOUND)
			return damaged ? IPAM_E_DAMAGED : 0;
		if (r == IPAM_E_DAMAGED)
			damaged = true;
		else if (r)
			return r;
	}
}

/**
 * ipam_each_egress() - Walk through all that is known of how packets leave
 * @store:	Store
 * @each:	Called for each; must not use the store. IPAM_E_DAMAGED says that it can't read this one, any other value
 *		but 0 ends the walk
 * @userdata:	For it
 *
 * Return: as for ipam_each()
 */
int ipam_each_egress(struct store *store, ipam_egress_fn each, void *userdata)
{
	int r;

	r = store->ops->begin(store, false);
	if (r < 0)
		return r;
	r = each_egress(store, each, userdata);
	store->ops->abort(store);
	return r;
}

/**
 * ipam_is_full() - Whether a range set can give no more, as far as the store knows
 * @store:	Store
 * @sets:	Range sets
 * @n_sets:	How many
 * @guard:	Sealed guard
 * @ret_set:	The first one that is full
 *
 * Return: 1, 0, negative errno: -EUCLEAN for a row that can't be read
 */
int ipam_is_full(struct store *store, const struct range_set *sets, size_t n_sets, const struct guard *guard,
		 size_t *ret_set)
{
	int r;

	r = store->ops->begin(store, false);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n_sets && r == 0; i++) {
		struct pool_id pool = pool_id(&sets[i], guard);

		r = pool_is_full(store, &pool);
		if (r == 1)
			*ret_set = i;
	}
	store->ops->abort(store);
	return r;
}
