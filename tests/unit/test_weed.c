/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of others among ours: which go, which that are ours are missed. A table's rules behind the netlink port's seam. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "attributes.h"
#include "plugin/snat/backstop.h"
#include "plugin/snat/nfrule.h"
#include "plugin/snat/weed.h"

#define RULES_MAX 8U
#define RULE_BYTES 1024U

/**
 * struct table - What the kernel has, and what befalls who asks
 * @rules:	Its rules; one that is gone has length 0. The handle is the index and one
 * @refuse:	Type of the message that it refuses, 0: none
 * @errnum:	How
 * @transactions: How many changed something
 */
static struct table {
	_Alignas(struct nlmsghdr) uint8_t rules[RULES_MAX][RULE_BYTES];
	size_t n;
	int refuse;
	int errnum;
	unsigned transactions;
} table;

static int type_of(const struct nlmsghdr *message)
{
	return message->nlmsg_type & 0xff;
}

static struct nlmsghdr *rule_at(size_t i)
{
	return (struct nlmsghdr *)(void *)table.rules[i];
}

/** keep_rules() - Have the rules of a batch in the table, as the kernel tells them: with handles */
static void keep_rules(struct batch *batch)
{
	for (size_t at = 0; at < batch->used;) {
		const struct nlmsghdr *message = (const void *)(batch_data(batch) + at);

		at += NLMSG_ALIGN(message->nlmsg_len);
		if (NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_NFTABLES || type_of(message) != NFT_MSG_NEWRULE)
			continue;
		assert_true(table.n < RULES_MAX && message->nlmsg_len + 64 < RULE_BYTES);
		memcpy(table.rules[table.n], message, message->nlmsg_len);
		mnl_attr_put_u64(rule_at(table.n), NFTA_RULE_HANDLE, htobe64(table.n + 1));
		table.n++;
	}
}

/** attribute_of() - The attribute of a rule, which must be there */
static const struct nlattr *attribute_of(const struct nlmsghdr *message, uint16_t type)
{
	const struct nlattr *found = attribute(message, sizeof(struct nfgenmsg), type);

	assert_non_null(found);
	return found;
}

/** take_out() - What a message that deletes a rule says; the handle must be one that there is */
static void take_out(const struct nlmsghdr *message)
{
	uint64_t handle = be64toh(mnl_attr_get_u64(attribute_of(message, NFTA_RULE_HANDLE)));

	assert_in_range(handle, 1, table.n);
	assert_int_not_equal(rule_at(handle - 1)->nlmsg_len, 0);
	rule_at(handle - 1)->nlmsg_len = 0;
}

/** exchange() - port_ops: tell the rules, or do what a transaction says */
static int exchange(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata,
		    struct port_failure *reterr)
{
	unsigned index = 0;

	(void)port;
	for (size_t at = 0; at < batch->used; index++) {
		const struct nlmsghdr *message = (const void *)(batch_data(batch) + at);

		at += NLMSG_ALIGN(message->nlmsg_len);
		if (NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_NFTABLES)
			continue;
		if (type_of(message) == table.refuse) {
			*reterr = (struct port_failure){.index = index, .errnum = table.errnum};
			return PORT_E_REFUSED;
		}
		if (type_of(message) == NFT_MSG_DELRULE)
			take_out(message);
		for (size_t i = 0; type_of(message) == NFT_MSG_GETRULE && i < table.n; i++)
			if (rule_at(i)->nlmsg_len)
				assert_int_equal(reply(rule_at(i), userdata), 0);
	}
	table.transactions += batch->atomic;
	return 0;
}

static void close_nothing(struct port *port)
{
	(void)port;
}

static const struct port_ops ops = {.exchange = exchange, .close = close_nothing};
static struct port port = {.ops = &ops};

/** others() - A rule that lets all pass, in the chain of the table's rule @like */
static void others(size_t like)
{
	BATCH_CLEANUP struct batch batch;
	struct nf_rule rule;

	batch_reset(&batch);
	nf_rule_begin(&rule, BACKSTOP_TABLE, mnl_attr_get_str(attribute_of(rule_at(like), NFTA_RULE_CHAIN)));
	nf_verdict(&rule, NF_ACCEPT, NULL);
	assert_int_equal(nf_rule_add(&rule, &batch), 0);
	keep_rules(&batch);
}

/** prepare() - The backstop's table as it is made, two rules in two chains */
static int prepare(void **state)
{
	BATCH_CLEANUP struct batch batch;

	(void)state;
	table = (struct table){.n = 0};
	batch_reset(&batch);
	assert_int_equal(backstop_make(&batch, BACKSTOP_TABLE, true), 0);
	keep_rules(&batch);
	assert_int_equal(table.n, 2);
	return 0;
}

/** look() - weed() of that table */
static int look(struct weeded *ret_weeded)
{
	BATCH_CLEANUP struct batch wanted;
	struct error err = {0};

	batch_reset(&wanted);
	assert_int_equal(backstop_make(&wanted, BACKSTOP_TABLE, true), 0);
	return weed(&port, BACKSTOP_TABLE, &wanted, ret_weeded, &err);
}

/** assert_found() - What it finds, and how many rules are there afterwards */
static void assert_found(bool some, bool lacking, size_t left)
{
	struct weeded found;
	size_t n = 0;

	assert_int_equal(look(&found), 0);
	assert_int_equal(found.some, some);
	assert_int_equal(found.lacking, lacking);
	for (size_t i = 0; i < table.n; i++)
		n += rule_at(i)->nlmsg_len != 0;
	assert_int_equal(n, left);
}

static void nothing_is_changed_where_all_is_ours(void **state)
{
	(void)state;
	assert_found(false, false, 2);
	assert_int_equal(table.transactions, 0);
}

static void a_rule_of_others_goes(void **state)
{
	(void)state;
	others(1);
	assert_found(true, false, 2);
	assert_int_equal(rule_at(2)->nlmsg_len, 0);
	assert_int_equal(table.transactions, 1);
	assert_found(false, false, 2);
}

static void all_of_others_go_at_once(void **state)
{
	(void)state;
	others(0);
	others(1);
	others(1);
	assert_found(true, false, 2);
	assert_int_equal(table.transactions, 1);
}

static void one_that_is_missing_is_told(void **state)
{
	(void)state;
	rule_at(0)->nlmsg_len = 0;
	assert_found(false, true, 1);
}

/* As many as there should be: how often a chain is used tells nothing. */
static void one_in_the_place_of_ours_goes_and_ours_is_missed(void **state)
{
	(void)state;
	others(1);
	rule_at(1)->nlmsg_len = 0;
	assert_found(true, true, 1);
	assert_int_equal(rule_at(2)->nlmsg_len, 0);
}

static void without_a_table_there_is_nothing_to_do(void **state)
{
	struct weeded found;

	(void)state;
	table.refuse = NFT_MSG_GETRULE;
	table.errnum = ENOENT;
	assert_int_equal(look(&found), 0);
	assert_false(found.some || found.lacking);
}

static void one_that_somebody_else_removed_is_gone(void **state)
{
	struct weeded found;

	(void)state;
	others(0);
	table.refuse = NFT_MSG_DELRULE;
	table.errnum = ENOENT;
	assert_int_equal(look(&found), 0);
	assert_false(found.some);
}

static void what_the_kernel_refuses_is_an_error(void **state)
{
	struct weeded found;

	(void)state;
	others(0);
	table.refuse = NFT_MSG_DELRULE;
	table.errnum = EBUSY;
	assert_int_equal(look(&found), REFUSED);
	assert_false(found.some);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_changed_where_all_is_ours, prepare),
		cmocka_unit_test_setup(a_rule_of_others_goes, prepare),
		cmocka_unit_test_setup(all_of_others_go_at_once, prepare),
		cmocka_unit_test_setup(one_that_is_missing_is_told, prepare),
		cmocka_unit_test_setup(one_in_the_place_of_ours_goes_and_ours_is_missed, prepare),
		cmocka_unit_test_setup(without_a_table_there_is_nothing_to_do, prepare),
		cmocka_unit_test_setup(one_that_somebody_else_removed_is_gone, prepare),
		cmocka_unit_test_setup(what_the_kernel_refuses_is_an_error, prepare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
