/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells of its own accord. The parsers are pure. */

#include "plugin/snat/monitor.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plugin/network/plan.h"
#include "plugin/network/rtmessage.h"
#include "plugin/snat/fence.h"
#include "plugin/snat/nfmessage.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** A flush of 10,000 elements fits; what does not is made up for by a look at everything */
#define RECEIVE_BUFFER (4 << 20)
#define DATAGRAM_BYTES 32768
/** Datagrams of one monitor_read(): the loop has others to serve */
#define DATAGRAMS_MAX 256

/** open_groups() - A socket of a protocol that listens to groups: 0, negative errno */
static int open_groups(int protocol, const int *groups, size_t n_groups, int *ret_fd)
{
	CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	int size = RECEIVE_BUFFER;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	for (size_t i = 0; i < n_groups; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) < 0)
			return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/** monitor_open_nftables() - Listen to nftables in the calling thread's namespace: 0, negative errno */
int monitor_open_nftables(int *ret_fd)
{
	static const int groups[] = {NFNLGRP_NFTABLES};

	return open_groups(NETLINK_NETFILTER, groups, 1, ret_fd);
}

/** monitor_open_rtnetlink() - Listen to rtnetlink in the calling thread's namespace: 0, negative errno */
int monitor_open_rtnetlink(int *ret_fd)
{
	static const int groups[] = {RTNLGRP_IPV4_RULE,	  RTNLGRP_IPV6_RULE,   RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
				     RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_TC,	   RTNLGRP_LINK};

	return open_groups(NETLINK_ROUTE, groups, ARRAY_LENGTH(groups), ret_fd);
}

/** find_attribute() - The first attribute of a type behind a header of @offset bytes; NULL: none */
static const struct nlattr *find_attribute(const struct nlmsghdr *message, size_t offset, uint16_t type)
{
	const char *end = mnl_nlmsg_get_payload_tail(message);
	const struct nlattr *attribute;

	if (message->nlmsg_len < NLMSG_HDRLEN + offset)
		return NULL;
	for (attribute = mnl_nlmsg_get_payload_offset(message, offset);
	     mnl_attr_ok(attribute, (int)(end - (const char *)attribute)); attribute = mnl_attr_next(attribute))
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	return NULL;
}

/** has_number() - Whether an attribute is there and is an 8 bit number of this value */
static bool has_number(const struct nlmsghdr *message, size_t offset, uint16_t type, uint8_t value)
{
	const struct nlattr *attribute = find_attribute(message, offset, type);

	return attribute && mnl_attr_get_payload_len(attribute) == sizeof(value) && mnl_attr_get_u8(attribute) == value;
}

/** is_our_table() - Whether a message of nftables is about our table; in all of them its name has the same number */
static bool is_our_table(const struct nlmsghdr *message)
{
	const struct nlattr *name = find_attribute(message, sizeof(struct nfgenmsg), NFTA_TABLE_NAME);

	_Static_assert((int)NFTA_TABLE_NAME == (int)NFTA_CHAIN_TABLE && (int)NFTA_TABLE_NAME == (int)NFTA_RULE_TABLE &&
			       (int)NFTA_TABLE_NAME == (int)NFTA_SET_TABLE &&
			       (int)NFTA_TABLE_NAME == (int)NFTA_FLOWTABLE_TABLE &&
			       (int)NFTA_TABLE_NAME == (int)NFTA_SET_ELEM_LIST_TABLE,
		       "the table's name stands in the same place");
	return name && mnl_attr_validate(name, MNL_TYPE_NUL_STRING) >= 0 &&
	       strncmp(mnl_attr_get_str(name), NF_TABLE, strlen(NF_TABLE)) == 0;
}

/** hear_nftables() - What one message of nftables says */
static unsigned hear_nftables(const struct nlmsghdr *message)
{
	switch (message->nlmsg_type) {
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE:
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELCHAIN:
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELRULE:
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSET:
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELFLOWTABLE:
		return is_our_table(message) ? MONITOR_TABLE : 0;
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE:
		return is_our_table(message) ? MONITOR_PUT | MONITOR_CHANGED : 0;
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN:
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE:
		return is_our_table(message) ? MONITOR_CHANGED : 0;
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSETELEM:
		return is_our_table(message) ? MONITOR_ELEMENT : 0;
	default:
		return 0;
	}
}

/** is_our_rule() - Whether a routing rule leads to the fence; its protocol is the kernel's, so that others leave it alone */
static bool is_our_rule(const struct nlmsghdr *message)
{
	const struct nlattr *table = find_attribute(message, sizeof(struct fib_rule_hdr), FRA_TABLE);

	return table && mnl_attr_get_payload_len(table) == sizeof(uint32_t) && mnl_attr_get_u32(table) == FENCE_TABLE;
}

/** hear_route() - What a message about a route says: one that prohibits or discards is gone, or put, or one that led to a container is gone */
static unsigned hear_route(const struct nlmsghdr *message)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	bool gone = message->nlmsg_type == RTM_DELROUTE;

	if (message->nlmsg_len < NLMSG_HDRLEN + sizeof(*route) || route->rtm_protocol != PLAN_ROUTE_PROTOCOL)
		return 0;
	if (route->rtm_type == RTN_PROHIBIT || route->rtm_type == RTN_UNREACHABLE)
		return gone ? MONITOR_FENCE : MONITOR_PUT;
	return gone && route->rtm_type == RTN_UNICAST ? MONITOR_INTERFACE : 0;
}

/** is_up_again() - Whether a host end came up, as it does in an ADD; while it was down the kernel dropped its routes */
static bool is_up_again(const struct nlmsghdr *message)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	struct link_info link;

	return rtmessage_read_link(message, &link) == 0 && head->ifi_change & IFF_UP && link.up &&
	       identity_is_claimed(&link);
}

/** is_our_address() - Whether an address is one that rangeguard assigned */
static bool is_our_address(const struct nlmsghdr *message)
{
	return has_number(message, sizeof(struct ifaddrmsg), IFA_PROTO, PLAN_ROUTE_PROTOCOL);
}

/** hear_rtnetlink() - What one message of rtnetlink says */
static unsigned hear_rtnetlink(const struct nlmsghdr *message)
{
	switch (message->nlmsg_type) {
	case RTM_DELRULE:
	case RTM_NEWRULE:
		if (!is_our_rule(message))
			return 0;
		return message->nlmsg_type == RTM_DELRULE ? MONITOR_FENCE : MONITOR_PUT;
	case RTM_DELROUTE:
	case RTM_NEWROUTE:
		return hear_route(message);
	case RTM_DELADDR:
		return is_our_address(message) ? MONITOR_SOURCE : 0;
	case RTM_NEWADDR:
		return is_our_address(message) ? MONITOR_PUT : 0;
	case RTM_NEWLINK:
		return is_up_again(message) ? MONITOR_INTERFACE : 0;
	case RTM_DELQDISC:
	case RTM_DELTFILTER:
		return MONITOR_INTERFACE;
	default:
		return 0;
	}
}

/**
 * parse() - What the messages of a datagram say; bytes that are no message end it
 *
 * The kernel writes into a notification whose socket the request came from.
 */
static unsigned parse(const void *datagram, size_t size, uint32_t own, unsigned (*hear)(const struct nlmsghdr *message))
{
	const struct nlmsghdr *message = datagram;
	int left = (int)size;
	unsigned heard = 0;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		heard |= hear(message) & ~(unsigned)(own && message->nlmsg_pid == own ? 0 : MONITOR_PUT);
	return heard;
}

/** monitor_parse_nftables() - What a datagram of nftables says, for who has socket @own: bits of monitor_heard */
unsigned monitor_parse_nftables(const void *datagram, size_t size, uint32_t own)
{
	return parse(datagram, size, own, hear_nftables);
}

/** monitor_parse_rtnetlink() - What a datagram of rtnetlink says, for who has socket @own: bits of monitor_heard */
unsigned monitor_parse_rtnetlink(const void *datagram, size_t size, uint32_t own)
{
	return parse(datagram, size, own, hear_rtnetlink);
}

/** read_one() - One datagram: bits of monitor_heard, -EAGAIN when there is none, another negative errno */
static int read_one(int fd, bool nftables, uint32_t own)
{
	_Alignas(struct nlmsghdr) uint8_t datagram[DATAGRAM_BYTES];
	struct sockaddr_nl sender = {0};
	socklen_t sender_size = sizeof(sender);
	ssize_t size = recvfrom(fd, datagram, sizeof(datagram), MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&sender,
				&sender_size);

	if (size < 0)
		return errno == ENOBUFS ? MONITOR_MISSED : -errno;
	/* Other processes can send to us, too. */
	if (sender.nl_pid)
		return 0;
	if ((size_t)size > sizeof(datagram))
		return MONITOR_MISSED;
	return (int)(nftables ? monitor_parse_nftables(datagram, (size_t)size, own)
			      : monitor_parse_rtnetlink(datagram, (size_t)size, own));
}

/**
 * monitor_read() - What there is to hear
 * @fd:		Socket of monitor_open_…()
 * @own:	port_id() of the port whose doings are MONITOR_PUT; 0: nobody's are
 * @ret_heard:	Bits of monitor_heard
 *
 * Return: 0, negative errno when the socket is of no use any more
 */
int monitor_read(int fd, uint32_t own, unsigned *ret_heard)
{
	int protocol = NETLINK_ROUTE, r = 0;
	socklen_t size = sizeof(protocol);

	*ret_heard = 0;
	(void)getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size);
	for (unsigned i = 0; i < DATAGRAMS_MAX; i++) {
		r = read_one(fd, protocol == NETLINK_NETFILTER, own);
		if (r < 0)
			break;
		*ret_heard |= (unsigned)r;
	}
	return r == -EAGAIN || r == -EINTR || r > 0 ? 0 : r;
}
