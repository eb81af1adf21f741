/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Put back what somebody took out of the kernel. The lease store is locked while some leases are read, not while the
 * kernel is asked about them; a container that lacks something is locked as its verbs lock it, and looked at again.
 */

#include "plugin/host/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/host/discard.h"
#include "plugin/host/guarding.h"
#include "plugin/host/lease_store.h"
#include "plugin/host/mended.h"
#include "plugin/host/other_stores.h"
#include "plugin/host/protection_internal.h"
#include "plugin/network/attach_routes.h"
#include "plugin/network/link.h"
#include "plugin/report/log.h"
#include "plugin/snat/arm.h"
#include "plugin/snat/assign.h"
#include "plugin/snat/backstop.h"
#include "plugin/snat/fence.h"
#include "plugin/snat/offload.h"

/** Leases read at a time */
#define LEASES_PER_PART 256U

/** struct wanted_container - A container that the kernel should know; texts owned */
struct wanted_container {
	char *network;
	char *container_id;
	char *ifname;
	bool chained;
};

/** struct part - Some of the leases */
struct part {
	struct wanted_container all[LEASES_PER_PART];
	size_t n;
};

static void part_done(struct part *part)
{
	for (size_t i = 0; i < part->n; i++) {
		free(part->all[i].network);
		free(part->all[i].container_id);
		free(part->all[i].ifname);
	}
	part->n = 0;
}

/** keep() - ipam_each_fn: copy whose lease it is */
static int keep(void *userdata, const struct lease *lease)
{
	const struct attachment *attachment = &lease->attachment;
	struct part *part = userdata;
	struct wanted_container *wanted = &part->all[part->n];

	*wanted = (struct wanted_container){.chained = attachment->chained};
	part->n++;
	wanted->network = strdup(attachment->network);
	wanted->container_id = strdup(attachment->container_id);
	wanted->ifname = strdup(attachment->ifname);
	return wanted->network && wanted->container_id && wanted->ifname ? 0 : -ENOMEM;
}

/** read_part() - Go on in the leases: 0, REFUSED */
static int read_part(const struct host *host, const struct state *state, struct ipam_part *place, struct part *part,
		     struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = lease_store_open(host->data_dir, state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, reterr);

	place->ended = r == STATE_E_ABSENT;
	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	r = ipam_each_part(store, place, keep, part);
	/* What can't be read is told by those who rebuild the table. */
	return r && r != IPAM_E_DAMAGED ? lease_store_error(host->data_dir, r, reterr) : 0;
}

/** find() - What a container should have: 0, IPAM_E_NOT_FOUND when it has no lease any more, REFUSED */
static int find(const struct host *host, const struct state *state, const struct attachment *attachment,
		struct protection *ret_protection, struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = lease_store_open(host->data_dir, state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, reterr);

	if (!r)
		r = protection_find(store, attachment, NULL, ret_protection);
	if (r == STATE_E_ABSENT || r == IPAM_E_DAMAGED)
		return IPAM_E_NOT_FOUND;
	return r && r != IPAM_E_NOT_FOUND && r != REFUSED ? lease_store_error(host->data_dir, r, reterr) : r;
}

/** look_in_table() - Whether the nftables table has all of it: 0, ARM_E_MISSING, REFUSED */
static int look_in_table(const struct host *host, const struct protection *protection, struct error *reterr)
{
	int r = member_wanted(&protection->member) ? arm_look(host->netfilter, &protection->member, reterr) : 0;

	if (r == ARM_E_STALE)
		return protection->shared ? 0 : ARM_E_MISSING;
	return r;
}

/** find_index() - The host's interface towards a container, 0: none; REFUSED when the kernel does not tell */
static int find_index(const struct host *host, const struct protection *protection, uint32_t *ret_ifindex,
		      struct error *reterr)
{
	struct link_answer answer = {.found = false};

	if (*protection->member.interface && link_find(host->rtnetlink, protection->member.interface, &answer, reterr))
		return REFUSED;
	*ret_ifindex = answer.found ? answer.link.index : 0;
	return 0;
}

/** look() - Whether the kernel has all of it: 0, ARM_E_MISSING, REFUSED */
static int look(struct host *host, const struct protection *protection, struct error *reterr)
{
	uint32_t ifindex;
	int r = find_index(host, protection, &ifindex, reterr);

	if (!r)
		r = guarding_look(host, ifindex, protection, reterr);
	return r == GUARDING_E_MISSING ? ARM_E_MISSING : r ? r : look_in_table(host, protection, reterr);
}

/** look_for_routes() - Whether the host has its routes to a container of the interface role: 0, ARM_E_MISSING, REFUSED */
static int look_for_routes(struct host *host, const struct attachment *attachment, const struct protection *protection,
			   struct error *reterr)
{
	const struct member *member = &protection->member;
	bool missing = false;
	uint32_t ifindex;

	if (attachment->chained)
		return 0;
	if (find_index(host, protection, &ifindex, reterr) ||
	    (ifindex &&
	     attach_routes_look(host->rtnetlink, ifindex, member->addresses, member->n_addresses, &missing, reterr)))
		return REFUSED;
	return missing ? ARM_E_MISSING : 0;
}

/** put_routes() - Put them back, its attachment locked: 0, IPAM_E_NOT_FOUND when none was missing after all, REFUSED */
static int put_routes(struct host *host, const struct attachment *attachment, const struct protection *protection,
		      struct error *reterr)
{
	const struct member *member = &protection->member;
	bool put = false;
	uint32_t ifindex;

	if (attachment->chained)
		return IPAM_E_NOT_FOUND;
	if (find_index(host, protection, &ifindex, reterr) ||
	    (ifindex &&
	     attach_routes_put(host->rtnetlink, ifindex, member->addresses, member->n_addresses, &put, reterr)))
		return REFUSED;
	if (!put)
		return IPAM_E_NOT_FOUND;
	mended_note_routes(host->recorder, attachment, protection);
	return 0;
}

/**
 * mend() - Put back what a container lacks, its attachment locked
 * @host:	Host, both ports open
 * @state:	State
 * @attachment:	Attachment
 * @reterr:	Codes 11, 103, 106, 107
 *
 * Return: 0, IPAM_E_NOT_FOUND when nothing is missing after all, REFUSED
 */
static int mend(struct host *host, const struct state *state, const struct attachment *attachment, struct error *reterr)
{
	PROTECTION_CLEANUP struct protection protection = {0};
	int r = find(host, state, attachment, &protection, reterr);
	uint32_t ifindex;

	if (r)
		return r;
	r = look(host, &protection, reterr);
	if (r != ARM_E_MISSING)
		return r ? r : put_routes(host, attachment, &protection, reterr);
	if (find_index(host, &protection, &ifindex, reterr))
		return REFUSED;
	/* A container whose interface is gone waits for its DEL. */
	if (*protection.member.interface && !ifindex)
		return IPAM_E_NOT_FOUND;
	r = look_in_table(host, &protection, reterr);
	if (r == REFUSED || (r == ARM_E_MISSING && protection_rebuild(host, state, reterr)))
		return REFUSED;
	r = look(host, &protection, reterr);
	if (r == ARM_E_MISSING)
		r = protection_restore(host, state, ifindex, &protection, reterr);
	if (r)
		return r;
	mended_note(host->recorder, attachment, &protection);
	return put_routes(host, attachment, &protection, reterr) == REFUSED ? REFUSED : 0;
}

/** mend_locked() - mend(), unless a verb works on the attachment: who has its lock cares for it himself */
static int mend_locked(struct host *host, const struct state *state, const struct attachment *attachment,
		       struct restored *restored)
{
	uint64_t hash = attachment_hash(attachment);
	struct error err = {0};
	int r = state_lock_attachment(state, hash, 0);

	if (r)
		return r < 0 ? r : 0;
	r = mend(host, state, attachment, &err);
	state_unlock_attachment(state, hash);
	restored->missing += !r;
	if (r == REFUSED) {
		restored->failed++;
		log_line("%.256s %.64s of network %.256s: %s", attachment->container_id, attachment->ifname,
			 attachment->network, err.msg);
	}
	return 0;
}

/** note_device() - Take note of a container's interface, if its flows may take the short cut; @devices NULL: nobody's: 0, -ENOMEM */
static int note_device(const struct protection *protection, struct offload_devices *devices)
{
	return devices && (member_wanted(&protection->member) || guarding_wanted(protection))
		       ? offload_devices_add(devices, protection->member.interface)
		       : 0;
}

/** look_at() - One container: 0, negative errno, REFUSED */
static int look_at(struct host *host, const struct state *state, const struct wanted_container *wanted,
		   struct offload_devices *devices, struct restored *restored, struct error *reterr)
{
	struct attachment attachment = {.network = wanted->network,
					.container_id = wanted->container_id,
					.ifname = wanted->ifname,
					.chained = wanted->chained};
	PROTECTION_CLEANUP struct protection protection = {0};
	int r = find(host, state, &attachment, &protection, reterr);

	if (r)
		return r == IPAM_E_NOT_FOUND ? 0 : r;
	restored->looked++;
	r = note_device(&protection, devices);
	if (!r)
		r = look(host, &protection, reterr);
	if (!r)
		r = look_for_routes(host, &attachment, &protection, reterr);
	return r == ARM_E_MISSING ? mend_locked(host, state, &attachment, restored) : r;
}

/** look_at_part() - Some containers: 0, REFUSED */
static int look_at_part(struct host *host, const struct state *state, const struct part *part,
			struct offload_devices *devices, struct restored *restored, struct error *reterr)
{
	for (size_t i = 0; i < part->n; i++) {
		int r;

		if (host_open_netfilter(host, reterr))
			return REFUSED;
		r = look_at(host, state, &part->all[i], devices, restored, reterr);
		if (r)
			return r < 0 ? lease_store_error(host->data_dir, r, reterr) : r;
	}
	return 0;
}

/** restore_short_cut() - See that there is the short cut for established flows, with the interfaces of all containers */
static void restore_short_cut(struct host *host, const struct state *state, struct offload_devices *devices)
{
	size_t lacking = 0;

	if (devices->n && protection_mend_short_cut(host, state))
		lacking = offload_complete(host->netfilter, devices);
	if (lacking)
		log_line("the flows of %zu containers could not take the short cut: they can again", lacking);
}

/** restore_leases() - What leases say: 0, REFUSED */
static int restore_leases(struct host *host, struct restored *ret_restored, struct error *reterr)
{
	OFFLOAD_DEVICES_CLEANUP struct offload_devices devices = {0};
	bool short_cut = offload_expected();
	struct ipam_part place = {.limit = LEASES_PER_PART};
	STATE_CLEANUP struct state state = STATE_INIT;
	int r = state_open(host->data_dir, STATE_UPDATE, &state);

	guarding_adopt_marks(host);
	*ret_restored = (struct restored){0};
	if (r == STATE_E_ABSENT)
		return 0;
	if (r)
		return lease_store_error(host->data_dir, r, reterr);
	while (!r && !place.ended) {
		CLEANUP(part_done) struct part part = {.n = 0};

		r = read_part(host, &state, &place, &part, reterr);
		if (!r)
			r = look_at_part(host, &state, &part, short_cut ? &devices : NULL, ret_restored, reterr);
	}
	if (!r)
		restore_short_cut(host, &state, &devices);
	return r;
}

/**
 * restore_containers() - See that the kernel has what all leases say, and put back what is missing
 * @host:		Host, in whose namespace the calling thread is
 * @ret_restored:	What was found, also when it ends early
 * @reterr:		Codes 11, 106, 107
 *
 * Return: 0, REFUSED
 */
int restore_containers(struct host *host, struct restored *ret_restored, struct error *reterr)
{
	int r = restore_leases(host, ret_restored, reterr);

	/* Behind other plugins a container without pins has no lease. */
	guarding_everywhere(host);
	return r;
}

/** restore_clause() - What containers with a pin share: 0, REFUSED */
static int restore_clause(struct port *rtnetlink, const struct egress_clause *clause, struct error *reterr)
{
	bool there = true;

	if (*clause->assign && !clause->shared && assign_usable(rtnetlink, &clause->source, &there, reterr))
		return REFUSED;
	if (!there && assign_put(rtnetlink, clause->assign, &clause->source, reterr))
		return REFUSED;
	return clause->source.family ? fence_close(rtnetlink, clause->spans, clause->n_spans, reterr) : 0;
}

/** struct pins - What stores tell of pins: @any: there is one */
struct pins {
	struct port *rtnetlink;
	bool any;
};

/** restore_egress() - ipam_egress_fn: what is shared by pins that somebody has; userdata is a struct pins */
static int restore_egress(void *userdata, const struct ipam_egress *egress)
{
	CLEANUP(egress_done) struct egress clauses = {0};
	struct pins *pins = userdata;
	struct error err = {0};

	if (!egress->users || egress_decode(egress->definition, &clauses) < 0)
		return 0;
	for (size_t i = 0; i < clauses.n_clauses; i++) {
		pins->any |= clauses.clauses[i].source.family != FAMILY_NONE;
		if (restore_clause(pins->rtnetlink, &clauses.clauses[i], &err))
			log_line("%s", err.msg);
	}
	return 0;
}

/** restore_other() - other_store_fn: the same of another state directory */
static int restore_other(void *userdata, struct store *store)
{
	return ipam_each_egress(store, restore_egress, userdata);
}

/** restore_backstop() - The static table, where the kernel has nf_tables; @pinned: there are pins: 0, REFUSED */
static int restore_backstop(struct host *host, bool pinned, struct error *reterr)
{
	int r = host_open_netfilter(host, reterr);

	if (!r)
		r = backstop_ensure(host->netfilter, pinned, reterr);
	return r == REFUSED ? r : guarding_stop_bridging(host, 0, reterr);
}

/**
 * restore_shared() - Put back what containers share: rules and routes that prohibit pinned destinations, assigned
 * addresses, the backstop; what is there is fine
 * @host:	Host
 * @reterr:	Codes 11, 106
 *
 * The store is locked meanwhile: who removes the last pin of a destination takes these away under the same lock.
 *
 * Return: 0, REFUSED
 */
int restore_shared(struct host *host, struct error *reterr)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	struct pins pins = {.rtnetlink = host->rtnetlink};
	int r = state_open(host->data_dir, STATE_UPDATE, &state);

	guarding_adopt_marks(host);
	if (!r)
		r = lease_store_open(host->data_dir, &state, STATE_UPDATE, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (r == STATE_E_ABSENT)
		return 0;
	if (r == REFUSED || fence_clear(host->rtnetlink, reterr))
		return REFUSED;
	if (!r)
		r = ipam_each_egress(store, restore_egress, &pins);
	if (!r || r == IPAM_E_DAMAGED)
		r = discard_restore(host, store, reterr);
	if (!r)
		r = other_stores_each(host, restore_other, &pins, reterr);
	if (!r || r == IPAM_E_DAMAGED)
		r = restore_backstop(host, pins.any, reterr);
	if (r == REFUSED)
		return r;
	return r && r != IPAM_E_DAMAGED ? lease_store_error(host->data_dir, r, reterr) : 0;
}
