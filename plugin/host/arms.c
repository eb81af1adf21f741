/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers into the nftables table. */

#include "plugin/host/arms.h"

#include "plugin/host/arms_internal.h"
#include "plugin/snat/arm.h"
#include "plugin/snat/assign.h"
#include "plugin/snat/fence.h"
#include "plugin/verbs/leases.h"

/** How often the table is mended before giving up: somebody who flushes it again and again is in the way */
#define MENDING_ATTEMPTS 8

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
	r = arm_intact(ports->netfilter, arms->arming.egress->n_clauses, reterr);
	if (r == ARM_E_MISSING)
		return arms_make_table(context, store, ports->netfilter, reterr);
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
