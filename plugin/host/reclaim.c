/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases of the dead are given back. The only walk over all leases in an ADD, and only in one that would fail without
 * it; a lease whose namespace lives costs one stat(2).
 */

#include "plugin/host/reclaim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/host/liveness.h"
#include "plugin/host/protection.h"
#include "plugin/report/log.h"

/** struct dead - One lease to give back; texts owned */
struct dead {
	struct dead *next;
	char *network;
	char *container_id;
	char *ifname;
	bool chained;
};

/** struct reclaim - What the walk needs, and the list that it makes */
struct reclaim {
	const struct ipam_request *request;
	struct port *host;
	struct liveness_scan scan;
	struct dead *first;
	unsigned n_dead;
};

/** reclaim_done() - Release the list */
static void reclaim_done(struct reclaim *reclaim)
{
	liveness_scan_done(&reclaim->scan);
	while (reclaim->first) {
		struct dead *dead = reclaim->first;

		reclaim->first = dead->next;
		free(dead->network);
		free(dead->container_id);
		free(dead->ifname);
		free(dead);
	}
}

/** is_wanted() - Whether a lease holds an address that the request could be given */
static bool is_wanted(const struct ipam_request *request, const struct lease *lease)
{
	for (size_t i = 0; i < request->n_sets; i++)
		for (size_t j = 0; j < lease->n_addresses; j++)
			if (range_set_find(&request->sets[i], &lease->addresses[j]))
				return true;
	return false;
}

/** is_dead() - Whether namespace and host end of a lease are both gone; of one that is only a digest nothing is known */
static bool is_dead(struct reclaim *reclaim, const struct lease *lease)
{
	return *lease->attachment.container_id && !liveness_of(&reclaim->scan, lease) &&
	       !(*lease->attachment.network && liveness_interface(reclaim->host, lease));
}

/** keep_dead() - Remember a lease to give back: 1 when that is enough at a time, 0, -ENOMEM */
static int keep_dead(struct reclaim *reclaim, const struct lease *lease)
{
	struct dead *dead = calloc(1, sizeof(*dead));

	if (!dead)
		return -ENOMEM;
	dead->next = reclaim->first;
	reclaim->first = dead;
	dead->chained = lease->attachment.chained;
	dead->network = strdup(lease->attachment.network);
	dead->container_id = strdup(lease->attachment.container_id);
	dead->ifname = strdup(lease->attachment.ifname);
	if (!dead->network || !dead->container_id || !dead->ifname)
		return -ENOMEM;
	return ++reclaim->n_dead == LIMIT_RECLAIMED_PER_ADD;
}

/** note_dead() - ipam_each_fn: what an ADD can use */
static int note_dead(void *userdata, const struct lease *lease)
{
	struct reclaim *reclaim = userdata;

	return is_wanted(reclaim->request, lease) && is_dead(reclaim, lease) ? keep_dead(reclaim, lease) : 0;
}

/**
 * note_gone() - ipam_each_fn: what nobody has any more for certain
 *
 * Of a lease that was taken over from elsewhere the namespace is not known: it waits until somebody needs its address.
 */
static int note_gone(void *userdata, const struct lease *lease)
{
	struct reclaim *reclaim = userdata;

	return liveness_netns(lease) == LIVENESS_GONE && is_dead(reclaim, lease) ? keep_dead(reclaim, lease) : 0;
}

/** release_all() - Give back what was noted; what can't be taken out of the kernel stays: 0, negative errno */
static int release_all(struct store *store, const struct reclaim *reclaim, int64_t now, struct host *host)
{
	for (const struct dead *dead = reclaim->first; dead; dead = dead->next) {
		struct attachment attachment = {.network = dead->network,
						.container_id = dead->container_id,
						.ifname = dead->ifname,
						.chained = dead->chained};
		struct error err = {0};
		int r = protection_release(store, host, &attachment, RELEASE_RECLAIM, now, &err);

		if (r < 0)
			return r;
		if (r == REFUSED)
			log_line("%s", err.msg);
		else if (r)
			log_line("the lease of %.256s %s of network %s stays: it can't be read", dead->container_id,
				 dead->ifname, dead->network);
		else
			log_line("reclaimed the lease of %.256s %s of network %s: namespace and interface are gone",
				 dead->container_id, dead->ifname, dead->network);
	}
	return 0;
}

/**
 * reclaim_dead() - Give back leases of attachments that are gone, as far as the request has use for their addresses
 * @store:	Store opened for writing, in no transaction
 * @request:	Request that found a range set used up
 * @host:	Host in the host's namespace
 *
 * Return: 0, RECLAIM_E_NOTHING, negative errno
 */
int reclaim_dead(struct store *store, const struct ipam_request *request, struct host *host)
{
	__attribute__((cleanup(reclaim_done))) struct reclaim reclaim = {.request = request, .host = host->rtnetlink};
	int r = ipam_each(store, NULL, note_dead, &reclaim);

	if (r < 0)
		return r;
	return reclaim.first ? release_all(store, &reclaim, request->lease.since, host) : RECLAIM_E_NOTHING;
}

/**
 * reclaim_gone() - Give back leases of attachments that are gone, though nobody needs their addresses now
 * @store:	Store opened for writing, in no transaction
 * @now:	Seconds since the epoch
 * @host:	Host in the host's namespace
 * @ret_n:	How many
 *
 * Return: 0, negative errno
 */
int reclaim_gone(struct store *store, int64_t now, struct host *host, unsigned *ret_n)
{
	__attribute__((cleanup(reclaim_done))) struct reclaim reclaim = {.host = host->rtnetlink};
	int r = ipam_each(store, NULL, note_gone, &reclaim);

	*ret_n = reclaim.n_dead;
	return r < 0 ? r : release_all(store, &reclaim, now, host);
}

/** note_reclaimable() - ipam_each_fn: 1 at the first lease that an ADD would give back */
static int note_reclaimable(void *userdata, const struct lease *lease)
{
	struct reclaim *reclaim = userdata;

	return is_wanted(reclaim->request, lease) && is_dead(reclaim, lease);
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
	__attribute__((cleanup(reclaim_done))) struct reclaim reclaim = {.request = &request, .host = host};
	int r = ipam_each(store, NULL, note_reclaimable, &reclaim);

	return r == IPAM_E_DAMAGED ? 0 : r;
}
