/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Readers of whatever nftables has: what our own messages would make, and which bits of marks rules of others set. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_mark.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/snat/nfmarks.h"
#include "plugin/snat/nfobjects.h"
#include "plugin/snat/nfrule.h"

/** read_batch() - The objects that a batch would make; how many */
static size_t read_batch(struct batch *batch, struct nf_object *objects, size_t room)
{
	size_t n = 0;

	for (size_t at = 0; at < batch->used;) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)(batch_data(batch) + at);

		assert_true(n < room);
		n += nf_read_object(message, &objects[n]) == 0;
		at += NLMSG_ALIGN(message->nlmsg_len);
	}
	return n;
}

static void objects_are_read_as_they_were_built(void **state)
{
	static const struct nf_hook nat = {"nat", NF_INET_POST_ROUTING, -199};
	static const struct nf_hook filter = {"filter", NF_INET_POST_ROUTING, -199};
	static const struct nf_interval interval = {.first = {1}, .last = {2}};
	BATCH_CLEANUP struct batch batch;
	struct nf_object objects[8];
	struct nf_rule rule;

	(void)state;
	batch_reset(&batch);
	assert_int_equal(nf_begin(&batch), 0);
	assert_int_equal(nf_add_table(&batch, NF_TABLE), 0);
	assert_int_equal(nf_add_set(&batch, NF_PINNED6, 0), 0);
	/* Anonymous: part of a rule, not an object of its own */
	assert_int_equal(nf_add_intervals(&batch, 1, 4, &interval, 1), 0);
	assert_int_equal(nf_add_chain(&batch, NF_TABLE, "c", &nat), 0);
	assert_int_equal(nf_add_chain(&batch, NF_TABLE, "d", &filter), 0);
	assert_int_equal(nf_add_chain(&batch, NF_TABLE_BRIDGE, "e", NULL), 0);
	nf_rule_begin(&rule, NF_TABLE, "c");
	nf_match_source_in(&rule, FAMILY_IPV6, NF_PINNED6, 0);
	nf_set_marks(&rule, 0x00600000, 0x00400000);
	nf_verdict(&rule, NFT_JUMP, "d");
	assert_int_equal(nf_rule_add(&rule, &batch), 0);
	assert_int_equal(nf_end(&batch), 0);
	assert_int_equal(read_batch(&batch, objects, 8), 5);
	assert_int_equal(objects[0].kind, NF_OBJECT_SET);
	assert_string_equal(objects[0].name, "pinned6");
	assert_int_equal(objects[1].kind, NF_OBJECT_CHAIN);
	assert_true(objects[1].translates && objects[1].priority == -199 && objects[1].family == NFPROTO_INET);
	assert_string_equal(objects[1].text, "type nat hook 4 priority -199");
	assert_false(objects[2].translates);
	assert_int_equal(objects[3].family, NFPROTO_BRIDGE);
	assert_string_equal(objects[3].table, NF_TABLE_BRIDGE);
	assert_string_equal(objects[3].text, "");
	assert_int_equal(objects[4].kind, NF_OBJECT_RULE);
	assert_string_equal(objects[4].name, "c");
	assert_non_null(strstr(objects[4].text, "[payload 1 8 16 d1] [lookup 0 s1 pinned6]"));
	assert_non_null(strstr(objects[4].text, "[immediate -3 d]"));
	assert_int_equal(objects[4].marks, 0x00400000);
}

/** rule_to() - What a rule says that drops packets to intervals */
static struct nf_object rule_to(const struct nf_interval *intervals, size_t n)
{
	NF_OBJECTS_CLEANUP struct nf_objects objects = {.n = 0};
	BATCH_CLEANUP struct batch batch;
	struct nf_object object;
	struct nf_rule rule;

	batch_reset(&batch);
	assert_int_equal(nf_add_intervals(&batch, 7, 4, intervals, n), 0);
	nf_rule_begin(&rule, NF_TABLE, "c");
	nf_match_destination_in(&rule, FAMILY_IPV4, 7);
	nf_verdict(&rule, NF_DROP, NULL);
	assert_int_equal(nf_rule_add(&rule, &batch), 0);
	assert_int_equal(nf_objects_add_batch(&objects, &batch), 0);
	assert_int_equal(objects.n, 1);
	object = objects.all[0];
	return object;
}

/* What a rule says of destinations stands apart; an anonymous set's contents are part of it, in whatever order they come. */
static void destinations_are_told_apart(void **state)
{
	static const struct nf_interval some[] = {{.first = {1}, .last = {2}}, {.first = {8}, .last = {9}}};
	static const struct nf_interval turned[] = {{.first = {8}, .last = {9}}, {.first = {1}, .last = {2}}};
	static const struct nf_interval fewer[] = {{.first = {1}, .last = {2}}, {.first = {8}, .last = {8, 1}}};
	struct nf_object a = rule_to(some, 2), b = rule_to(turned, 2), c = rule_to(fewer, 2);

	(void)state;
	assert_string_equal(a.text, " [immediate 0]");
	assert_non_null(strstr(a.destinations, "[payload 1 16 4 d1] [lookup 0 s1] {"));
	assert_int_equal(nf_objects_order(&a, &b), 0);
	assert_string_equal(a.text, c.text);
	assert_int_not_equal(nf_objects_order(&a, &c), 0);
}

static void other_messages_are_none(void **state)
{
	struct {
		struct nlmsghdr head;
		uint32_t rest;
	} message = {.head = {.nlmsg_len = sizeof(message), .nlmsg_type = NLMSG_DONE}};
	struct nf_object object;

	(void)state;
	assert_int_equal(nf_read_object(&message.head, &object), -ENOMSG);
	message.head.nlmsg_type = 10 << 8 | NFT_MSG_NEWTABLE;
	assert_int_equal(nf_read_object(&message.head, &object), -ENOMSG);
	message.head.nlmsg_len = sizeof(message.head);
	assert_int_equal(nf_read_object(&message.head, &object), -ENOMSG);
}

/** struct step - An expression: @name, and what it says */
struct step {
	const char *name;
	uint32_t a;
	uint32_t b;
};

/** add() - Append an expression to a rule */
static void add(struct nftnl_rule *rule, const struct step *step)
{
	struct xt_mark_tginfo2 *info;
	struct nftnl_expr *expression = nftnl_expr_alloc(step->name);

	if (strcmp(step->name, "immediate") == 0) {
		nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
		nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DATA, step->a);
	} else if (strcmp(step->name, "bitwise") == 0) {
		nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
		nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
		nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_LEN, 4);
		nftnl_expr_set(expression, NFTNL_EXPR_BITWISE_MASK, &step->a, sizeof(step->a));
		nftnl_expr_set(expression, NFTNL_EXPR_BITWISE_XOR, &step->b, sizeof(step->b));
	} else if (strcmp(step->name, "meta") == 0) {
		nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, step->b);
		nftnl_expr_set_u32(expression, step->a ? NFTNL_EXPR_META_SREG : NFTNL_EXPR_META_DREG, NFT_REG_1);
	} else if (strcmp(step->name, "target") == 0) {
		info = calloc(1, sizeof(*info)); /* libnftnl's, from here on */
		*info = (struct xt_mark_tginfo2){.mark = step->a, .mask = step->a};
		nftnl_expr_set_str(expression, NFTNL_EXPR_TG_NAME, step->b ? "CONNMARK" : "MARK");
		nftnl_expr_set_u32(expression, NFTNL_EXPR_TG_REV, 2);
		nftnl_expr_set(expression, NFTNL_EXPR_TG_INFO, info, sizeof(*info));
	}
	nftnl_rule_add_expr(rule, expression);
}

#define LOAD 0
#define STORE 1

static void bits_of_marks_are_followed_through_registers(void **state)
{
	static const struct {
		uint32_t set;
		struct step steps[5];
	} cases[] = {
		{0x0600, {{"immediate", 0x0600, 0}, {"meta", STORE, NFT_META_MARK}}},
		{0, {{"immediate", 0x0600, 0}, {"meta", STORE, NFT_META_PRIORITY}}},
		/* mark or 0x0200; mark and not 0x0200 */
		{0x0200,
		 {{"meta", LOAD, NFT_META_MARK}, {"bitwise", ~0x0200U, 0x0200}, {"meta", STORE, NFT_META_MARK}}},
		{0, {{"meta", LOAD, NFT_META_MARK}, {"bitwise", ~0x0200U, 0}, {"meta", STORE, NFT_META_MARK}}},
		/* a constant, of which some bits stay */
		{0x0201, {{"immediate", 0x0600, 0}, {"bitwise", 0x0200, 1}, {"meta", STORE, NFT_META_MARK}}},
		/* what was there is overwritten by what nobody knows */
		{0, {{"immediate", 0x0600, 0}, {"ct", 0, 0}, {"meta", STORE, NFT_META_MARK}}},
		{0, {{"immediate", 0x0600, 0}, {"meta", LOAD, NFT_META_MARK}, {"meta", STORE, NFT_META_MARK}}},
		/* and not by what only looks */
		{0x0600, {{"immediate", 0x0600, 0}, {"counter", 0, 0}, {"meta", STORE, NFT_META_MARK}}},
		{0x0300, {{"target", 0x0300, 0}}},
		{0, {{"target", 0x0300, 1}}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nftnl_rule *rule = nftnl_rule_alloc();

		for (const struct step *step = cases[i].steps; step->name; step++)
			add(rule, step);
		if (nf_marks_set_by(rule) != cases[i].set)
			fail_msg("case %zu: 0x%x", i, nf_marks_set_by(rule));
		nftnl_rule_free(rule);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_read_as_they_were_built),
		cmocka_unit_test(destinations_are_told_apart),
		cmocka_unit_test(other_messages_are_none),
		cmocka_unit_test(bits_of_marks_are_followed_through_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
