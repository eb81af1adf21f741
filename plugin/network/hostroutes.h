/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_HOSTROUTES_H
#define PLUGIN_NETWORK_HOSTROUTES_H

/*
 * The host's routes that touch a network's ranges, ours left out: for who asks about addresses that are given already.
 * A lookup of such an address says nothing, for it finds our own route. One dump per family: of 60,000 routes it takes
 * the kernel some 7 ms, and no lock of ours is held meanwhile.
 */

#include "ipam/address/range.h"
#include "plugin/network/port.h"
#include "plugin/network/rtmessage.h"

/** struct hostroutes - Routes, owned; @n_left_out counts those behind LIMIT_STATUS_ROUTES */
struct hostroutes {
	struct route_info *routes;
	size_t n_routes;
	size_t n_left_out;
};

int hostroutes_read(struct port *host, const struct range_set *sets, size_t n_sets, struct hostroutes *ret_hostroutes);
void hostroutes_done(struct hostroutes *hostroutes);
const struct route_info *hostroutes_match(const struct hostroutes *hostroutes, uint32_t table,
					  const struct address *address);
int hostroutes_is_asked(struct port *host, const struct route_info *route, const struct address *address);

#define HOSTROUTES_CLEANUP __attribute__((cleanup(hostroutes_done)))

#endif
