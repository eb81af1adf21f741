/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builders of rtnetlink messages about addresses, neighbours and routes (links: rtlink.c). Pure. */

#include "plugin/network/rtmessage.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "plugin/network/nlbuild.h"

/** put_address() - Put an address into a message as attribute @type */
static void put_address(struct nlmsghdr *message, uint16_t type, const struct address *address)
{
	uint8_t bytes[ADDRESS_BYTES_MAX];

	address_to_bytes(address, bytes);
	mnl_attr_put(message, type, family_bytes(address->family), bytes);
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
	const struct ifaddrmsg head = {
		.ifa_family = (uint8_t)address->address.family,
		.ifa_prefixlen = address->length,
		.ifa_flags = address->address.family == FAMILY_IPV6 ? IFA_F_NODAD : 0,
		.ifa_index = index,
	};
	struct nlmsghdr *message = message_begin(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));

	if (!message)
		return -E2BIG;
	put_address(message, IFA_LOCAL, &address->address);
	put_address(message, IFA_ADDRESS, &address->address);
	return message_end(batch, message);
}

/** rtmessage_dump_addresses() - Ask for the addresses of @index, of all links where 0: 0, -E2BIG */
int rtmessage_dump_addresses(struct batch *batch, uint32_t index)
{
	const struct ifaddrmsg head = {.ifa_index = index};

	return message_end(batch, message_begin(batch, RTM_GETADDR, NLM_F_DUMP, &head, sizeof(head)));
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
	const struct ndmsg head = {
		.ndm_family = (uint8_t)address->family, .ndm_ifindex = (int)index, .ndm_state = NUD_PERMANENT};
	struct nlmsghdr *message =
		message_begin(batch, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));

	if (!message)
		return -E2BIG;
	put_address(message, NDA_DST, address);
	mnl_attr_put(message, NDA_LLADDR, ETH_ALEN, mac);
	return message_end(batch, message);
}

/**
 * begin_route() - Begin a route that replaces none that is there already
 * @batch:		Batch
 * @head:		Head without family and destination
 * @destination:	Where to; host bits are cleared, which the kernel insists on
 * @index:		Link
 *
 * Return: as message_begin()
 */
static struct nlmsghdr *begin_route(struct batch *batch, struct rtmsg head, const struct prefix *destination,
				    uint32_t index)
{
	struct address first = {.family = destination->address.family, .value = prefix_span(destination).first};
	struct nlmsghdr *message;

	head.rtm_family = (uint8_t)first.family;
	head.rtm_dst_len = destination->length;
	head.rtm_type = RTN_UNICAST;
	message = message_begin(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	if (!message)
		return NULL;
	if (destination->length)
		put_address(message, RTA_DST, &first);
	mnl_attr_put_u32(message, RTA_OIF, index);
	return message;
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
	const struct prefix whole = {.address = *address, .length = (uint8_t)family_bits(address->family)};
	const struct rtmsg head = {
		.rtm_table = RT_TABLE_MAIN, .rtm_protocol = PLAN_ROUTE_PROTOCOL, .rtm_scope = RT_SCOPE_LINK};

	return message_end(batch, begin_route(batch, head, &whole, index));
}

/** put_metrics() - MTU and segment size of a route, where it has them */
static void put_metrics(struct nlmsghdr *message, const struct route *route)
{
	struct nlattr *metrics;

	if (route->mtu < 0 && route->advmss < 0)
		return;
	metrics = mnl_attr_nest_start(message, RTA_METRICS);
	if (route->mtu >= 0)
		mnl_attr_put_u32(message, RTAX_MTU, (uint32_t)route->mtu);
	if (route->advmss >= 0)
		mnl_attr_put_u32(message, RTAX_ADVMSS, (uint32_t)route->advmss);
	mnl_attr_nest_end(message, metrics);
}

/** route_head() - Head of a container's route; a gateway is on-link by decree, a table beyond a byte an attribute */
static struct rtmsg route_head(const struct route *route)
{
	bool direct = route->gateway.family == FAMILY_NONE;
	bool small = route->table >= 0 && route->table <= UINT8_MAX;
	struct rtmsg head = {
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = direct ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.rtm_flags = direct ? 0 : RTNH_F_ONLINK,
	};

	if (route->table >= 0)
		head.rtm_table = small ? (uint8_t)route->table : RT_TABLE_UNSPEC;
	if (route->scope >= 0)
		head.rtm_scope = (uint8_t)route->scope;
	return head;
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
	struct nlmsghdr *message = begin_route(batch, route_head(route), &route->destination, index);

	if (!message)
		return -E2BIG;
	if (route->gateway.family != FAMILY_NONE)
		put_address(message, RTA_GATEWAY, &route->gateway);
	if (route->table > UINT8_MAX)
		mnl_attr_put_u32(message, RTA_TABLE, (uint32_t)route->table);
	if (route->priority >= 0)
		mnl_attr_put_u32(message, RTA_PRIORITY, (uint32_t)route->priority);
	put_metrics(message, route);
	batch->may_exist |= (uint64_t)1 << batch->count;
	return message_end(batch, message);
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
static int get_route(struct batch *batch, unsigned flags, struct rtmsg head, const struct address *address)
{
	struct nlmsghdr *message = message_begin(batch, RTM_GETROUTE, flags, &head, sizeof(head));

	if (message && address)
		put_address(message, RTA_DST, address);
	return message_end(batch, message);
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
