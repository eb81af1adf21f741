/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inventory.c: which messages of the kernel make up what it knows of our attachments; the port is a list of answers. */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/network/inventory.h"

/** struct script - What each dump is answered with, in the order of the dumps; @again: the first dump begins again */
struct script {
	struct port port;
	struct batch answers[3];
	unsigned n_dumps;
	int fail_dump; /* which one fails with -ENOBUFS, from 1 */
	bool again;
};

/** play() - port_ops.exchange: hand out the answers of the next dump */
static int play(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata,
		struct port_failure *reterr)
{
	struct script *script = (struct script *)port;
	const struct batch *answers = &script->answers[script->n_dumps++];
	int rounds = script->again ? 2 : 1;
	int r = 0;

	(void)reterr;
	assert_int_equal(batch->count, 1);
	if ((unsigned)script->fail_dump == script->n_dumps)
		return -ENOBUFS;
	for (int round = 0; round < rounds && r == 0; round++) {
		const struct nlmsghdr *message = (const void *)answers->buffer;
		int left = (int)answers->used;

		if (round)
			r = reply(NULL, userdata);
		for (; mnl_nlmsg_ok(message, left) && r == 0; message = mnl_nlmsg_next(message, &left))
			r = reply(message, userdata);
	}
	return r;
}

static const struct port_ops script_ops = {.exchange = play};

/** add_link() - An answer to the first dump */
static void add_link(struct script *script, uint32_t index, const char *name, const char *alias, const char *kind)
{
	struct batch *batch = &script->answers[0];
	struct nlmsghdr *message = mnl_nlmsg_put_header(batch->buffer + batch->used);
	struct ifinfomsg *head;
	struct nlattr *nest;

	message->nlmsg_type = RTM_NEWLINK;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->ifi_index = (int)index;
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	if (alias)
		mnl_attr_put_strz(message, IFLA_IFALIAS, alias);
	nest = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(message, nest);
	batch->used += NLMSG_ALIGN(message->nlmsg_len);
}

/** add_route() - An answer to the dump of its family */
static void add_route(struct script *script, uint32_t interface, const char *text, uint8_t protocol)
{
	uint8_t bytes[ADDRESS_BYTES_MAX];
	struct prefix prefix;
	struct batch *batch;
	struct nlmsghdr *message;
	struct rtmsg *head;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	batch = &script->answers[prefix.address.family == FAMILY_IPV4 ? 1 : 2];
	message = mnl_nlmsg_put_header(batch->buffer + batch->used);
	message->nlmsg_type = RTM_NEWROUTE;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->rtm_family = (uint8_t)prefix.address.family;
	head->rtm_dst_len = prefix.length;
	head->rtm_protocol = protocol;
	head->rtm_type = RTN_UNICAST;
	address_to_bytes(&prefix.address, bytes);
	mnl_attr_put(message, RTA_DST, family_bytes(prefix.address.family), bytes);
	mnl_attr_put_u32(message, RTA_OIF, interface);
	batch->used += NLMSG_ALIGN(message->nlmsg_len);
}

/** make_script() - Two host ends of ours out of order, and what is none; routes of ours, and what is none */
static void make_script(struct script *script)
{
	*script = (struct script){.port = {.ops = &script_ops}};
	add_link(script, 9, "rgb", "rangeguard pods b eth0", "veth");
	add_link(script, 1, "lo", NULL, "");
	add_link(script, 3, "rga", "rangeguard pods a eth0", "veth");
	add_link(script, 4, "br0", "rangeguard pods x eth0", "bridge");
	add_link(script, 5, "veth1", "rangeguardian", "veth");
	add_route(script, 3, "10.0.0.1/32", PLAN_ROUTE_PROTOCOL);
	add_route(script, 9, "10.0.0.2/32", PLAN_ROUTE_PROTOCOL);
	add_route(script, 9, "10.0.0.2/32", PLAN_ROUTE_PROTOCOL); /* in another table */
	add_route(script, 9, "10.0.0.3/32", RTPROT_STATIC);
	add_route(script, 9, "10.1.0.0/24", PLAN_ROUTE_PROTOCOL);
	add_route(script, 4, "10.0.0.4/32", PLAN_ROUTE_PROTOCOL);
	add_route(script, 3, "fd00::1/128", PLAN_ROUTE_PROTOCOL);
}

static void assert_inventory(const struct inventory *inventory)
{
	char text[ADDRESS_TEXT_MAX];

	assert_int_equal(inventory->n_items, 2);
	assert_int_equal(inventory->items[0].index, 3);
	assert_string_equal(inventory->items[0].name, "rga");
	assert_string_equal(inventory->items[0].alias, "rangeguard pods a eth0");
	assert_int_equal(inventory->items[0].n_addresses, 2);
	assert_string_equal(address_format(&inventory->items[0].addresses[0], text), "10.0.0.1");
	assert_string_equal(address_format(&inventory->items[0].addresses[1], text), "fd00::1");
	assert_int_equal(inventory->items[1].index, 9);
	assert_int_equal(inventory->items[1].n_addresses, 1);
	assert_string_equal(address_format(&inventory->items[1].addresses[0], text), "10.0.0.2");
}

static void keeps_what_is_ours(void **state)
{
	INVENTORY_CLEANUP struct inventory inventory = {0};
	static struct script script;

	(void)state;
	make_script(&script);
	assert_int_equal(inventory_read(&script.port, &inventory), 0);
	assert_int_equal(script.n_dumps, 3);
	assert_inventory(&inventory);
}

/* NLM_F_DUMP_INTR: the same answers come again, and count once. */
static void begins_again_with_a_dump(void **state)
{
	INVENTORY_CLEANUP struct inventory inventory = {0};
	static struct script script;

	(void)state;
	make_script(&script);
	script.again = true;
	assert_int_equal(inventory_read(&script.port, &inventory), 0);
	assert_inventory(&inventory);
}

static void without_host_ends_no_routes_are_asked_for(void **state)
{
	INVENTORY_CLEANUP struct inventory inventory = {0};
	static struct script script;

	(void)state;
	script = (struct script){.port = {.ops = &script_ops}};
	add_link(&script, 1, "lo", NULL, "");
	assert_int_equal(inventory_read(&script.port, &inventory), 0);
	assert_int_equal(script.n_dumps, 1);
	assert_int_equal(inventory.n_items, 0);
}

static void a_failing_dump_is_no_inventory(void **state)
{
	(void)state;
	for (int dump = 1; dump <= 3; dump++) {
		struct inventory inventory = {0};
		static struct script script;

		make_script(&script);
		script.fail_dump = dump;
		assert_int_equal(inventory_read(&script.port, &inventory), -ENOBUFS);
		assert_null(inventory.items);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_is_ours),
		cmocka_unit_test(begins_again_with_a_dump),
		cmocka_unit_test(without_host_ends_no_routes_are_asked_for),
		cmocka_unit_test(a_failing_dump_is_no_inventory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
