/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builders of rtnetlink messages about links, and the beginning and end of any. Pure: no descriptor, no system call. */

#include <errno.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>

#include "plugin/network/nlbuild.h"
#include "plugin/network/rtmessage.h"

/**
 * message_begin() - Begin a message behind those of a batch
 * @batch:	Batch
 * @type:	RTM_*
 * @flags:	NLM_F_*
 * @head:	What follows the header
 * @size:	Bytes of it
 *
 * Return: the message, for libmnl to put attributes into, NULL when the batch is full
 */
struct nlmsghdr *message_begin(struct batch *batch, uint16_t type, unsigned flags, const void *head, size_t size)
{
	struct nlmsghdr *message;

	if (!batch_has_room(batch))
		return NULL;
	/* libmnl leaves padding as it finds it. */
	message = mnl_nlmsg_put_header(memset(batch->buffer + batch->used, 0, BATCH_MESSAGE_MAX));
	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)flags;
	memcpy(mnl_nlmsg_put_extra_header(message, size), head, size);
	return message;
}

/** message_end() - Make the message that was begun a part of its batch: 0, -E2BIG when there was no room for it */
int message_end(struct batch *batch, const struct nlmsghdr *message)
{
	if (!message)
		return -E2BIG;
	batch->used += NLMSG_ALIGN(message->nlmsg_len);
	batch->count++;
	return 0;
}

/**
 * put_end() - Name, MAC address, MTU and queues of one end of a pair
 * @message:	Message
 * @name:	Name
 * @mac:	MAC address; set at birth, it is one that udev leaves alone (addr_assign_type NET_ADDR_SET)
 * @mtu:	MTU
 *
 * A veth uses one queue each way. Unless told at once, the kernel makes as many as there are processors, and then
 * waits for a grace period to be rid of them (veth_init_queues()).
 */
static void put_end(struct nlmsghdr *message, const char *name, const uint8_t mac[static ETH_ALEN], unsigned mtu)
{
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	mnl_attr_put(message, IFLA_ADDRESS, ETH_ALEN, mac);
	mnl_attr_put_u32(message, IFLA_MTU, mtu);
	mnl_attr_put_u32(message, IFLA_NUM_TX_QUEUES, 1);
	mnl_attr_put_u32(message, IFLA_NUM_RX_QUEUES, 1);
}

/**
 * rtmessage_create_veth() - Make the pair, the container's end inside its namespace under its final name; both down
 * @batch:	Batch
 * @plan:	Plan
 * @netns_fd:	Namespace of the container's end
 *
 * Return: 0, -E2BIG
 */
int rtmessage_create_veth(struct batch *batch, const struct plan *plan, int netns_fd)
{
	const struct ifinfomsg link = {0};
	struct nlmsghdr *message = message_begin(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	struct nlattr *info, *data, *peer;

	if (!message)
		return -E2BIG;
	put_end(message, plan->host_name, plan->host_mac, plan->mtu);
	info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(message, VETH_INFO_PEER);
	(void)mnl_nlmsg_put_extra_header(message, sizeof(link));
	put_end(message, plan->container_name, plan->container_mac, plan->mtu);
	mnl_attr_put_u32(message, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	mnl_attr_nest_end(message, peer);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, info);
	return message_end(batch, message);
}

/** put_forwarding() - AF_INET inside IFLA_AF_SPEC: forward what comes in here, whatever conf/default says */
static void put_forwarding(struct nlmsghdr *message)
{
	struct nlattr *family = mnl_attr_nest_start(message, AF_INET);
	struct nlattr *conf = mnl_attr_nest_start(message, IFLA_INET_CONF);

	mnl_attr_put_u32(message, IPV4_DEVCONF_FORWARDING, 1);
	mnl_attr_nest_end(message, conf);
	mnl_attr_nest_end(message, family);
}

/** put_no_link_local() - AF_INET6 inside IFLA_AF_SPEC: no link-local address of the kernel's own making, so no DAD */
static void put_no_link_local(struct nlmsghdr *message)
{
	struct nlattr *family = mnl_attr_nest_start(message, AF_INET6);

	mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(message, family);
}

/** begin_link() - Begin a message about link @index, whose flags become IFF_UP with @up; as message_begin() */
static struct nlmsghdr *begin_link(struct batch *batch, uint16_t type, uint32_t index, bool up)
{
	unsigned flags = up ? IFF_UP : 0;
	struct ifinfomsg link = {.ifi_index = (int)index, .ifi_flags = flags, .ifi_change = flags};

	return message_begin(batch, type, 0, &link, sizeof(link));
}

/**
 * rtmessage_set_host_end() - Alias and per-family settings of the host end, which a link's creation does not take
 * @batch:	Batch
 * @index:	Host end
 * @plan:	Plan
 * @ipv6:	Whether the kernel has IPv6; without, it refuses to hear of it
 *
 * Not "up": the kernel brings a link up before it looks at the settings of the same message (do_setlink()).
 *
 * Return: 0, -E2BIG
 */
int rtmessage_set_host_end(struct batch *batch, uint32_t index, const struct plan *plan, bool ipv6)
{
	struct nlmsghdr *message = begin_link(batch, RTM_SETLINK, index, false);
	struct nlattr *settings;

	if (!message)
		return -E2BIG;
	/* Without its NUL, which the kernel would count: an alias has 255 bytes at most (IFALIASZ). */
	mnl_attr_put_str(message, IFLA_IFALIAS, plan->alias);
	settings = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	put_forwarding(message);
	if (ipv6)
		put_no_link_local(message);
	mnl_attr_nest_end(message, settings);
	return message_end(batch, message);
}

/** rtmessage_no_link_local() - No link-local address of the kernel's making on @index: 0, -E2BIG */
int rtmessage_no_link_local(struct batch *batch, uint32_t index)
{
	struct nlmsghdr *message = begin_link(batch, RTM_SETLINK, index, false);
	struct nlattr *settings;

	if (!message)
		return -E2BIG;
	settings = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	put_no_link_local(message);
	mnl_attr_nest_end(message, settings);
	return message_end(batch, message);
}

/** rtmessage_set_up() - Bring @index up: 0, -E2BIG */
int rtmessage_set_up(struct batch *batch, uint32_t index)
{
	return message_end(batch, begin_link(batch, RTM_SETLINK, index, true));
}

/** rtmessage_delete_link() - Delete @index, with it its peer and all that refers to them: 0, -E2BIG */
int rtmessage_delete_link(struct batch *batch, uint32_t index)
{
	return message_end(batch, begin_link(batch, RTM_DELLINK, index, false));
}

/** put_group() - The message that was begun is about a group of links; ends it: 0, -E2BIG */
static int put_group(struct batch *batch, struct nlmsghdr *message, uint32_t group)
{
	if (message)
		mnl_attr_put_u32(message, IFLA_GROUP, group);
	return message_end(batch, message);
}

/** rtmessage_set_group() - Put link @index into a group: 0, -E2BIG */
int rtmessage_set_group(struct batch *batch, uint32_t index, uint32_t group)
{
	return put_group(batch, begin_link(batch, RTM_SETLINK, index, false), group);
}

/** rtmessage_delete_group() - Delete the links of a group, as rtmessage_delete_link() one: 0, -E2BIG */
int rtmessage_delete_group(struct batch *batch, uint32_t group)
{
	return put_group(batch, begin_link(batch, RTM_DELLINK, 0, false), group);
}

/**
 * get_link() - Ask for a link or all of them, without their counters
 * @batch:	Batch
 * @flags:	NLM_F_DUMP for all
 * @index:	Which one, 0: not by index
 * @name:	Which one, NULL: not by name
 *
 * Return: 0, -E2BIG
 */
static int get_link(struct batch *batch, unsigned flags, uint32_t index, const char *name)
{
	const struct ifinfomsg link = {.ifi_index = (int)index};
	struct nlmsghdr *message = message_begin(batch, RTM_GETLINK, flags, &link, sizeof(link));

	if (!message)
		return -E2BIG;
	if (name)
		mnl_attr_put_strz(message, IFLA_IFNAME, name);
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return message_end(batch, message);
}

/** rtmessage_get_link_by_name() - Ask for the link @name: 0, -E2BIG */
int rtmessage_get_link_by_name(struct batch *batch, const char *name)
{
	return get_link(batch, 0, 0, name);
}

/** rtmessage_get_link() - Ask for the link @index: 0, -E2BIG */
int rtmessage_get_link(struct batch *batch, uint32_t index)
{
	return get_link(batch, 0, index, NULL);
}

/** rtmessage_dump_links() - Ask for all links: 0, -E2BIG */
int rtmessage_dump_links(struct batch *batch)
{
	return get_link(batch, NLM_F_DUMP, 0, NULL);
}
