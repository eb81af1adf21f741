/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtread.c: messages read are built by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "ipam_scene.h"
#include "plugin/network/rtmessage.h"
#include "rangeguard/array.h"

static const uint8_t some_mac[ETH_ALEN] = {0x02, 1, 2, 3, 4, 5};

/** struct message - Built by hand */
struct message {
	_Alignas(struct nlmsghdr) uint8_t bytes[512];
};

static struct nlmsghdr *message_new(struct message *message, uint16_t type, const void *head, size_t size)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(message->bytes);

	header->nlmsg_type = type;
	if (size)
		memcpy(mnl_nlmsg_put_extra_header(header, size), head, size);
	return header;
}

static void link_is_read(void **state)
{
	const struct ifinfomsg head = {.ifi_index = 12, .ifi_flags = IFF_UP | IFF_BROADCAST};
	struct nlmsghdr *header;
	struct message message;
	struct link_info link;
	struct nlattr *nest;

	(void)state;
	header = message_new(&message, RTM_NEWLINK, &head, sizeof(head));
	mnl_attr_put_strz(header, IFLA_IFNAME, "rg0123456789ab");
	mnl_attr_put_u32(header, IFLA_MTU, 1500);
	mnl_attr_put_u32(header, IFLA_LINK, 3);
	mnl_attr_put(header, IFLA_ADDRESS, ETH_ALEN, some_mac);
	mnl_attr_put_strz(header, IFLA_IFALIAS, "whose");
	nest = mnl_attr_nest_start(header, IFLA_LINKINFO);
	mnl_attr_put_strz(header, IFLA_INFO_KIND, "veth");
	mnl_attr_nest_end(header, nest);
	assert_int_equal(rtmessage_read_link(header, &link), 0);
	assert_int_equal(link.index, 12);
	assert_int_equal(link.peer_index, 3);
	assert_int_equal(link.mtu, 1500);
	assert_true(link.up);
	assert_memory_equal(link.mac, some_mac, ETH_ALEN);
	assert_string_equal(link.name, "rg0123456789ab");
	assert_string_equal(link.alias, "whose");
	assert_string_equal(link.kind, "veth");
}

static void link_with_another_kind_of_address_is_read(void **state)
{
	static const uint8_t zeros[ETH_ALEN];
	const struct ifinfomsg head = {.ifi_index = 12};
	struct nlmsghdr *header;
	struct message message;
	struct link_info link;

	(void)state;
	header = message_new(&message, RTM_NEWLINK, &head, sizeof(head));
	mnl_attr_put(header, IFLA_ADDRESS, 4, "\x0a\0\0\1");
	assert_int_equal(rtmessage_read_link(header, &link), 0);
	assert_memory_equal(link.mac, zeros, ETH_ALEN);
}

/* A point-to-point address: IPv4 writes IFA_ADDRESS first, IPv6 IFA_LOCAL. Ours is the local one. */
static void local_address_is_ours_in_either_order(void **state)
{
	const struct ifaddrmsg head = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 4};

	(void)state;
	for (int local_first = 0; local_first < 2; local_first++) {
		struct address expected = address_of("10.0.0.1");
		struct address_info info;
		struct nlmsghdr *header;
		struct message message;

		header = message_new(&message, RTM_NEWADDR, &head, sizeof(head));
		mnl_attr_put(header, local_first ? IFA_LOCAL : IFA_ADDRESS, 4,
			     local_first ? "\x0a\0\0\1" : "\x0a\0\0\2");
		mnl_attr_put(header, local_first ? IFA_ADDRESS : IFA_LOCAL, 4,
			     local_first ? "\x0a\0\0\2" : "\x0a\0\0\1");
		mnl_attr_put_u32(header, IFA_FLAGS, 0x280);
		assert_int_equal(rtmessage_read_address(header, &info), 0);
		assert_true(address_equal(&info.address.address, &expected));
		assert_int_equal(info.flags, 0x280);
	}
}

static void multipath_route_has_its_first_next_hop(void **state)
{
	const struct rtmsg head = {.rtm_family = AF_INET, .rtm_dst_len = 0, .rtm_table = RT_TABLE_MAIN};
	struct rtnexthop hop = {.rtnh_len = sizeof(hop) + 8, .rtnh_ifindex = 6};
	struct address expected = address_of("10.0.0.9");
	struct nlmsghdr *header;
	struct message message;
	struct route_info route;
	struct nlattr *nest;

	(void)state;
	header = message_new(&message, RTM_NEWROUTE, &head, sizeof(head));
	nest = mnl_attr_nest_start(header, RTA_MULTIPATH);
	memcpy(mnl_nlmsg_put_extra_header(header, sizeof(hop)), &hop, sizeof(hop));
	mnl_attr_put(header, RTA_GATEWAY, 4, "\x0a\0\0\x09");
	hop.rtnh_ifindex = 7;
	memcpy(mnl_nlmsg_put_extra_header(header, sizeof(hop)), &hop, sizeof(hop));
	mnl_attr_put(header, RTA_GATEWAY, 4, "\x0a\0\0\x0a");
	mnl_attr_nest_end(header, nest);
	assert_int_equal(rtmessage_read_route(header, &route), 0);
	assert_int_equal(route.interface, 6);
	assert_true(address_equal(&route.gateway, &expected));
}

/* RFC 5549: an IPv4 route whose next hop has an IPv6 address. */
static void gateway_may_be_of_another_family(void **state)
{
	const struct rtmsg head = {.rtm_family = AF_INET, .rtm_dst_len = 0};
	struct address expected = address_of("fe80::9");
	uint8_t via[2 + 16] = {AF_INET6, 0, 0xfe, 0x80, [17] = 9};
	struct nlmsghdr *header;
	struct message message;
	struct route_info route;

	(void)state;
	header = message_new(&message, RTM_NEWROUTE, &head, sizeof(head));
	mnl_attr_put(header, RTA_VIA, sizeof(via), via);
	assert_int_equal(rtmessage_read_route(header, &route), 0);
	assert_true(address_equal(&route.gateway, &expected));
}

/* Here a route is what the kernel means, not what it amounts to: ::ffff:0:0/96 is an IPv6 route. */
static void mapped_destination_stays_ipv6(void **state)
{
	const struct rtmsg head = {.rtm_family = AF_INET6, .rtm_dst_len = 96};
	const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};
	struct nlmsghdr *header;
	struct message message;
	struct route_info route;

	(void)state;
	header = message_new(&message, RTM_NEWROUTE, &head, sizeof(head));
	mnl_attr_put(header, RTA_DST, sizeof(mapped), mapped);
	assert_int_equal(rtmessage_read_route(header, &route), 0);
	assert_int_equal(route.destination.address.family, FAMILY_IPV6);
	assert_int_equal(route.destination.length, 96);
}

static void other_messages_and_families_are_no_message_of_ours(void **state)
{
	const struct rtmsg mpls = {.rtm_family = AF_MPLS, .rtm_dst_len = 20};
	const struct ifaddrmsg phonet = {.ifa_family = AF_PHONET};
	struct address_info info;
	struct route_info route;
	struct nlmsghdr *header;
	struct message message;
	struct link_info link;

	(void)state;
	header = message_new(&message, RTM_NEWROUTE, &mpls, sizeof(mpls));
	assert_int_equal(rtmessage_read_link(header, &link), -ENOMSG);
	assert_int_equal(rtmessage_read_address(header, &info), -ENOMSG);
	assert_int_equal(rtmessage_read_route(header, &route), -ENOMSG);
	header = message_new(&message, RTM_NEWADDR, &phonet, sizeof(phonet));
	assert_int_equal(rtmessage_read_route(header, &route), -ENOMSG);
	assert_int_equal(rtmessage_read_address(header, &info), -ENOMSG);
}

static void malformed_messages_are_refused(void **state)
{
	static const struct {
		uint16_t type;
		uint16_t attribute;
		size_t size;
		const char *payload;
	} cases[] = {
		{RTM_NEWLINK, IFLA_IFNAME, 4, "eth0"}, /* no NUL */
		{RTM_NEWLINK, IFLA_IFALIAS, 0, ""},
		{RTM_NEWLINK, IFLA_MTU, 2, "\1\2"},
		{RTM_NEWLINK, IFLA_LINK, 8, "12345678"},
		{RTM_NEWROUTE, RTA_DST, 3, "123"},
		{RTM_NEWROUTE, RTA_DST, 16, "0123456789abcdef"},
		{RTM_NEWROUTE, RTA_GATEWAY, 0, ""},
		{RTM_NEWROUTE, RTA_OIF, 1, "1"},
		{RTM_NEWROUTE, RTA_VIA, 1, "1"},
		{RTM_NEWROUTE, RTA_VIA, 5, "\x02\0ABC"},
		{RTM_NEWROUTE, RTA_MULTIPATH, 4, "\x10\0\0\0"},
		{RTM_NEWROUTE, RTA_MULTIPATH, 8, "\x07\0\0\0\0\0\0\0"},
		{RTM_NEWROUTE, RTA_MULTIPATH, 8, "\x09\0\0\0\0\0\0\0"},
		{RTM_NEWADDR, IFA_LOCAL, 5, "12345"},
		{RTM_NEWADDR, IFA_FLAGS, 3, "123"},
	};
	const struct rtmsg head = {.rtm_family = AF_INET}; /* the family comes first in all three */

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		size_t size = cases[i].type == RTM_NEWLINK   ? sizeof(struct ifinfomsg)
			      : cases[i].type == RTM_NEWADDR ? sizeof(struct ifaddrmsg)
							     : sizeof(struct rtmsg);
		struct ifinfomsg heads = {.ifi_family = head.rtm_family};
		struct address_info info;
		struct route_info route;
		struct nlmsghdr *header;
		struct message message;
		struct link_info link;
		int r;

		header = message_new(&message, cases[i].type, &heads, size);
		mnl_attr_put(header, cases[i].attribute, cases[i].size, cases[i].payload);
		if (cases[i].type == RTM_NEWLINK)
			r = rtmessage_read_link(header, &link);
		else if (cases[i].type == RTM_NEWADDR)
			r = rtmessage_read_address(header, &info);
		else
			r = rtmessage_read_route(header, &route);
		assert_int_equal(r, -EBADMSG);
	}
}

static void short_and_impossible_heads_are_refused(void **state)
{
	const struct rtmsg route_head = {.rtm_family = AF_INET, .rtm_dst_len = 33};
	const struct ifaddrmsg address_head = {.ifa_family = AF_INET6, .ifa_prefixlen = 129};
	struct address_info info;
	struct route_info route;
	struct message message;
	struct link_info link;

	(void)state;
	assert_int_equal(
		rtmessage_read_route(message_new(&message, RTM_NEWROUTE, &route_head, sizeof(route_head)), &route),
		-EBADMSG);
	assert_int_equal(
		rtmessage_read_address(message_new(&message, RTM_NEWADDR, &address_head, sizeof(address_head)), &info),
		-EBADMSG);
	assert_int_equal(rtmessage_read_route(message_new(&message, RTM_NEWROUTE, &route_head, 8), &route), -EBADMSG);
	assert_int_equal(rtmessage_read_address(message_new(&message, RTM_NEWADDR, NULL, 0), &info), -EBADMSG);
	assert_int_equal(rtmessage_read_link(message_new(&message, RTM_NEWLINK, &route_head, 8), &link), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_is_read),
		cmocka_unit_test(link_with_another_kind_of_address_is_read),
		cmocka_unit_test(local_address_is_ours_in_either_order),
		cmocka_unit_test(multipath_route_has_its_first_next_hop),
		cmocka_unit_test(gateway_may_be_of_another_family),
		cmocka_unit_test(mapped_destination_stays_ipv6),
		cmocka_unit_test(other_messages_and_families_are_no_message_of_ours),
		cmocka_unit_test(malformed_messages_are_refused),
		cmocka_unit_test(short_and_impossible_heads_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
