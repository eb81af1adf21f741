/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_ARMS_H
#define PLUGIN_HOST_ARMS_H

/*
 * The verbs' side of the nftables table: what a lease says about a container goes into the kernel, and out of it with
 * the lease. Whatever concerns more than one container is done with the lease store locked.
 */

#include "ipam/lease/ipam.h"
#include "ipam/store/state.h"
#include "plugin/network/attach.h"
#include "plugin/snat/arming.h"
#include "plugin/verbs/context.h"

/**
 * struct arms - What a lease says, in the table's terms
 * @arming:	Container
 * @egress:	Its clauses, owned; empty where they are borrowed
 * @digest:	Their digest, 0: none
 * @unknown:	The lease was lost: the container may have more than this tells
 * @shared:	Another attachment, in the chained role, has pins for the same addresses
 */
struct arms {
	struct arming arming;
	struct egress egress;
	uint64_t digest;
	bool unknown;
	bool shared;
};

/** struct arms_removal - An attachment on its way out; owned */
struct arms_removal {
	struct ports *ports;
	struct arms arms;
};

bool arms_shared(struct store *store, const struct attachment *attachment);
struct arms arms_of_lease(const struct lease *lease, const struct egress *egress);
int arms_check(const struct context *context, struct ports *ports, const struct attachment *attachment,
	       struct error *reterr);
int arms_available(const struct context *context, struct error *reterr);
int arms_put(const struct context *context, const struct state *state, struct ports *ports, uint32_t ifindex,
	     const struct arms *arms, struct error *reterr);
int arms_removal_begin(struct arms_removal *removal, const struct context *context, const struct state *state,
		       struct ports *ports, const struct attachment *attachment, struct error *reterr);
struct attach_step arms_removal_step(struct arms_removal *removal);
void arms_removal_done(struct arms_removal *removal);

#define ARMS_REMOVAL_CLEANUP CLEANUP(arms_removal_done)

int arms_release(struct store *store, struct ports *ports, const struct attachment *attachment, int64_t now,
		 struct error *reterr);
#endif
