/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_RECLAIM_H
#define PLUGIN_HOST_RECLAIM_H

/*
 * Nobody calls DEL: when a pool is used up, the leases whose namespace and host end are both gone are given back.
 */

#include "ipam/lease/ipam.h"
#include "plugin/host/host.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno */
enum reclaim_outcome {
	RECLAIM_E_NOTHING = OUTCOMES_RECLAIM, /* all of them live */
};

int reclaim_dead(struct store *store, const struct ipam_request *request, struct host *host);
int reclaim_gone(struct store *store, int64_t now, struct host *host, unsigned *ret_n);
int reclaim_is_possible(struct store *store, const struct range_set *set, struct port *host);

#endif
