/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A walk over the clauses that some lease uses. */

#include "plugin/host/clauses.h"

#include <errno.h>

#include "ipam/lease/ipam.h"
#include "plugin/host/lease_store.h"
#include "plugin/host/other_stores.h"

/** struct clause_walk - A walk */
struct clause_walk {
	clause_fn each;
	void *userdata;
};

/** visit() - ipam_egress_fn: one definition; what can't be read is told by those who rebuild the table */
static int visit(void *userdata, const struct ipam_egress *egress)
{
	CLEANUP(egress_done) struct egress clauses = {0};
	const struct clause_walk *walk = userdata;
	int r = egress->users ? egress_decode(egress->definition, &clauses) : 0;

	for (size_t i = 0; i < clauses.n_clauses && !r; i++)
		r = walk->each(walk->userdata, &clauses.clauses[i]);
	return r == -EUCLEAN ? 0 : r;
}

/** visit_store() - other_store_fn */
static int visit_store(void *userdata, struct store *store)
{
	int r = ipam_each_egress(store, visit, userdata);

	return r == IPAM_E_DAMAGED ? 0 : r;
}

/**
 * clauses_each() - Visit them
 * @host:	Host
 * @store:	Store of its state directory, locked; NULL: it has none
 * @each:	Called for each
 * @userdata:	For it
 * @reterr:	Codes 11, 106, 107
 *
 * Return: 0, REFUSED
 */
int clauses_each(struct host *host, struct store *store, clause_fn each, void *userdata, struct error *reterr)
{
	struct clause_walk walk = {.each = each, .userdata = userdata};
	int r = store ? visit_store(&walk, store) : 0;

	if (!r)
		r = other_stores_each(host, visit_store, &walk, reterr);
	return r && r != REFUSED ? lease_store_error(host->data_dir, r, reterr) : r;
}
