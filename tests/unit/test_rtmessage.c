/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtlink.c, rtmessage.c, rtdescribe.c: messages built are read back, and described. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include "attributes.h"
#include "ipam_scene.h"
#include "plugin/network/rtmessage.h"
#include "rangeguard/array.h"

static const uint8_t some_mac[ETH_ALEN] = {0x02, 1, 2, 3, 4, 5};

static const struct plan plan = {
	.host_name = "rg0123456789ab",
	.alias = "rangeguard pods 0123abcd eth0",
	.container_name = "eth0",
	.host_mac = {0x52, 1, 2, 3, 4, 5},
	.container_mac = {0x5a, 1, 2, 3, 4, 5},
	.mtu = 1420,
};

static struct prefix prefix(const char *text)
{
	struct prefix parsed = {0};

	assert_int_equal(prefix_parse(text, &parsed), 0);
	return parsed;
}

/** first() - The only message of a batch, which must fill it exactly */
static const struct nlmsghdr *first(const struct batch *batch)
{
	const struct nlmsghdr *message = (const void *)batch->buffer;

	assert_int_equal(batch->count, 1);
	assert_int_equal(NLMSG_ALIGN(message->nlmsg_len), batch->used);
	assert_true(mnl_nlmsg_ok(message, (int)batch->used));
	return message;
}

static void pair_is_made_in_one_message(void **state)
{
	const struct nlattr *info, *data, *peer;
	const struct nlmsghdr *message;
	struct link_info link;
	struct batch batch;

	(void)state;
	batch_reset(&batch);
	assert_int_equal(rtmessage_create_veth(&batch, &plan, 17), 0);
	message = first(&batch);
	assert_int_equal(message->nlmsg_type, RTM_NEWLINK);
	assert_int_equal(message->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL), NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(rtmessage_read_link(message, &link), 0);
	assert_string_equal(link.name, "rg0123456789ab");
	assert_string_equal(link.kind, "veth");
	assert_memory_equal(link.mac, plan.host_mac, ETH_ALEN);
	assert_int_equal(link.mtu, 1420);
	assert_int_equal(link.index, 0);
	assert_false(link.up);
	/* Nothing else says in which namespace the host end is born: the socket's. */
	assert_null(attribute(message, sizeof(struct ifinfomsg), IFLA_NET_NS_FD));

	info = attribute(message, sizeof(struct ifinfomsg), IFLA_LINKINFO);
	data = nested(info, IFLA_INFO_DATA);
	peer = nested(data, VETH_INFO_PEER);
	assert_non_null(peer);
	for (unsigned type = 0; type <= IFLA_NET_NS_FD; type++) {
		const struct nlattr *found = nested_behind(peer, sizeof(struct ifinfomsg), (uint16_t)type);

		if (type == IFLA_IFNAME)
			assert_string_equal(mnl_attr_get_str(found), "eth0");
		else if (type == IFLA_ADDRESS)
			assert_memory_equal(bytes(found, ETH_ALEN), plan.container_mac, ETH_ALEN);
		else if (type == IFLA_MTU)
			assert_int_equal(u32(found), 1420);
		else if (type == IFLA_NET_NS_FD)
			assert_int_equal(u32(found), 17);
	}
}

static void host_end_gets_alias_and_settings(void **state)
{
	const struct nlattr *settings, *alias;
	const struct nlmsghdr *message;
	const struct ifinfomsg *head;
	struct batch batch;

	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		batch_reset(&batch);
		assert_int_equal(rtmessage_set_host_end(&batch, 5, &plan, ipv6), 0);
		message = first(&batch);
		head = mnl_nlmsg_get_payload(message);
		assert_int_equal(message->nlmsg_type, RTM_SETLINK);
		assert_int_equal(head->ifi_index, 5);
		assert_int_equal(head->ifi_change, 0);
		alias = attribute(message, sizeof(*head), IFLA_IFALIAS);
		assert_memory_equal(bytes(alias, strlen(plan.alias)), plan.alias, strlen(plan.alias));
		settings = attribute(message, sizeof(*head), IFLA_AF_SPEC);
		assert_int_equal(
			u32(nested(nested(nested(settings, AF_INET), IFLA_INET_CONF), IPV4_DEVCONF_FORWARDING)), 1);
		if (!ipv6) {
			assert_null(nested(settings, AF_INET6));
			continue;
		}
		assert_int_equal(
			*(const uint8_t *)bytes(nested(nested(settings, AF_INET6), IFLA_INET6_ADDR_GEN_MODE), 1),
			IN6_ADDR_GEN_MODE_NONE);
	}
}

/* IFALIASZ counts the bytes sent: 255, so no NUL. */
static void longest_alias_is_sent_whole(void **state)
{
	struct plan longest = plan;
	struct batch batch;

	(void)state;
	memset(longest.alias, 'x', sizeof(longest.alias) - 1);
	longest.alias[sizeof(longest.alias) - 1] = '\0';
	batch_reset(&batch);
	assert_int_equal(rtmessage_set_host_end(&batch, 5, &longest, true), 0);
	(void)bytes(attribute(first(&batch), sizeof(struct ifinfomsg), IFLA_IFALIAS), 255);
}

static void links_are_named_by_index_or_name(void **state)
{
	static const struct {
		uint16_t type;
		int index;
		unsigned up;
		unsigned dump;
		const char *name;
	} cases[] = {
		{RTM_SETLINK, 5, IFF_UP, 0, NULL},     {RTM_DELLINK, 6, 0, 0, NULL},
		{RTM_GETLINK, 0, 0, 0, "eth0"},	       {RTM_GETLINK, 7, 0, 0, NULL},
		{RTM_GETLINK, 0, 0, NLM_F_DUMP, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		const struct nlmsghdr *message;
		const struct ifinfomsg *head;
		const struct nlattr *name;
		struct batch batch;
		int r = -1;

		batch_reset(&batch);
		if (i == 0)
			r = rtmessage_set_up(&batch, 5);
		else if (i == 1)
			r = rtmessage_delete_link(&batch, 6);
		else if (i == 2)
			r = rtmessage_get_link_by_name(&batch, "eth0");
		else if (i == 3)
			r = rtmessage_get_link(&batch, 7);
		else
			r = rtmessage_dump_links(&batch);
		assert_int_equal(r, 0);
		message = first(&batch);
		head = mnl_nlmsg_get_payload(message);
		assert_int_equal(message->nlmsg_type, cases[i].type);
		assert_int_equal(message->nlmsg_flags & NLM_F_DUMP, cases[i].dump);
		assert_int_equal(head->ifi_index, cases[i].index);
		assert_int_equal(head->ifi_flags, cases[i].up);
		assert_int_equal(head->ifi_change, cases[i].up);
		name = attribute(message, sizeof(*head), IFLA_IFNAME);
		if (cases[i].name)
			assert_string_equal(mnl_attr_get_str(name), cases[i].name);
		else
			assert_null(name);
	}
}

static void groups_are_made_and_deleted(void **state)
{
	const struct nlmsghdr *message;
	const struct ifinfomsg *head;
	struct batch batch;

	(void)state;
	for (int deletes = 0; deletes < 2; deletes++) {
		batch_reset(&batch);
		assert_int_equal(deletes ? rtmessage_delete_group(&batch, 0x40001234)
					 : rtmessage_set_group(&batch, 5, 0x40001234),
				 0);
		message = first(&batch);
		head = mnl_nlmsg_get_payload(message);
		assert_int_equal(message->nlmsg_type, deletes ? RTM_DELLINK : RTM_SETLINK);
		/* With an index the kernel would delete that one link. */
		assert_int_equal(head->ifi_index, deletes ? 0 : 5);
		assert_int_equal(u32(attribute(message, sizeof(*head), IFLA_GROUP)), 0x40001234);
	}
}

/* accept_local (IPV4_DEVCONF_ACCEPT_LOCAL), so that the kernel need not look for the source */
static void guarded_links_accept_what_was_judged(void **state)
{
	const struct nlattr *conf, *setting;
	struct batch batch;

	(void)state;
	batch_reset(&batch);
	assert_int_equal(rtmessage_set_guarded(&batch, 5, 82), 0);
	assert_int_equal(u32(attribute(first(&batch), sizeof(struct ifinfomsg), IFLA_GROUP)), 82);
	conf = mnl_attr_get_payload(attribute(first(&batch), sizeof(struct ifinfomsg), IFLA_AF_SPEC));
	assert_int_equal(mnl_attr_get_type(conf), AF_INET);
	conf = mnl_attr_get_payload(conf);
	assert_int_equal(mnl_attr_get_type(conf), IFLA_INET_CONF);
	setting = mnl_attr_get_payload(conf);
	assert_int_equal(mnl_attr_get_type(setting), IPV4_DEVCONF_ACCEPT_LOCAL);
	assert_int_equal(u32(setting), 1);
}

static void addresses_come_without_dad(void **state)
{
	static const struct {
		const char *text;
		uint32_t flags;
	} cases[] = {{"10.0.0.2/32", 0}, {"fd00::2/128", IFA_F_NODAD}, {"fe80::1/64", IFA_F_NODAD}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct prefix expected = prefix(cases[i].text);
		struct address_info info;
		struct batch batch;

		batch_reset(&batch);
		assert_int_equal(rtmessage_add_address(&batch, 5, &expected), 0);
		assert_int_equal(first(&batch)->nlmsg_type, RTM_NEWADDR);
		assert_int_equal(first(&batch)->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL), NLM_F_CREATE | NLM_F_EXCL);
		assert_int_equal(rtmessage_read_address(first(&batch), &info), 0);
		assert_true(address_equal(&info.address.address, &expected.address));
		assert_int_equal(info.address.length, expected.length);
		assert_int_equal(info.interface, 5);
		assert_int_equal(info.flags, cases[i].flags);
	}
}

static void neighbours_are_permanent(void **state)
{
	static const char *const addresses[] = {"169.254.1.1", "fe80::1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
		struct address expected = address_of(addresses[i]);
		uint8_t expected_bytes[ADDRESS_BYTES_MAX];
		const struct nlmsghdr *message;
		const struct ndmsg *head;
		struct batch batch;

		batch_reset(&batch);
		assert_int_equal(rtmessage_add_neighbour(&batch, 5, &expected, some_mac), 0);
		message = first(&batch);
		head = mnl_nlmsg_get_payload(message);
		address_to_bytes(&expected, expected_bytes);
		assert_int_equal(message->nlmsg_type, RTM_NEWNEIGH);
		assert_int_equal(message->nlmsg_flags & (NLM_F_CREATE | NLM_F_REPLACE), NLM_F_CREATE | NLM_F_REPLACE);
		assert_int_equal(head->ndm_family, expected.family);
		assert_int_equal(head->ndm_ifindex, 5);
		assert_int_equal(head->ndm_state, NUD_PERMANENT);
		assert_memory_equal(bytes(attribute(message, sizeof(*head), NDA_LLADDR), ETH_ALEN), some_mac, ETH_ALEN);
		assert_memory_equal(bytes(attribute(message, sizeof(*head), NDA_DST), family_bytes(expected.family)),
				    expected_bytes, family_bytes(expected.family));
	}
}

static void host_routes_are_ours_and_exact(void **state)
{
	static const char *const addresses[] = {"10.0.0.2", "fd00::2"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
		struct address expected = address_of(addresses[i]);
		struct route_info route;
		struct batch batch;

		batch_reset(&batch);
		assert_int_equal(rtmessage_add_host_route(&batch, 5, &expected), 0);
		assert_int_equal(first(&batch)->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL), NLM_F_CREATE | NLM_F_EXCL);
		assert_true(batch.may_exist == 0);
		assert_int_equal(rtmessage_read_route(first(&batch), &route), 0);
		assert_true(address_equal(&route.destination.address, &expected));
		assert_int_equal(route.destination.length, family_bits(expected.family));
		assert_int_equal(route.interface, 5);
		assert_int_equal(route.protocol, 82);
		assert_int_equal(route.scope, RT_SCOPE_LINK);
		assert_int_equal(route.type, RTN_UNICAST);
		assert_int_equal(route.table, RT_TABLE_MAIN);
		assert_int_equal(route.gateway.family, FAMILY_NONE);
	}
}

static void container_routes_say_all_that_is_asked(void **state)
{
	static const struct {
		const char *destination, *gateway;
		long mtu, advmss, priority, table, scope;
		uint8_t expected_scope;
	} cases[] = {
		{"0.0.0.0/0", "169.254.1.1", -1, -1, -1, -1, -1, RT_SCOPE_UNIVERSE},
		{"::/0", "fe80::1", -1, -1, -1, -1, -1, RT_SCOPE_UNIVERSE},
		{"10.9.0.0/16", "10.1.2.3", 1400, 1360, 77, 254, 0, RT_SCOPE_UNIVERSE},
		{"fd01::/64", "fd00::1", 1300, 1240, 5, 1000, -1, RT_SCOPE_UNIVERSE},
		{"10.9.0.0/16", NULL, -1, -1, -1, 100000, 253, RT_SCOPE_LINK},
		{"10.9.0.0/16", NULL, -1, -1, -1, -1, 254, RT_SCOPE_HOST},
		{"10.9.8.7/16", "10.1.2.3", -1, -1, 0, -1, -1, RT_SCOPE_UNIVERSE}, /* host bits are cleared */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct route wanted = {.destination = prefix(cases[i].destination),
				       .mtu = cases[i].mtu,
				       .advmss = cases[i].advmss,
				       .priority = cases[i].priority,
				       .table = cases[i].table,
				       .scope = cases[i].scope};
		const struct nlmsghdr *message;
		const struct nlattr *metrics;
		const struct rtmsg *head;
		struct route_info route;
		struct batch batch;

		if (cases[i].gateway)
			wanted.gateway = address_of(cases[i].gateway);
		batch_reset(&batch);
		assert_int_equal(rtmessage_add_container_route(&batch, 9, &wanted), 0);
		message = first(&batch);
		head = mnl_nlmsg_get_payload(message);
		assert_int_equal(message->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL | NLM_F_REPLACE | NLM_F_APPEND),
				 NLM_F_CREATE | NLM_F_EXCL);
		assert_true(batch.may_exist == 1);
		assert_int_equal(rtmessage_read_route(message, &route), 0);
		assert_true(route.destination.address.value == prefix_span(&wanted.destination).first);
		assert_int_equal(route.destination.address.family, wanted.destination.address.family);
		assert_int_equal(route.destination.length, wanted.destination.length);
		assert_true(address_equal(&route.gateway, &wanted.gateway));
		assert_int_equal(route.interface, 9);
		assert_int_equal(route.scope, cases[i].expected_scope);
		assert_int_equal(route.table, cases[i].table >= 0 ? cases[i].table : RT_TABLE_MAIN);
		assert_int_equal(route.priority, cases[i].priority >= 0 ? cases[i].priority : 0);
		/* The kernel knows no way to the next hop but this decree. */
		assert_int_equal(head->rtm_flags & RTNH_F_ONLINK, cases[i].gateway ? RTNH_F_ONLINK : 0);
		metrics = attribute(message, sizeof(*head), RTA_METRICS);
		if (cases[i].mtu >= 0) {
			assert_int_equal(u32(nested(metrics, RTAX_MTU)), cases[i].mtu);
			assert_int_equal(u32(nested(metrics, RTAX_ADVMSS)), cases[i].advmss);
		} else {
			assert_null(metrics);
		}
	}
}

/* Strict checking (NETLINK_GET_STRICT_CHK) refuses every flag and field beyond these. */
static void questions_after_routes(void **state)
{
	const struct nlmsghdr *message;
	const struct rtmsg *head;
	struct address ipv4 = address_of("10.0.0.2");
	struct address ipv6 = address_of("fd00::2");
	struct batch batch;

	(void)state;
	batch_reset(&batch);
	assert_int_equal(rtmessage_lookup_route(&batch, &ipv4), 0);
	message = first(&batch);
	head = mnl_nlmsg_get_payload(message);
	assert_int_equal(message->nlmsg_type, RTM_GETROUTE);
	assert_int_equal(message->nlmsg_flags & NLM_F_DUMP, 0);
	assert_int_equal(head->rtm_dst_len, 32);
	assert_int_equal(head->rtm_flags, RTM_F_FIB_MATCH | RTM_F_LOOKUP_TABLE);
	assert_memory_equal(bytes(attribute(message, sizeof(*head), RTA_DST), 4), "\x0a\0\0\2", 4);

	batch_reset(&batch);
	assert_int_equal(rtmessage_lookup_route(&batch, &ipv6), 0);
	head = mnl_nlmsg_get_payload(first(&batch));
	assert_int_equal(head->rtm_dst_len, 128);
	assert_int_equal(head->rtm_flags, RTM_F_FIB_MATCH);

	batch_reset(&batch);
	assert_int_equal(rtmessage_dump_routes(&batch, FAMILY_IPV6, RTN_BLACKHOLE), 0);
	message = first(&batch);
	head = mnl_nlmsg_get_payload(message);
	assert_int_equal(message->nlmsg_flags & NLM_F_DUMP, NLM_F_DUMP);
	assert_int_equal(head->rtm_family, AF_INET6);
	assert_int_equal(head->rtm_type, RTN_BLACKHOLE);

	batch_reset(&batch);
	assert_int_equal(rtmessage_dump_addresses(&batch, 5), 0);
	message = first(&batch);
	assert_int_equal(message->nlmsg_type, RTM_GETADDR);
	assert_int_equal(((const struct ifaddrmsg *)mnl_nlmsg_get_payload(message))->ifa_index, 5);
}

static void full_batch_takes_no_more(void **state)
{
	struct prefix added = prefix("fd00::2/128");
	struct batch batch, before;

	(void)state;
	batch_reset(&batch);
	for (unsigned i = 0; i < BATCH_MESSAGES; i++) {
		assert_true(batch_has_room(&batch));
		assert_int_equal(rtmessage_add_address(&batch, 5, &added), 0);
	}
	assert_false(batch_has_room(&batch));
	before = batch;
	assert_int_equal(rtmessage_add_address(&batch, 5, &added), -E2BIG);
	assert_int_equal(batch.used, before.used);
	assert_int_equal(batch.count, before.count);
}

static void batch_without_bytes_takes_no_more(void **state)
{
	struct batch batch;

	(void)state;
	batch_reset(&batch);
	batch.used = sizeof(batch.buffer) - BATCH_MESSAGE_MAX;
	assert_true(batch_has_room(&batch));
	batch.used += NLMSG_ALIGNTO;
	assert_false(batch_has_room(&batch));
	batch.used = sizeof(batch.buffer) - NLMSG_ALIGNTO;
	assert_int_equal(rtmessage_set_up(&batch, 5), -E2BIG);
	assert_int_equal(batch.count, 0);
}

static void messages_are_described(void **state)
{
	static const char *const expected[] = {
		"create the veth pair rg0123456789ab",
		"configure the interface with index 5",
		"bring up the interface with index 5",
		"delete the interface with index 5",
		"add address 10.0.0.2/32",
		"add neighbour fe80::1",
		"add route fd00::2/128",
		"add route 10.9.0.0/16 via 10.1.2.3",
		"read routes",
		"",
	};
	struct address neighbour = address_of("fe80::1");
	struct address routed = address_of("fd00::2");
	struct prefix added = prefix("10.0.0.2/32");
	struct route route = {.destination = prefix("10.9.0.0/16"),
			      .gateway = address_of("10.1.2.3"),
			      .mtu = -1,
			      .advmss = -1,
			      .priority = -1,
			      .table = -1,
			      .scope = -1};
	char text[RTMESSAGE_TEXT_MAX];
	struct batch batch;
	int r = 0;

	(void)state;
	batch_reset(&batch);
	r |= rtmessage_create_veth(&batch, &plan, 17);
	r |= rtmessage_set_host_end(&batch, 5, &plan, true);
	r |= rtmessage_set_up(&batch, 5);
	r |= rtmessage_delete_link(&batch, 5);
	r |= rtmessage_add_address(&batch, 5, &added);
	r |= rtmessage_add_neighbour(&batch, 5, &neighbour, some_mac);
	r |= rtmessage_add_host_route(&batch, 5, &routed);
	r |= rtmessage_add_container_route(&batch, 5, &route);
	r |= rtmessage_lookup_route(&batch, &routed);
	assert_int_equal(r, 0);
	for (unsigned i = 0; i < ARRAY_LENGTH(expected); i++)
		assert_string_equal(rtmessage_describe(&batch, i, text), expected[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pair_is_made_in_one_message),
		cmocka_unit_test(host_end_gets_alias_and_settings),
		cmocka_unit_test(longest_alias_is_sent_whole),
		cmocka_unit_test(links_are_named_by_index_or_name),
		cmocka_unit_test(groups_are_made_and_deleted),
		cmocka_unit_test(guarded_links_accept_what_was_judged),
		cmocka_unit_test(addresses_come_without_dad),
		cmocka_unit_test(neighbours_are_permanent),
		cmocka_unit_test(host_routes_are_ours_and_exact),
		cmocka_unit_test(container_routes_say_all_that_is_asked),
		cmocka_unit_test(questions_after_routes),
		cmocka_unit_test(full_batch_takes_no_more),
		cmocka_unit_test(batch_without_bytes_takes_no_more),
		cmocka_unit_test(messages_are_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
