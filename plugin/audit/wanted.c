/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What leases want of the kernel. */

#include "plugin/audit/wanted.h"

#include <errno.h>
#include <string.h>

#include "ipam/lease/ipam.h"
#include "plugin/host/clauses.h"
#include "plugin/host/lease_store.h"
#include "rangeguard/array.h"

/** add_prefix() - 0, -ENOMEM */
static int add_prefix(struct prefixes *prefixes, const struct prefix *prefix)
{
	struct prefix *all = array_room(prefixes->all, prefixes->n, &prefixes->capacity, sizeof(*all));

	if (!all)
		return -ENOMEM;
	prefixes->all = all;
	all[prefixes->n++] = *prefix;
	return 0;
}

/** add_span() - The prefixes that a span is made of, which the fence has: 0, -ENOMEM */
static int add_span(struct prefixes *prefixes, struct span span)
{
	struct prefix prefix;
	bool more;
	int r;

	do {
		more = span_take_prefix(&span, &prefix);
		r = add_prefix(prefixes, &prefix);
	} while (!r && more);
	return r;
}

/** add_assigned() - A source on an interface, once: 0, -ENOMEM */
static int add_assigned(struct wanted *wanted, const struct egress_clause *clause)
{
	struct assigned *all, assigned = {.address = clause->source, .shared = clause->shared};

	memcpy(assigned.interface, clause->assign, sizeof(assigned.interface));
	for (size_t i = 0; i < wanted->n_assigned; i++)
		if (address_equal(&wanted->assigned[i].address, &assigned.address) &&
		    strcmp(wanted->assigned[i].interface, assigned.interface) == 0)
			return 0;
	all = array_room(wanted->assigned, wanted->n_assigned, &wanted->assigned_capacity, sizeof(*all));
	if (!all)
		return -ENOMEM;
	wanted->assigned = all;
	all[wanted->n_assigned++] = assigned;
	return 0;
}

/** take_clause() - clause_fn */
static int take_clause(void *userdata, const struct egress_clause *clause)
{
	struct wanted *wanted = userdata;
	int r = 0;

	if (!clause->source.family)
		return 0;
	for (size_t i = 0; i < clause->n_spans && !r; i++)
		r = add_span(&wanted->pinned, clause->spans[i]);
	return r || !*clause->assign ? r : add_assigned(wanted, clause);
}

/** read_store() - What is wanted, the store being open; NULL: there is none: 0, REFUSED */
static int read_store(struct host *host, struct store *store, struct wanted *wanted, struct error *reterr)
{
	bool damaged;
	int r = protection_gather(host, store, &wanted->table, &damaged, reterr);

	if (!r)
		r = clauses_each(host, store, take_clause, wanted, reterr);
	if (r || !store)
		return r;
	r = ipam_has_adopted(store);
	wanted->adopted = r == 1 || r == IPAM_E_DAMAGED;
	if (r < 0)
		return lease_store_error(host->data_dir, r, reterr);
	r = discards_read(store, &wanted->discards);
	return r && r != IPAM_E_DAMAGED ? lease_store_error(host->data_dir, r, reterr) : 0;
}

/**
 * wanted_read() - Ask the stores
 * @host:	Host
 * @ret_wanted:	Always written; wanted_done() releases it
 * @reterr:	Codes 11, 106, 107
 *
 * Return: 0, REFUSED
 */
int wanted_read(struct host *host, struct wanted *ret_wanted, struct error *reterr)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	int r = state_open(host->data_dir, STATE_READ, &state);

	*ret_wanted = (struct wanted){0};
	if (!r)
		r = lease_store_open(host->data_dir, &state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (r && r != STATE_E_ABSENT)
		return r == REFUSED ? r : lease_store_error(host->data_dir, r, reterr);
	/* Without a store nothing tells what is whose. */
	ret_wanted->has_store = store;
	ret_wanted->adopted = !store;
	return read_store(host, store, ret_wanted, reterr);
}

/** wanted_has() - Whether a container has an element in a kind of set: @ipv4, or the one after it for IPv6 */
bool wanted_has(const struct wanted *wanted, enum nf_set ipv4, enum family family)
{
	enum nf_set set = family == FAMILY_IPV4 ? ipv4 : (enum nf_set)(ipv4 + 1);

	for (size_t i = 0; i < wanted->table.elements.n; i++)
		if (wanted->table.elements.all[i].set == set)
			return true;
	return false;
}

/** wanted_done() - Release what is owned */
void wanted_done(struct wanted *wanted)
{
	arm_table_done(&wanted->table);
	free(wanted->pinned.all);
	free(wanted->assigned);
	discards_table_done(&wanted->discards);
	*wanted = (struct wanted){0};
}
