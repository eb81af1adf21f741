/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What no container uses any more is removed, with the lease store locked, so that none begins to use it meanwhile. */

#include "plugin/host/unused.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/host/other_stores.h"
#include "plugin/report/log.h"
#include "plugin/snat/arm.h"
#include "plugin/snat/assign.h"
#include "plugin/snat/fence.h"
#include "plugin/snat/ruleset.h"

/** struct definitions - Definitions with their digests; owned */
struct definitions {
	struct definition {
		uint64_t digest;
		struct egress egress;
	} * all;
	size_t n;
};

/** struct shared_use - What was used by leases that are gone, and what others use */
struct shared_use {
	struct definitions gone;
	struct definitions kept;
};

static void definitions_done(struct definitions *definitions)
{
	for (size_t i = 0; i < definitions->n; i++)
		egress_done(&definitions->all[i].egress);
	free(definitions->all);
}

static void usage_done(struct shared_use *usage)
{
	definitions_done(&usage->gone);
	definitions_done(&usage->kept);
}

/** sort_in() - ipam_egress_fn: is it used? One that can't be read stays for ever, and is in nobody's way unless used */
static int sort_in(void *userdata, const struct ipam_egress *egress)
{
	struct shared_use *usage = userdata;
	struct definitions *definitions = egress->users ? &usage->kept : &usage->gone;
	struct definition *all = reallocarray(definitions->all, definitions->n + 1, sizeof(*all));
	int r;

	if (!all)
		return -ENOMEM;
	definitions->all = all;
	all[definitions->n] = (struct definition){.digest = egress->digest};
	r = egress_decode(egress->definition, &all[definitions->n].egress);
	definitions->n += !r;
	if (r != -EUCLEAN)
		return r;
	return egress->users ? IPAM_E_DAMAGED : 0;
}

/** sort_in_other() - other_store_fn: what another state directory's containers use; 0, outcomes, negative errno */
static int sort_in_other(void *userdata, struct store *store)
{
	struct shared_use *usage = userdata;
	size_t n_gone = usage->gone.n;
	int r = ipam_each_egress(store, sort_in, usage);

	/* What is gone there is its own to clear up. */
	while (usage->gone.n > n_gone)
		egress_done(&usage->gone.all[--usage->gone.n].egress);
	return r;
}

/** same_fn - Whether two clauses need the same thing */
typedef bool (*same_fn)(const struct egress_clause *a, const struct egress_clause *b);

/** same_list() - The same list in the table */
static bool same_list(const struct egress_clause *a, const struct egress_clause *b)
{
	return ruleset_set(a) == ruleset_set(b) && a->list == b->list;
}

/** same_assignment() - The same address on the same interface */
static bool same_assignment(const struct egress_clause *a, const struct egress_clause *b)
{
	return strcmp(a->assign, b->assign) == 0 && address_equal(&a->source, &b->source);
}

/** is_kept() - Whether others need what a clause needs */
static bool is_kept(const struct shared_use *usage, const struct egress_clause *clause, same_fn same)
{
	for (size_t i = 0; i < usage->kept.n; i++) {
		const struct egress *egress = &usage->kept.all[i].egress;

		for (size_t j = 0; j < egress->n_clauses; j++)
			if (same(&egress->clauses[j], clause))
				return true;
	}
	return false;
}

/** drop_lists() - Lists that nobody has any more: 0, REFUSED */
static int drop_lists(const struct shared_use *usage, const struct egress *gone, struct port *netfilter,
		      struct error *reterr)
{
	for (size_t i = 0; i < gone->n_clauses; i++)
		if (!is_kept(usage, &gone->clauses[i], same_list) &&
		    arm_drop_list(netfilter, &gone->clauses[i], reterr))
			return REFUSED;
	return 0;
}

/** pinned_spans() - How many destinations the pins among clauses have; copied to @room when that is not NULL */
static size_t pinned_spans(const struct egress *egress, struct span *room)
{
	size_t n = 0;

	for (size_t i = 0; i < egress->n_clauses; i++) {
		const struct egress_clause *clause = &egress->clauses[i];

		if (!clause->source.family)
			continue;
		if (room)
			memcpy(room + n, clause->spans, clause->n_spans * sizeof(*room));
		n += clause->n_spans;
	}
	return n;
}

/** open_fence() - The fence around destinations that nobody is pinned to any more: 0, REFUSED */
static int open_fence(const struct shared_use *usage, const struct egress *gone, struct port *host,
		      struct error *reterr)
{
	size_t n_gone = pinned_spans(gone, NULL), n_kept = 0, at = 0;
	CLEANUP_FREE struct span *spans = calloc(n_gone + 1, sizeof(*spans));
	CLEANUP_FREE struct span *kept = NULL;

	for (size_t i = 0; i < usage->kept.n; i++)
		n_kept += pinned_spans(&usage->kept.all[i].egress, NULL);
	kept = calloc(n_kept + 1, sizeof(*kept));
	if (!spans || !kept)
		return error_no_memory(reterr);
	(void)pinned_spans(gone, spans);
	for (size_t i = 0; i < usage->kept.n; i++)
		at += pinned_spans(&usage->kept.all[i].egress, kept + at);
	return n_gone ? fence_open(host, spans, n_gone, kept, n_kept, reterr) : 0;
}

/** take_back_sources() - Addresses that rangeguard put on interfaces, and nobody needs there: 0, REFUSED */
static int take_back_sources(const struct shared_use *usage, const struct egress *gone, struct port *host,
			     struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < gone->n_clauses; i++) {
		const struct egress_clause *clause = &gone->clauses[i];
		int r;

		if (!*clause->assign || clause->shared || is_kept(usage, clause, same_assignment))
			continue;
		r = assign_remove(host, clause->assign, &clause->source, reterr);
		if (r == REFUSED)
			return r;
		if (r == ASSIGN_E_FOREIGN)
			log_line("address %s stays on %s: nothing says that rangeguard put it there",
				 address_format(&clause->source, text), clause->assign);
	}
	return 0;
}

/** store_error() - Say that the store does not do what is needed: REFUSED */
static int store_error(int outcome, struct error *reterr)
{
	return error_set(reterr, error_code_of(outcome, ERROR_STORE),
			 "the lease store does not tell what is in use: %s",
			 outcome < 0 ? strerror(-outcome) : "it is damaged");
}

/** remove_one() - What only one definition needed, then the definition: 0, REFUSED */
static int remove_one(const struct shared_use *usage, const struct definition *gone, struct store *store,
		      const struct host *host, struct error *reterr)
{
	int r;

	if ((host->netfilter && drop_lists(usage, &gone->egress, host->netfilter, reterr)) ||
	    open_fence(usage, &gone->egress, host->rtnetlink, reterr) ||
	    take_back_sources(usage, &gone->egress, host->rtnetlink, reterr))
		return REFUSED;
	r = ipam_forget_egress(store, gone->digest);
	return r ? store_error(r, reterr) : 0;
}

/**
 * unused_remove() - Remove what only leases used that are gone
 * @store:	Store, locked, in no transaction
 * @host:	Host
 * @reterr:	Codes 103, 106, 107
 *
 * What a killed process did not get round to is removed as well. Leases that were adopted from the kernel may use what
 * no definition tells of: as long as there are such, all stays.
 *
 * Return: 0, REFUSED
 */
int unused_remove(struct store *store, struct host *host, struct error *reterr)
{
	CLEANUP(usage_done) struct shared_use usage = {0};
	int r = ipam_each_egress(store, sort_in, &usage);

	if (!r && usage.gone.n)
		r = ipam_has_adopted(store);
	if (r < 0 || r == IPAM_E_DAMAGED)
		return store_error(r, reterr);
	if (r || !usage.gone.n)
		return 0;
	r = other_stores_each(host, sort_in_other, &usage, reterr);
	if (r == REFUSED)
		return r;
	if (r)
		return store_error(r, reterr);
	/* Without nfnetlink there is no table, but there may be a fence. */
	if (host_open_netfilter(host, reterr) == REFUSED)
		return REFUSED;
	for (size_t i = 0; i < usage.gone.n; i++)
		if (remove_one(&usage, &usage.gone.all[i], store, host, reterr))
			return REFUSED;
	return 0;
}
