/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_DISCARD_H
#define PLUGIN_HOST_DISCARD_H

/*
 * `ipam.discardRoutes`: what a network's ranges give is unreachable on the host as long as no container has it, so that a
 * packet to a free address is answered instead of sent out by the default route, from where the router sends it back.
 * The routes to containers are more specific, and win.
 *
 * A network's routes are made with its first lease and go with its last one, both under the store's lock, so that neither
 * happens between a lease and its routes. Each state directory has a metric of its own: two with the same range do not
 * take each other's away.
 */

#include "ipam/guard/guard.h"
#include "ipam/lease/discards.h"
#include "plugin/host/host.h"
#include "plugin/netconf/netconf.h"

/** Metric of the routes, behind whatever else there is; the lower 16 bits tell state directories apart */
#define DISCARD_METRIC 0xff520000U

uint32_t discard_metric(const char *data_dir);
int discard_wanted(const struct netconf *netconf, const struct guard *guard, struct discards *ret_discards);

int discard_put(struct host *host, struct store *store, const char *network, const struct discards *wanted,
		bool is_there, struct error *reterr);
int discard_withdraw(struct host *host, struct store *store, const char *network, struct error *reterr);
int discard_remove_unused(struct host *host, struct store *store, struct error *reterr);
int discard_restore(struct host *host, struct store *store, struct error *reterr);
int discard_mend(struct host *host, struct store *store, const char *network, struct error *reterr);
int discard_adopt(struct host *host, struct store *store);
int discard_sweep(struct host *host, bool unread, struct error *reterr);

#endif
