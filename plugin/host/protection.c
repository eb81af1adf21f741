/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers into the nftables table. */

#include "plugin/host/protection.h"

#include <errno.h>

#include "plugin/host/guarding.h"
#include "plugin/host/lease_store.h"
#include "plugin/host/mended.h"
#include "plugin/host/protection_internal.h"
#include "plugin/host/restore.h"
#include "plugin/report/log.h"
#include "plugin/snat/arm.h"
#include "plugin/snat/assign.h"
#include "plugin/snat/backstop.h"
#include "plugin/snat/fence.h"
#include "plugin/snat/offload.h"

/** How often the table is mended before giving up: somebody who flushes it again and again is in the way */
#define MENDING_ATTEMPTS 8

/**
 * close_fence() - Prohibit the destinations of each pin to what the table has not let through
 * @host:	Port
 * @egress:	Clauses
 * @ret_lost:	Whether some of it had been missing
 * @reterr:	Code 103
 *
 * Return: 0, REFUSED
 */
static int close_fence(struct port *host, const struct egress *egress, bool *ret_lost, struct error *reterr)
{
	*ret_lost = false;
	for (size_t i = 0; i < egress->n_clauses; i++) {
		const struct egress_clause *clause = &egress->clauses[i];
		bool lost = false;

		if (clause->source.family && (fence_probe(host, clause->spans, clause->n_spans, &lost, reterr) ||
					      fence_close(host, clause->spans, clause->n_spans, reterr)))
			return REFUSED;
		*ret_lost |= lost;
	}
	return 0;
}

/**
 * mend() - Do what arm_try() asked for
 * @host:	Host
 * @store:	Store, locked
 * @protection:	Container
 * @outcome:	ARM_E_STALE, ARM_E_MISSING
 * @again:	It was done once, and did not help: a list lacks a part, so that the whole table is rebuilt
 * @lost:	Set when the table was not whole: more may be missing
 * @reterr:	Codes 103, 106, 107
 *
 * Return: 0, REFUSED
 */
static int mend(struct host *host, struct store *store, const struct protection *protection, int outcome, bool again,
		bool *lost, struct error *reterr)
{
	int r;

	if (outcome == ARM_E_STALE)
		return arm_purge(host->netfilter, &protection->member, reterr);
	r = again ? ARM_E_MISSING : arm_intact(host->netfilter, reterr);
	*lost |= r == ARM_E_MISSING;
	if (r == ARM_E_MISSING)
		return protection_make_table(host, store, reterr);
	return r ? r : arm_lists(host->netfilter, protection->member.egress, reterr);
}

/**
 * mend_and_try() - Mend the table until the container is in it
 * @host:	Host
 * @store:	Store, locked
 * @protection:	Container
 * @lost:	As mend() has it
 * @reterr:	Codes 103, 106, 107
 *
 * Return: 0, REFUSED
 */
static int mend_and_try(struct host *host, struct store *store, const struct protection *protection, bool *lost,
			struct error *reterr)
{
	for (unsigned i = 0; i < MENDING_ATTEMPTS; i++) {
		int r = arm_ready(host->netfilter, &protection->member, reterr);

		if (!r) {
			r = arm_look(host->netfilter, &protection->member, reterr);
			if (r == ARM_E_MISSING)
				r = arm_try(host->netfilter, &protection->member, reterr);
		}
		if (r != ARM_E_MISSING && r != ARM_E_STALE)
			return r;
		if (mend(host, store, protection, r, i > 0, lost, reterr))
			return REFUSED;
	}
	return error_set(reterr, member_pinned(&protection->member) ? ERROR_SNAT : ERROR_KERNEL,
			 "the nftables table inet " NF_TABLE
			 " does not keep what is put into it: something else changes "
			 "it all the time");
}

/** put_elements() - Put a container into the table: 0, REFUSED. @lost: as mend() has it, but only for a table in use */
static int put_elements(struct host *host, const struct state *state, const struct protection *protection, bool *lost,
			struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = arm_ready(host->netfilter, &protection->member, reterr);

	if (!r)
		r = arm_try(host->netfilter, &protection->member, reterr);
	if (r != ARM_E_MISSING && r != ARM_E_STALE)
		return r;
	/* A list that is new has no fence yet. */
	*lost = false;
	r = lease_store_open(host->data_dir, state, STATE_UPDATE, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (r)
		return r == STATE_E_ABSENT ? lease_store_error(host->data_dir, r, reterr) : r;
	return mend_and_try(host, store, protection, lost, reterr);
}

/** assign_sources() - Put the sources that are not on the host yet where they are to be: 0, REFUSED */
static int assign_sources(struct port *host, const struct egress *egress, struct error *reterr)
{
	for (size_t i = 0; i < egress->n_clauses; i++) {
		const struct egress_clause *clause = &egress->clauses[i];
		bool there = false;

		if (!*clause->assign || clause->shared) /* what hosts share the agent puts there */
			continue;
		if (assign_usable(host, &clause->source, &there, reterr) ||
		    (!there && assign_put(host, clause->assign, &clause->source, reterr)))
			return REFUSED;
	}
	return 0;
}

/**
 * protection_set_backstop() - See that the backstop is there, where the kernel has nf_tables
 * @host:	Host
 * @protection:	Container; with a pin it needs nf_tables in any case
 * @reterr:	Codes 103, 107
 *
 * Return: 0, REFUSED
 */
int protection_set_backstop(struct host *host, const struct protection *protection, struct error *reterr)
{
	int r;

	if (!guarding_wanted(protection))
		return 0;
	r = host_open_netfilter(host, reterr);
	if (!r)
		r = backstop_ensure(host->netfilter, member_pinned(&protection->member), reterr);
	/* It may be that somebody deleted it, and others have pins. */
	if (r == BACKSTOP_E_MADE)
		r = member_pinned(&protection->member) ? 0 : restore_shared(host, reterr);
	if (!r)
		r = guarding_again(host, reterr);
	if (r != -EPROTONOSUPPORT && r != BACKSTOP_E_UNAVAILABLE)
		return r;
	log_line("no nf_tables in this kernel: the classifier at the container's interface guards what it sends alone");
	return 0;
}

/** protection_close_fence() - See that the sources of a container's pins, and their fence, are there; when not, all: 0, REFUSED */
int protection_close_fence(struct host *host, const struct protection *protection, struct error *reterr)
{
	bool lost = false;

	if (assign_sources(host->rtnetlink, protection->member.egress, reterr) ||
	    fence_clear(host->rtnetlink, reterr) ||
	    close_fence(host->rtnetlink, protection->member.egress, &lost, reterr))
		return REFUSED;
	return lost ? restore_shared(host, reterr) : 0;
}

/** protection_rebuild() - The nftables table as all leases want it: 0, REFUSED */
int protection_rebuild(struct host *host, const struct state *state, struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = host_open_netfilter(host, reterr);

	if (r)
		return REFUSED;
	r = lease_store_open(host->data_dir, state, STATE_UPDATE, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (r)
		return r == STATE_E_ABSENT ? lease_store_error(host->data_dir, r, reterr) : r;
	if (protection_make_table(host, store, reterr))
		return REFUSED;
	mended_note_table(host->recorder);
	return 0;
}

/**
 * protection_mend_short_cut() - Put back what somebody took out of the short cut for established flows (snat/offload.h)
 * @host:	Host
 * @state:	State
 *
 * Nothing depends on it: what can't be put back is only said.
 *
 * Return: whether it was whole; one that was put back has all containers' interfaces
 */
bool protection_mend_short_cut(struct host *host, const struct state *state)
{
	enum offload_state found;
	struct error err = {0};

	if (!offload_expected() || host_open_netfilter(host, &err))
		return false;
	found = offload_look(host->netfilter);
	if (found != OFFLOAD_LOST || arm_intact(host->netfilter, &err))
		return found == OFFLOAD_WHOLE;
	log_line("the short cut of established flows lacked something: it is put back");
	if (protection_rebuild(host, state, &err))
		log_line("%s", err.msg);
	return false;
}

/** protection_mend_device() - The same, and the interface of a container that is to be in it */
void protection_mend_device(struct host *host, const struct state *state, const struct protection *protection)
{
	OFFLOAD_DEVICES_CLEANUP struct offload_devices devices = {0};

	if ((member_wanted(&protection->member) || guarding_wanted(protection)) &&
	    protection_mend_short_cut(host, state) &&
	    offload_devices_add(&devices, protection->member.interface) == 0 && devices.n &&
	    offload_complete(host->netfilter, &devices))
		log_line("the flows of %s could not take the short cut: they can again", protection->member.interface);
}

/**
 * put_into_table() - Put what a container's lease says into the nftables table
 * @host:	Host
 * @state:	State
 * @protection:	What the lease says
 * @reterr:	Codes 11, 103, 106, 107
 *
 * When something turns out to be missing that others need as well, all that containers share is put back.
 *
 * Return: 0, REFUSED
 */
static int put_into_table(struct host *host, const struct state *state, const struct protection *protection,
			  struct error *reterr)
{
	bool lost = false;

	(void)protection_mend_short_cut(host, state);
	if (host_open_netfilter(host, reterr) || assign_sources(host->rtnetlink, protection->member.egress, reterr) ||
	    close_fence(host->rtnetlink, protection->member.egress, &lost, reterr) ||
	    put_elements(host, state, protection, &lost, reterr))
		return REFUSED;
	offload_add(host->netfilter, protection->member.interface);
	return lost ? restore_shared(host, reterr) : 0;
}

/**
 * protection_restore() - Put back what a container's lease says, as far as it is missing; its flows go on
 * @host:	Host; the calling thread is in the host's namespace
 * @state:	State, the attachment locked
 * @ifindex:	The host's interface towards the container; 0: there is none
 * @protection:	What the lease says
 * @reterr:	Codes 11, 103, 106, 107
 *
 * Return: 0, REFUSED
 */
int protection_restore(struct host *host, const struct state *state, uint32_t ifindex,
		       const struct protection *protection, struct error *reterr)
{
	int r;

	if (!guarding_wanted(protection))
		guarding_adopt_marks(host);
	r = guarding_put(host, ifindex, protection, reterr);
	if (!r)
		r = protection_set_backstop(host, protection, reterr);
	if (!r && member_wanted(&protection->member))
		r = put_into_table(host, state, protection, reterr);
	else if (!r && guarding_wanted(protection) && protection_mend_short_cut(host, state))
		offload_add(host->netfilter, protection->member.interface);
	if (r && member_pinned(&protection->member) && reterr->code == ERROR_KERNEL)
		(void)error_recode(reterr, ERROR_SNAT);
	return r ? REFUSED : 0;
}

/**
 * protection_put() - Put what a container's lease says into the kernel, and see that it is there
 * @host:	Host; the calling thread is in the host's namespace
 * @state:	State, the attachment locked
 * @ifindex:	The host's interface towards the container, down if it is our own; 0: there is none
 * @protection:	What the lease says
 * @reterr:	Codes 11, 103, 106, 107
 *
 * The flows that others left of its addresses are forgotten last: from then on a new one is translated.
 *
 * Return: 0, REFUSED
 */
int protection_put(struct host *host, const struct state *state, uint32_t ifindex, const struct protection *protection,
		   struct error *reterr)
{
	if (protection_restore(host, state, ifindex, protection, reterr))
		return REFUSED;
	return protection_forget_flows(host, &protection->member, reterr);
}
