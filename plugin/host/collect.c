/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases of the dead, of all networks: namespace and interface are both gone. The store is walked first; then each is
 * looked at again under its own lock, for it may have been given again meanwhile, and given back as GC does.
 */

#include "plugin/host/collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipam/lease/ipam.h"
#include "plugin/host/lease_store.h"
#include "plugin/host/liveness.h"
#include "plugin/host/protection.h"
#include "plugin/report/log.h"
#include "rangeguard/limits.h"

/** struct found - A dead lease; texts owned */
struct found {
	struct found *next;
	char *network;
	char *container_id;
	char *ifname;
	bool chained;
};

/** struct lease_walk - What the walk needs, and the list that it makes; @dead is the outcome of a second look */
struct lease_walk {
	const struct collect *collect;
	struct port *rtnetlink;
	struct liveness_scan scan;
	struct found *first;
	bool dead;
};

static void walk_done(struct lease_walk *walk)
{
	liveness_scan_done(&walk->scan);
	while (walk->first) {
		struct found *found = walk->first;

		walk->first = found->next;
		free(found->network);
		free(found->container_id);
		free(found->ifname);
		free(found);
	}
}

/** is_dead() - Whether nothing is left of who holds a lease; of one that is only a digest nothing is known */
static bool is_dead(struct lease_walk *walk, const struct lease *lease)
{
	return *lease->attachment.container_id && !liveness_of(&walk->scan, lease) &&
	       !(*lease->attachment.network && liveness_interface(walk->rtnetlink, lease));
}

/** note() - ipam_each_fn: tell of a dead lease, and remember it */
static int note(void *userdata, const struct lease *lease)
{
	struct lease_walk *walk = userdata;
	struct found *found;

	if (!is_dead(walk, lease))
		return 0;
	walk->collect->heard(walk->collect->userdata, lease);
	if (walk->collect->dry_run)
		return 0;
	found = calloc(1, sizeof(*found));
	if (!found)
		return -ENOMEM;
	found->next = walk->first;
	walk->first = found;
	found->chained = lease->attachment.chained;
	found->network = strdup(lease->attachment.network);
	found->container_id = strdup(lease->attachment.container_id);
	found->ifname = strdup(lease->attachment.ifname);
	return found->network && found->container_id && found->ifname ? 0 : -ENOMEM;
}

/** look_again() - ipam_each_fn: is it dead still? */
static int look_again(void *userdata, const struct lease *lease)
{
	struct lease_walk *walk = userdata;

	walk->dead = is_dead(walk, lease);
	return 0;
}

/** release() - Give one lease back, unless it is another by now: 0, REFUSED */
static int release(struct host *host, const struct state *state, struct lease_walk *walk,
		   const struct attachment *attachment, struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = lease_store_open(host->data_dir, state, STATE_UPDATE, LIMIT_LOCK_WAIT_MS, &store, reterr);

	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	walk->dead = false;
	r = ipam_find(store, attachment, look_again, walk);
	if (r < 0)
		return lease_store_error(host->data_dir, r, reterr);
	/* A lease that can't be read is left to its own DEL or ADD. */
	if (r || !walk->dead)
		return 0;
	r = protection_release(store, host, attachment, RELEASE_GC, time(NULL), reterr);
	return r && r != REFUSED ? lease_store_error(host->data_dir, r, reterr) : r;
}

/** release_locked() - The same under the attachment's lock, so that no ADD or DEL of it is under way: 0, REFUSED */
static int release_locked(struct host *host, const struct state *state, struct lease_walk *walk,
			  const struct attachment *attachment, struct error *reterr)
{
	uint64_t hash = attachment_hash(attachment);
	int r = state_lock_attachment(state, hash, LIMIT_LOCK_WAIT_MS);

	if (r)
		return lease_store_error(host->data_dir, r, reterr);
	r = release(host, state, walk, attachment, reterr);
	state_unlock_attachment(state, hash);
	return r;
}

/** find() - Walk the store: 0, REFUSED */
static int find(const struct host *host, const struct state *state, struct lease_walk *walk, struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = lease_store_open(host->data_dir, state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, reterr);

	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	r = ipam_each(store, walk->collect->network, note, walk);
	if (r == IPAM_E_DAMAGED)
		log_line("some leases in %s can't be read, and are left alone", host->data_dir);
	else if (r)
		return lease_store_error(host->data_dir, r, reterr);
	return 0;
}

/**
 * collect_dead() - Give back what the dead hold
 * @host:	Host
 * @state:	Its state, opened with STATE_UPDATE; for a dry run STATE_READ is enough
 * @collect:	What is wanted; hears of each before it is given back
 * @reterr:	Codes 11, 106, 107; the first failure, after which the others are tried
 *
 * Return: 0, REFUSED
 */
int collect_dead(struct host *host, const struct state *state, const struct collect *collect, struct error *reterr)
{
	__attribute__((cleanup(walk_done))) struct lease_walk walk = {.collect = collect, .rtnetlink = host->rtnetlink};
	int r = find(host, state, &walk, reterr);

	for (const struct found *found = walk.first; found && reterr->code != ERROR_TRY_AGAIN; found = found->next) {
		struct attachment attachment = {.network = found->network,
						.container_id = found->container_id,
						.ifname = found->ifname,
						.chained = found->chained};
		struct error err = {0};

		if (!release_locked(host, state, &walk, &attachment, &err))
			continue;
		if (!r)
			*reterr = err;
		r = REFUSED;
	}
	return r;
}
