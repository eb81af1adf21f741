/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack.c and ctmessage.c against a table of flows (flow_table_fake.h) */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "plugin/snat/conntrack.h"
#include "plugin/snat/ctmessage.h"
#include "tests/unit/flow_table_fake.h"

/** busy() - A table in which the flows 0 to 3 are of 10.9.0.2 or fd00::2, and the others of nobody that is to be forgotten */
static void busy(void)
{
	flow_table = (struct flow_table){.filters = true, .fail_errnum = EPERM};
	flow_table_add("10.9.0.2", "198.51.100.5"); /* opened by the container */
	flow_table_add("198.51.100.5", "10.9.0.2"); /* to the container, perhaps behind a DNAT */
	flow_table_add("fd00::2", "2001:db8::5");
	flow_table_add("2001:db8::5", "fd00::2");
	flow_table_add("10.9.0.3", "198.51.100.5");
	flow_table_add("198.51.100.5", "10.9.0.20");
	flow_table_add("fd00::3", "2001:db8::5");
	flow_table_add("192.0.2.10", "192.0.2.11");
}

/** assert_left() - Flows from the @first on are there, those before are gone */
static void assert_left(unsigned first)
{
	for (unsigned i = 0; i < flow_table.n; i++)
		assert_int_equal(flow_table.flows[i].gone, i < first);
}

static int forget(struct error *reterr)
{
	const struct address addresses[] = {flow_address("10.9.0.2"), flow_address("fd00::2")};

	*reterr = (struct error){0};
	return conntrack_forget(flow_table_port(), addresses, 2, reterr);
}

static void exactly_these_are_forgotten(void **state)
{
	struct error err;

	(void)state;
	busy();
	assert_int_equal(forget(&err), 0);
	assert_left(4);
	/* Again, when there is nothing */
	assert_int_equal(forget(&err), 0);
	assert_left(4);
}

/** No dump, however many flows there are */
static void ipv4_takes_one_exchange(void **state)
{
	const struct address container = flow_address("10.9.0.2");
	struct error err;

	(void)state;
	busy();
	assert_int_equal(conntrack_forget(flow_table_port(), &container, 1, &err), 0);
	assert_int_equal(flow_table.calls, 1);
	for (unsigned i = 0; i < flow_table.n; i++)
		assert_int_equal(flow_table.flows[i].gone, i < 2);
}

/** The kernel's comparison of IPv6 addresses is upside down: see ctmessage.c */
static void no_filter_for_ipv6(void **state)
{
	const struct address container = flow_address("fd00::2");
	struct batch batch;

	(void)state;
	batch_reset(&batch);
	assert_int_equal(ctmessage_delete_by_source(&batch, &container, CT_ORIGINAL), -EAFNOSUPPORT);
	assert_int_equal(batch.count, 0);
}

static void one_by_one_on_older_kernels(void **state)
{
	struct error err;

	(void)state;
	busy();
	flow_table.filters = false;
	flow_table.flows[1].zone = 7;
	flow_table.again = true;
	assert_int_equal(forget(&err), 0);
	assert_left(4);
}

static void more_flows_than_a_batch_takes(void **state)
{
	struct error err;

	(void)state;
	flow_table = (struct flow_table){.fail_errnum = EPERM};
	for (unsigned i = 0; i < 200; i++)
		flow_table_add(i % 2 ? "10.9.0.2" : "198.51.100.5", i % 2 ? "198.51.100.5" : "10.9.0.2");
	flow_table_add("10.9.0.3", "198.51.100.5");
	assert_int_equal(forget(&err), 0);
	assert_left(200);
}

/**
 * Each flow of the table is looked at by the kernel once for each question, and told of only if it is wanted; an
 * IPv6 one once. However many there are to delete, nothing is asked twice.
 */
static void one_dump_for_each_question(void **state)
{
	struct error err;

	(void)state;
	flow_table = (struct flow_table){.fail_errnum = EPERM};
	for (unsigned i = 0; i < 200; i++)
		flow_table_add(i % 2 ? "10.9.0.2" : "198.51.100.5", i % 2 ? "198.51.100.5" : "10.9.0.2");
	for (unsigned i = 0; i < 50; i++)
		flow_table_add(i % 2 ? "10.9.0.3" : "fd00::3", i % 2 ? "198.51.100.5" : "2001:db8::5");
	assert_int_equal(forget(&err), 0);
	assert_left(200);
	assert_int_equal(flow_table.dumps, 3);
	assert_int_equal(flow_table.told, 200 + 25);
}

/** On a host that tracks many flows no deletion by a filter is tried, and threads share the dumps */
static void many_flows_are_shared_by_threads(void **state)
{
	struct error err;

	(void)state;
	busy();
	flow_table.count = CONNTRACK_MANY;
	assert_int_equal(forget(&err), 0);
	assert_left(4);
	assert_in_range(flow_table.opened, 1, 3);
	assert_int_equal(flow_table.dumps, 3);
	busy();
	flow_table.count = CONNTRACK_MANY - 1;
	assert_int_equal(forget(&err), 0);
	assert_left(4);
	assert_int_equal(flow_table.opened, 0);
	assert_int_equal(flow_table.dumps, 1);
	for (unsigned call = 1; call <= 6; call++) {
		busy();
		flow_table.count = CONNTRACK_MANY;
		flow_table.fail_call = call;
		assert_int_equal(forget(&err), REFUSED);
		assert_non_null(strstr(err.msg, "Operation not permitted"));
	}
}

/** What is begun is done when it has ended, and not begun where it has to be done at once */
static void begun_and_ended(void **state)
{
	const struct address container = flow_address("10.9.0.2");
	struct conntrack_work *work;
	struct error err;

	(void)state;
	busy();
	assert_null(conntrack_begin(&container, 1));
	flow_table.count = CONNTRACK_MANY;
	assert_null(conntrack_begin(&container, 0));
	work = conntrack_begin(&container, 1);
	assert_non_null(work);
	assert_int_equal(conntrack_end(work, &err), 0);
	assert_left(2);
}

static void nothing_is_asked_where_nothing_is_tracked(void **state)
{
	struct error err;

	(void)state;
	busy();
	flow_table.empty = 1;
	assert_int_equal(forget(&err), 0);
	flow_table.empty = -ENOENT;
	assert_int_equal(forget(&err), 0);
	assert_int_equal(flow_table.calls, 0);
	/* Not being able to read it is no proof. */
	flow_table.empty = -EACCES;
	assert_int_equal(forget(&err), 0);
	assert_left(4);
}

static void a_flow_that_ended_is_no_failure(void **state)
{
	struct error err;

	(void)state;
	busy();
	flow_table.filters = false;
	flow_table.fail_message = 4; /* two filters, a dump, the first deletion */
	flow_table.fail_errnum = ENOENT;
	assert_int_equal(forget(&err), 0);
	flow_table.flows[0].gone = true;
	assert_left(4);
}

static void failures(void **state)
{
	struct error err;

	(void)state;
	for (unsigned filters = 0; filters < 2; filters++) {
		for (unsigned call = 1; call <= (filters ? 3 : 5); call++) {
			busy();
			flow_table.filters = filters;
			flow_table.fail_call = call;
			assert_int_equal(forget(&err), REFUSED);
			assert_int_equal(err.code, ERROR_KERNEL);
			assert_non_null(strstr(err.msg, "Operation not permitted"));
		}
	}
	busy();
	flow_table.fail_message = 2;
	assert_int_equal(forget(&err), REFUSED);
	for (unsigned message = 3; message <= 8; message++) {
		busy();
		flow_table.filters = false;
		flow_table.fail_message = message;
		assert_int_equal(forget(&err), REFUSED);
	}
}

static void it_ends(void **state)
{
	struct error err;

	(void)state;
	flow_table = (struct flow_table){.endless = true, .repeat = 350};
	for (unsigned i = 0; i < 100; i++)
		flow_table_add("10.9.0.2", "198.51.100.5");
	assert_int_equal(forget(&err), REFUSED);
	assert_non_null(strstr(err.details, "new ones keep coming"));
}

static void what_is_no_flow(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[64] = {0};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ct_flow read;

	(void)state;
	message->nlmsg_type = NLMSG_MIN_TYPE;
	assert_int_equal(ctmessage_read(message, &read), -ENOMSG);
	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	assert_int_equal(ctmessage_read(message, &read), -EBADMSG);
	(void)mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
	assert_int_equal(ctmessage_read(message, &read), 0);
	assert_int_equal(read.original_source.family, FAMILY_NONE);
	assert_int_equal(read.reply_source.family, FAMILY_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_these_are_forgotten),
		cmocka_unit_test(ipv4_takes_one_exchange),
		cmocka_unit_test(no_filter_for_ipv6),
		cmocka_unit_test(one_by_one_on_older_kernels),
		cmocka_unit_test(more_flows_than_a_batch_takes),
		cmocka_unit_test(one_dump_for_each_question),
		cmocka_unit_test(many_flows_are_shared_by_threads),
		cmocka_unit_test(begun_and_ended),
		cmocka_unit_test(nothing_is_asked_where_nothing_is_tracked),
		cmocka_unit_test(a_flow_that_ended_is_no_failure),
		cmocka_unit_test(failures),
		cmocka_unit_test(it_ends),
		cmocka_unit_test(what_is_no_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
