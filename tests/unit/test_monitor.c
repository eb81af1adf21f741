/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells of its own accord: which messages are about something of ours, and that no bytes lead astray. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/snat/fence.h"
#include "plugin/snat/monitor.h"

/** Netlink port id of who listens, in messages and out of them */
#define OWN 4711U

/** struct message - A message in the making, and another one behind it */
struct message {
	_Alignas(struct nlmsghdr) uint8_t bytes[1024];
	struct nlmsghdr *head;
};

static void begin(struct message *message, uint16_t type, size_t extra)
{
	memset(message->bytes, 0, sizeof(message->bytes));
	message->head = mnl_nlmsg_put_header(message->bytes);
	message->head->nlmsg_type = type;
	message->head->nlmsg_pid = OWN;
	(void)mnl_nlmsg_put_extra_header(message->head, extra);
}

/** nft() - What a message of nftables about a table is heard as */
static unsigned nft(uint16_t type, const char *table)
{
	struct message message;

	begin(&message, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), sizeof(struct nfgenmsg));
	mnl_attr_put_strz(message.head, NFTA_TABLE_NAME, table);
	return monitor_parse_nftables(message.bytes, message.head->nlmsg_len, OWN);
}

static void test_nftables(void **state)
{
	(void)state;
	assert_int_equal(nft(NFT_MSG_DELTABLE, "rangeguard"), MONITOR_TABLE);
	assert_int_equal(nft(NFT_MSG_DELCHAIN, "rangeguard"), MONITOR_TABLE);
	assert_int_equal(nft(NFT_MSG_DELRULE, "rangeguard"), MONITOR_TABLE);
	assert_int_equal(nft(NFT_MSG_DELSET, "rangeguard"), MONITOR_TABLE);
	assert_int_equal(nft(NFT_MSG_DELFLOWTABLE, "rangeguard"), MONITOR_TABLE);
	assert_int_equal(nft(NFT_MSG_DELSETELEM, "rangeguard"), MONITOR_ELEMENT);
	assert_int_equal(nft(NFT_MSG_NEWSETELEM, "rangeguard"), 0);
	assert_int_equal(nft(NFT_MSG_NEWTABLE, "rangeguard"), MONITOR_PUT | MONITOR_CHANGED);
	assert_int_equal(nft(NFT_MSG_NEWCHAIN, "rangeguard"), MONITOR_CHANGED);
	assert_int_equal(nft(NFT_MSG_NEWRULE, "rangeguard-backstop"), MONITOR_CHANGED);
	assert_int_equal(nft(NFT_MSG_DELTABLE, "rangeguard-backstop"), MONITOR_TABLE);
	assert_int_equal(nft(NFT_MSG_DELTABLE, "filter"), 0);
	assert_int_equal(nft(NFT_MSG_DELTABLE, ""), 0);
}

/** rule() - What a message about a routing rule that leads to a table is heard as */
static unsigned rule(uint16_t type, uint32_t table)
{
	struct message message;

	begin(&message, type, sizeof(struct fib_rule_hdr));
	mnl_attr_put_u8(message.head, FRA_PROTOCOL, RTPROT_KERNEL);
	mnl_attr_put_u32(message.head, FRA_TABLE, table);
	return monitor_parse_rtnetlink(message.bytes, message.head->nlmsg_len, OWN);
}

/** route() - What a message about a route is heard as */
static unsigned route(uint16_t type, uint8_t protocol, uint8_t kind)
{
	struct message message;
	struct rtmsg *body;

	begin(&message, type, sizeof(struct rtmsg));
	body = mnl_nlmsg_get_payload(message.head);
	body->rtm_protocol = protocol;
	body->rtm_type = kind;
	return monitor_parse_rtnetlink(message.bytes, message.head->nlmsg_len, OWN);
}

/** address() - What a message about an address is heard as */
static unsigned address(uint16_t type, uint8_t protocol)
{
	struct message message;

	begin(&message, type, sizeof(struct ifaddrmsg));
	mnl_attr_put_u8(message.head, IFA_PROTO, protocol);
	return monitor_parse_rtnetlink(message.bytes, message.head->nlmsg_len, OWN);
}

static void test_rtnetlink(void **state)
{
	(void)state;
	assert_int_equal(rule(RTM_DELRULE, FENCE_TABLE), MONITOR_FENCE);
	assert_int_equal(rule(RTM_NEWRULE, FENCE_TABLE), MONITOR_PUT);
	assert_int_equal(rule(RTM_DELRULE, RT_TABLE_MAIN), 0);
	assert_int_equal(route(RTM_DELROUTE, 82, RTN_PROHIBIT), MONITOR_FENCE);
	assert_int_equal(route(RTM_NEWROUTE, 82, RTN_PROHIBIT), MONITOR_PUT);
	assert_int_equal(route(RTM_DELROUTE, 82, RTN_UNREACHABLE), MONITOR_FENCE);
	assert_int_equal(route(RTM_NEWROUTE, 82, RTN_UNREACHABLE), MONITOR_PUT);
	assert_int_equal(route(RTM_DELROUTE, 82, RTN_UNICAST), MONITOR_INTERFACE);
	assert_int_equal(route(RTM_NEWROUTE, 82, RTN_UNICAST), 0);
	assert_int_equal(route(RTM_DELROUTE, RTPROT_BGP, RTN_UNICAST), 0);
	assert_int_equal(route(RTM_DELROUTE, RTPROT_BGP, RTN_PROHIBIT), 0);
	assert_int_equal(address(RTM_DELADDR, 82), MONITOR_SOURCE);
	assert_int_equal(address(RTM_NEWADDR, 82), MONITOR_PUT);
	assert_int_equal(address(RTM_DELADDR, 0), 0);
}

/** link_up() - What a message about a link is heard as: its alias, what changed of it, and what it is now */
static unsigned link_up(const char *alias, unsigned change, unsigned flags)
{
	struct message message;
	struct ifinfomsg *body;
	struct nlattr *info;

	begin(&message, RTM_NEWLINK, sizeof(struct ifinfomsg));
	body = mnl_nlmsg_get_payload(message.head);
	body->ifi_index = 7;
	body->ifi_change = change;
	body->ifi_flags = flags;
	mnl_attr_put_strz(message.head, IFLA_IFNAME, "rg0123456789ab");
	mnl_attr_put_strz(message.head, IFLA_IFALIAS, alias);
	info = mnl_attr_nest_start(message.head, IFLA_LINKINFO);
	mnl_attr_put_strz(message.head, IFLA_INFO_KIND, "veth");
	mnl_attr_nest_end(message.head, info);
	return monitor_parse_rtnetlink(message.bytes, message.head->nlmsg_len, OWN);
}

static void test_host_end_that_comes_up(void **state)
{
	(void)state;
	assert_int_equal(link_up("rangeguard pods c1 eth0", IFF_UP, IFF_UP), MONITOR_INTERFACE);
	assert_int_equal(link_up("rangeguard pods c1 eth0", IFF_UP, 0), 0);
	assert_int_equal(link_up("rangeguard pods c1 eth0", 0, IFF_UP), 0);
	assert_int_equal(link_up("somebody's", IFF_UP, IFF_UP), 0);
}

static void test_several_messages_in_one_datagram(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[2048];
	struct message message;
	size_t used = 0;

	(void)state;
	begin(&message, RTM_DELQDISC, sizeof(struct tcmsg));
	memcpy(bytes, message.bytes, NLMSG_ALIGN(message.head->nlmsg_len));
	used += NLMSG_ALIGN(message.head->nlmsg_len);
	begin(&message, RTM_DELRULE, sizeof(struct fib_rule_hdr));
	mnl_attr_put_u32(message.head, FRA_TABLE, FENCE_TABLE);
	memcpy(bytes + used, message.bytes, message.head->nlmsg_len);
	used += message.head->nlmsg_len;
	assert_int_equal(monitor_parse_rtnetlink(bytes, used, OWN), MONITOR_INTERFACE | MONITOR_FENCE);
}

/** Each message cut at each length, and with each byte of its attributes changed: nothing is read beyond it */
static void test_bytes_that_make_no_sense(void **state)
{
	struct message message;
	size_t length;

	(void)state;
	begin(&message, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE), sizeof(struct nfgenmsg));
	mnl_attr_put_strz(message.head, NFTA_TABLE_NAME, "rangeguard");
	length = message.head->nlmsg_len;
	for (size_t size = 0; size < length; size++)
		assert_int_equal(monitor_parse_nftables(message.bytes, size, OWN), 0);
	for (size_t i = NLMSG_HDRLEN; i < length; i++) {
		uint8_t *copy = malloc(length);

		assert_non_null(copy);
		memcpy(copy, message.bytes, length);
		copy[i] = 0xff;
		(void)monitor_parse_nftables(copy, length, OWN);
		(void)monitor_parse_rtnetlink(copy, length, OWN);
		free(copy);
	}
}

/** What others put there is no doing of who listens */
static void test_whose_doing_it_is(void **state)
{
	struct message message;

	(void)state;
	begin(&message, RTM_NEWRULE, sizeof(struct fib_rule_hdr));
	mnl_attr_put_u32(message.head, FRA_TABLE, FENCE_TABLE);
	assert_int_equal(monitor_parse_rtnetlink(message.bytes, message.head->nlmsg_len, OWN), MONITOR_PUT);
	assert_int_equal(monitor_parse_rtnetlink(message.bytes, message.head->nlmsg_len, OWN + 1), 0);
	assert_int_equal(monitor_parse_rtnetlink(message.bytes, message.head->nlmsg_len, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nftables),
		cmocka_unit_test(test_rtnetlink),
		cmocka_unit_test(test_host_end_that_comes_up),
		cmocka_unit_test(test_whose_doing_it_is),
		cmocka_unit_test(test_several_messages_in_one_datagram),
		cmocka_unit_test(test_bytes_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
