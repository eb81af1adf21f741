/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_PROTECTION_H
#define PLUGIN_HOST_PROTECTION_H

/*
 * What a lease says about a container goes into the kernel, and out of it with the lease: the classifier at its interface
 * (guarding.h), elements of the nftables table. Whatever concerns more than one container is done with the lease store locked.
 */

#include "ipam/lease/ipam.h"
#include "ipam/store/state.h"
#include "plugin/host/host.h"
#include "plugin/netconf/netconf.h"
#include "plugin/network/attach.h"
#include "plugin/snat/member.h"

/**
 * struct protection - What a lease says, in the table's terms
 * @member:	Container
 * @egress:	Its clauses, owned; empty where they are borrowed
 * @digest:	Their digest, 0: none
 * @unknown:	The lease was lost: the container may have more than this tells
 * @shared:	Another attachment, in the chained role, has pins for the same addresses
 * @new_interface: The host end was made just now, by this process, and nobody else wants its ingress qdisc
 * @shared_interface: It has a lease of another role as well, which says something of the same interface
 * @mac:	MAC address of the container's end, from which its link-local address follows; 0: unknown
 */
struct protection {
	struct member member;
	struct egress egress;
	uint64_t digest;
	bool unknown;
	bool shared;
	bool new_interface;
	bool shared_interface;
	uint8_t mac[ETH_ALEN];
};

/** struct protection_removal - An attachment on its way out; owned; @lost: the store was read, and knows nothing of it */
struct protection_removal {
	struct host *host;
	struct protection protection;
	bool lost;
};

int protection_shared(struct store *store, const struct attachment *attachment, bool *ret_shared);
struct protection protection_of_lease(const struct lease *lease, const struct egress *egress);
int protection_check(struct host *host, const struct attachment *attachment, struct error *reterr);
int protection_set_backstop(struct host *host, const struct protection *protection, struct error *reterr);
int protection_available(const struct netconf *netconf, struct error *reterr);
int protection_look(struct host *host, const struct attachment *attachment, struct error *reterr);
struct arm_table;
int protection_gather(struct host *host, struct store *store, struct arm_table *table, bool *ret_damaged,
		      struct error *reterr);
int protection_put(struct host *host, const struct state *state, uint32_t ifindex, const struct protection *protection,
		   struct error *reterr);
int protection_removal_begin(struct protection_removal *removal, struct host *host, const struct state *state,
			     const struct attachment *attachment, struct error *reterr);
struct attach_step protection_removal_step(struct protection_removal *removal);
int protection_removal_finish(struct protection_removal *removal, struct error *reterr);
void protection_removal_done(struct protection_removal *removal);

#define REMOVAL_CLEANUP CLEANUP(protection_removal_done)

/** Why a lease is given back: what the history calls it */
enum release_reason {
	RELEASE_UNDO, /* its ADD failed, and nobody was told of it: no event */
	RELEASE_DEL,
	RELEASE_GC,
	RELEASE_RECLAIM,
};

int protection_release(struct store *store, struct host *host, const struct attachment *attachment,
		       enum release_reason reason, int64_t now, struct error *reterr);
#endif
