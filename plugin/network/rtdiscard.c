/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes that discard what of a network's ranges nobody has, and whether a route to one address is there. Pure. */

#include <errno.h>

#include "plugin/network/nlbuild.h"
#include "plugin/network/plan.h"
#include "plugin/network/rtmessage.h"

/** discard_request() - A message about such a route; NULL when there is no room */
static struct nlmsghdr *discard_request(struct batch *batch, int type, const struct prefix *destination,
					uint32_t metric)
{
	struct rtmsg head = {.rtm_type = RTN_UNREACHABLE,
			     .rtm_protocol = PLAN_ROUTE_PROTOCOL,
			     .rtm_scope = type == RTM_NEWROUTE ? RT_SCOPE_UNIVERSE : RT_SCOPE_NOWHERE};
	struct nlmsghdr *msg = route_request(batch, type, head, RT_TABLE_MAIN, destination);

	if (!msg || nl_put_u32(msg, RTA_PRIORITY, metric) < 0)
		return NULL;
	return msg;
}

/**
 * rtmessage_put_discard_route() - Answer that a prefix is unreachable, unless a route says otherwise
 * @batch:	Batch
 * @destination: Prefix
 * @metric:	Of the route; the kernel keeps several routes to one prefix apart by it
 *
 * Return: 0, -E2BIG
 */
int rtmessage_put_discard_route(struct batch *batch, const struct prefix *destination, uint32_t metric)
{
	struct nlmsghdr *msg = discard_request(batch, RTM_NEWROUTE, destination, metric);

	return batch_allow_existing(batch, batch_append(batch, msg));
}

/** rtmessage_delete_discard_route() - Remove it; the kernel says ESRCH where there is none */
int rtmessage_delete_discard_route(struct batch *batch, const struct prefix *destination, uint32_t metric)
{
	struct nlmsghdr *msg = discard_request(batch, RTM_DELROUTE, destination, metric);

	return batch_append(batch, msg);
}

/**
 * rtmessage_probe_host_route() - Whether table main has a route to one address, of the metric that routes have by default
 * @batch:	Batch, with nothing else in it
 * @address:	Address
 *
 * Adds nothing: without NLM_F_CREATE, and with NLM_F_EXCL, the kernel says EEXIST or ENOENT (fib_table_insert() in
 * net/ipv4/fib_trie.c, fib6_add_1() and fib6_add_rt2node() in net/ipv6/ip6_fib.c). A lookup does not tell: what discards
 * answers as an errno.
 *
 * Return: 0, -E2BIG
 */
int rtmessage_probe_host_route(struct batch *batch, const struct address *address)
{
	struct rtmsg head = {.rtm_type = RTN_UNREACHABLE, .rtm_protocol = PLAN_ROUTE_PROTOCOL};
	struct prefix destination = {.address = *address, .length = (uint8_t)family_bits(address->family)};
	struct nlmsghdr *msg = route_request(batch, RTM_NEWROUTE, head, RT_TABLE_MAIN, &destination);

	if (!msg)
		return -E2BIG;
	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_EXCL | NLM_F_REPLACE;
	return batch_append(batch, msg);
}
