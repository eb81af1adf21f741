/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers into the nftables table and out of it. */

#include "plugin/verbs/arms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/network/inventory.h"
#include "plugin/network/plan.h"
#include "plugin/snat/arm.h"
#include "plugin/snat/assign.h"
#include "plugin/snat/conntrack.h"
#include "plugin/snat/fence.h"
#include "plugin/verbs/leases.h"
#include "plugin/verbs/unused.h"

/** How often the table is mended before giving up: somebody who flushes it again and again is in the way */
#define MENDING_ATTEMPTS 8

/** interface_of() - The host's interface towards a lease's container */
static void interface_of(const struct lease *lease, char name[static IFNAMSIZ])
{
	memset(name, 0, IFNAMSIZ);
	if (lease->attachment.chained)
		(void)snprintf(name, IFNAMSIZ, "%s", lease->interface);
	else
		plan_host_name(&lease->attachment, name);
}

/** arms_done() - Release what is owned */
static void arms_done(struct arms *arms)
{
	egress_done(&arms->egress);
}

#define ARMS_CLEANUP CLEANUP(arms_done)

/** describe() - ipam_each_fn: a lease in the table's terms, but for its clauses */
static int describe(void *userdata, const struct lease *lease)
{
	struct arms *arms = userdata;

	interface_of(lease, arms->arming.interface);
	memcpy(arms->arming.addresses, lease->addresses, sizeof(arms->arming.addresses));
	arms->arming.n_addresses = lease->n_addresses;
	arms->arming.anti_spoof = lease->anti_spoof;
	arms->digest = lease->egress;
	/* Only adopted ones have no namespace. */
	arms->unknown = !*lease->netns;
	return 0;
}

/** read_clauses() - ipam_egress_fn: the clauses of a lease */
static int read_clauses(void *userdata, const struct ipam_egress *egress)
{
	struct arms *arms = userdata;

	return egress_decode(egress->definition, &arms->egress);
}

/** arms_of_lease() - A lease in the table's terms, its clauses borrowed */
struct arms arms_of_lease(const struct lease *lease, const struct egress *egress)
{
	struct arms arms = {0};

	(void)describe(&arms, lease);
	arms.arming.egress = egress;
	return arms;
}

/** keep_digest() - ipam_each_fn: the digest of a lease's clauses */
static int keep_digest(void *userdata, const struct lease *lease)
{
	*(uint64_t *)userdata = lease->egress;
	return 0;
}

/**
 * arms_shared() - Whether an attachment of the chained role stands behind one of this program's own that translates the
 * same addresses
 * @store:	Store, in no transaction
 * @attachment:	Attachment
 */
bool arms_shared(struct store *store, const struct attachment *attachment)
{
	struct attachment own = *attachment;
	uint64_t digest = 0;

	own.chained = false;
	return attachment->chained && ipam_find(store, &own, keep_digest, &digest) == 0 && digest;
}

/**
 * find() - What the store says about an attachment
 * @store:	Store, in no transaction
 * @attachment:	Attachment
 * @ret_arms:	Always written; arms_done() releases it
 *
 * Return: 0, an outcome of the IPAM, negative errno
 */
static int find(struct store *store, const struct attachment *attachment, struct arms *ret_arms)
{
	int r;

	*ret_arms = (struct arms){0};
	ret_arms->arming.egress = &ret_arms->egress;
	r = ipam_find(store, attachment, describe, ret_arms);
	if (!r)
		ret_arms->arming.shared = arms_shared(store, attachment);
	if (!r && ret_arms->digest)
		r = ipam_find_egress(store, ret_arms->digest, read_clauses, ret_arms);
	return r;
}

/** struct known - Clauses by their digest */
struct known {
	uint64_t digest;
	struct egress egress;
};

/** struct muster - All containers on their way into a table that is made anew */
struct muster {
	struct arm_table table;
	struct known *known;
	size_t n_known;
};

static void muster_done(struct muster *muster)
{
	arm_table_done(&muster->table);
	for (size_t i = 0; i < muster->n_known; i++)
		egress_done(&muster->known[i].egress);
	free(muster->known);
}

/** know() - ipam_egress_fn: decode clauses, which come by digest */
static int know(void *userdata, const struct ipam_egress *egress)
{
	struct muster *muster = userdata;
	struct known *known = reallocarray(muster->known, muster->n_known + 1, sizeof(*known));
	int r;

	if (!known)
		return -ENOMEM;
	muster->known = known;
	known[muster->n_known] = (struct known){.digest = egress->digest};
	r = egress_decode(egress->definition, &known[muster->n_known].egress);
	/* What can't be read does not keep the others from their places. */
	muster->n_known += !r;
	return r == -EUCLEAN ? 0 : r;
}

/** by_digest() - bsearch(3) order */
static int by_digest(const void *a, const void *b)
{
	const struct known *left = a, *right = b;

	return (left->digest > right->digest) - (left->digest < right->digest);
}

/** enlist() - ipam_each_fn: put a lease's container into the table */
static int enlist(void *userdata, const struct lease *lease)
{
	static const struct egress none;
	struct muster *muster = userdata;
	struct known wanted = {.digest = lease->egress};
	const struct known *known = NULL;
	struct arms arms;

	if (lease->egress && muster->n_known)
		known = bsearch(&wanted, muster->known, muster->n_known, sizeof(wanted), by_digest);
	arms = arms_of_lease(lease, known ? &known->egress : &none);
	return arming_wanted(&arms.arming) ? arm_table_add(&muster->table, &arms.arming) : 0;
}

/**
 * make_table() - Make the table anew with all containers that hold a lease
 * @context:	Call
 * @store:	Store, locked
 * @netfilter:	Port
 * @reterr:	Codes 103, 106, 107
 *
 * Return: 0, REFUSED
 */
static int make_table(const struct context *context, struct store *store, struct port *netfilter, struct error *reterr)
{
	CLEANUP(muster_done) struct muster muster = {0};
	int r = arm_table_begin(&muster.table);

	if (!r)
		r = ipam_each_egress(store, know, &muster);
	if (!r)
		r = ipam_each(store, NULL, enlist, &muster);
	if (r == -ENOMEM)
		return error_no_memory(reterr);
	if (r && r != IPAM_E_DAMAGED)
		return leases_error(context, r, reterr);
	return arm_table_commit(netfilter, &muster.table, reterr);
}

/** close_fence() - Prohibit the destinations of each pin to what the table has not let through: 0, REFUSED */
static int close_fence(struct port *host, const struct egress *egress, struct error *reterr)
{
	for (size_t i = 0; i < egress->n_clauses; i++) {
		const struct egress_clause *clause = &egress->clauses[i];

		if (clause->source.family && fence_close(host, clause->spans, clause->n_spans, reterr))
			return REFUSED;
	}
	return 0;
}

/**
 * mend() - Do what arm_try() asked for
 * @context:	Call
 * @store:	Store, locked
 * @ports:	Ports
 * @arms:	Container
 * @outcome:	ARM_E_STALE, ARM_E_MISSING
 * @reterr:	Codes 103, 106, 107
 *
 * The fence stands before there is a list that needs it, so that who finds the list need not look for the fence.
 *
 * Return: 0, REFUSED
 */
static int mend(const struct context *context, struct store *store, struct ports *ports, const struct arms *arms,
		int outcome, struct error *reterr)
{
	int r;

	if (outcome == ARM_E_STALE)
		return arm_purge(ports->netfilter, &arms->arming, reterr);
	if (close_fence(ports->host, arms->arming.egress, reterr))
		return REFUSED;
	r = arm_intact(ports->netfilter, reterr);
	if (r == ARM_E_MISSING)
		return make_table(context, store, ports->netfilter, reterr);
	return r ? r : arm_lists(ports->netfilter, arms->arming.egress, reterr);
}

/**
 * mend_and_try() - Mend the table until the container is in it
 * @context:	Call
 * @store:	Store, locked
 * @ports:	Ports
 * @arms:	Container
 * @reterr:	Codes 103, 106, 107
 *
 * Return: 0, REFUSED
 */
static int mend_and_try(const struct context *context, struct store *store, struct ports *ports,
			const struct arms *arms, struct error *reterr)
{
	for (unsigned i = 0; i < MENDING_ATTEMPTS; i++) {
		int r = arm_look(ports->netfilter, &arms->arming, reterr);

		if (r == ARM_E_MISSING)
			r = arm_try(ports->netfilter, &arms->arming, reterr);
		if (r != ARM_E_MISSING && r != ARM_E_STALE)
			return r;
		if (mend(context, store, ports, arms, r, reterr))
			return REFUSED;
	}
	return error_set(reterr, arming_pinned(&arms->arming) ? ERROR_SNAT : ERROR_KERNEL,
			 "the nftables table inet " NF_TABLE
			 " does not keep what is put into it: something else changes "
			 "it all the time");
}

/** put_elements() - Put a container into the table: 0, REFUSED */
static int put_elements(const struct context *context, const struct state *state, struct ports *ports,
			const struct arms *arms, struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = arm_try(ports->netfilter, &arms->arming, reterr);

	if (r != ARM_E_MISSING && r != ARM_E_STALE)
		return r;
	r = leases_open_store(context, state, STATE_UPDATE, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (r)
		return r == STATE_E_ABSENT ? leases_error(context, r, reterr) : r;
	return mend_and_try(context, store, ports, arms, reterr);
}

/** assign_sources() - Put the sources that are not on the host yet where they are to be: 0, REFUSED */
static int assign_sources(struct port *host, const struct egress *egress, struct error *reterr)
{
	for (size_t i = 0; i < egress->n_clauses; i++) {
		const struct egress_clause *clause = &egress->clauses[i];
		bool there = false;

		if (!*clause->assign)
			continue;
		if (assign_usable(host, &clause->source, &there, reterr) ||
		    (!there && assign_put(host, clause->assign, &clause->source, reterr)))
			return REFUSED;
	}
	return 0;
}

/** fence_off() - Have what comes through a pinned container's interface marked: 0, REFUSED */
static int fence_off(const struct context *context, struct port *host, uint32_t ifindex, const struct arms *arms,
		     struct error *reterr)
{
	if (!arming_pinned(&arms->arming))
		return 0;
	return context->netconf.role == ROLE_INTERFACE ? fence_arm_new(host, ifindex, reterr)
						       : fence_arm(host, ifindex, reterr);
}

/**
 * arms_put() - Put what a container's lease says into the kernel, and see that it is there
 * @context:	Call
 * @state:	State, the attachment locked
 * @ports:	Ports; the calling thread is in the host's namespace
 * @ifindex:	The host's interface towards the container, whose other end is not up yet
 * @arms:	What the lease says
 * @reterr:	Codes 11, 103, 106, 107
 *
 * Return: 0, REFUSED
 */
int arms_put(const struct context *context, const struct state *state, struct ports *ports, uint32_t ifindex,
	     const struct arms *arms, struct error *reterr)
{
	if (!arming_wanted(&arms->arming))
		return 0;
	if (assign_sources(ports->host, arms->arming.egress, reterr) ||
	    fence_off(context, ports->host, ifindex, arms, reterr))
		return REFUSED;
	if (ports_open_netfilter(ports, reterr)) {
		if (arming_pinned(&arms->arming))
			reterr->code = ERROR_SNAT;
		return REFUSED;
	}
	return put_elements(context, state, ports, arms, reterr);
}

/**
 * arms_available() - STATUS: whether the kernel has the nftables that a configuration needs; nothing is changed
 * @context:	Call
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int arms_available(const struct context *context, struct error *reterr)
{
	const struct netconf *netconf = &context->netconf;
	bool needed = netconf->role == ROLE_INTERFACE && netconf->anti_spoof;
	PORTS_CLEANUP struct ports ports = {0};
	int r;

	if (netconf->role == ROLE_DELEGATE || !(needed || netconf->ip_masq || netconf->n_pins))
		return 0;
	if (ports_open_netfilter(&ports, reterr))
		return REFUSED;
	r = arm_intact(ports.netfilter, reterr);
	return r == ARM_E_MISSING ? 0 : r;
}

/** missing() - Say that CHECK misses something in the table: REFUSED */
static int missing(const struct arms *arms, int outcome, struct error *reterr)
{
	return error_set(
		reterr, arming_pinned(&arms->arming) ? ERROR_SNAT : ERROR_KERNEL,
		outcome == ARM_E_STALE
			? "the nftables table inet " NF_TABLE " has elements of another container for the "
			  "addresses of this one; delete and re-create it"
			: "elements of this container are missing in the nftables table inet " NF_TABLE
			  ", so its packets leave with the wrong source or not at all; delete and re-create it");
}

/**
 * look() - Hold the table against a container, after it was made anew if somebody flushed it
 * @context:	Call
 * @state:	State
 * @ports:	Ports, both open
 * @arms:	Container
 * @reterr:	Codes 11, 103, 106, 107
 *
 * Return: 0, REFUSED
 */
static int look(const struct context *context, const struct state *state, struct ports *ports, const struct arms *arms,
		struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = arm_look(ports->netfilter, &arms->arming, reterr);

	if (r == ARM_E_STALE && arms->shared)
		return 0;
	if (r != ARM_E_MISSING)
		return r == ARM_E_STALE ? missing(arms, r, reterr) : r;
	if (leases_open_store(context, state, STATE_UPDATE, LIMIT_LOCK_WAIT_MS, &store, reterr))
		return REFUSED;
	r = arm_intact(ports->netfilter, reterr);
	if (r == ARM_E_MISSING) {
		log_line("the nftables table inet " NF_TABLE " was gone or without its rules: it is made anew");
		r = make_table(context, store, ports->netfilter, reterr);
	}
	if (!r)
		r = arm_look(ports->netfilter, &arms->arming, reterr);
	if (r == ARM_E_STALE && arms->shared)
		return 0;
	return r == ARM_E_MISSING || r == ARM_E_STALE ? missing(arms, r, reterr) : r;
}

/** is_shared() - Whether rangeguard stands once more behind itself in the list, with pins for the same addresses */
static bool is_shared(struct store *store, const struct attachment *attachment)
{
	struct attachment chained = *attachment;
	ARMS_CLEANUP struct arms others = {0};

	chained.chained = true;
	return !attachment->chained && find(store, &chained, &others) == 0;
}

/**
 * arms_check() - CHECK: the table has what an attachment's lease says
 * @context:	Call
 * @ports:	Ports
 * @attachment:	Attachment
 * @reterr:	Codes 11, 103, 106, 107
 *
 * The one thing that CHECK changes: a table that somebody flushed is made anew, with all containers, for those that are
 * pinned are fenced off until then.
 *
 * Return: 0, REFUSED
 */
int arms_check(const struct context *context, struct ports *ports, const struct attachment *attachment,
	       struct error *reterr)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	ARMS_CLEANUP struct arms arms = {0};
	int r = state_open(context->netconf.data_dir, STATE_UPDATE, &state);

	if (r)
		return leases_error(context, r, reterr);
	r = leases_open_store(context, &state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (r)
		return r == STATE_E_ABSENT ? leases_error(context, r, reterr) : r;
	r = find(store, attachment, &arms);
	if (r == IPAM_E_NOT_FOUND)
		return missing(&arms, ARM_E_MISSING, reterr);
	if (r)
		return leases_error(context, r, reterr);
	arms.shared = is_shared(store, attachment);
	store = store_close(store);
	if (!arming_wanted(&arms.arming))
		return 0;
	return ports_open_netfilter(ports, reterr) ? REFUSED : look(context, &state, ports, &arms, reterr);
}

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

	return r ? r : find(store, attachment, arms);
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
	int r = find(store, attachment, &arms);

	/* Of a lease that can't be read nothing is known. */
	if (!r && take_away(ports, &arms, reterr))
		return REFUSED;
	if (r != IPAM_E_NOT_FOUND)
		r = ipam_release(store, attachment, now);
	if (!r || r == IPAM_E_NOT_FOUND)
		clear_up(store, ports);
	return r == IPAM_E_NOT_FOUND ? 0 : r;
}
