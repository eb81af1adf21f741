/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_NLBUILD_H
#define PLUGIN_NETWORK_NLBUILD_H

/*
 * What the builders of netlink messages share. A message is built where it leaves from, behind those of a batch, and
 * counts once batch_append() has taken it. Pure.
 */

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "ipam/address/address.h"
#include "plugin/network/port.h"

struct nlmsghdr *nl_request(struct batch *batch, int type, int flags, const void *head, size_t size);
int nl_put(struct nlmsghdr *message, int attribute, size_t size, const void *data);
int nl_put_u8(struct nlmsghdr *message, int attribute, uint8_t number);
int nl_put_u32(struct nlmsghdr *message, int attribute, uint32_t number);
int nl_put_string(struct nlmsghdr *message, int attribute, const char *text);
int nl_put_address(struct nlmsghdr *message, int attribute, const struct address *address);
int nl_put_head(struct nlmsghdr *message, size_t size);
struct nlattr *nl_nest(struct nlmsghdr *message, int attribute);
struct nlmsghdr *route_request(struct batch *batch, int type, struct rtmsg head, uint32_t table,
			       const struct prefix *destination);
int batch_append(struct batch *batch, const struct nlmsghdr *message);
int batch_allow_existing(struct batch *batch, int appended);

#endif
