/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_NLBUILD_H
#define PLUGIN_NETWORK_NLBUILD_H

/* What the builders of rtnetlink messages share: libnl's objects bound to a scope, and the way into a batch. */

#include <netlink/addr.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>
#include <netlink/route/route.h>

#include "ipam/address/address.h"
#include "plugin/network/port.h"
#include "rangeguard/cleanup.h"

static inline void nl_msg_cleanup(struct nl_msg **msg)
{
	nlmsg_free(*msg);
}

static inline void nl_address_cleanup(struct nl_addr **address)
{
	nl_addr_put(*address);
}

static inline void nl_route_cleanup(struct rtnl_route **route)
{
	rtnl_route_put(*route);
}

static inline void nl_ifaddr_cleanup(struct rtnl_addr **address)
{
	rtnl_addr_put(*address);
}

#define NL_MSG_CLEANUP CLEANUP(nl_msg_cleanup)
#define NL_ADDRESS_CLEANUP CLEANUP(nl_address_cleanup)
#define NL_ROUTE_CLEANUP CLEANUP(nl_route_cleanup)
#define NL_IFADDR_CLEANUP CLEANUP(nl_ifaddr_cleanup)

int batch_append(struct batch *batch, struct nl_msg *msg);
int batch_allow_existing(struct batch *batch, int appended);
struct nl_addr *nl_address_new(const struct prefix *prefix);

#endif
