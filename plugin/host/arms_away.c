/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers out of the nftables table: before their leases go, and again when they do. */

#include <errno.h>
#include <string.h>

#include "plugin/host/arms_internal.h"
#include "plugin/host/unused.h"
#include "plugin/network/inventory.h"
#include "plugin/network/plan.h"
#include "plugin/snat/arm.h"
#include "plugin/snat/conntrack.h"
#include "plugin/verbs/leases.h"

/**
 * take_away() - Take what a container's lease says out of the kernel, before the lease is given back
 * @ports:	Ports
 * @arms:	What the lease says
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
static int take_away(struct ports *ports, const struct arms *arms, struct error *reterr)
{
	struct error err = {0};
	int r;

	if (!arming_wanted(&arms->arming) && !arms->unknown)
		return 0;
	r = ports_open_netfilter(ports, &err);
	if (r) {
		/* Where there is no nfnetlink, nothing has been armed. */
		if (r == REFUSED)
			*reterr = err;
		return r == REFUSED ? r : 0;
	}
	if (conntrack_forget(ports->netfilter, arms->arming.addresses, arms->arming.n_addresses, reterr))
		return REFUSED;
	return arms->unknown ? arm_purge(ports->netfilter, &arms->arming, reterr)
			     : arm_remove(ports->netfilter, &arms->arming, reterr);
}

/** read_kernel() - What the kernel tells of a container whose lease is lost: 0, REFUSED when that is nothing */
static int read_kernel(struct port *host, const struct attachment *attachment, struct arms *arms)
{
	INVENTORY_CLEANUP struct inventory inventory = {0};
	struct error ignored = {0};
	struct link_info link;

	/* All interfaces and routes are read only for one that is there: a DEL may come again and again. */
	if (attach_find(host, attachment, &link, &ignored) || inventory_read(host, &inventory) < 0)
		return REFUSED;
	plan_host_name(attachment, arms->arming.interface);
	for (size_t i = 0; i < inventory.n_items; i++) {
		const struct inventory_item *item = &inventory.items[i];

		if (strcmp(item->name, arms->arming.interface) != 0)
			continue;
		memcpy(arms->arming.addresses, item->addresses, sizeof(arms->arming.addresses));
		arms->arming.n_addresses = item->n_addresses;
		arms->unknown = true;
		return 0;
	}
	return REFUSED;
}

/** read_store() - What the store tells of a container: 0; else nothing, when the error may be filled */
static int read_store(const struct context *context, const struct state *state, const struct attachment *attachment,
		      struct arms *arms, struct error *err)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = leases_open_store(context, state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, err);

	return r ? r : arms_find(store, attachment, arms);
}

/**
 * arms_removal_begin() - Find out what there is of an attachment, while its interface is up: routes go with that
 * @removal:	Always written; arms_removal_done() releases it
 * @context:	Call
 * @state:	State, NULL when it can't be used
 * @ports:	Ports
 * @attachment:	Attachment
 * @reterr:	Code 11: nothing was touched, and nobody waits for the same lock again
 *
 * Return: 0, REFUSED
 */
int arms_removal_begin(struct arms_removal *removal, const struct context *context, const struct state *state,
		       struct ports *ports, const struct attachment *attachment, struct error *reterr)
{
	struct error err = {0};

	*removal = (struct arms_removal){.ports = ports};
	removal->arms.arming.egress = &removal->arms.egress;
	if (state && read_store(context, state, attachment, &removal->arms, &err) == 0)
		return 0;
	if (err.code == ERROR_TRY_AGAIN) {
		*reterr = err;
		return REFUSED;
	}
	(void)read_kernel(ports->host, attachment, &removal->arms);
	return 0;
}

/** run_removal() - attach_step: take the container out of the kernel's ruleset, its interface being down */
static int run_removal(void *userdata, uint32_t host_index, struct error *reterr)
{
	const struct arms_removal *removal = userdata;

	(void)host_index;
	return take_away(removal->ports, &removal->arms, reterr);
}

/** arms_removal_step() - The step that does it; arms_release() sees to it once more */
struct attach_step arms_removal_step(struct arms_removal *removal)
{
	bool wanted = arming_wanted(&removal->arms.arming) || removal->arms.unknown;

	return (struct attach_step){.run = wanted ? run_removal : NULL, .userdata = removal};
}

/** arms_removal_done() - Release what is owned */
void arms_removal_done(struct arms_removal *removal)
{
	arms_done(&removal->arms);
}

/** clear_up() - Remove what nobody uses any more. That it could not be is said: the next one's end tries again */
static void clear_up(struct store *store, struct ports *ports)
{
	struct error err = {0};

	if (unused_remove(store, ports, &err))
		log_line("removing what no container uses any more: %s", err.msg);
}

/**
 * arms_release() - Take an attachment out of the kernel's ruleset and give its lease back
 * @store:	Store, locked
 * @ports:	Ports
 * @attachment:	Attachment
 * @now:	Seconds since the epoch
 * @reterr:	Code 107; only for REFUSED
 *
 * In that order: who is given the addresses next shall find nothing of this one. And with the store locked from one to
 * the other: who makes the table anew meanwhile, from all leases, would put back what was just taken out.
 *
 * Return: 0, also when it holds no lease; REFUSED; an outcome of the IPAM, negative errno
 */
int arms_release(struct store *store, struct ports *ports, const struct attachment *attachment, int64_t now,
		 struct error *reterr)
{
	ARMS_CLEANUP struct arms arms = {0};
	int r = arms_find(store, attachment, &arms);

	/* Of a lease that can't be read nothing is known. */
	if (!r && take_away(ports, &arms, reterr))
		return REFUSED;
	if (r != IPAM_E_NOT_FOUND)
		r = ipam_release(store, attachment, now);
	if (!r || r == IPAM_E_NOT_FOUND)
		clear_up(store, ports);
	return r == IPAM_E_NOT_FOUND ? 0 : r;
}
