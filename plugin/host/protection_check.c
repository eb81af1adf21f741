/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nftables table held against what leases say: CHECK and STATUS. */

#include "plugin/host/lease_store.h"
#include "plugin/host/protection_internal.h"
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

/** missing() - Say that CHECK misses something in the table: REFUSED */
static int missing(const struct protection *protection, int outcome, struct error *reterr)
{
	return error_set(
		reterr, member_pinned(&protection->member) ? ERROR_SNAT : ERROR_KERNEL,
		outcome == ARM_E_STALE
			? "the nftables table inet " NF_TABLE " has elements of another container for the "
			  "addresses of this one; delete and re-create it"
			: "elements of this container are missing in the nftables table inet " NF_TABLE
			  ", so its packets leave with the wrong source or not at all; delete and re-create it");
}

/**
 * look() - Compare the table with a container, after it was rebuilt if something was missing
 * @host:	Host, both ports open
 * @state:	State
 * @protection:	Container
 * @reterr:	Codes 11, 103, 106, 107
 *
 * Return: 0, REFUSED
 */
static int look(struct host *host, const struct state *state, const struct protection *protection, struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = arm_look(host->netfilter, &protection->member, reterr);

	if (r == ARM_E_STALE && protection->shared)
		return 0;
	if (r != ARM_E_MISSING)
		return r == ARM_E_STALE ? missing(protection, r, reterr) : r;
	r = lease_store_open(host->data_dir, state, STATE_UPDATE, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (r)
		return r == STATE_E_ABSENT ? lease_store_error(host->data_dir, r, reterr) : r;
	log_line("the nftables table inet " NF_TABLE " lacked something: it is rebuilt");
	r = protection_make_table(host, store, reterr);
	if (!r)
		r = arm_look(host->netfilter, &protection->member, reterr);
	if (r == ARM_E_STALE && protection->shared)
		return 0;
	return r == ARM_E_MISSING || r == ARM_E_STALE ? missing(protection, r, reterr) : r;
}

/** is_shared() - Whether rangeguard stands once more behind itself in the list, with pins for the same addresses */
static bool is_shared(struct store *store, const struct attachment *attachment)
{
	struct attachment chained = *attachment;
	PROTECTION_CLEANUP struct protection others = {0};

	chained.chained = true;
	return !attachment->chained && protection_find(store, &chained, NULL, &others) == 0;
}

/**
 * protection_check() - CHECK: the table has what an attachment's lease says
 * @host:	Host
 * @attachment:	Attachment
 * @reterr:	Codes 11, 103, 106, 107
 *
 * The one thing that CHECK changes: a table that somebody flushed is made anew, with all containers, for those that are
 * pinned are fenced off until then.
 *
 * Return: 0, REFUSED
 */
int protection_check(struct host *host, const struct attachment *attachment, struct error *reterr)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	PROTECTION_CLEANUP struct protection protection = {0};
	int r = state_open(host->data_dir, STATE_UPDATE, &state);

	if (r)
		return lease_store_error(host->data_dir, r, reterr);
	r = lease_store_open(host->data_dir, &state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (r)
		return r == STATE_E_ABSENT ? lease_store_error(host->data_dir, r, reterr) : r;
	r = protection_find(store, attachment, NULL, &protection);
	if (r == IPAM_E_NOT_FOUND)
		return missing(&protection, ARM_E_MISSING, reterr);
	if (r)
		return lease_store_error(host->data_dir, r, reterr);
	protection.shared = is_shared(store, attachment);
	store = store_close(store);
	if (!member_wanted(&protection.member))
		return 0;
	return host_open_netfilter(host, reterr) ? REFUSED : look(host, &state, &protection, reterr);
}
