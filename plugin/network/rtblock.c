/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes to blocks of a cluster's pools. */

#include <errno.h>

#include "plugin/network/nlbuild.h"
#include "plugin/network/plan.h"
#include "plugin/network/rtmessage.h"

/**
 * rtmessage_put_block_route() - The way to a block
 * @batch:	Batch
 * @destination: Block
 * @gateway:	Address of the host that holds it, which is on-link; NULL: discard
 * @index:	Interface towards it
 *
 * Return: 0, -E2BIG
 */
int rtmessage_put_block_route(struct batch *batch, const struct prefix *destination, const struct address *gateway,
			      uint32_t index)
{
	struct rtmsg head = {.rtm_type = gateway ? RTN_UNICAST : RTN_BLACKHOLE,
			     .rtm_protocol = PLAN_ROUTE_PROTOCOL,
			     .rtm_scope = RT_SCOPE_UNIVERSE};
	struct nlmsghdr *msg = route_request(batch, RTM_NEWROUTE, head, RT_TABLE_MAIN, destination);

	if (!msg)
		return -E2BIG;
	if (gateway && (nl_put_address(msg, RTA_GATEWAY, gateway) < 0 || nl_put_u32(msg, RTA_OIF, index) < 0))
		return -E2BIG;
	return batch_allow_existing(batch, batch_append(batch, msg));
}

/** rtmessage_delete_block_route() - Remove it, whichever way it led; the kernel says ESRCH where there is none */
int rtmessage_delete_block_route(struct batch *batch, const struct prefix *destination)
{
	struct rtmsg head = {.rtm_protocol = PLAN_ROUTE_PROTOCOL, .rtm_scope = RT_SCOPE_NOWHERE};
	struct nlmsghdr *msg = route_request(batch, RTM_DELROUTE, head, RT_TABLE_MAIN, destination);

	return msg ? batch_append(batch, msg) : -E2BIG;
}
