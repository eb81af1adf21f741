/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builders of rtnetlink messages about addresses, neighbours and routes (links: rtlink.c). libnl-route writes what is
 * added; requests, for which it has no builder, are put together from their attributes. Pure.
 */

#include "plugin/network/rtmessage.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include "plugin/network/nlbuild.h"

static void nl_route_cleanup(struct rtnl_route **route)
{
	rtnl_route_put(*route);
}

static void nl_neighbour_cleanup(struct rtnl_neigh **neighbour)
{
	rtnl_neigh_put(*neighbour);
}

static void nl_ifaddr_cleanup(struct rtnl_addr **address)
{
	rtnl_addr_put(*address);
}

#define NL_ROUTE_CLEANUP CLEANUP(nl_route_cleanup)
#define NL_NEIGHBOUR_CLEANUP CLEANUP(nl_neighbour_cleanup)
#define NL_IFADDR_CLEANUP CLEANUP(nl_ifaddr_cleanup)

/**
 * nl_address_new() - libnl's form of a prefix
 * @prefix:	Prefix
 *
 * Return: the address, NULL without memory; nl_addr_put() it
 */
static struct nl_addr *nl_address_new(const struct prefix *prefix)
{
	uint8_t bytes[ADDRESS_BYTES_MAX];
	struct nl_addr *address;

	address_to_bytes(&prefix->address, bytes);
	address = nl_addr_build((int)prefix->address.family, bytes, family_bytes(prefix->address.family));
	if (address)
		nl_addr_set_prefixlen(address, prefix->length);
	return address;
}

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
 * Return: 0, -ENOMEM, -E2BIG
 */
int rtmessage_add_address(struct batch *batch, uint32_t index, const struct prefix *address)
{
	struct rtnl_addr *ifaddr NL_IFADDR_CLEANUP = rtnl_addr_alloc();
	struct nl_addr *local NL_ADDRESS_CLEANUP = nl_address_new(address);
	struct nl_msg *msg NL_MSG_CLEANUP = NULL;

	if (!ifaddr || !local)
		return -ENOMEM;
	rtnl_addr_set_ifindex(ifaddr, (int)index);
	if (rtnl_addr_set_local(ifaddr, local) < 0)
		return -ENOMEM;
	if (address->address.family == FAMILY_IPV6)
		rtnl_addr_set_flags(ifaddr, IFA_F_NODAD);
	if (rtnl_addr_build_add_request(ifaddr, NLM_F_CREATE | NLM_F_EXCL, &msg) < 0)
		return -ENOMEM;
	return batch_append(batch, msg);
}

/** rtmessage_dump_addresses() - Ask for the addresses of @index, of all links where 0: 0, -ENOMEM, -E2BIG */
int rtmessage_dump_addresses(struct batch *batch, uint32_t index)
{
	struct nl_msg *msg NL_MSG_CLEANUP = nlmsg_alloc_simple(RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg head = {.ifa_index = index};

	if (!msg || nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	return batch_append(batch, msg);
}

/**
 * rtmessage_add_neighbour() - Say which MAC address a neighbour has, for good: no ARP, no ND
 * @batch:	Batch
 * @index:	Link
 * @address:	The neighbour's address
 * @mac:	Its MAC address
 *
 * Return: 0, -ENOMEM, -E2BIG
 */
int rtmessage_add_neighbour(struct batch *batch, uint32_t index, const struct address *address,
			    const uint8_t mac[static ETH_ALEN])
{
	struct prefix prefix = whole(address);
	struct rtnl_neigh *neighbour NL_NEIGHBOUR_CLEANUP = rtnl_neigh_alloc();
	struct nl_addr *destination NL_ADDRESS_CLEANUP = nl_address_new(&prefix);
	struct nl_addr *lladdr NL_ADDRESS_CLEANUP = nl_addr_build(AF_LLC, mac, ETH_ALEN);
	struct nl_msg *msg NL_MSG_CLEANUP = NULL;

	if (!neighbour || !destination || !lladdr || rtnl_neigh_set_dst(neighbour, destination) < 0)
		return -ENOMEM;
	rtnl_neigh_set_ifindex(neighbour, (int)index);
	rtnl_neigh_set_lladdr(neighbour, lladdr);
	rtnl_neigh_set_state(neighbour, NUD_PERMANENT);
	if (rtnl_neigh_build_add_request(neighbour, NLM_F_CREATE | NLM_F_REPLACE, &msg) < 0)
		return -ENOMEM;
	return batch_append(batch, msg);
}

/**
 * route_new() - A route through a link
 * @destination:	Where to; host bits are cleared, which the kernel insists on
 * @gateway:		Next hop, on-link by decree, or FAMILY_NONE
 * @index:		Link
 *
 * Return: the route, NULL without memory
 */
static struct rtnl_route *route_new(const struct prefix *destination, const struct address *gateway, uint32_t index)
{
	struct prefix clean = {
		.address = {.family = destination->address.family, .value = prefix_span(destination).first},
		.length = destination->length};
	struct prefix hop = whole(gateway);
	bool has_gateway = gateway->family != FAMILY_NONE;
	struct rtnl_route *route NL_ROUTE_CLEANUP = rtnl_route_alloc();
	struct rtnl_nexthop *nexthop = rtnl_route_nh_alloc();
	struct nl_addr *to NL_ADDRESS_CLEANUP = nl_address_new(&clean);
	struct nl_addr *via NL_ADDRESS_CLEANUP = has_gateway ? nl_address_new(&hop) : NULL;

	if (!route || !nexthop || !to || (has_gateway && !via) || rtnl_route_set_dst(route, to) < 0) {
		if (nexthop)
			rtnl_route_nh_free(nexthop);
		return NULL;
	}
	rtnl_route_nh_set_ifindex(nexthop, (int)index);
	if (via) {
		rtnl_route_nh_set_gateway(nexthop, via);
		rtnl_route_set_flags(route, RTNH_F_ONLINK);
	}
	rtnl_route_add_nexthop(route, nexthop);
	rtnl_route_set_scope(route, has_gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
	return TAKE_PTR(route);
}

/** append_route() - Append @route, which replaces none that is there already: 0, -ENOMEM, -E2BIG */
static int append_route(struct batch *batch, struct rtnl_route *route)
{
	struct nl_msg *msg NL_MSG_CLEANUP = NULL;

	if (rtnl_route_build_add_request(route, NLM_F_CREATE | NLM_F_EXCL, &msg) < 0)
		return -ENOMEM;
	return batch_append(batch, msg);
}

/**
 * rtmessage_add_host_route() - The host's way to one address of a container
 * @batch:	Batch
 * @index:	Host end
 * @address:	Address
 *
 * Return: 0, -ENOMEM, -E2BIG
 */
int rtmessage_add_host_route(struct batch *batch, uint32_t index, const struct address *address)
{
	const struct address no_gateway = {0};
	struct prefix destination = whole(address);
	struct rtnl_route *route NL_ROUTE_CLEANUP = route_new(&destination, &no_gateway, index);

	if (!route)
		return -ENOMEM;
	rtnl_route_set_protocol(route, PLAN_ROUTE_PROTOCOL);
	return append_route(batch, route);
}

/** batch_allow_existing() - Mark the message that was just appended, if @appended says so; returns @appended */
static int batch_allow_existing(struct batch *batch, int appended)
{
	if (!appended)
		batch->may_exist |= (uint64_t)1 << (batch->count - 1);
	return appended;
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
 * Return: 0, -ENOMEM, -E2BIG
 */
int rtmessage_add_container_route(struct batch *batch, uint32_t index, const struct route *route)
{
	struct rtnl_route *made NL_ROUTE_CLEANUP = route_new(&route->destination, &route->gateway, index);

	if (!made)
		return -ENOMEM;
	rtnl_route_set_protocol(made, RTPROT_STATIC);
	if (route->mtu >= 0 && rtnl_route_set_metric(made, RTAX_MTU, (unsigned)route->mtu) < 0)
		return -ENOMEM;
	if (route->advmss >= 0 && rtnl_route_set_metric(made, RTAX_ADVMSS, (unsigned)route->advmss) < 0)
		return -ENOMEM;
	if (route->priority >= 0)
		rtnl_route_set_priority(made, (uint32_t)route->priority);
	if (route->table >= 0)
		rtnl_route_set_table(made, (uint32_t)route->table);
	if (route->scope >= 0)
		rtnl_route_set_scope(made, (uint8_t)route->scope);
	return batch_allow_existing(batch, append_route(batch, made));
}

/**
 * get_route() - Ask about routes
 * @batch:	Batch
 * @flags:	NLM_F_DUMP for all that fit
 * @head:	Head
 * @address:	NULL, or address whose route is asked for
 *
 * Return: 0, -ENOMEM, -E2BIG
 */
static int get_route(struct batch *batch, int flags, struct rtmsg head, const struct address *address)
{
	struct nl_msg *msg NL_MSG_CLEANUP = nlmsg_alloc_simple(RTM_GETROUTE, flags);
	uint8_t bytes[ADDRESS_BYTES_MAX];

	if (!msg || nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	if (address) {
		address_to_bytes(address, bytes);
		if (nla_put(msg, RTA_DST, (int)family_bytes(address->family), bytes) < 0)
			return -ENOMEM;
	}
	return batch_append(batch, msg);
}

/**
 * rtmessage_dump_routes() - Ask for the routes of a family, in all tables
 * @batch:	Batch
 * @family:	Family
 * @type:	RTN_*, RTN_UNSPEC for all; kernels without strict checking answer with all
 *
 * Return: 0, -ENOMEM, -E2BIG
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

/**
 * rtmessage_lookup_route() - Ask which route of the tables an address would take, in whatever table it is
 * @batch:	Batch
 * @address:	Address
 *
 * IPv4 tells the table only when asked, IPv6 tells it always and refuses to be asked.
 *
 * Return: 0, -ENOMEM, -E2BIG
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
