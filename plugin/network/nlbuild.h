/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_NLBUILD_H
#define PLUGIN_NETWORK_NLBUILD_H

/*
 * What the builders of rtnetlink messages share: a request in libnl's memory, to which attributes are put, and the way
 * from there into a batch. Pure.
 */

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "ipam/address/address.h"
#include "plugin/network/port.h"
#include "rangeguard/cleanup.h"

static inline void nl_msg_cleanup(struct nl_msg **msg)
{
	nlmsg_free(*msg);
}

#define NL_MSG_CLEANUP CLEANUP(nl_msg_cleanup)

struct nl_msg *nl_request(int type, int flags, const void *head, size_t size);
int nl_put_address(struct nl_msg *msg, int attribute, const struct address *address);
struct nl_msg *route_request(int type, struct rtmsg head, uint32_t table, const struct prefix *destination);
int batch_append(struct batch *batch, struct nl_msg *msg);
int batch_allow_existing(struct batch *batch, int appended);

#endif
