/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers of rtnetlink messages: the few attributes that we need, each checked for its size by libmnl. Pure: no
 * descriptor, no system call.
 */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "plugin/network/rtmessage.h"

/**
 * check_head() - Check type and size of a message
 * @message:	Message
 * @type_a, @type_b: Types it may have
 * @size:	Bytes of its head
 *
 * Return: 0, -ENOMSG for another type, -EBADMSG
 */
static int check_head(const struct nlmsghdr *message, uint16_t type_a, uint16_t type_b, size_t size)
{
	if (message->nlmsg_type != type_a && message->nlmsg_type != type_b)
		return -ENOMSG;
	return mnl_nlmsg_get_payload_len(message) < size ? -EBADMSG : 0;
}

/**
 * read_text() - Copy a text; one that is too long is cut
 * @attribute:	Attribute
 * @text:	Where to
 * @size:	Bytes there
 *
 * Return: MNL_CB_OK, MNL_CB_ERROR when it has no NUL
 */
static int read_text(const struct nlattr *attribute, char *text, size_t size)
{
	if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0)
		return MNL_CB_ERROR;
	(void)snprintf(text, size, "%s", mnl_attr_get_str(attribute));
	return MNL_CB_OK;
}

/** read_u32() - Read a number: MNL_CB_OK, MNL_CB_ERROR */
static int read_u32(const struct nlattr *attribute, uint32_t *ret_value)
{
	if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
		return MNL_CB_ERROR;
	*ret_value = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

/**
 * read_bytes() - Read an address from its bytes
 * @bytes:	In network order
 * @size:	How many
 * @family:	Its family
 * @ret_address: Address; an IPv4-mapped one stays the IPv6 address that the kernel means
 *
 * Return: MNL_CB_OK, MNL_CB_ERROR
 */
static int read_bytes(const uint8_t *bytes, size_t size, enum family family, struct address *ret_address)
{
	struct address address = {.family = family};

	if (family == FAMILY_NONE || size != family_bytes(family))
		return MNL_CB_ERROR;
	for (size_t i = 0; i < size; i++)
		address.value = address.value << 8 | bytes[i];
	*ret_address = address;
	return MNL_CB_OK;
}

/** read_address() - Read an address of @family: MNL_CB_OK, MNL_CB_ERROR */
static int read_address(const struct nlattr *attribute, enum family family, struct address *ret_address)
{
	return read_bytes(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute), family, ret_address);
}

/** family_of() - The family that the kernel calls @number, FAMILY_NONE for one that is not ours */
static enum family family_of(unsigned number)
{
	switch (number) {
	case FAMILY_IPV4:
		return FAMILY_IPV4;
	case FAMILY_IPV6:
		return FAMILY_IPV6;
	default:
		return FAMILY_NONE;
	}
}

/** take_kind() - Attribute callback: the kind of a link, inside its IFLA_LINKINFO */
static int take_kind(const struct nlattr *attribute, void *userdata)
{
	struct link_info *link = userdata;

	if (mnl_attr_get_type(attribute) != IFLA_INFO_KIND)
		return MNL_CB_OK;
	return read_text(attribute, link->kind, sizeof(link->kind));
}

/** take_link_attribute() - Attribute callback: one attribute of a link */
static int take_link_attribute(const struct nlattr *attribute, void *userdata)
{
	struct link_info *link = userdata;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		return read_text(attribute, link->name, sizeof(link->name));
	case IFLA_IFALIAS:
		return read_text(attribute, link->alias, sizeof(link->alias));
	case IFLA_LINKINFO:
		return mnl_attr_parse_nested(attribute, take_kind, link);
	case IFLA_LINK:
		return read_u32(attribute, &link->peer_index);
	case IFLA_LINK_NETNSID:
		return read_u32(attribute, (uint32_t *)&link->peer_netns);
	case IFLA_MASTER:
		return read_u32(attribute, &link->master);
	case IFLA_MTU:
		return read_u32(attribute, &link->mtu);
	case IFLA_GROUP:
		return read_u32(attribute, &link->group);
	case IFLA_OPERSTATE:
		if (mnl_attr_get_payload_len(attribute) == 1)
			link->operstate = mnl_attr_get_u8(attribute);
		return MNL_CB_OK;
	case IFLA_ADDRESS:
		/* Other kinds of link have addresses of other sizes. */
		if (mnl_attr_get_payload_len(attribute) == ETH_ALEN)
			memcpy(link->mac, mnl_attr_get_payload(attribute), ETH_ALEN);
		return MNL_CB_OK;
	default:
		return MNL_CB_OK;
	}
}

/**
 * rtmessage_read_link() - Read a link
 * @message:	RTM_NEWLINK or RTM_DELLINK
 * @ret_link:	Link
 *
 * Return: 0, -ENOMSG, -EBADMSG
 */
int rtmessage_read_link(const struct nlmsghdr *message, struct link_info *ret_link)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	struct link_info link = {.peer_netns = -1};
	int r = check_head(message, RTM_NEWLINK, RTM_DELLINK, sizeof(*head));

	if (r < 0)
		return r;
	link.index = (uint32_t)head->ifi_index;
	link.up = head->ifi_flags & IFF_UP;
	if (mnl_attr_parse(message, sizeof(*head), take_link_attribute, &link) == MNL_CB_ERROR)
		return -EBADMSG;
	*ret_link = link;
	return 0;
}

/**
 * read_via() - Read a gateway that may be of another family than the route
 * @attribute:	RTA_VIA, a struct rtvia
 * @ret_gateway: Gateway
 *
 * Return: MNL_CB_OK, MNL_CB_ERROR
 */
static int read_via(const struct nlattr *attribute, struct address *ret_gateway)
{
	const struct rtvia *via = mnl_attr_get_payload(attribute);
	size_t size = mnl_attr_get_payload_len(attribute);

	if (size < sizeof(*via))
		return MNL_CB_ERROR;
	return read_bytes(via->rtvia_addr, size - sizeof(*via), family_of(via->rtvia_family), ret_gateway);
}

/** take_hop_attribute() - Attribute callback: one attribute of a next hop, or of a route that has just one */
static int take_hop_attribute(const struct nlattr *attribute, void *userdata)
{
	struct route_info *route = userdata;

	switch (mnl_attr_get_type(attribute)) {
	case RTA_GATEWAY:
		return read_address(attribute, route->destination.address.family, &route->gateway);
	case RTA_VIA:
		return read_via(attribute, &route->gateway);
	default:
		return MNL_CB_OK;
	}
}

/**
 * read_first_hop() - Read the first next hop of a multipath route
 * @multipath:	RTA_MULTIPATH
 * @route:	Route; interface and gateway are set
 *
 * Return: MNL_CB_OK, MNL_CB_ERROR
 */
static int read_first_hop(const struct nlattr *multipath, struct route_info *route)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	size_t size = mnl_attr_get_payload_len(multipath);

	if (size < sizeof(*hop) || hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > size)
		return MNL_CB_ERROR;
	route->interface = (uint32_t)hop->rtnh_ifindex;
	return mnl_attr_parse_payload(hop + 1, hop->rtnh_len - sizeof(*hop), take_hop_attribute, route);
}

/** take_route_attribute() - Attribute callback: one attribute of a route */
static int take_route_attribute(const struct nlattr *attribute, void *userdata)
{
	struct route_info *route = userdata;

	switch (mnl_attr_get_type(attribute)) {
	case RTA_DST:
		return read_address(attribute, route->destination.address.family, &route->destination.address);
	case RTA_OIF:
		return read_u32(attribute, &route->interface);
	case RTA_TABLE:
		return read_u32(attribute, &route->table);
	case RTA_PRIORITY:
		return read_u32(attribute, &route->priority);
	case RTA_MULTIPATH:
		return read_first_hop(attribute, route);
	default:
		return take_hop_attribute(attribute, route);
	}
}

/**
 * rtmessage_read_route() - Read a route
 * @message:	RTM_NEWROUTE or RTM_DELROUTE
 * @ret_route:	Route
 *
 * Return: 0, -ENOMSG also for a route of another family, -EBADMSG
 */
int rtmessage_read_route(const struct nlmsghdr *message, struct route_info *ret_route)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(message);
	struct route_info route = {0};
	int r = check_head(message, RTM_NEWROUTE, RTM_DELROUTE, sizeof(*head));

	if (r < 0)
		return r;
	route.destination =
		(struct prefix){.address = {.family = family_of(head->rtm_family)}, .length = head->rtm_dst_len};
	if (route.destination.address.family == FAMILY_NONE)
		return -ENOMSG;
	if (head->rtm_dst_len > family_bits(route.destination.address.family))
		return -EBADMSG;
	route.table = head->rtm_table;
	route.type = head->rtm_type;
	route.scope = head->rtm_scope;
	route.protocol = head->rtm_protocol;
	if (mnl_attr_parse(message, sizeof(*head), take_route_attribute, &route) == MNL_CB_ERROR)
		return -EBADMSG;
	*ret_route = route;
	return 0;
}

/** rtmessage_route_kind() - What a route does with packets */
enum route_kind rtmessage_route_kind(const struct route_info *route)
{
	switch (route->type) {
	case RTN_UNICAST:
		return ROUTE_LEADS;
	case RTN_PROHIBIT:
		return ROUTE_PROHIBITS;
	case RTN_UNREACHABLE:
		return ROUTE_UNREACHABLE;
	default:
		return ROUTE_OTHER;
	}
}

/** take_neighbour_attribute() - Attribute callback: one attribute of a neighbour */
static int take_neighbour_attribute(const struct nlattr *attribute, void *userdata)
{
	struct neighbour_info *neighbour = userdata;

	switch (mnl_attr_get_type(attribute)) {
	case NDA_DST:
		return read_address(attribute, neighbour->address.family, &neighbour->address);
	case NDA_LLADDR:
		if (mnl_attr_get_payload_len(attribute) == ETH_ALEN)
			memcpy(neighbour->mac, mnl_attr_get_payload(attribute), ETH_ALEN);
		return MNL_CB_OK;
	default:
		return MNL_CB_OK;
	}
}

/**
 * rtmessage_read_neighbour() - Read a neighbour
 * @message:	RTM_NEWNEIGH or RTM_DELNEIGH
 * @ret_neighbour: Neighbour
 *
 * Return: 0, -ENOMSG also for a neighbour of another family, -EBADMSG
 */
int rtmessage_read_neighbour(const struct nlmsghdr *message, struct neighbour_info *ret_neighbour)
{
	const struct ndmsg *head = mnl_nlmsg_get_payload(message);
	struct neighbour_info neighbour = {0};
	int r = check_head(message, RTM_NEWNEIGH, RTM_DELNEIGH, sizeof(*head));

	if (r < 0)
		return r;
	neighbour.address.family = family_of(head->ndm_family);
	if (neighbour.address.family == FAMILY_NONE)
		return -ENOMSG;
	neighbour.interface = (uint32_t)head->ndm_ifindex;
	neighbour.state = head->ndm_state;
	if (mnl_attr_parse(message, sizeof(*head), take_neighbour_attribute, &neighbour) == MNL_CB_ERROR)
		return -EBADMSG;
	*ret_neighbour = neighbour;
	return 0;
}

/**
 * struct address_reading - An address on its way
 * @info:	Address
 * @has_local:	IFA_LOCAL was there: on a point-to-point link that is our address and IFA_ADDRESS the peer's, in an
 *		order that differs by family. Where they are the same, IPv6 has only IFA_ADDRESS
 */
struct address_reading {
	struct address_info info;
	bool has_local;
};

/** take_address_attribute() - Attribute callback: one attribute of an interface's address */
static int take_address_attribute(const struct nlattr *attribute, void *userdata)
{
	struct address_reading *reading = userdata;
	struct address *address = &reading->info.address.address;

	switch (mnl_attr_get_type(attribute)) {
	case IFA_LOCAL:
		reading->has_local = true;
		return read_address(attribute, address->family, address);
	case IFA_ADDRESS:
		return reading->has_local ? MNL_CB_OK : read_address(attribute, address->family, address);
	case IFA_FLAGS:
		return read_u32(attribute, &reading->info.flags);
	case IFA_PROTO:
		if (mnl_attr_get_payload_len(attribute) == 1)
			reading->info.protocol = mnl_attr_get_u8(attribute);
		return MNL_CB_OK;
	default:
		return MNL_CB_OK;
	}
}

/**
 * rtmessage_read_address() - Read an interface's address
 * @message:	RTM_NEWADDR or RTM_DELADDR
 * @ret_address: Address
 *
 * Return: 0, -ENOMSG also for an address of another family, -EBADMSG
 */
int rtmessage_read_address(const struct nlmsghdr *message, struct address_info *ret_address)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(message);
	struct address_reading reading = {0};
	struct address_info *info = &reading.info;
	int r = check_head(message, RTM_NEWADDR, RTM_DELADDR, sizeof(*head));

	if (r < 0)
		return r;
	info->address =
		(struct prefix){.address = {.family = family_of(head->ifa_family)}, .length = head->ifa_prefixlen};
	if (info->address.address.family == FAMILY_NONE)
		return -ENOMSG;
	if (head->ifa_prefixlen > family_bits(info->address.address.family))
		return -EBADMSG;
	info->interface = head->ifa_index;
	info->flags = head->ifa_flags;
	if (mnl_attr_parse(message, sizeof(*head), take_address_attribute, &reading) == MNL_CB_ERROR)
		return -EBADMSG;
	*ret_address = *info;
	return 0;
}
