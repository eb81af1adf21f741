/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builders of rtnetlink messages about addresses, neighbours and routes (links: rtlink.c). Pure. */

#include "plugin/network/rtmessage.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "plugin/network/nlbuild.h"

/** whole() - @address as a prefix that holds nothing else: /32 or /128 */
static struct prefix whole(const struct address *address)
{
	return (struct prefix){.address = *address, .length = (uint8_t)family_bits(address->family)};
}

/**
 * rtmessage_add_address() - Put an address on a link, without DAD: nobody else is on a point-to-point link
 * @batch:	Batch
 * @index:	Link
 * @address:	Address and prefix length
 *
 * Return: 0, -E2BIG
 */
int rtmessage_add_address(struct batch *batch, uint32_t index, const struct prefix *address)
{
	struct ifaddrmsg head = {
		.ifa_family = (uint8_t)address->address.family,
		.ifa_prefixlen = address->length,
		.ifa_flags = address->address.family == FAMILY_IPV6 ? IFA_F_NODAD : 0,
		.ifa_index = index,
	};
	struct nlmsghdr *msg = nl_request(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));

	if (!msg || nl_put_address(msg, IFA_LOCAL, &address->address) < 0 ||
	    nl_put_address(msg, IFA_ADDRESS, &address->address) < 0)
		return -E2BIG;
	return batch_append(batch, msg);
}

/** rtmessage_dump_addresses() - Ask for the addresses of @index, of all links where 0: 0, -E2BIG */
int rtmessage_dump_addresses(struct batch *batch, uint32_t index)
{
	struct ifaddrmsg head = {.ifa_index = index};
	struct nlmsghdr *msg = nl_request(batch, RTM_GETADDR, NLM_F_DUMP, &head, sizeof(head));

	return batch_append(batch, msg);
}

/**
 * rtmessage_add_neighbour() - Say which MAC address a neighbour has, for good: no ARP, no ND
 * @batch:	Batch
 * @index:	Link
 * @address:	The neighbour's address
 * @mac:	Its MAC address
 *
 * Return: 0, -E2BIG
 */
int rtmessage_add_neighbour(struct batch *batch, uint32_t index, const struct address *address,
			    const uint8_t mac[static ETH_ALEN])
{
	struct ndmsg head = {
		.ndm_family = (uint8_t)address->family,
		.ndm_ifindex = (int)index,
		.ndm_state = NUD_PERMANENT,
	};
	struct nlmsghdr *msg = nl_request(batch, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));

	if (!msg || nl_put_address(msg, NDA_DST, address) < 0 || nl_put(msg, NDA_LLADDR, ETH_ALEN, mac) < 0)
		return -E2BIG;
	return batch_append(batch, msg);
}

/** rtmessage_dump_neighbours() - Ask for the neighbours on @index: 0, -E2BIG */
int rtmessage_dump_neighbours(struct batch *batch, uint32_t index)
{
	struct ndmsg head = {.ndm_family = AF_UNSPEC};
	struct nlmsghdr *msg = nl_request(batch, RTM_GETNEIGH, NLM_F_DUMP, &head, sizeof(head));

	if (!msg || nl_put_u32(msg, NDA_IFINDEX, index) < 0)
		return -E2BIG;
	return batch_append(batch, msg);
}

/**
 * route_request() - A message about a route
 * @type:		RTM_NEWROUTE, RTM_DELROUTE
 * @head:		Its head; family, prefix length and what of the table fits into it are filled in
 * @table:		Table
 * @destination:	Where to; host bits are cleared, which the kernel insists on
 *
 * What is added replaces no route that is there already.
 *
 * Return: the message, NULL when there is no room
 */
struct nlmsghdr *route_request(struct batch *batch, int type, struct rtmsg head, uint32_t table,
			       const struct prefix *destination)
{
	int flags = type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0;
	struct address first = {.family = destination->address.family, .value = prefix_span(destination).first};
	struct nlmsghdr *msg = NULL;

	head.rtm_family = (uint8_t)first.family;
	head.rtm_dst_len = destination->length;
	head.rtm_table = table <= UINT8_MAX ? (uint8_t)table : RT_TABLE_UNSPEC;
	msg = nl_request(batch, type, flags, &head, sizeof(head));
	if (!msg || nl_put_u32(msg, RTA_TABLE, table) < 0 || nl_put_address(msg, RTA_DST, &first) < 0)
		return NULL;
	return msg;
}

/**
 * rtmessage_add_host_route() - The host's way to one address of a container
 * @batch:	Batch
 * @index:	Host end
 * @address:	Address
 *
 * Return: 0, -E2BIG
 */
int rtmessage_add_host_route(struct batch *batch, uint32_t index, const struct address *address)
{
	struct rtmsg head = {.rtm_protocol = PLAN_ROUTE_PROTOCOL, .rtm_scope = RT_SCOPE_LINK, .rtm_type = RTN_UNICAST};
	struct prefix destination = whole(address);
	struct nlmsghdr *msg = route_request(batch, RTM_NEWROUTE, head, RT_TABLE_MAIN, &destination);

	if (!msg || nl_put_u32(msg, RTA_OIF, index) < 0)
		return -E2BIG;
	return batch_append(batch, msg);
}

/** put_metrics() - RTA_METRICS: what of MTU and MSS the route names; 0, -E2BIG */
static int put_metrics(struct nlmsghdr *msg, const struct route *route)
{
	struct nlattr *metrics;

	if (route->mtu < 0 && route->advmss < 0)
		return 0;
	metrics = nl_nest(msg, RTA_METRICS);
	if (!metrics || (route->mtu >= 0 && nl_put_u32(msg, RTAX_MTU, (uint32_t)route->mtu) < 0) ||
	    (route->advmss >= 0 && nl_put_u32(msg, RTAX_ADVMSS, (uint32_t)route->advmss) < 0))
		return -E2BIG;
	mnl_attr_nest_end(msg, metrics);
	return 0;
}

/** put_next_hop() - Through which link, and by which gateway, which is on-link by decree: 0, -E2BIG */
static int put_next_hop(struct nlmsghdr *msg, uint32_t index, const struct address *gateway)
{
	if (gateway->family != FAMILY_NONE && nl_put_address(msg, RTA_GATEWAY, gateway) < 0)
		return -E2BIG;
	return nl_put_u32(msg, RTA_OIF, index) < 0 ? -E2BIG : 0;
}

/**
 * rtmessage_add_container_route() - A route of the container
 * @batch:	Batch
 * @index:	Container end
 * @route:	Route
 *
 * Where a route to that destination is there already, it stays: of several interfaces with a default route the first
 * one wins, as with the reference plugins (ipam.ConfigureIface()).
 *
 * Return: 0, -E2BIG
 */
int rtmessage_add_container_route(struct batch *batch, uint32_t index, const struct route *route)
{
	bool has_gateway = route->gateway.family != FAMILY_NONE;
	uint32_t table = route->table >= 0 ? (uint32_t)route->table : RT_TABLE_MAIN;
	struct rtmsg head = {
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = has_gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = has_gateway ? RTNH_F_ONLINK : 0,
	};
	struct nlmsghdr *msg = NULL;

	if (route->scope >= 0)
		head.rtm_scope = (uint8_t)route->scope;
	msg = route_request(batch, RTM_NEWROUTE, head, table, &route->destination);
	if (!msg || put_next_hop(msg, index, &route->gateway) < 0 || put_metrics(msg, route) < 0)
		return -E2BIG;
	if (route->priority >= 0 && nl_put_u32(msg, RTA_PRIORITY, (uint32_t)route->priority) < 0)
		return -E2BIG;
	return batch_allow_existing(batch, batch_append(batch, msg));
}

/**
 * get_route() - Ask about routes
 * @batch:	Batch
 * @flags:	NLM_F_DUMP for all that fit
 * @head:	Head
 * @address:	NULL, or address whose route is asked for
 *
 * Return: 0, -E2BIG
 */
static int get_route(struct batch *batch, int flags, struct rtmsg head, const struct address *address)
{
	struct nlmsghdr *msg = nl_request(batch, RTM_GETROUTE, flags, &head, sizeof(head));

	if (msg && address && nl_put_address(msg, RTA_DST, address) < 0)
		return -E2BIG;
	return batch_append(batch, msg);
}

/**
 * rtmessage_dump_routes() - Ask for the routes of a family, in all tables
 * @batch:	Batch
 * @family:	Family
 * @type:	RTN_*, RTN_UNSPEC for all; kernels without strict checking answer with all
 *
 * Return: 0, -E2BIG
 */
int rtmessage_dump_routes(struct batch *batch, enum family family, uint8_t type)
{
	return get_route(batch, NLM_F_DUMP, (struct rtmsg){.rtm_family = (uint8_t)family, .rtm_type = type}, NULL);
}

/** rtmessage_dump_own_routes() - Ask for our host routes of @family; kernels without strict checking answer with all */
int rtmessage_dump_own_routes(struct batch *batch, enum family family)
{
	return get_route(batch, NLM_F_DUMP,
			 (struct rtmsg){.rtm_family = (uint8_t)family, .rtm_protocol = PLAN_ROUTE_PROTOCOL}, NULL);
}

/** rtmessage_dump_table() - Ask for all routes of a table; the kernel says ENOENT where there is no such table: 0, -E2BIG */
int rtmessage_dump_table(struct batch *batch, enum family family, uint32_t table)
{
	struct rtmsg head = {.rtm_family = (uint8_t)family};
	struct nlmsghdr *msg = nl_request(batch, RTM_GETROUTE, NLM_F_DUMP, &head, sizeof(head));

	if (msg && nl_put_u32(msg, RTA_TABLE, table) < 0)
		return -E2BIG;
	return batch_append(batch, msg);
}

/**
 * rtmessage_delete_told() - Remove a route that the kernel told of, whatever is particular about it, as ip-route(8) flushes
 * @batch:	Batch
 * @told:	RTM_NEWROUTE
 *
 * Return: 0, -E2BIG when the batch is full, or the route has more next hops than there is room for
 */
int rtmessage_delete_told(struct batch *batch, const struct nlmsghdr *told)
{
	if (told->nlmsg_len > BATCH_MESSAGE_MAX)
		return -E2BIG;
	return batch_append(batch, nl_request(batch, RTM_DELROUTE, 0, mnl_nlmsg_get_payload(told),
					      mnl_nlmsg_get_payload_len(told)));
}

/**
 * rtmessage_lookup_route() - Ask which route of the tables an address would take, in whatever table it is
 * @batch:	Batch
 * @address:	Address
 *
 * IPv4 tells the table only when asked, IPv6 tells it always and refuses to be asked.
 *
 * Return: 0, -E2BIG
 */
int rtmessage_lookup_route(struct batch *batch, const struct address *address)
{
	struct rtmsg head = {
		.rtm_family = (uint8_t)address->family,
		.rtm_dst_len = (uint8_t)family_bits(address->family),
		.rtm_flags = RTM_F_FIB_MATCH,
	};

	if (address->family == FAMILY_IPV4)
		head.rtm_flags |= RTM_F_LOOKUP_TABLE;
	return get_route(batch, 0, head, address);
}
