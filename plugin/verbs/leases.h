/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_LEASES_H
#define PLUGIN_VERBS_LEASES_H

/*
 * The verbs' side of the IPAM: opens the state, holds the attachment's lock for the length of the verb and the
 * store's only for one transaction, and turns each outcome into the CNI error that people read.
 */

#include "ipam/lease/ipam.h"
#include "ipam/store/state.h"
#include "plugin/host/host.h"
#include "plugin/host/lease_store.h"
#include "plugin/network/netns.h"
#include "plugin/network/port.h"
#include "plugin/verbs/context.h"

int leases_open(const struct context *context, const struct attachment *attachment, enum state_access access,
		struct state *ret_state, struct error *reterr);
int leases_take(const struct context *context, const struct state *state, const struct netns *netns, struct host *host,
		struct ipam_grant *ret_grant, struct error *reterr);
int leases_note(const struct context *context, const struct state *state, struct host *host, const struct lease *lease,
		bool *ret_shared, struct error *reterr);

struct discards;
struct veto;
int leases_find_discards(const struct context *context, struct store *store, struct discards *ret_discards,
			 struct veto *veto);
void leases_put_discards(const struct context *context, struct store *store, struct host *host,
			 const struct discards *discards, const struct veto *veto);
void leases_withdraw_discards(const struct context *context);
int leases_error(const struct context *context, int outcome, const struct ipam_refusal *refusal,
		 const struct veto *veto, struct error *reterr);

#endif
