/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_CTMESSAGE_H
#define PLUGIN_SNAT_CTMESSAGE_H

/*
 * ctnetlink messages as bytes (linux/netfilter/nfnetlink_conntrack.h, net/netfilter/nf_conntrack_netlink.c), and the
 * little that is read back. Pure.
 */

#include <linux/netlink.h>

#include "ipam/address/address.h"
#include "plugin/network/port.h"

/** Direction of a flow, of which an address is the source */
enum ct_direction {
	CT_ORIGINAL, /* it opened the flow */
	CT_REPLY,    /* it answers, perhaps behind a DNAT */
};

/** struct ct_flow - Who talks in a flow; FAMILY_NONE where absent */
struct ct_flow {
	struct address original_source;
	struct address reply_source;
};

/* Each appends one message. 0, -ENOMEM, -E2BIG when the batch is full. */
int ctmessage_delete_by_source(struct batch *batch, const struct address *address, enum ct_direction direction);
int ctmessage_dump_by_source(struct batch *batch, const struct address *address, enum ct_direction direction);
int ctmessage_dump(struct batch *batch, enum family family);
int ctmessage_delete_flow(struct batch *batch, const struct nlmsghdr *flow);

/* 0, -ENOMSG when it is no flow, -EBADMSG. */
int ctmessage_read(const struct nlmsghdr *message, struct ct_flow *ret_flow);

#endif
