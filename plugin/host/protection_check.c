/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel compared with what leases say: CHECK and STATUS. */

#include "plugin/host/discard.h"
#include "plugin/host/guarding.h"
#include "plugin/host/lease_store.h"
#include "plugin/host/mended.h"
#include "plugin/host/protection_internal.h"
#include "plugin/host/restore.h"
#include "plugin/host/weeding.h"
#include "plugin/network/link.h"
#include "plugin/report/log.h"
#include "plugin/snat/arm.h"

/**
 * protection_available() - STATUS: whether the kernel has the nftables that a configuration needs; nothing is changed
 * @netconf:	Configuration
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int protection_available(const struct netconf *netconf, struct error *reterr)
{
	HOST_CLEANUP struct host host = {0};
	int r;

	if (netconf->role == ROLE_DELEGATE || !(netconf->ip_masq || netconf->n_pins))
		return 0;
	if (host_open_netfilter(&host, reterr))
		return REFUSED;
	r = arm_intact(host.netfilter, reterr);
	return r == ARM_E_MISSING ? 0 : r;
}

/** no_lease() - Say that CHECK found nothing to compare with: REFUSED */
static int no_lease(struct error *reterr)
{
	return error_set(
		reterr, ERROR_KERNEL,
		"no lease says how this container is protected, so its packets leave with the wrong source or not at "
		"all; delete and re-create it");
}

/** is_whole() - Whether the kernel has all that protects a container: 0, GUARDING_E_MISSING, REFUSED */
static int is_whole(struct host *host, uint32_t ifindex, const struct protection *protection, struct error *reterr)
{
	int r = guarding_look(host, ifindex, protection, reterr);

	if (r || !member_wanted(&protection->member))
		return r;
	r = host_open_netfilter(host, reterr) ? REFUSED : arm_look(host->netfilter, &protection->member, reterr);
	if (r == ARM_E_STALE && protection->shared)
		return 0;
	return r == ARM_E_MISSING || r == ARM_E_STALE ? GUARDING_E_MISSING : r;
}

/**
 * repair() - Put back what a container lacks, and see that it is there
 * @host:	Host
 * @state:	State
 * @ifindex:	The host's interface towards the container; 0: none
 * @protection:	What the lease says
 * @reterr:	Codes 11, 103, 106, 107
 *
 * Return: 0, REFUSED
 */
static int repair(struct host *host, const struct state *state, uint32_t ifindex, const struct protection *protection,
		  struct error *reterr)
{
	int r = guarding_put(host, ifindex, protection, reterr);

	if (!r && member_wanted(&protection->member))
		r = protection_rebuild(host, state, reterr);
	if (!r)
		r = restore_shared(host, reterr);
	if (!r)
		r = is_whole(host, ifindex, protection, reterr);
	return r == GUARDING_E_MISSING
		       ? error_set(
				 reterr, member_pinned(&protection->member) ? ERROR_SNAT : ERROR_KERNEL,
				 "what protects the container does not stay in the kernel (the classifier at %.16s, the "
				 "nftables table inet " NF_TABLE "): something else takes it out again and again",
				 protection->member.interface)
		       : r;
}

/** look() - Compare the kernel with a container, put back what is missing: 0, REFUSED */
static int look(struct host *host, const struct state *state, const struct attachment *attachment,
		const struct protection *protection, struct error *reterr)
{
	struct link_answer answer = {.found = false};
	uint32_t ifindex;
	int r;

	if (!guarding_wanted(protection))
		guarding_adopt_marks(host);
	if (*protection->member.interface && link_find(host->rtnetlink, protection->member.interface, &answer, reterr))
		return REFUSED;
	ifindex = answer.found ? answer.link.index : 0;
	r = is_whole(host, ifindex, protection, reterr);
	if (r == GUARDING_E_MISSING) {
		log_line("the protection of a container's packets lacked something: it is put back");
		r = repair(host, state, ifindex, protection, reterr);
		if (!r)
			mended_note(host->recorder, attachment, protection);
	} else if (!r) {
		protection_mend_device(host, state, protection);
		r = protection_set_backstop(host, protection, reterr);
		if (!r && ifindex)
			r = guarding_stop_bridging(host, ifindex, reterr);
	}
	if (!r && member_pinned(&protection->member))
		r = protection_close_fence(host, protection, reterr);
	return r;
}

/**
 * look_for_chained() - Whether rangeguard stands once more after itself in the list, with pins for the same addresses
 * @store:	Store
 * @attachment:	Attachment
 * @ret_is:	Whether it does; one that is damaged counts
 *
 * Return: 0, negative errno
 */
static int look_for_chained(struct store *store, const struct attachment *attachment, bool *ret_is)
{
	struct attachment chained = *attachment;
	PROTECTION_CLEANUP struct protection others = {0};
	int r;

	*ret_is = false;
	if (attachment->chained)
		return 0;
	chained.chained = true;
	r = protection_find(store, &chained, NULL, &others);
	*ret_is = r == 0 || r == IPAM_E_DAMAGED;
	return r < 0 ? r : 0;
}

/**
 * protection_check() - CHECK: the table has what an attachment's lease says
 * @host:	Host
 * @attachment:	Attachment
 * @reterr:	Codes 11, 103, 106, 107
 *
 * The one thing that CHECK changes: what somebody took out of the kernel is put back, for all containers where they share
 * it, and what somebody put in its place or beside it is removed.
 *
 * Return: 0, REFUSED
 */
int protection_check(struct host *host, const struct attachment *attachment, struct error *reterr)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	PROTECTION_CLEANUP struct protection protection = {0};
	bool weeded;
	int r = state_open(host->data_dir, STATE_UPDATE, &state);

	if (r)
		return lease_store_error(host->data_dir, r, reterr);
	r = lease_store_open(host->data_dir, &state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (r)
		return r == STATE_E_ABSENT ? lease_store_error(host->data_dir, r, reterr) : r;
	r = protection_find(store, attachment, NULL, &protection);
	if (r == IPAM_E_NOT_FOUND)
		return no_lease(reterr);
	if (!r)
		r = look_for_chained(store, attachment, &protection.shared);
	if (r)
		return lease_store_error(host->data_dir, r, reterr);
	if (!attachment->chained && discard_mend(host, store, attachment->network, reterr))
		return REFUSED;
	store = store_close(store);
	return weeding(host, &weeded, reterr) ? REFUSED : look(host, &state, attachment, &protection, reterr);
}
