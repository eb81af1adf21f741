/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address manager: takes and gives back leases, in one transaction of the store each. */

#include "ipam/lease/ipam.h"

#include <errno.h>
#include <string.h>

#include "ipam/guard/guard_image.h"
#include "ipam/lease/choice.h"
#include "ipam/lease/egress_row.h"
#include "ipam/lease/lease_table.h"
#include "ipam/lease/pool.h"

/** seconds() - @time as pools keep it; there is nothing before the epoch */
static uint64_t seconds(int64_t time)
{
	return time > 0 ? (uint64_t)time : 0;
}

/** is_among() - Whether @address is one of the @n @addresses */
static bool is_among(const struct address *addresses, size_t n, const struct address *address)
{
	for (size_t i = 0; i < n; i++)
		if (address_equal(&addresses[i], address))
			return true;
	return false;
}

/**
 * fits_set() - Whether an address that an attachment holds may still be given from a range set
 * @request:		Request
 * @set:		Range set
 * @address:		Address
 * @ret_fits:		Whether
 * @reterr_refusal:	Filled for IPAM_E_VETOED
 *
 * Return: 0, IPAM_E_VETOED, negative errno
 */
static int fits_set(const struct ipam_request *request, size_t set, const struct address *address, bool *ret_fits,
		    struct ipam_refusal *reterr_refusal)
{
	bool requested = is_among(request->requested, request->n_requested, address);
	int r;

	*ret_fits = false;
	if (!range_set_find(&request->sets[set], address) || !choice_may_have(request, address))
		return 0;
	r = guard_decide(request->guard, address, NULL);
	if (r)
		return r < 0 ? r : 0;
	r = choice_ask_veto(request, set, address, requested);
	if (r < 0)
		return r;
	if (r == IPAM_VERDICT_STOP) {
		reterr_refusal->address = *address;
		return IPAM_E_VETOED;
	}
	*ret_fits = r == IPAM_VERDICT_FREE;
	return 0;
}

/**
 * fits() - Whether the addresses that an attachment holds are an answer to its request
 * @request:		Request
 * @lease:		Its lease
 * @ret_fits:		Whether
 * @reterr_refusal:	Filled for IPAM_E_VETOED
 *
 * Return: 0, IPAM_E_VETOED, negative errno
 */
static int fits(const struct ipam_request *request, const struct lease *lease, bool *ret_fits,
		struct ipam_refusal *reterr_refusal)
{
	int r = 0;

	*ret_fits = lease->n_addresses == request->n_sets;
	for (size_t i = 0; i < request->n_requested && *ret_fits; i++)
		*ret_fits = is_among(lease->addresses, lease->n_addresses, &request->requested[i]);
	for (size_t i = 0; i < request->n_sets && *ret_fits && r == 0; i++)
		r = fits_set(request, i, &lease->addresses[i], ret_fits, reterr_refusal);
	return r;
}

/**
 * lives() - Whether an attachment that holds a lease is still there, so that it must not get another
 * @request:		Request
 * @held:		What it holds
 * @reterr_refusal:	Filled for IPAM_E_LIVES
 *
 * Return: 0, IPAM_E_LIVES, negative errno
 */
static int lives(const struct ipam_request *request, const struct lease *held, struct ipam_refusal *reterr_refusal)
{
	int r = request->lives ? request->lives(request->userdata, held) : 0;

	if (r <= 0)
		return r;
	reterr_refusal->address = held->addresses[0];
	return IPAM_E_LIVES;
}

/**
 * take_existing() - Give an attachment the addresses that it holds, or have it hold none
 * @store:		Store, in a writing transaction
 * @request:		Request
 * @key:		Key of the attachment
 * @lease:		Its new lease; the addresses are filled when they are given
 * @reterr_refusal:	Filled for IPAM_E_VETOED and IPAM_E_LIVES
 *
 * Return: 0, IPAM_E_NOT_FOUND when it holds none, also when it did, but these did not fit; IPAM_E_VETOED, IPAM_E_LIVES,
 *	negative errno
 */
static int take_existing(struct store *store, const struct ipam_request *request, const struct attachment_key *key,
			 struct lease *lease, struct ipam_refusal *reterr_refusal)
{
	struct lease held;
	bool same = false;
	int r;

	r = lease_table_get(store, &request->lease.attachment, key, &held);
	if (r == IPAM_E_DAMAGED) {
		r = lease_table_give_back(store, key, NULL, NULL);
		return r < 0 ? r : IPAM_E_NOT_FOUND;
	}
	if (r == 0)
		r = lives(request, &held, reterr_refusal);
	if (r == 0)
		r = fits(request, &held, &same, reterr_refusal);
	if (r)
		return r;
	if (!same) {
		r = lease_table_give_back(store, key, &held, NULL);
		return r < 0 ? r : IPAM_E_NOT_FOUND;
	}
	for (size_t i = 0; i < held.n_addresses; i++)
		lease->addresses[i] = held.addresses[i];
	lease->n_addresses = held.n_addresses;
	return egress_row_release(store, held.egress);
}

/**
 * take_from_set() - Choose and take an address from one range set
 * @store:		Store, in a writing transaction
 * @request:		Request
 * @set:		Range set
 * @name:		Address asked for by name, NULL: the next one
 * @key:		Key of the attachment
 * @ret_address:	Address
 * @reterr_refusal:	Filled for a named outcome
 *
 * Return: 0, a named outcome, negative errno
 */
static int take_from_set(struct store *store, const struct ipam_request *request, size_t set,
			 const struct address *name, const struct attachment_key *key, struct address *ret_address,
			 struct ipam_refusal *reterr_refusal)
{
	struct choice choice = {.store = store, .request = request, .set = set};
	uint64_t now = seconds(request->lease.since);
	struct address address;
	int r;

	r = pool_open(store, &request->sets[set], request->guard, now, &choice.pool);
	if (r == 0)
		r = pool_mature(store, &choice.pool, now, request->reuse_delay);
	if (r < 0)
		return r;
	if (name) {
		address = *name;
		r = choice_named(&choice, name, reterr_refusal);
	} else {
		r = choice_own(&choice, &address, reterr_refusal);
		if (r == IPAM_E_NOT_FOUND)
			r = choice_next(&choice, &address, reterr_refusal);
	}
	if (r == 0)
		r = lease_table_take(store, key, &address);
	if (r == 0)
		r = choice_set_cursor(&choice, &address);
	if (r == 0)
		*ret_address = address;
	return r;
}

/**
 * take_new() - Choose and take an address from each range set
 * @store:		Store, in a writing transaction
 * @request:		Request
 * @key:		Key of the attachment, which holds nothing
 * @lease:		Its new lease; the addresses are filled
 * @reterr_refusal:	Filled for a named outcome
 *
 * Return: 0, a named outcome, negative errno
 */
static int take_new(struct store *store, const struct ipam_request *request, const struct attachment_key *key,
		    struct lease *lease, struct ipam_refusal *reterr_refusal)
{
	const struct address *names[LIMIT_RANGE_SETS];
	int r;

	r = choice_assign_names(request, names, reterr_refusal);
	for (size_t i = 0; i < request->n_sets && r == 0; i++)
		r = take_from_set(store, request, i, names[i], key, &lease->addresses[i], reterr_refusal);
	if (r == 0)
		lease->n_addresses = request->n_sets;
	return r;
}

/**
 * put_lease() - Write an attachment's lease, and that it names what its packets leave by
 * @store:	Store, in a writing transaction
 * @key:	Key of the attachment
 * @lease:	Lease
 * @egress:	What its @egress stands for
 * @recount:	A lease that can't be read was in its place, or may be
 *
 * Return: 0, negative errno
 */
static int put_lease(struct store *store, const struct attachment_key *key, const struct lease *lease,
		     struct bytes egress, bool recount)
{
	int r = egress_row_take(store, lease->egress, egress);

	if (r < 0)
		return r;
	recount |= r == IPAM_E_DAMAGED;
	r = lease_table_put(store, key, lease);
	return r == 0 && recount ? egress_row_recount(store) : r;
}

/**
 * take() - ipam_take() within a transaction
 * @store:		Store, in a writing transaction
 * @request:		Request
 * @ret_grant:		Filled, also in part when it fails
 * @reterr_refusal:	Filled for a named outcome
 *
 * Return: 0, a named outcome, negative errno
 */
static int take(struct store *store, const struct ipam_request *request, struct ipam_grant *ret_grant,
		struct ipam_refusal *reterr_refusal)
{
	struct attachment_key key = attachment_key(&request->lease.attachment);
	struct lease lease = request->lease;
	int r;

	lease.n_addresses = 0;
	r = take_existing(store, request, &key, &lease, reterr_refusal);
	ret_grant->existed = r == 0;
	if (r == IPAM_E_NOT_FOUND)
		r = take_new(store, request, &key, &lease, reterr_refusal);
	if (r == 0)
		r = put_lease(store, &key, &lease, request->egress, false);
	if (r)
		return r;
	for (size_t i = 0; i < lease.n_addresses; i++) {
		ret_grant->addresses[i] = lease.addresses[i];
		ret_grant->ranges[i] = range_set_find(&request->sets[i], &lease.addresses[i]);
	}
	ret_grant->n_addresses = lease.n_addresses;
	return 0;
}

/** take_once() - take() as a transaction, in which no guard is rebuilt; what it filled before it failed is void */
static int take_once(struct store *store, const struct ipam_request *request, struct ipam_grant *ret_grant,
		     struct ipam_refusal *reterr_refusal)
{
	int r = store->ops->begin(store, true);

	*ret_grant = (struct ipam_grant){0};
	*reterr_refusal = (struct ipam_refusal){0};
	if (r < 0)
		return r;
	guard_image_hold(request->guard, true);
	r = store_end(store, take(store, request, ret_grant, reterr_refusal));
	guard_image_hold(request->guard, false);
	return r;
}

/**
 * ipam_take() - Take an address of each range set for an attachment, or none
 * @store:		Store opened for writing
 * @request:		Who wants what; its lease's @since is also the time by which addresses rest
 * @ret_grant:		What was given; the same as before when the attachment holds a lease that still fits
 * @reterr_refusal:	Filled for a named outcome other than IPAM_E_DAMAGED
 *
 * Rows that can't be read are repaired first: IPAM_E_DAMAGED means that the store's file itself is damaged. The same is
 * true of the other functions that write.
 *
 * Return: 0, IPAM_E_FULL, IPAM_E_RESERVED, IPAM_E_HELD, IPAM_E_OUTSIDE, IPAM_E_EXCLUDED, IPAM_E_VETOED, IPAM_E_LIVES,
 *	IPAM_E_DAMAGED, negative errno: -EEXIST when another attachment has the same digest, -ESTALE when the guard has
 *	to be rebuilt first, without the store's lock (guard_image_rebuild())
 */
int ipam_take(struct store *store, const struct ipam_request *request, struct ipam_grant *ret_grant,
	      struct ipam_refusal *reterr_refusal)
{
	struct ipam_refusal refusal;
	struct ipam_grant grant;
	int r;

	if (request->n_sets > LIMIT_RANGE_SETS)
		return -E2BIG;
	r = take_once(store, request, &grant, &refusal);
	if (r == -EUCLEAN) {
		r = ipam_mend(store);
		if (r == 0)
			r = take_once(store, request, &grant, &refusal);
	}
	if (r == 0)
		*ret_grant = grant;
	else if (r > 0)
		*reterr_refusal = refusal;
	return lease_table_outcome(r);
}

/** note() - ipam_note() within a transaction */
static int note(struct store *store, const struct lease *lease, struct bytes egress)
{
	struct attachment_key key = attachment_key(&lease->attachment);
	struct lease held;
	bool damaged;
	int r;

	r = lease_table_get(store, &lease->attachment, &key, &held);
	damaged = r == IPAM_E_DAMAGED;
	if (r == 0)
		r = egress_row_release(store, held.egress);
	return r < 0 ? r : put_lease(store, &key, lease, egress, damaged);
}

/** note_once() - note() as a transaction */
static int note_once(struct store *store, const struct lease *lease, struct bytes egress)
{
	int r = store->ops->begin(store, true);

	return r < 0 ? r : store_end(store, note(store, lease, egress));
}

/**
 * ipam_note() - Write the lease of a chained attachment, whose addresses are others' to give
 * @store:	Store opened for writing
 * @lease:	Lease, in place of an older one
 * @egress:	What its @egress stands for
 *
 * Return: 0, IPAM_E_DAMAGED when the store itself is, negative errno: -EEXIST when another attachment has the same digest
 */
int ipam_note(struct store *store, const struct lease *lease, struct bytes egress)
{
	int r = note_once(store, lease, egress);

	if (r == -EUCLEAN) {
		r = ipam_mend(store);
		if (r == 0)
			r = note_once(store, lease, egress);
	}
	return lease_table_outcome(r);
}

/** ipam_forget_egress() - Forget a definition that no lease names any more: 0, negative errno */
int ipam_forget_egress(struct store *store, uint64_t digest)
{
	int r;

	r = store->ops->begin(store, true);
	return r < 0 ? r : store_end(store, egress_row_remove(store, digest));
}

/** release_once() - ipam_release(), without repairing anything */
static int release_once(struct store *store, const struct attachment *attachment, uint64_t released)
{
	struct attachment_key key = attachment_key(attachment);
	struct lease lease;
	int r;

	r = store->ops->begin(store, true);
	if (r < 0)
		return r;
	r = lease_table_get(store, attachment, &key, &lease);
	if (r == 0)
		r = lease_table_give_back(store, &key, &lease, &released);
	else if (r == IPAM_E_DAMAGED)
		r = lease_table_give_back(store, &key, NULL, &released);
	return store_end(store, r);
}

/**
 * ipam_release() - Give back what an attachment holds; it rests from now on
 * @store:	Store opened for writing
 * @attachment:	Attachment
 * @now:	Seconds since the epoch
 *
 * A lease that can't be read is given back all the same.
 *
 * Return: 0, IPAM_E_NOT_FOUND when it holds nothing, IPAM_E_DAMAGED when the store itself is damaged, negative errno
 */
int ipam_release(struct store *store, const struct attachment *attachment, int64_t now)
{
	uint64_t released = seconds(now);
	int r = release_once(store, attachment, released);

	if (r == -EUCLEAN) {
		r = ipam_mend(store);
		if (r == 0)
			r = release_once(store, attachment, released);
	}
	return r == -EEXIST ? IPAM_E_NOT_FOUND : lease_table_outcome(r);
}
