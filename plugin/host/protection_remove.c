/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers out of the nftables table: before their leases go, and again when they do. */

#include <errno.h>
#include <string.h>

#include "plugin/host/discard.h"
#include "plugin/host/farewell.h"
#include "plugin/host/guarding.h"
#include "plugin/host/host_local.h"
#include "plugin/host/lease_store.h"
#include "plugin/host/protection_internal.h"
#include "plugin/host/unused.h"
#include "plugin/network/inventory.h"
#include "plugin/network/link.h"
#include "plugin/network/plan.h"
#include "plugin/report/log.h"
#include "plugin/snat/arm.h"
#include "plugin/snat/conntrack.h"

/**
 * protection_forget_flows() - Have connection tracking forget a container's addresses
 * @host:	Host
 * @member:	Container; only its addresses count
 * @reterr:	Code 107
 *
 * Return: 0, also where nothing is tracked; REFUSED
 */
int protection_forget_flows(struct host *host, const struct member *member, struct error *reterr)
{
	int r = host_open_netfilter(host, reterr);

	/* Where there is no nfnetlink, nothing can be asked, and nothing translates. */
	if (r)
		return r == REFUSED ? r : 0;
	return conntrack_forget(host->netfilter, member->addresses, member->n_addresses, reterr);
}

/**
 * take_away() - Take what a container's lease says out of the kernel, before the lease is given back
 * @host:	Host
 * @protection:	What the lease says
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
static int take_away(struct host *host, const struct protection *protection, struct error *reterr)
{
	int r;

	if (!host->flows_forgotten && !host->forgetting && protection_forget_flows(host, &protection->member, reterr))
		return REFUSED;
	if (!member_wanted(&protection->member) && !protection->unknown)
		return 0;
	r = host_open_netfilter(host, reterr);
	if (r)
		return r == REFUSED ? r : 0; /* Where there is no nfnetlink, nothing is in a table. */
	return protection->unknown ? arm_purge(host->netfilter, &protection->member, reterr)
				   : arm_remove(host->netfilter, &protection->member, reterr);
}

/** read_kernel() - What the kernel tells of a container whose lease is lost, if anything: 0, REFUSED */
static int read_kernel(struct port *host, const struct attachment *attachment, struct protection *protection,
		       struct error *reterr)
{
	INVENTORY_CLEANUP struct inventory inventory = {0};
	struct link_info link;
	int r = attach_find(host, attachment, &link, reterr);

	/* All interfaces and routes are read only for one that is there: a DEL may come again and again. */
	if (r)
		return r == REFUSED ? r : 0;
	r = inventory_read(host, &inventory);
	if (r < 0)
		return error_set_errno(reterr, ERROR_KERNEL, r, "the host's interfaces and routes can't be read");
	identity_host_name(attachment, protection->member.interface);
	for (size_t i = 0; i < inventory.n_items; i++) {
		const struct inventory_item *item = &inventory.items[i];

		if (strcmp(item->name, protection->member.interface) != 0)
			continue;
		memcpy(protection->member.addresses, item->addresses, sizeof(protection->member.addresses));
		protection->member.n_addresses = item->n_addresses;
		protection->unknown = true;
		break;
	}
	return 0;
}

/** read_store() - What the store tells of a container: 0; else nothing, when the error may be filled */
static int read_store(const struct host *host, const struct state *state, const struct attachment *attachment,
		      struct protection *protection, struct error *err)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = lease_store_open(host->data_dir, state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, err);

	return r ? r : protection_find(store, attachment, NULL, protection);
}

/**
 * protection_removal_begin() - Find out what there is of an attachment, while its interface is up: routes go with that
 * @removal:	Always written; protection_removal_done() releases it
 * @host:	Host
 * @state:	State, NULL when it can't be used
 * @attachment:	Attachment
 * @reterr:	Code 11, 107: nothing was touched, and nobody waits for the same lock again
 *
 * Return: 0, REFUSED
 */
int protection_removal_begin(struct protection_removal *removal, struct host *host, const struct state *state,
			     const struct attachment *attachment, struct error *reterr)
{
	struct error err = {0};
	int r = REFUSED;

	*removal = (struct protection_removal){.host = host};
	removal->protection.member.egress = &removal->protection.egress;
	if (state)
		r = read_store(host, state, attachment, &removal->protection, &err);
	if (!r || removal->protection.unknown)
		return 0;
	removal->lost = r == (int)IPAM_E_NOT_FOUND || r == (int)STATE_E_ABSENT;
	if (err.code == ERROR_TRY_AGAIN) {
		*reterr = err;
		return REFUSED;
	}
	return read_kernel(host->rtnetlink, attachment, &removal->protection, reterr);
}

/**
 * run_removal() - attach_step: take the container out of the kernel's ruleset, its interface being down
 *
 * Where many flows are tracked, they are forgotten while the kernel deletes the interface.
 */
static int run_removal(void *userdata, uint32_t host_index, struct error *reterr)
{
	const struct protection_removal *removal = userdata;
	const struct member *member = &removal->protection.member;
	struct host *host = removal->host;
	struct error ignored = {0};
	int r;

	/* The interface goes. */
	(void)guarding_close(host, host_index, NULL, &ignored);
	if (host_index)
		host->forgetting = conntrack_begin(member->addresses, member->n_addresses);
	r = take_away(host, &removal->protection, reterr);
	host->flows_forgotten = !r && host_index && !host->forgetting;
	return r;
}

/**
 * protection_removal_finish() - See to it that what the step began is done
 * @removal:	Removal, its interface gone
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int protection_removal_finish(struct protection_removal *removal, struct error *reterr)
{
	struct host *host = removal->host;
	struct conntrack_work *forgetting = host ? TAKE_PTR(host->forgetting) : NULL;

	if (!forgetting)
		return 0;
	if (conntrack_end(forgetting, reterr))
		return REFUSED;
	host->flows_forgotten = true;
	return 0;
}

/** protection_removal_step() - The step that does it; protection_release() sees to it once more */
struct attach_step protection_removal_step(struct protection_removal *removal)
{
	const struct protection *protection = &removal->protection;
	bool wanted = member_wanted(&protection->member) || guarding_wanted(protection) || protection->unknown;

	return (struct attach_step){.run = wanted ? run_removal : NULL,
				    .userdata = removal,
				    .addresses = removal->protection.member.addresses,
				    .n_addresses = removal->protection.member.n_addresses};
}

/** protection_removal_done() - Release what is owned */
void protection_removal_done(struct protection_removal *removal)
{
	struct error ignored = {0};

	(void)protection_removal_finish(removal, &ignored);
	protection_done(&removal->protection);
}

/** close_interface() - Let nothing pass any more from a container whose lease goes, though another's interface stays: 0, REFUSED */
static int close_interface(struct host *host, const struct protection *protection, struct error *reterr)
{
	struct link_answer answer = {.found = false};

	if (!*protection->member.interface)
		return 0;
	if (link_find(host->rtnetlink, protection->member.interface, &answer, reterr))
		return REFUSED;
	return answer.found ? guarding_close(host, answer.link.index, protection, reterr) : 0;
}

/** clear_up() - Remove what nobody uses any more. That it could not be is said: the next one's end tries again */
static void clear_up(struct store *store, struct host *host)
{
	struct error err = {0};

	if (discard_remove_unused(host, store, &err))
		log_line("removing the routes of ranges that no container has an address of: %s", err.msg);
	err = (struct error){0};
	if (unused_remove(store, host, &err))
		log_line("removing what no container uses any more: %s", err.msg);
}

/**
 * protection_release() - Take an attachment out of the kernel's ruleset and give its lease back
 * @store:	Store, locked
 * @host:	Host
 * @attachment:	Attachment
 * @reason:	Why; told to the history
 * @now:	Seconds since the epoch
 * @reterr:	Code 107; only for REFUSED
 *
 * In that order: who is given the addresses next shall find nothing of this one. And with the store locked from one to
 * the other: who rebuilds the table meanwhile, from all leases, would put back what was just taken out.
 *
 * Return: 0, also when it holds no lease; REFUSED; an outcome of the IPAM, negative errno
 */
int protection_release(struct store *store, struct host *host, const struct attachment *attachment,
		       enum release_reason reason, int64_t now, struct error *reterr)
{
	PROTECTION_CLEANUP struct protection protection = {0};
	FAREWELL_CLEANUP struct farewell farewell = {.recorder = reason == RELEASE_UNDO ? NULL : host->recorder};
	int r = protection_find(store, attachment, &farewell, &protection);
	size_t at = 0;

	/* What could not be looked up may be in the kernel still. */
	if (r < 0)
		return r;
	if (!r && attachment->chained && close_interface(host, &protection, reterr))
		return REFUSED;
	/* Of a lease that can't be read nothing is known. */
	if ((!r || protection.unknown) && take_away(host, &protection, reterr))
		return REFUSED;
	host->flows_forgotten = false;
	if (r != IPAM_E_NOT_FOUND) {
		r = ipam_release(store, attachment, now);
		lease_store_tell_repaired(host, store);
		if (!r && !attachment->chained)
			host_local_forget(host->adopt, attachment, protection.member.addresses,
					  protection.member.n_addresses);
		if (!r)
			farewell_note(&farewell, reason, &protection.egress);
		host->shared_released |= !r && egress_shared(&protection.egress, &at) != NULL;
	}
	if (!r || r == IPAM_E_NOT_FOUND)
		clear_up(store, host);
	return r == IPAM_E_NOT_FOUND ? 0 : r;
}
