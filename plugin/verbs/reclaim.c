/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases of the dead are given back. The only walk over all leases in an ADD, and only in one that would fail without
 * it; a lease whose namespace lives costs one stat(2).
 */

#include "plugin/verbs/reclaim.h"

#include <errno.h>
#include <stdlib.h>

#include "plugin/verbs/context.h"
#include "plugin/verbs/liveness.h"
#include "rangeguard/cleanup.h"

/**
 * struct reclaim - What the walk needs, and the list that it makes
 * @request:	Request that found a range set used up
 * @host:	Port
 * @dead:	Keys of attachments that are gone; room for LIMIT_RECLAIMED_PER_ADD
 * @n_dead:	How many
 */
struct reclaim {
	const struct ipam_request *request;
	struct port *host;
	struct attachment_key *dead;
	size_t n_dead;
};

/** is_wanted() - Whether a lease holds an address that the request could be given */
static bool is_wanted(const struct ipam_request *request, const struct lease *lease)
{
	for (size_t i = 0; i < request->n_sets; i++)
		for (size_t j = 0; j < lease->n_addresses; j++)
			if (range_set_find(&request->sets[i], &lease->addresses[j]))
				return true;
	return false;
}

/** is_dead() - Whether namespace and host end of a lease are both gone */
static bool is_dead(struct port *host, const struct lease *lease)
{
	return *lease->attachment.network && liveness_netns(lease) != LIVENESS_THERE &&
	       !liveness_interface(host, &lease->attachment);
}

/** note_dead() - ipam_each_fn: remember a lease to give back; 1 when that is enough for one ADD */
static int note_dead(void *userdata, const struct lease *lease)
{
	struct reclaim *reclaim = userdata;

	if (is_wanted(reclaim->request, lease) && is_dead(reclaim->host, lease))
		reclaim->dead[reclaim->n_dead++] = attachment_key(&lease->attachment);
	return reclaim->n_dead == LIMIT_RECLAIMED_PER_ADD;
}

/**
 * reclaim_dead() - Give back leases of attachments that are gone, as far as the request has use for their addresses
 * @store:	Store opened for writing, in no transaction
 * @request:	Request that found a range set used up
 * @host:	Port in the host's namespace
 *
 * Return: 0, RECLAIM_E_NOTHING, negative errno
 */
int reclaim_dead(struct store *store, const struct ipam_request *request, struct port *host)
{
	CLEANUP_FREE struct attachment_key *dead = calloc(LIMIT_RECLAIMED_PER_ADD, sizeof(*dead));
	struct reclaim reclaim = {.request = request, .host = host, .dead = dead};
	int r;

	if (!dead)
		return -ENOMEM;
	r = ipam_each(store, NULL, note_dead, &reclaim);
	if (r < 0)
		return r;
	if (!reclaim.n_dead)
		return RECLAIM_E_NOTHING;
	r = ipam_release_keys(store, dead, reclaim.n_dead, request->lease.since);
	if (r == 0)
		log_line("reclaimed %zu lease%s whose namespace and interface are gone", reclaim.n_dead,
			 reclaim.n_dead == 1 ? "" : "s");
	return r;
}

/** note_reclaimable() - ipam_each_fn: 1 at the first lease that an ADD would give back */
static int note_reclaimable(void *userdata, const struct lease *lease)
{
	const struct reclaim *reclaim = userdata;

	return is_wanted(reclaim->request, lease) && is_dead(reclaim->host, lease);
}

/**
 * reclaim_is_possible() - Whether an ADD that finds a range set used up would take back an address of it
 * @store:	Store
 * @set:	Range set
 * @host:	Port in the host's namespace
 *
 * Return: 1, 0, negative errno
 */
int reclaim_is_possible(struct store *store, const struct range_set *set, struct port *host)
{
	const struct ipam_request request = {.sets = set, .n_sets = 1};
	struct reclaim reclaim = {.request = &request, .host = host};
	int r = ipam_each(store, NULL, note_reclaimable, &reclaim);

	return r == IPAM_E_DAMAGED ? 0 : r;
}
