/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtpin.c: messages built are read back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "attributes.h"
#include "ipam_scene.h"
#include "plugin/network/rtmessage.h"

#define CREATE (NLM_F_CREATE | NLM_F_EXCL)

static const struct mark_rule rule = {.family = FAMILY_IPV6, .mark = 0x200000, .table = 29287, .priority = 82};

static struct prefix prefix(const char *text)
{
	struct prefix parsed = {0};

	assert_int_equal(prefix_parse(text, &parsed), 0);
	return parsed;
}

/** only() - The only message of a batch: its type, and whether the kernel may have such a thing already */
static const struct nlmsghdr *only(const struct batch *batch, uint16_t type, bool may_exist)
{
	const struct nlmsghdr *message = (const void *)batch->buffer;

	assert_int_equal(batch->count, 1);
	assert_int_equal(NLMSG_ALIGN(message->nlmsg_len), batch->used);
	assert_int_equal(message->nlmsg_type, type);
	assert_int_equal(batch->may_exist, may_exist);
	assert_int_equal(message->nlmsg_flags & CREATE, may_exist ? CREATE : 0);
	return message;
}

static void assert_rule(const struct nlmsghdr *message)
{
	const struct fib_rule_hdr *head = mnl_nlmsg_get_payload(message);

	assert_int_equal(head->family, AF_INET6);
	assert_int_equal(head->action, FR_ACT_TO_TBL);
	assert_int_equal(head->src_len | head->dst_len | head->tos, 0);
	assert_int_equal(mnl_attr_get_u32(attribute(message, sizeof(*head), FRA_FWMARK)), 0x200000);
	assert_int_equal(mnl_attr_get_u32(attribute(message, sizeof(*head), FRA_FWMASK)), 0x200000);
	assert_int_equal(mnl_attr_get_u32(attribute(message, sizeof(*head), FRA_TABLE)), 29287);
	assert_int_equal(mnl_attr_get_u32(attribute(message, sizeof(*head), FRA_PRIORITY)), 82);
	assert_int_equal(mnl_attr_get_u8(attribute(message, sizeof(*head), FRA_PROTOCOL)), RTPROT_KERNEL);
}

static void rules(void **state)
{
	struct batch batch;

	(void)state;
	batch_reset(&batch);
	assert_int_equal(rtmessage_add_mark_rule(&batch, &rule), 0);
	assert_rule(only(&batch, RTM_NEWRULE, true));
	batch_reset(&batch);
	assert_int_equal(rtmessage_delete_mark_rule(&batch, &rule), 0);
	assert_rule(only(&batch, RTM_DELRULE, false));
}

static void assert_route(const struct nlmsghdr *message, const char *destination)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(message);
	char text[PREFIX_TEXT_MAX];
	struct route_info route;

	assert_int_equal(rtmessage_read_route(message, &route), 0);
	assert_string_equal(prefix_format(&route.destination, text), destination);
	assert_int_equal(route.type, RTN_PROHIBIT);
	assert_int_equal(route.table, 29287);
	assert_int_equal(route.protocol, PLAN_ROUTE_PROTOCOL);
	assert_int_equal(route.scope, RT_SCOPE_UNIVERSE);
	assert_int_equal(route.interface, 0);
	assert_int_equal(route.gateway.family, FAMILY_NONE);
	assert_int_equal(head->rtm_src_len, 0);
}

static void prohibiting_routes(void **state)
{
	static const char *const destinations[] = {"198.51.100.0/24", "203.0.113.7/32", "0.0.0.0/0", "2001:db8::/32",
						   "::/0"};
	struct batch batch;

	(void)state;
	for (size_t i = 0; i < sizeof(destinations) / sizeof(destinations[0]); i++) {
		struct prefix destination = prefix(destinations[i]);

		batch_reset(&batch);
		assert_int_equal(rtmessage_add_prohibit_route(&batch, 29287, &destination), 0);
		assert_route(only(&batch, RTM_NEWROUTE, true), destinations[i]);
		batch_reset(&batch);
		assert_int_equal(rtmessage_delete_prohibit_route(&batch, 29287, &destination), 0);
		assert_route(only(&batch, RTM_DELROUTE, false), destinations[i]);
	}
}

static void assert_address(const struct nlmsghdr *message, const char *expected, uint8_t protocol)
{
	char text[PREFIX_TEXT_MAX];
	struct address_info info;

	assert_int_equal(rtmessage_read_address(message, &info), 0);
	assert_string_equal(prefix_format(&info.address, text), expected);
	assert_int_equal(info.interface, 7);
	assert_int_equal(info.protocol, protocol);
}

static void assigned_addresses(void **state)
{
	static const struct {
		const char *address, *prefix;
		uint32_t flags;
	} cases[] = {{"192.0.2.10", "192.0.2.10/32", 0}, {"2001:db8::10", "2001:db8::10/128", IFA_F_NODAD}};
	struct batch batch;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct nlmsghdr *message;
		struct address source = address_of(cases[i].address);
		struct address_info info;

		batch_reset(&batch);
		assert_int_equal(rtmessage_assign_address(&batch, 7, &source), 0);
		message = only(&batch, RTM_NEWADDR, true);
		assert_address(message, cases[i].prefix, PLAN_ROUTE_PROTOCOL);
		assert_int_equal(rtmessage_read_address(message, &info), 0);
		assert_int_equal(info.flags, cases[i].flags);
		batch_reset(&batch);
		assert_int_equal(rtmessage_delete_assigned_address(&batch, 7, &source), 0);
		assert_address(only(&batch, RTM_DELADDR, false), cases[i].prefix, 0);
	}
}

static void classifiers(void **state)
{
	const struct nlmsghdr *message;
	const struct nlattr *options;
	const struct tcmsg *head;
	struct batch batch;

	(void)state;
	batch_reset(&batch);
	assert_int_equal(rtmessage_add_clsact(&batch, 7), 0);
	message = only(&batch, RTM_NEWQDISC, true);
	head = mnl_nlmsg_get_payload(message);
	assert_int_equal(head->tcm_ifindex, 7);
	assert_int_equal(head->tcm_parent, TC_H_CLSACT);
	assert_int_equal(head->tcm_handle, 0xffff0000);
	assert_string_equal(mnl_attr_get_str(attribute(message, sizeof(*head), TCA_KIND)), "clsact");

	batch_reset(&batch);
	assert_int_equal(rtmessage_add_bpf_filter(&batch, 7, 17, "some_program"), 0);
	message = only(&batch, RTM_NEWTFILTER, true);
	head = mnl_nlmsg_get_payload(message);
	assert_int_equal(head->tcm_ifindex, 7);
	assert_int_equal(head->tcm_parent, 0xfffffff2);
	assert_int_equal(head->tcm_handle, 0x82);
	assert_int_equal(head->tcm_info >> 16, 1);
	assert_int_equal(head->tcm_info & 0xffff, htons(ETH_P_ALL));
	assert_string_equal(mnl_attr_get_str(attribute(message, sizeof(*head), TCA_KIND)), "bpf");
	options = attribute(message, sizeof(*head), TCA_OPTIONS);
	assert_int_equal(mnl_attr_get_u32(nested(options, TCA_BPF_FD)), 17);
	assert_int_equal(mnl_attr_get_u32(nested(options, TCA_BPF_FLAGS)), TCA_BPF_FLAG_ACT_DIRECT);
	assert_string_equal(mnl_attr_get_str(nested(options, TCA_BPF_NAME)), "some_program");
}

static void descriptions(void **state)
{
	struct prefix destination = prefix("198.51.100.0/24");
	struct address source = address_of("192.0.2.10");
	static const char *const expected[] = {
		"add a routing rule",
		"delete a routing rule",
		"add prohibit route 198.51.100.0/24",
		"delete prohibit route 198.51.100.0/24",
		"add address 192.0.2.10/32",
		"delete address 192.0.2.10/32",
		"add a clsact qdisc",
		"add a BPF classifier",
	};
	char text[RTMESSAGE_TEXT_MAX];
	struct batch batch;

	(void)state;
	batch_reset(&batch);
	assert_int_equal(rtmessage_add_mark_rule(&batch, &rule), 0);
	assert_int_equal(rtmessage_delete_mark_rule(&batch, &rule), 0);
	assert_int_equal(rtmessage_add_prohibit_route(&batch, 29287, &destination), 0);
	assert_int_equal(rtmessage_delete_prohibit_route(&batch, 29287, &destination), 0);
	assert_int_equal(rtmessage_assign_address(&batch, 7, &source), 0);
	assert_int_equal(rtmessage_delete_assigned_address(&batch, 7, &source), 0);
	assert_int_equal(rtmessage_add_clsact(&batch, 7), 0);
	assert_int_equal(rtmessage_add_bpf_filter(&batch, 7, 17, "some_program"), 0);
	for (unsigned i = 0; i < batch.count; i++)
		assert_string_equal(rtmessage_describe(&batch, i, text), expected[i]);
	assert_int_equal(batch.may_exist, 0xd5); /* every one that adds */
}

static void full_batches_are_told(void **state)
{
	struct prefix destination = prefix("198.51.100.0/24");
	struct batch batch;

	(void)state;
	batch_reset(&batch);
	while (batch_has_room(&batch))
		assert_int_equal(rtmessage_add_prohibit_route(&batch, 29287, &destination), 0);
	assert_int_equal(batch.count, BATCH_MESSAGES);
	assert_int_equal(rtmessage_add_prohibit_route(&batch, 29287, &destination), -E2BIG);
	assert_int_equal(rtmessage_add_mark_rule(&batch, &rule), -E2BIG);
	assert_int_equal(rtmessage_add_clsact(&batch, 7), -E2BIG);
	assert_int_equal(rtmessage_add_bpf_filter(&batch, 7, 17, "some_program"), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(prohibiting_routes),
		cmocka_unit_test(assigned_addresses),
		cmocka_unit_test(classifiers),
		cmocka_unit_test(descriptions),
		cmocka_unit_test(full_batches_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
