/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floor: a program, linked to the shared libraries that the plugin is linked to, that makes only the kernel calls that
 * an ADD in routed mode with one IPv4 address, and its DEL, can't do without, antiSpoof among them. No lease, no policy, no
 * JSON, no question about the host's routes, nothing to undo. What the plugin takes longer is the plugin's.
 *
 *	floor add NETNS CLASSIFIER [BATCH]	the attachment, its container end in that namespace
 *	floor del CLASSIFIER [BATCH]		and away
 *	floor nothing		what any process costs that loads these libraries
 *
 * Three datagrams for ADD: a link's index must be known before there can be addresses, neighbours and routes, and its
 * sysctls be written before it is up; a socket belongs to one namespace. Whoever finds a way with fewer calls to the
 * same result should change this program first.
 *
 * CLASSIFIER is the name below /sys/fs/bpf of the program that keeps a container to its address: the plugin's own, which is
 * loaded once per boot. What it is to know of the container goes into its map.
 *
 * BATCH is a file with the bytes of an nftables transaction, as the plugin sends it for an attachment of its own: the
 * firewall's part is replayed rather than written again here. It belongs between the host end and the container end.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "floor_bpf.h"

#define HOST_NAME "rgfloor"
#define CONTAINER_NAME "eth0"
#define ALIAS "rangeguard floor c1 eth0"
#define MTU 1500U
#define PROTOCOL 82U

static const uint8_t host_mac[ETH_ALEN] = {0x52, 0xc4, 0x09, 0x61, 0xd4, 0x1c};
static const uint8_t container_mac[ETH_ALEN] = {0x5a, 0xc4, 0x09, 0x61, 0xd4, 0x1c};
/** The container's address, 10.250.0.2, and its next hop, 169.254.1.1 */
static const uint8_t address[] = {10, 250, 0, 2};
static const uint8_t next_hop[] = {169, 254, 1, 1};

/** struct datagram - Messages, one behind the other; the last one is being written */
struct datagram {
	_Alignas(struct nlmsghdr) uint8_t bytes[4096];
	size_t used;
	struct nlmsghdr *message;
};

/** struct link_indices - Of the host end and its peer */
struct link_indices {
	int host;
	int container;
};

/** put() - Append bytes to a datagram and its last message; returns where they begin */
static void *put(struct datagram *datagram, const void *data, size_t size)
{
	uint8_t *at = datagram->bytes + datagram->used;

	floor_check(size <= sizeof(datagram->bytes) - datagram->used - NLMSG_ALIGNTO, "datagram");
	if (size)
		memcpy(at, data, size);
	datagram->used += NLMSG_ALIGN(size);
	datagram->message->nlmsg_len = (uint32_t)(datagram->bytes + datagram->used - (uint8_t *)datagram->message);
	return at;
}

/** put_message() - Begin another message with its fixed part @head */
static void put_message(struct datagram *datagram, uint16_t type, uint16_t flags, const void *head, size_t size)
{
	struct nlmsghdr header = {.nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)};

	datagram->message = (struct nlmsghdr *)(void *)(datagram->bytes + datagram->used);
	(void)put(datagram, &header, sizeof(header));
	(void)put(datagram, head, size);
}

/** put_attribute() - Append an attribute; returns it, for end_nest() */
static struct rtattr *put_attribute(struct datagram *datagram, uint16_t type, const void *data, size_t size)
{
	struct rtattr attribute = {.rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(size)};
	struct rtattr *begun = put(datagram, &attribute, sizeof(attribute));

	(void)put(datagram, data, size);
	return begun;
}

/** put_number() - Append a 32-bit attribute */
static void put_number(struct datagram *datagram, uint16_t type, uint32_t number)
{
	(void)put_attribute(datagram, type, &number, sizeof(number));
}

/** begin_nest() - Begin an attribute that holds attributes */
static struct rtattr *begin_nest(struct datagram *datagram, uint16_t type)
{
	return put_attribute(datagram, type | NLA_F_NESTED, NULL, 0);
}

/** end_nest() - All since begin_nest() is in @nest */
static void end_nest(struct datagram *datagram, struct rtattr *nest)
{
	nest->rta_len = (uint16_t)(datagram->bytes + datagram->used - (uint8_t *)nest);
}

/** open_socket() - A route socket in the current namespace */
static int open_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	floor_check(fd >= 0, "socket");
	return fd;
}

/** exchange() - Send a datagram; its one reply, which must not be an error, into @reply; returns its length */
static int exchange(int fd, const struct datagram *datagram, struct nlmsghdr *reply, size_t size)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	const struct nlmsgerr *error = NLMSG_DATA(reply);
	ssize_t length;

	floor_check(sendto(fd, datagram->bytes, datagram->used, 0, (struct sockaddr *)&kernel, sizeof(kernel)) > 0,
		    "sendto");
	length = recv(fd, reply, size, 0);
	floor_check(length >= (ssize_t)sizeof(*reply), "recv");
	if (reply->nlmsg_type == NLMSG_ERROR && error->error) {
		(void)fprintf(stderr, "netlink: %s\n", strerror(-error->error));
		exit(EXIT_FAILURE);
	}
	return (int)length;
}

/** change() - Send a datagram, whose last message asks for an acknowledgement */
static void change(int fd, const struct datagram *datagram)
{
	_Alignas(struct nlmsghdr) uint8_t reply[1024];

	datagram->message->nlmsg_flags |= NLM_F_ACK;
	(void)exchange(fd, datagram, (struct nlmsghdr *)(void *)reply, sizeof(reply));
}

/** replay() - Send the transaction in the file @path, if there is one; the kernel has answered when send returns */
static void replay(const char *path)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[4096];
	const struct nlmsgerr *error = (const struct nlmsgerr *)(const void *)(bytes + NLMSG_HDRLEN);
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t size;
	int file, fd;

	if (!path)
		return;
	file = open(path, O_RDONLY | O_CLOEXEC);
	floor_check(file >= 0, path);
	size = read(file, bytes, sizeof(bytes));
	floor_check(size > 0 && close(file) == 0, path);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	floor_check(fd >= 0, "socket");
	floor_check(sendto(fd, bytes, (size_t)size, 0, (struct sockaddr *)&kernel, sizeof(kernel)) == size, "sendto");
	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		floor_check(((struct nlmsghdr *)(void *)bytes)->nlmsg_type != NLMSG_ERROR || !error->error,
			    "transaction");
}

/** put_end() - Name, MAC address, MTU, queues of one end of the pair: see describe_end() in plugin/network/rtlink.c */
static void put_end(struct datagram *datagram, const char *name, const uint8_t mac[static ETH_ALEN])
{
	(void)put_attribute(datagram, IFLA_IFNAME, name, strlen(name) + 1);
	(void)put_attribute(datagram, IFLA_ADDRESS, mac, ETH_ALEN);
	put_number(datagram, IFLA_MTU, MTU);
	put_number(datagram, IFLA_NUM_TX_QUEUES, 1);
	put_number(datagram, IFLA_NUM_RX_QUEUES, 1);
}

/** put_pair() - Make the pair */
static void put_pair(struct datagram *datagram, int netns_fd)
{
	struct ifinfomsg link = {0};
	struct rtattr *info, *data, *peer;

	put_message(datagram, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	put_end(datagram, HOST_NAME, host_mac);
	info = begin_nest(datagram, IFLA_LINKINFO);
	(void)put_attribute(datagram, IFLA_INFO_KIND, "veth", strlen("veth"));
	data = begin_nest(datagram, IFLA_INFO_DATA);
	peer = begin_nest(datagram, VETH_INFO_PEER);
	(void)put(datagram, &link, sizeof(link));
	put_end(datagram, CONTAINER_NAME, container_mac);
	put_number(datagram, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	end_nest(datagram, peer);
	end_nest(datagram, data);
	end_nest(datagram, info);
}

/** put_question() - Ask for the host end */
static void put_question(struct datagram *datagram)
{
	struct ifinfomsg link = {0};

	put_message(datagram, RTM_GETLINK, 0, &link, sizeof(link));
	(void)put_attribute(datagram, IFLA_IFNAME, HOST_NAME, sizeof(HOST_NAME));
	put_number(datagram, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

/** peer_of() - Index of the peer of the link that @reply is about */
static int peer_of(const struct nlmsghdr *reply)
{
	const uint8_t *bytes = (const uint8_t *)reply;
	size_t at = NLMSG_SPACE(sizeof(struct ifinfomsg));
	struct rtattr attribute;
	int index = 0;

	for (; at + sizeof(attribute) <= reply->nlmsg_len; at += RTA_ALIGN(attribute.rta_len)) {
		memcpy(&attribute, bytes + at, sizeof(attribute));
		floor_check(attribute.rta_len >= sizeof(attribute), "attribute");
		if (attribute.rta_type == IFLA_LINK && at + RTA_LENGTH(sizeof(index)) <= reply->nlmsg_len)
			memcpy(&index, bytes + at + RTA_LENGTH(0), sizeof(index));
	}
	return index;
}

/** ask() - Send a datagram that ends with put_question(): the indices of the pair */
static struct link_indices ask(int fd, const struct datagram *datagram)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[8192];
	struct nlmsghdr *reply = (struct nlmsghdr *)(void *)bytes;
	const struct ifinfomsg *link = NLMSG_DATA(reply);

	floor_check(exchange(fd, datagram, reply, sizeof(bytes)) >= (int)reply->nlmsg_len, "reply");
	floor_check(reply->nlmsg_type == RTM_NEWLINK, "reply");
	return (struct link_indices){.host = link->ifi_index, .container = peer_of(reply)};
}

/** put_settings() - Alias and per-family settings of the host end */
static void put_settings(struct datagram *datagram, int index)
{
	struct ifinfomsg link = {.ifi_index = index};
	struct rtattr *families, *family, *conf;
	uint8_t mode = IN6_ADDR_GEN_MODE_NONE;

	put_message(datagram, RTM_SETLINK, 0, &link, sizeof(link));
	(void)put_attribute(datagram, IFLA_IFALIAS, ALIAS, strlen(ALIAS));
	families = begin_nest(datagram, IFLA_AF_SPEC);
	family = begin_nest(datagram, AF_INET);
	conf = begin_nest(datagram, IFLA_INET_CONF);
	put_number(datagram, IPV4_DEVCONF_FORWARDING, 1);
	end_nest(datagram, conf);
	end_nest(datagram, family);
	family = begin_nest(datagram, AF_INET6);
	(void)put_attribute(datagram, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
	end_nest(datagram, family);
	end_nest(datagram, families);
}

/** put_up() - Bring a link up */
static void put_up(struct datagram *datagram, int index)
{
	struct ifinfomsg link = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	put_message(datagram, RTM_SETLINK, 0, &link, sizeof(link));
}

/** put_neighbour() - Who has @ip */
static void put_neighbour(struct datagram *datagram, int index, const uint8_t ip[static 4],
			  const uint8_t mac[static ETH_ALEN])
{
	struct ndmsg neighbour = {.ndm_family = AF_INET, .ndm_ifindex = index, .ndm_state = NUD_PERMANENT};

	put_message(datagram, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &neighbour, sizeof(neighbour));
	(void)put_attribute(datagram, NDA_DST, ip, sizeof(address));
	(void)put_attribute(datagram, NDA_LLADDR, mac, ETH_ALEN);
}

/** put_host_route() - The host's way to the container */
static void put_host_route(struct datagram *datagram, int index)
{
	struct rtmsg route = {.rtm_family = AF_INET,
			      .rtm_dst_len = 32,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = PROTOCOL,
			      .rtm_scope = RT_SCOPE_LINK,
			      .rtm_type = RTN_UNICAST};

	put_message(datagram, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof(route));
	(void)put_attribute(datagram, RTA_DST, address, sizeof(address));
	put_number(datagram, RTA_OIF, (uint32_t)index);
}

/** put_address() - The container's address */
static void put_address(struct datagram *datagram, int index)
{
	struct ifaddrmsg head = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = (uint32_t)index};

	put_message(datagram, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	(void)put_attribute(datagram, IFA_LOCAL, address, sizeof(address));
	(void)put_attribute(datagram, IFA_ADDRESS, address, sizeof(address));
}

/** put_default_route() - The container's way out */
static void put_default_route(struct datagram *datagram, int index)
{
	struct rtmsg route = {.rtm_family = AF_INET,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = RTPROT_STATIC,
			      .rtm_scope = RT_SCOPE_UNIVERSE,
			      .rtm_type = RTN_UNICAST,
			      .rtm_flags = RTNH_F_ONLINK};

	put_message(datagram, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof(route));
	(void)put_attribute(datagram, RTA_GATEWAY, next_hop, sizeof(next_hop));
	put_number(datagram, RTA_OIF, (uint32_t)index);
}

/** put_classifier() - Run it over what comes in through a link */
static void put_classifier(struct datagram *datagram, int index, int program_fd)
{
	struct tcmsg qdisc = {.tcm_ifindex = index, .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0), .tcm_parent = TC_H_CLSACT};
	struct tcmsg filter = {.tcm_ifindex = index,
			       .tcm_handle = 1,
			       .tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
			       .tcm_info = TC_H_MAKE(1U << 16, htons(ETH_P_ALL))};
	struct rtattr *options;

	put_message(datagram, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &qdisc, sizeof(qdisc));
	(void)put_attribute(datagram, TCA_KIND, "clsact", sizeof("clsact"));
	put_message(datagram, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &filter, sizeof(filter));
	(void)put_attribute(datagram, TCA_KIND, "bpf", sizeof("bpf"));
	options = begin_nest(datagram, TCA_OPTIONS);
	put_number(datagram, TCA_BPF_FD, (uint32_t)program_fd);
	(void)put_attribute(datagram, TCA_BPF_NAME, "floor", sizeof("floor"));
	put_number(datagram, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	end_nest(datagram, options);
}

/** refuse_advertisements() - The sysctl accept_ra of an end */
static void refuse_advertisements(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	floor_check(fd >= 0 && write(fd, "0", 1) == 1 && close(fd) == 0, path);
}

/** look_at_forwarding() - It must be on */
static void look_at_forwarding(void)
{
	int fd = open("/proc/sys/net/ipv4/ip_forward", O_RDONLY | O_CLOEXEC);
	char value = 0;

	floor_check(fd >= 0 && read(fd, &value, 1) == 1 && close(fd) == 0, "ip_forward");
	floor_check(value == '1', "ip_forward is off");
}

/** add() - Make the attachment, with an nftables transaction from the file @batch, if not NULL */
static void add(const char *netns, const char *classifier, const char *batch)
{
	struct datagram pair = {.used = 0}, host = {.used = 0}, container = {.used = 0};
	int netns_fd = open(netns, O_RDONLY | O_CLOEXEC);
	int program_fd = floor_open_program(classifier);
	struct link_indices indices;
	int fd = open_socket();

	floor_check(netns_fd >= 0, netns);
	put_pair(&pair, netns_fd);
	put_question(&pair);
	indices = ask(fd, &pair);
	floor_put_element(program_fd, indices.host, address);
	put_classifier(&host, indices.host, program_fd);
	refuse_advertisements("/proc/sys/net/ipv6/conf/" HOST_NAME "/accept_ra");
	look_at_forwarding();
	put_settings(&host, indices.host);
	put_up(&host, indices.host);
	put_neighbour(&host, indices.host, address, container_mac);
	put_host_route(&host, indices.host);
	change(fd, &host);
	replay(batch);

	floor_check(setns(netns_fd, CLONE_NEWNET) == 0, "setns");
	fd = open_socket();
	refuse_advertisements("/proc/sys/net/ipv6/conf/" CONTAINER_NAME "/accept_ra");
	put_address(&container, indices.container);
	put_neighbour(&container, indices.container, next_hop, host_mac);
	put_up(&container, indices.container);
	put_default_route(&container, indices.container);
	change(fd, &container);
}

/** del() - Find the host end by its name and delete it, after an nftables transaction from @batch, if not NULL */
static void del(const char *classifier, const char *batch)
{
	struct datagram question = {.used = 0}, end = {.used = 0};
	struct ifinfomsg link = {0};
	int fd = open_socket();

	put_question(&question);
	link.ifi_index = ask(fd, &question).host;
	replay(batch);
	put_message(&end, RTM_DELLINK, 0, &link, sizeof(link));
	change(fd, &end);
	floor_drop_element(floor_open_program(classifier), link.ifi_index);
}

int main(int argc, char **argv)
{
	if ((argc == 4 || argc == 5) && strcmp(argv[1], "add") == 0) {
		add(argv[2], argv[3], argv[4]);
	} else if ((argc == 3 || argc == 4) && strcmp(argv[1], "del") == 0) {
		del(argv[2], argv[3]);
	} else if (argc != 2 || strcmp(argv[1], "nothing") != 0) {
		(void)fputs("Usage: floor add NETNS CLASSIFIER [BATCH] | del CLASSIFIER [BATCH] | nothing\n", stderr);
		return 2;
	}
	return EXIT_SUCCESS;
}
