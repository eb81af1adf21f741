/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_ARMS_H
#define PLUGIN_VERBS_ARMS_H

/*
 * The verbs' side of the nftables table: what a lease says about a container goes into the kernel, and out of it with
 * the lease. Whatever concerns more than one container is done with the lease store locked.
 */

#include "ipam/ipam.h"
#include "ipam/state.h"
#include "plugin/snat/arming.h"
#include "plugin/verbs/context.h"

/** struct arms - What a lease says, in the table's terms; owned */
struct arms {
	struct arming arming;
	struct egress egress;
	uint64_t digest;
};

void arms_interface(const struct lease *lease, char name[static IFNAMSIZ]);
int arms_put(const struct context *context, const struct state *state, struct ports *ports, uint32_t ifindex,
	     const struct arms *arms, struct error *reterr);
int arms_find(struct store *store, const struct attachment *attachment, struct arms *ret_arms);
int arms_release(struct store *store, struct ports *ports, const struct attachment *attachment, int64_t now,
		 struct error *reterr);
void arms_done(struct arms *arms);

#define ARMS_CLEANUP CLEANUP(arms_done)

#endif
