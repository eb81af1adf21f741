/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nftables table held against what leases say: CHECK and STATUS. */

#include "plugin/host/arms_internal.h"
#include "plugin/snat/arm.h"
#include "plugin/verbs/leases.h"

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
	r = arm_intact(ports.netfilter, false, reterr);
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
	r = arm_intact(ports->netfilter, arms->arming.egress->n_clauses, reterr);
	if (r == ARM_E_MISSING) {
		log_line("the nftables table inet " NF_TABLE " was gone or without its rules: it is made anew");
		r = arms_make_table(context, store, ports->netfilter, reterr);
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
	return !attachment->chained && arms_find(store, &chained, &others) == 0;
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
	r = arms_find(store, attachment, &arms);
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
