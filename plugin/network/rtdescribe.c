/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a message of ours asks of the kernel, in words: the text of an error when the kernel refuses it. Pure. */

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

#include "plugin/network/hostroute.h"
#include "plugin/network/rtmessage.h"

/** verb_of() - "delete " for a message that deletes, else "add " */
static const char *verb_of(const struct nlmsghdr *message)
{
	return message->nlmsg_type == RTM_DELROUTE || message->nlmsg_type == RTM_DELADDR ||
			       message->nlmsg_type == RTM_DELRULE
		       ? "delete"
		       : "add";
}

/** describe_route() - "add route 10.9.0.0/16 via 10.1.2.3", "delete prohibit route 10.9.0.0/16" */
static void describe_route(const struct nlmsghdr *message, char buffer[static RTMESSAGE_TEXT_MAX])
{
	char destination[PREFIX_TEXT_MAX], gateway[ADDRESS_TEXT_MAX];
	struct route_info route = {0};

	(void)rtmessage_read_route(message, &route);
	prefix_format(&route.destination, destination);
	if (route.gateway.family == FAMILY_NONE)
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "%s %sroute %s", verb_of(message),
			       hostroute_type_text(&route), destination);
	else
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "add route %s via %s", destination,
			       address_format(&route.gateway, gateway));
}

/** describe_address() - "add address 10.9.1.2/32" */
static void describe_address(const struct nlmsghdr *message, char buffer[static RTMESSAGE_TEXT_MAX])
{
	struct address_info info = {0};
	char text[PREFIX_TEXT_MAX];

	(void)rtmessage_read_address(message, &info);
	(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "%s address %s", verb_of(message),
		       prefix_format(&info.address, text));
}

/** take_neighbour_address() - Attribute callback: keep the neighbour's address, whose length tells its family */
static int take_neighbour_address(const struct nlattr *attribute, void *userdata)
{
	bool ipv4 = mnl_attr_get_payload_len(attribute) == family_bytes(FAMILY_IPV4);
	struct address *address = userdata;

	if (mnl_attr_get_type(attribute) == NDA_DST)
		*address = address_from_bytes(ipv4 ? FAMILY_IPV4 : FAMILY_IPV6, mnl_attr_get_payload(attribute));
	return MNL_CB_OK;
}

/** describe_neighbour() - "add neighbour 169.254.1.1" */
static void describe_neighbour(const struct nlmsghdr *message, char buffer[static RTMESSAGE_TEXT_MAX])
{
	struct address address = {0};
	char text[ADDRESS_TEXT_MAX];

	(void)mnl_attr_parse(message, sizeof(struct ndmsg), take_neighbour_address, &address);
	(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "add neighbour %s", address_format(&address, text));
}

/** describe_link() - "create the veth pair rg0123456789ab", or what is done with the interface of an index */
static void describe_link(const struct nlmsghdr *message, char buffer[static RTMESSAGE_TEXT_MAX])
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	struct link_info link = {0};

	if (rtmessage_read_link(message, &link) == 0 && message->nlmsg_type == RTM_NEWLINK)
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "create the veth pair %s", link.name);
	else if (message->nlmsg_type == RTM_DELLINK && !head->ifi_index)
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "delete a group of interfaces");
	else if (message->nlmsg_type == RTM_DELLINK)
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "delete the interface with index %d", head->ifi_index);
	else
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "%s the interface with index %d",
			       !(head->ifi_change & IFF_UP) ? "configure"
			       : head->ifi_flags & IFF_UP   ? "bring up"
							    : "take down",
			       head->ifi_index);
}

/** describe() - Say what a message asks for */
static void describe(const struct nlmsghdr *message, char buffer[static RTMESSAGE_TEXT_MAX])
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_SETLINK:
	case RTM_DELLINK:
		describe_link(message, buffer);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		describe_address(message, buffer);
		break;
	case RTM_NEWNEIGH:
		describe_neighbour(message, buffer);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		describe_route(message, buffer);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "%s a routing rule", verb_of(message));
		break;
	case RTM_NEWQDISC:
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "add a clsact qdisc");
		break;
	case RTM_NEWTFILTER:
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "add a BPF classifier");
		break;
	case RTM_GETLINK:
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "read interfaces");
		break;
	case RTM_GETADDR:
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "read addresses");
		break;
	case RTM_GETROUTE:
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "read routes");
		break;
	default:
		(void)snprintf(buffer, RTMESSAGE_TEXT_MAX, "send netlink message %u", message->nlmsg_type);
	}
}

/**
 * rtmessage_describe() - Say what a message of a batch asks for, so that "cannot " can stand before it
 * @batch:	Batch of messages that were built here
 * @index:	Which one
 * @buffer:	Space for the text
 *
 * Return: @buffer, "" when there is no such message
 */
const char *rtmessage_describe(const struct batch *batch, unsigned index, char buffer[static RTMESSAGE_TEXT_MAX])
{
	const struct nlmsghdr *message = (const void *)batch->buffer;
	int rest = (int)batch->used;

	buffer[0] = '\0';
	for (; mnl_nlmsg_ok(message, rest); message = mnl_nlmsg_next(message, &rest)) {
		if (index-- == 0) {
			describe(message, buffer);
			break;
		}
	}
	return buffer;
}
