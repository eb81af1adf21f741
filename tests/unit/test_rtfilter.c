/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtfilter.c: messages built are read back, and which filters may let pass what later ones should judge. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>

#include "plugin/network/rtfilter.h"

#define INTERFACE 7
#define PRIORITY 3
/** An action of a filter that has none, in struct example */
#define NO_ACTION (-100)
/** mirred's redirection, in struct example */
#define REDIRECTION (-101)
/** More than one, or by chance */
#define NO_MORE NO_ACTION

/** struct example - A filter of tc(8), and whether what it matches may pass by those after it */
struct example {
	const char *kind;
	uint16_t attribute;
	int actions[2];
	uint32_t chain;
	bool by_chance;
	bool may_pass;
};

/** put_action() - One action of a filter */
static void put_action(struct nlmsghdr *message, uint16_t place, int action, bool by_chance)
{
	struct tc_gact gact = {.action = action};
	struct tc_mirred mirred = {.action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = 9};
	struct nlattr *nest = mnl_attr_nest_start(message, place), *options;

	mnl_attr_put_strz(message, TCA_ACT_KIND, action == REDIRECTION ? "mirred" : "gact");
	options = mnl_attr_nest_start(message, TCA_ACT_OPTIONS);
	if (action == REDIRECTION)
		mnl_attr_put(message, TCA_MIRRED_PARMS, sizeof(mirred), &mirred);
	else
		mnl_attr_put(message, TCA_GACT_PARMS, sizeof(gact), &gact);
	if (by_chance)
		mnl_attr_put_u32(message, TCA_GACT_PROB, 0);
	mnl_attr_nest_end(message, options);
	mnl_attr_nest_end(message, nest);
}

/** read_example() - What is read of a filter */
static struct filter_info read_example(const struct example *example)
{
	static uint8_t buffer[4096];
	struct nlmsghdr *message;
	struct filter_info info;
	struct tcmsg *head;
	struct nlattr *options, *actions;

	memset(buffer, 0, sizeof(buffer));
	message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_type = RTM_NEWTFILTER;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->tcm_ifindex = INTERFACE;
	head->tcm_info = TC_H_MAKE((uint32_t)PRIORITY << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(message, TCA_KIND, example->kind);
	mnl_attr_put_u32(message, TCA_CHAIN, example->chain);
	options = mnl_attr_nest_start(message, TCA_OPTIONS);
	if (example->actions[0] != NO_ACTION) {
		actions = mnl_attr_nest_start(message, example->attribute);
		for (uint16_t i = 0; i < 2 && example->actions[i] != NO_MORE; i++)
			put_action(message, (uint16_t)(i + 1), example->actions[i], example->by_chance);
		mnl_attr_nest_end(message, actions);
	}
	mnl_attr_nest_end(message, options);
	assert_int_equal(rtfilter_read(message, &info), 0);
	return info;
}

static void whether_a_filter_may_let_pass(void **state)
{
	static const struct example examples[] = {
		{"matchall", TCA_MATCHALL_ACT, {TC_ACT_OK, NO_MORE}, 0, false, true},
		{"matchall", TCA_MATCHALL_ACT, {TC_ACT_SHOT, NO_MORE}, 0, false, false},
		{"matchall", TCA_MATCHALL_ACT, {TC_ACT_UNSPEC, NO_MORE}, 0, false, false},
		{"matchall", TCA_MATCHALL_ACT, {TC_ACT_TRAP, NO_MORE}, 0, false, false},
		/* the rest of a list that ends is what the packet passes by */
		{"matchall", TCA_MATCHALL_ACT, {TC_ACT_PIPE, NO_MORE}, 0, false, true},
		{"matchall", TCA_MATCHALL_ACT, {TC_ACT_OK, TC_ACT_SHOT}, 0, false, true},
		{"matchall", TCA_MATCHALL_ACT, {TC_ACT_GOTO_CHAIN | 5, NO_MORE}, 0, false, true},
		{"matchall", TCA_MATCHALL_ACT, {TC_ACT_RECLASSIFY, NO_MORE}, 0, false, true},
		{"flower", TCA_FLOWER_ACT, {TC_ACT_SHOT, NO_MORE}, 0, true, true},
		{"flower", TCA_FLOWER_ACT, {TC_ACT_OK, NO_MORE}, 0, false, true},
		{"flower", TCA_FLOWER_ACT, {TC_ACT_SHOT, NO_MORE}, 0, false, false},
		/* only who goes to its chain meets it, and who sends there is in chain 0 */
		{"flower", TCA_FLOWER_ACT, {TC_ACT_OK, NO_MORE}, 5, false, false},
		{"u32", TCA_U32_ACT, {REDIRECTION, NO_MORE}, 0, false, true},
		{"u32", TCA_U32_ACT, {TC_ACT_SHOT, NO_MORE}, 0, false, false},
		{"u32", TCA_U32_ACT, {NO_ACTION, NO_ACTION}, 0, false, true},
		{"basic", TCA_BASIC_ACT, {TC_ACT_SHOT, NO_MORE}, 0, false, false},
		{"fw", TCA_FW_ACT, {TC_ACT_SHOT, NO_MORE}, 0, false, false},
		{"flow", TCA_FLOW_ACT, {TC_ACT_SHOT, NO_MORE}, 0, false, false},
		{"cgroup", TCA_CGROUP_ACT, {TC_ACT_SHOT, NO_MORE}, 0, false, false},
		{"route", TCA_ROUTE4_ACT, {TC_ACT_SHOT, NO_MORE}, 0, false, false},
		/* nobody knows what a program says, nor what a kind of tomorrow does */
		{"bpf", TCA_BPF_ACT, {TC_ACT_SHOT, NO_MORE}, 0, false, true},
		{"tomorrow", 1, {TC_ACT_SHOT, NO_MORE}, 0, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct filter_info info = read_example(&examples[i]);

		print_message("example %zu: %s\n", i, examples[i].kind);
		assert_int_equal(info.may_pass, examples[i].may_pass);
		assert_string_equal(info.kind, examples[i].kind);
		assert_int_equal(info.priority, PRIORITY);
		assert_int_equal(info.interface, INTERFACE);
		assert_int_equal(info.redirect, examples[i].actions[0] == REDIRECTION ? 9 : 0);
	}
}

/* What heads the filters of a priority matches nothing; nor does a table of u32's. */
static void what_is_no_filter_lets_nothing_pass(void **state)
{
	static uint8_t buffer[1024];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct filter_info info;
	struct nlattr *options;

	(void)state;
	message->nlmsg_type = RTM_NEWTFILTER;
	(void)mnl_nlmsg_put_extra_header(message, sizeof(struct tcmsg));
	mnl_attr_put_strz(message, TCA_KIND, "u32");
	assert_int_equal(rtfilter_read(message, &info), 0);
	assert_false(info.may_pass);
	options = mnl_attr_nest_start(message, TCA_OPTIONS);
	mnl_attr_put_u32(message, TCA_U32_DIVISOR, 1);
	mnl_attr_nest_end(message, options);
	assert_int_equal(rtfilter_read(message, &info), 0);
	assert_false(info.may_pass);
}

/** assert_names() - The only message of a batch: its type is as said, and its filter is that of @wanted */
static void assert_names(const struct batch *batch, uint16_t type, const struct filter_wanted *wanted)
{
	const struct nlmsghdr *message = (const void *)batch->buffer;
	const struct tcmsg *head = mnl_nlmsg_get_payload(message);

	assert_int_equal(batch->count, 1);
	assert_int_equal(message->nlmsg_type, type);
	assert_int_equal(head->tcm_ifindex, wanted->interface);
	assert_int_equal(head->tcm_info, TC_H_MAKE((uint32_t)wanted->priority << 16, htons(ETH_P_ALL)));
	assert_int_equal(head->tcm_parent, TC_H_MAKE(TC_H_CLSACT, wanted->egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS));
	assert_int_not_equal(head->tcm_handle, 0);
}

/* Without a handle the kernel would remove all filters of a priority, also others'. */
static void what_is_removed_is_what_was_put(void **state)
{
	(void)state;
	for (unsigned egress = 0; egress < 2; egress++) {
		struct filter_wanted wanted = {
			.interface = 5, .egress = egress, .priority = 1, .program_fd = 3, .name = "x"};
		struct batch batch;
		uint32_t handle;

		batch_reset(&batch);
		assert_int_equal(rtfilter_put(&batch, &wanted), 0);
		assert_names(&batch, RTM_NEWTFILTER, &wanted);
		handle = ((const struct tcmsg *)mnl_nlmsg_get_payload((const void *)batch.buffer))->tcm_handle;
		batch_reset(&batch);
		assert_int_equal(rtfilter_remove(&batch, &wanted), 0);
		assert_names(&batch, RTM_DELTFILTER, &wanted);
		assert_int_equal(((const struct tcmsg *)mnl_nlmsg_get_payload((const void *)batch.buffer))->tcm_handle,
				 handle);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whether_a_filter_may_let_pass),
		cmocka_unit_test(what_is_no_filter_lets_nothing_pass),
		cmocka_unit_test(what_is_removed_is_what_was_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
