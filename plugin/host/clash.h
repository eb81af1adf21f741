/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_CLASH_H
#define PLUGIN_HOST_CLASH_H

/*
 * Whether a route that the host got later clashes with an address that is held, by the rule by which an ADD refuses an
 * address (ipam/address/hostroute_rule.h). Neither a lookup per lease nor a lock while the kernel is asked.
 */

#include "ipam/store/store.h"
#include "plugin/netconf/netconf.h"
#include "plugin/network/hostroutes.h"

/** Clashes that are looked at further: one is enough */
#define CLASHES_MAX 16U

/** struct clash - A route and an address in it that is held */
struct clash {
	struct route_info route;
	struct address address;
};

/** struct clashes - Those found */
struct clashes {
	struct clash found[CLASHES_MAX];
	size_t n;
};

int clash_find(struct store *store, const struct netconf *netconf, const struct hostroutes *hostroutes,
	       struct clashes *ret_clashes);
int clash_judge(struct port *host, const struct netconf *netconf, const struct clashes *clashes, struct error *reterr);

#endif
