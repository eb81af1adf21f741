/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses asked for by name: which range set each is for, and whether it may be given. */

#include <errno.h>
#include <stdio.h>

#include "ipam/lease/choice.h"
#include "ipam/lease/lease_table.h"

/**
 * is_taken() - Whether a range set has been found for an address already
 * @names:	Address per range set, NULL: none yet
 * @n:		How many range sets
 * @address:	Address
 */
static bool is_taken(const struct address *const names[], size_t n, const struct address *address)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] && address_equal(names[i], address))
			return true;
	return false;
}

/**
 * check_name() - Whether an address may be asked for at all
 * @request:		Request
 * @address:		Address
 * @reterr_refusal:	Filled for a named outcome
 *
 * Return: 0, IPAM_E_RESERVED, IPAM_E_EXCLUDED, negative errno
 */
static int check_name(const struct ipam_request *request, const struct address *address,
		      struct ipam_refusal *reterr_refusal)
{
	struct guard_entry entry;
	int r;

	r = guard_decide(request->guard, address, &entry);
	if (r < 0)
		return r;
	if (r == GUARD_E_RESERVED) {
		reterr_refusal->address = *address;
		reterr_refusal->entry = entry;
		return IPAM_E_RESERVED;
	}
	if (!choice_may_have(request, address)) {
		reterr_refusal->address = *address;
		return IPAM_E_EXCLUDED;
	}
	return 0;
}

/**
 * choice_assign_names() - Give each range set the first of the requested addresses that lies in it
 * @request:		Request
 * @ret_names:		Per range set: the address asked for, borrowed from the request, or NULL
 * @reterr_refusal:	Filled for a named outcome
 *
 * Return: 0, IPAM_E_RESERVED, IPAM_E_EXCLUDED, IPAM_E_OUTSIDE for an address that no set takes, negative errno
 */
int choice_assign_names(const struct ipam_request *request, const struct address *ret_names[static LIMIT_RANGE_SETS],
			struct ipam_refusal *reterr_refusal)
{
	int r;

	for (size_t i = 0; i < request->n_requested; i++) {
		r = check_name(request, &request->requested[i], reterr_refusal);
		if (r)
			return r;
	}
	for (size_t set = 0; set < request->n_sets; set++) {
		ret_names[set] = NULL;
		for (size_t i = 0; i < request->n_requested && !ret_names[set]; i++) {
			const struct address *address = &request->requested[i];

			if (range_set_find(&request->sets[set], address) && !is_taken(ret_names, set, address))
				ret_names[set] = address;
		}
	}
	for (size_t i = 0; i < request->n_requested; i++) {
		if (!is_taken(ret_names, request->n_sets, &request->requested[i])) {
			reterr_refusal->address = request->requested[i];
			return IPAM_E_OUTSIDE;
		}
	}
	return 0;
}

/**
 * name_holder() - Text of who holds an address
 * @store:		Store, in a transaction
 * @key:		Key of the lease
 * @reterr_refusal:	@holder is filled, "" when there is no such lease or it can't be read
 *
 * Return: 0, negative errno
 */
static int name_holder(struct store *store, struct bytes key, struct ipam_refusal *reterr_refusal)
{
	const struct attachment *holder;
	struct lease lease;
	struct bytes row;
	int r;

	reterr_refusal->holder[0] = '\0';
	r = store->ops->get(store, STORE_LEASES, key, &row);
	if (r < 0)
		return r;
	if (r || lease_decode(row, &lease))
		return 0;
	holder = &lease.attachment;
	(void)snprintf(reterr_refusal->holder, sizeof(reterr_refusal->holder), "%s %s %s", holder->network,
		       holder->container_id, holder->ifname);
	return 0;
}

/**
 * choice_named() - Whether an address asked for by name, and assigned to this range set, may be given now
 * @choice:		What is being chosen
 * @address:		Address
 * @reterr_refusal:	Filled for a named outcome
 *
 * Return: 0, IPAM_E_HELD, IPAM_E_VETOED, negative errno
 */
int choice_named(const struct choice *choice, const struct address *address, struct ipam_refusal *reterr_refusal)
{
	struct bytes holder;
	int r;

	r = lease_table_find(choice->store, address, &holder);
	if (r < 0)
		return r;
	reterr_refusal->address = *address;
	if (r == 0) {
		r = name_holder(choice->store, holder, reterr_refusal);
		return r < 0 ? r : IPAM_E_HELD;
	}
	r = choice_ask_veto(choice->request, choice->set, address, true);
	if (r < 0)
		return r;
	return r == IPAM_VERDICT_FREE ? 0 : IPAM_E_VETOED;
}

/** nth_own() - Of the request's own addresses that a range set has, number @n from 0; NULL: they are fewer */
static const struct address *nth_own(const struct ipam_request *request, size_t set, size_t n)
{
	for (size_t i = 0; i < request->n_own; i++)
		if (range_set_find(&request->sets[set], &request->own[i]) && n-- == 0)
			return &request->own[i];
	return NULL;
}

/** count_own() - How many of the request's own addresses a range set has */
static size_t count_own(const struct ipam_request *request, size_t set)
{
	size_t n = 0;

	for (size_t i = 0; i < request->n_own; i++)
		n += range_set_find(&request->sets[set], &request->own[i]) != NULL;
	return n;
}

/**
 * choice_own() - The first of the request's own addresses that this range set has and nobody holds
 * @choice:		What is being chosen
 * @ret_address:	Address
 * @reterr_refusal:	Filled for a named outcome but IPAM_E_NOT_FOUND
 *
 * Return: 0, IPAM_E_NOT_FOUND when the set has none of them, IPAM_E_HELD when others hold all of them, IPAM_E_RESERVED,
 * IPAM_E_VETOED, negative errno
 */
int choice_own(const struct choice *choice, struct address *ret_address, struct ipam_refusal *reterr_refusal)
{
	const struct ipam_request *request = choice->request;
	size_t n = count_own(request, choice->set);
	int r = IPAM_E_NOT_FOUND;

	for (size_t i = 0; i < n; i++) {
		const struct address *address = nth_own(request, choice->set, (request->own_first + i) % n);

		r = check_name(request, address, reterr_refusal);
		if (r == 0)
			r = choice_named(choice, address, reterr_refusal);
		if (r == 0)
			*ret_address = *address;
		if (r != IPAM_E_HELD)
			return r;
	}
	return r;
}
