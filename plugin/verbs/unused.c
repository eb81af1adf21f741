/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What no container uses any more is removed, with the lease store locked, so that none begins to use it meanwhile. */

#include "plugin/verbs/unused.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/snat/arm.h"
#include "plugin/snat/assign.h"
#include "plugin/snat/fence.h"
#include "plugin/snat/ruleset.h"

/** struct usage - What was used by leases that are gone, and what others use */
struct usage {
	struct egress gone;
	bool is_gone;
	struct egress *kept;
	size_t n_kept;
};

static void usage_done(struct usage *usage)
{
	egress_done(&usage->gone);
	for (size_t i = 0; i < usage->n_kept; i++)
		egress_done(&usage->kept[i]);
	free(usage->kept);
}

/** read_gone() - ipam_egress_fn: what is gone, if it is */
static int read_gone(void *userdata, const struct ipam_egress *egress)
{
	struct usage *usage = userdata;

	usage->is_gone = !egress->users;
	return usage->is_gone ? egress_decode(egress->definition, &usage->gone) : 0;
}

/** read_kept() - ipam_egress_fn: what others use */
static int read_kept(void *userdata, const struct ipam_egress *egress)
{
	struct usage *usage = userdata;
	struct egress *kept;

	if (!egress->users)
		return 0;
	kept = reallocarray(usage->kept, usage->n_kept + 1, sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	usage->kept = kept;
	kept[usage->n_kept] = (struct egress){0};
	return egress_decode(egress->definition, &kept[usage->n_kept++]);
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
static bool is_kept(const struct usage *usage, const struct egress_clause *clause, same_fn same)
{
	for (size_t i = 0; i < usage->n_kept; i++)
		for (size_t j = 0; j < usage->kept[i].n_clauses; j++)
			if (same(&usage->kept[i].clauses[j], clause))
				return true;
	return false;
}

/** drop_lists() - Lists that nobody has any more: 0, REFUSED */
static int drop_lists(const struct usage *usage, struct port *netfilter, struct error *reterr)
{
	for (size_t i = 0; i < usage->gone.n_clauses; i++)
		if (!is_kept(usage, &usage->gone.clauses[i], same_list) &&
		    arm_drop_list(netfilter, &usage->gone.clauses[i], reterr))
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
static int open_fence(const struct usage *usage, struct port *host, struct error *reterr)
{
	size_t n_gone = pinned_spans(&usage->gone, NULL), n_kept = 0, at = 0;
	CLEANUP_FREE struct span *gone = calloc(n_gone + 1, sizeof(*gone));
	CLEANUP_FREE struct span *kept = NULL;

	for (size_t i = 0; i < usage->n_kept; i++)
		n_kept += pinned_spans(&usage->kept[i], NULL);
	kept = calloc(n_kept + 1, sizeof(*kept));
	if (!gone || !kept)
		return error_no_memory(reterr);
	(void)pinned_spans(&usage->gone, gone);
	for (size_t i = 0; i < usage->n_kept; i++)
		at += pinned_spans(&usage->kept[i], kept + at);
	return n_gone ? fence_open(host, gone, n_gone, kept, n_kept, reterr) : 0;
}

/** take_back_sources() - Addresses that rangeguard put on interfaces, and nobody needs there: 0, REFUSED */
static int take_back_sources(const struct usage *usage, struct port *host, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < usage->gone.n_clauses; i++) {
		const struct egress_clause *clause = &usage->gone.clauses[i];
		int r;

		if (!*clause->assign || is_kept(usage, clause, same_assignment))
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

/**
 * unused_remove() - Remove what only leases with one definition used, if there are none left
 * @store:	Store, locked, in no transaction
 * @ports:	Ports, both open
 * @digest:	Digest of the definition
 * @reterr:	Codes 103, 106, 107
 *
 * Leases that were adopted from the kernel may use what no definition tells of: as long as there are such, all stays.
 *
 * Return: 0, REFUSED
 */
int unused_remove(struct store *store, struct ports *ports, uint64_t digest, struct error *reterr)
{
	CLEANUP(usage_done) struct usage usage = {0};
	int r = ipam_has_adopted(store);

	if (!r)
		r = ipam_find_egress(store, digest, read_gone, &usage);
	else if (r > 0)
		return 0;
	if (!r && usage.is_gone)
		r = ipam_each_egress(store, read_kept, &usage);
	if (r || !usage.is_gone)
		return r ? error_set(reterr, ERROR_STORE, "the lease store does not tell what is in use: %s",
				     r < 0 ? strerror(-r) : "it is damaged")
			 : 0;
	if (drop_lists(&usage, ports->netfilter, reterr) || open_fence(&usage, ports->host, reterr) ||
	    take_back_sources(&usage, ports->host, reterr))
		return REFUSED;
	r = ipam_forget_egress(store, digest);
	return r ? error_set(reterr, ERROR_STORE, "the lease store can't be changed: %s", strerror(-r)) : 0;
}
