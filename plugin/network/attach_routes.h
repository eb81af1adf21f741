/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_ATTACH_ROUTES_H
#define PLUGIN_NETWORK_ATTACH_ROUTES_H

/*
 * The host's routes to the addresses of an attachment: looked for, and put again after somebody took them away, or had the
 * host end down for a moment, which takes them away as well. The permanent neighbours that are gone then are not put: what
 * MAC address a later plugin gave the container's end only its namespace tells. The kernel asks the container, which may
 * answer for its own addresses.
 */

#include "ipam/address/address.h"
#include "plugin/network/port.h"
#include "plugin/network/rtmessage.h"
#include "plugin/report/error.h"

bool attach_route_is_ours(const struct route_info *match, const struct address *address, uint32_t ifindex);
int attach_routes_look(struct port *host, uint32_t ifindex, const struct address *addresses, size_t n_addresses,
		       bool *ret_missing, struct error *reterr);
int attach_routes_put(struct port *host, uint32_t ifindex, const struct address *addresses, size_t n_addresses,
		      bool *ret_put, struct error *reterr);

#endif
