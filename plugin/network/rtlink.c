/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builders of rtnetlink messages about links. Pure: no descriptor, no system call. */

#include <errno.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>

#include "plugin/network/nlbuild.h"
#include "plugin/network/rtmessage.h"

/** link_request() - A message about one link, without attributes; NULL when there is no room */
static struct nlmsghdr *link_request(struct batch *batch, int type, int flags, struct ifinfomsg link)
{
	return nl_request(batch, type, flags, &link, sizeof(link));
}

/**
 * put_end() - Name, MAC address, MTU and queues of one end of a pair
 * @msg:	Message
 * @name:	Name
 * @mac:	MAC address; set at birth, it is one that udev leaves alone (addr_assign_type NET_ADDR_SET)
 * @mtu:	MTU
 *
 * Not told otherwise, an end is born with a queue per processor, and the kernel waits for a grace period to be rid of
 * those that it does not use (netif_set_real_num_tx_queues()).
 *
 * Return: 0, -E2BIG
 */
static int put_end(struct nlmsghdr *msg, const char *name, const uint8_t mac[static ETH_ALEN], uint32_t mtu)
{
	if (nl_put_string(msg, IFLA_IFNAME, name) < 0 || nl_put(msg, IFLA_ADDRESS, ETH_ALEN, mac) < 0 ||
	    nl_put_u32(msg, IFLA_MTU, mtu) < 0 || nl_put_u32(msg, IFLA_NUM_TX_QUEUES, 1) < 0 ||
	    nl_put_u32(msg, IFLA_NUM_RX_QUEUES, 1) < 0)
		return -E2BIG;
	return 0;
}

/**
 * put_peer() - VETH_INFO_PEER: the container's end, a head and its attributes
 * @msg:	Message
 * @plan:	Plan
 * @netns_fd:	Namespace of that end
 *
 * Return: 0, -E2BIG
 */
static int put_peer(struct nlmsghdr *msg, const struct plan *plan, int netns_fd)
{
	struct nlattr *peer = nl_nest(msg, VETH_INFO_PEER);

	if (!peer || nl_put_head(msg, sizeof(struct ifinfomsg)) < 0 ||
	    put_end(msg, plan->container_name, plan->container_mac, plan->mtu) < 0 ||
	    nl_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)netns_fd) < 0)
		return -E2BIG;
	mnl_attr_nest_end(msg, peer);
	return 0;
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
	struct nlmsghdr *msg = link_request(batch, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, (struct ifinfomsg){0});
	struct nlattr *info, *data;

	if (!msg || put_end(msg, plan->host_name, plan->host_mac, plan->mtu) < 0)
		return -E2BIG;
	info = nl_nest(msg, IFLA_LINKINFO);
	if (!info || nl_put_string(msg, IFLA_INFO_KIND, "veth") < 0)
		return -E2BIG;
	data = nl_nest(msg, IFLA_INFO_DATA);
	if (!data || put_peer(msg, plan, netns_fd) < 0)
		return -E2BIG;
	mnl_attr_nest_end(msg, data);
	mnl_attr_nest_end(msg, info);
	return batch_append(batch, msg);
}

/**
 * put_ipv4_setting() - AF_INET inside IFLA_AF_SPEC: switch a setting on, whatever conf/default says
 * @msg:	Message
 * @setting:	IPV4_DEVCONF_...
 *
 * Return: 0, negative: no room
 */
static int put_ipv4_setting(struct nlmsghdr *msg, int setting)
{
	struct nlattr *family = nl_nest(msg, AF_INET);
	struct nlattr *conf = family ? nl_nest(msg, IFLA_INET_CONF) : NULL;

	if (!conf || nl_put_u32(msg, setting, 1) < 0)
		return -E2BIG;
	mnl_attr_nest_end(msg, conf);
	mnl_attr_nest_end(msg, family);
	return 0;
}

/**
 * put_no_link_local() - AF_INET6 inside IFLA_AF_SPEC: the kernel makes no link-local address of its own, so does no DAD
 * @msg:	Message
 *
 * Return: 0, negative: no room
 */
static int put_no_link_local(struct nlmsghdr *msg)
{
	struct nlattr *family = nl_nest(msg, AF_INET6);

	if (!family || nl_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0)
		return -E2BIG;
	mnl_attr_nest_end(msg, family);
	return 0;
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
	struct nlmsghdr *msg = link_request(batch, RTM_SETLINK, 0, (struct ifinfomsg){.ifi_index = (int)index});
	struct nlattr *settings;

	/* Without its NUL, which the kernel would count: an alias has 255 bytes at most (IFALIASZ). */
	if (!msg || nl_put(msg, IFLA_IFALIAS, strlen(plan->alias), plan->alias) < 0)
		return -E2BIG;
	settings = nl_nest(msg, IFLA_AF_SPEC);
	if (!settings || put_ipv4_setting(msg, IPV4_DEVCONF_FORWARDING) < 0 || (ipv6 && put_no_link_local(msg) < 0))
		return -E2BIG;
	mnl_attr_nest_end(msg, settings);
	return batch_append(batch, msg);
}

/** rtmessage_no_link_local() - No link-local address of the kernel's making on @index: 0, -E2BIG */
int rtmessage_no_link_local(struct batch *batch, uint32_t index)
{
	struct nlmsghdr *msg = link_request(batch, RTM_SETLINK, 0, (struct ifinfomsg){.ifi_index = (int)index});
	struct nlattr *settings = msg ? nl_nest(msg, IFLA_AF_SPEC) : NULL;

	if (!settings || put_no_link_local(msg) < 0)
		return -E2BIG;
	mnl_attr_nest_end(msg, settings);
	return batch_append(batch, msg);
}

/** rtmessage_set_up() - Bring @index up: 0, -E2BIG */
int rtmessage_set_up(struct batch *batch, uint32_t index)
{
	struct nlmsghdr *msg =
		link_request(batch, RTM_SETLINK, 0,
			     (struct ifinfomsg){.ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP});

	return batch_append(batch, msg);
}

/** rtmessage_set_down() - Take @index down: 0, -E2BIG */
int rtmessage_set_down(struct batch *batch, uint32_t index)
{
	struct nlmsghdr *msg =
		link_request(batch, RTM_SETLINK, 0, (struct ifinfomsg){.ifi_index = (int)index, .ifi_change = IFF_UP});

	return batch_append(batch, msg);
}

/** rtmessage_delete_link() - Delete @index, with it its peer and all that refers to them: 0, -E2BIG */
int rtmessage_delete_link(struct batch *batch, uint32_t index)
{
	struct nlmsghdr *msg = link_request(batch, RTM_DELLINK, 0, (struct ifinfomsg){.ifi_index = (int)index});

	return batch_append(batch, msg);
}

/** group_request() - A message about link @index and a group of links: 0, -E2BIG */
static int group_request(struct batch *batch, int type, uint32_t index, uint32_t group)
{
	struct nlmsghdr *msg = link_request(batch, type, 0, (struct ifinfomsg){.ifi_index = (int)index});

	if (!msg || nl_put_u32(msg, IFLA_GROUP, group) < 0)
		return -E2BIG;
	return batch_append(batch, msg);
}

/** rtmessage_set_group() - Put link @index into a group: 0, -E2BIG */
int rtmessage_set_group(struct batch *batch, uint32_t index, uint32_t group)
{
	return group_request(batch, RTM_SETLINK, index, group);
}

/**
 * rtmessage_set_guarded() - Put link @index into a group whose packets' sources the classifier judges
 * @batch:	Batch
 * @index:	Host end
 * @group:	Group
 *
 * So the kernel need not ask its routing tables, with accept_local, whether a source is one of the host's own: a whole
 * second lookup per packet as soon as the host has a policy rule (fib_validate_source()).
 *
 * Return: 0, -E2BIG
 */
int rtmessage_set_guarded(struct batch *batch, uint32_t index, uint32_t group)
{
	struct nlmsghdr *msg = link_request(batch, RTM_SETLINK, 0, (struct ifinfomsg){.ifi_index = (int)index});
	struct nlattr *settings;

	if (!msg || nl_put_u32(msg, IFLA_GROUP, group) < 0)
		return -E2BIG;
	settings = nl_nest(msg, IFLA_AF_SPEC);
	if (!settings || put_ipv4_setting(msg, IPV4_DEVCONF_ACCEPT_LOCAL) < 0)
		return -E2BIG;
	mnl_attr_nest_end(msg, settings);
	return batch_append(batch, msg);
}

/** rtmessage_delete_group() - Delete the links of a group, as rtmessage_delete_link() one: 0, -E2BIG */
int rtmessage_delete_group(struct batch *batch, uint32_t group)
{
	return group_request(batch, RTM_DELLINK, 0, group);
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
static int get_link(struct batch *batch, int flags, uint32_t index, const char *name)
{
	struct nlmsghdr *msg = link_request(batch, RTM_GETLINK, flags, (struct ifinfomsg){.ifi_index = (int)index});

	if (!msg || (name && nl_put_string(msg, IFLA_IFNAME, name) < 0) ||
	    nl_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		return -E2BIG;
	return batch_append(batch, msg);
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

/**
 * rtmessage_get_link_in() - Ask for a link in another network namespace
 * @batch:	Batch
 * @netns:	This namespace's number of it
 * @index:	Its index there
 *
 * Return: 0, -E2BIG
 */
int rtmessage_get_link_in(struct batch *batch, uint32_t netns, uint32_t index)
{
	struct nlmsghdr *msg = link_request(batch, RTM_GETLINK, 0, (struct ifinfomsg){.ifi_index = (int)index});

	if (!msg || nl_put_u32(msg, IFLA_TARGET_NETNSID, netns) < 0 ||
	    nl_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		return -E2BIG;
	return batch_append(batch, msg);
}

/** rtmessage_dump_links() - Ask for all links: 0, -E2BIG */
int rtmessage_dump_links(struct batch *batch)
{
	return get_link(batch, NLM_F_DUMP, 0, NULL);
}
