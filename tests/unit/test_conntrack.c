/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conntrack.c and ctmessage.c against a table of flows in memory, which reads the messages as the kernel does
 * (ctnetlink_del_conntrack() and ctnetlink_filter_match() in net/netfilter/nf_conntrack_netlink.c): whatever it does not
 * see a filter in empties the table.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <pthread.h>

#include "plugin/snat/conntrack.h"
#include "plugin/snat/ctmessage.h"

#define FLOWS_MAX 256

/** struct flow - A flow; its tuple's port is its number */
struct flow {
	struct address original, reply;
	uint16_t port;
	uint16_t zone;
	bool gone;
};

/**
 * struct table - The table, and what is wished of it
 * @filters:	The kernel deletes by a filter
 * @fail_call, @fail_message: The n-th exchange or message fails with @fail_errnum; 0: none
 * @again:	The first dump is interrupted and begins again
 * @endless:	A flow comes back as soon as it is deleted
 * @repeat:	How often each flow is told of; 0: once
 * @empty:	What sysctl_number() returns; 1: nothing is tracked
 * @count:	What it tells else; 0: the flows that there are
 * @dumps, @told: Dumps, and flows that they told of
 * @opened:	Ports opened, by threads
 */
static struct table {
	struct flow flows[FLOWS_MAX];
	unsigned n;
	bool filters;
	unsigned calls, fail_call, messages, fail_message;
	int fail_errnum;
	bool again, endless;
	unsigned repeat;
	int empty;
	uint64_t count;
	unsigned dumps, told, opened;
} table;

/** One exchange at a time: there are threads */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int __wrap_sysctl_number(const char *name, uint64_t *ret_number);
int __wrap_port_open_netfilter(struct port **ret_port);

int __wrap_sysctl_number(const char *name, uint64_t *ret_number)
{
	assert_string_equal(name, "netfilter/nf_conntrack_count");
	if (table.empty < 0)
		return table.empty;
	*ret_number = table.empty ? 0 : table.count ? table.count : table.n;
	return 0;
}

static struct address address(const char *text)
{
	struct address parsed = {0};

	assert_int_equal(address_parse(text, &parsed), 0);
	return parsed;
}

static void put_tuple(struct nlmsghdr *message, uint16_t type, const struct address *source, uint16_t port)
{
	struct nlattr *tuple = mnl_attr_nest_start(message, type), *nest = mnl_attr_nest_start(message, CTA_TUPLE_IP);
	uint8_t bytes[ADDRESS_BYTES_MAX];

	address_to_bytes(source, bytes);
	mnl_attr_put(message, source->family == FAMILY_IPV4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC,
		     family_bytes(source->family), bytes);
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, IPPROTO_UDP);
	mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(port));
	mnl_attr_nest_end(message, nest);
	mnl_attr_nest_end(message, tuple);
}

/** answer() - Call @reply with a flow */
static int answer(const struct flow *flow, port_reply_fn reply, void *userdata)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[512];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *head;

	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->nfgen_family = (uint8_t)flow->original.family;
	put_tuple(message, CTA_TUPLE_ORIG, &flow->original, flow->port);
	put_tuple(message, CTA_TUPLE_REPLY, &flow->reply, flow->port);
	mnl_attr_put_u32(message, CTA_MARK, htonl(1));
	if (flow->zone)
		mnl_attr_put_u16(message, CTA_ZONE, htons(flow->zone));
	mnl_attr_put_u32(message, CTA_ID, htonl(flow->port));
	return reply(message, userdata);
}

/** struct deletion - What a IPCTNL_MSG_CT_DELETE says */
struct deletion {
	struct address source; /* of CTA_TUPLE_ORIG or CTA_TUPLE_REPLY, whatever came */
	bool original, reply, filter, whole;
	uint32_t original_flags, reply_flags, id;
	uint16_t port, zone;
};

static int take_ip(const struct nlattr *attribute, void *userdata)
{
	struct deletion *deletion = userdata;
	uint16_t type = mnl_attr_get_type(attribute);

	assert_true(type == CTA_IP_V4_SRC || type == CTA_IP_V6_SRC);
	assert_int_equal(mnl_attr_get_payload_len(attribute), type == CTA_IP_V4_SRC ? 4 : 16);
	deletion->source =
		address_from_bytes(type == CTA_IP_V4_SRC ? FAMILY_IPV4 : FAMILY_IPV6, mnl_attr_get_payload(attribute));
	return MNL_CB_OK;
}

static int take_proto(const struct nlattr *attribute, void *userdata)
{
	struct deletion *deletion = userdata;

	if (mnl_attr_get_type(attribute) == CTA_PROTO_SRC_PORT)
		deletion->port = ntohs(mnl_attr_get_u16(attribute));
	return MNL_CB_OK;
}

static int take_tuple(const struct nlattr *attribute, void *userdata)
{
	struct deletion *deletion = userdata;

	if (mnl_attr_get_type(attribute) == CTA_TUPLE_IP)
		return mnl_attr_parse_nested(attribute, take_ip, userdata);
	deletion->whole = true;
	return mnl_attr_parse_nested(attribute, take_proto, userdata);
}

static int take_filter(const struct nlattr *attribute, void *userdata)
{
	struct deletion *deletion = userdata;

	if (mnl_attr_get_type(attribute) == CTA_FILTER_ORIG_FLAGS)
		deletion->original_flags = mnl_attr_get_u32(attribute);
	else
		deletion->reply_flags = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static int take_attribute(const struct nlattr *attribute, void *userdata)
{
	struct deletion *deletion = userdata;

	switch (mnl_attr_get_type(attribute)) {
	case CTA_TUPLE_ORIG:
		deletion->original = true;
		return mnl_attr_parse_nested(attribute, take_tuple, deletion);
	case CTA_TUPLE_REPLY:
		deletion->reply = true;
		return mnl_attr_parse_nested(attribute, take_tuple, deletion);
	case CTA_FILTER:
		deletion->filter = true;
		return mnl_attr_parse_nested(attribute, take_filter, deletion);
	case CTA_ID:
		deletion->id = ntohl(mnl_attr_get_u32(attribute));
		return MNL_CB_OK;
	case CTA_ZONE:
		deletion->zone = ntohs(mnl_attr_get_u16(attribute));
		return MNL_CB_OK;
	default:
		fail_msg("attribute %u in a deletion", mnl_attr_get_type(attribute));
		return MNL_CB_ERROR;
	}
}

/** same() - How the kernel compares: upside down for IPv6 */
static bool same(const struct address *a, const struct address *b)
{
	return address_equal(a, b) == (a->family == FAMILY_IPV4);
}

/** matches() - ctnetlink_filter_match(); without a family it compares no addresses */
static bool matches(const struct deletion *deletion, uint8_t family, const struct flow *flow)
{
	if (family == AF_UNSPEC)
		return true;
	if (flow->original.family != (enum family)family)
		return false;
	if (deletion->original_flags && !same(&deletion->source, &flow->original))
		return false;
	return !deletion->reply_flags || same(&deletion->source, &flow->reply);
}

/**
 * dump() - Tell of flows, those that a filter leaves over, which no kernel here is too old for
 * @message:	Question
 */
static int dump(const struct nlmsghdr *message, port_reply_fn reply, void *userdata)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	struct deletion question = {0};
	int r = 0;

	assert_int_equal(mnl_attr_parse(message, sizeof(*head), take_attribute, &question), MNL_CB_OK);
	table.dumps++;
	for (unsigned round = table.again ? 0 : 1; round < 2; round++) {
		for (unsigned i = 0; !r && i < table.n; i++) {
			if (table.flows[i].gone || !matches(&question, head->nfgen_family, &table.flows[i]))
				continue;
			table.told++;
			for (unsigned times = 0; !r && times <= table.repeat; times++)
				r = answer(&table.flows[i], reply, userdata);
		}
		if (round == 0)
			r = reply(NULL, userdata);
	}
	table.again = false;
	return r;
}

/** delete_one() - 0, positive errno */
static int delete_one(const struct deletion *deletion)
{
	for (unsigned i = 0; i < table.n; i++) {
		struct flow *flow = &table.flows[i];

		if (!flow->gone && flow->port == deletion->port && flow->zone == deletion->zone &&
		    deletion->id == flow->port && address_equal(&deletion->source, &flow->original)) {
			flow->gone = !table.endless;
			return 0;
		}
	}
	return ENOENT;
}

/** delete_flows() - 0, positive errno */
static int delete_flows(const struct nlmsghdr *message)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	uint8_t family = head->version ? head->nfgen_family : AF_UNSPEC;
	struct deletion deletion = {0};

	assert_int_equal(mnl_attr_parse(message, sizeof(*head), take_attribute, &deletion), MNL_CB_OK);
	if (!deletion.filter || !table.filters) {
		if (deletion.original || deletion.reply)
			return deletion.whole ? delete_one(&deletion) : EINVAL;
	}
	for (unsigned i = 0; i < table.n; i++)
		if (matches(&deletion, family, &table.flows[i]))
			table.flows[i].gone = true;
	return 0;
}

static int exchange_alone(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata,
			  struct port_failure *reterr)
{
	const struct nlmsghdr *message = (const void *)batch->buffer;
	int rest = (int)batch->used, refusal = 0;

	(void)port;
	if (++table.calls == table.fail_call)
		return -table.fail_errnum;
	for (unsigned i = 0; mnl_nlmsg_ok(message, rest); i++, message = mnl_nlmsg_next(message, &rest)) {
		bool is_dump = message->nlmsg_type == (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET);
		int r;

		assert_int_equal(message->nlmsg_flags & NLM_F_DUMP, is_dump ? NLM_F_DUMP : 0);
		assert_true(is_dump || message->nlmsg_type == (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE));
		r = ++table.messages == table.fail_message ? table.fail_errnum
		    : is_dump				   ? dump(message, reply, userdata)
							   : delete_flows(message);
		if (r < 0)
			return r;
		if (r && !refusal)
			*reterr = (struct port_failure){.index = i, .errnum = refusal = r};
	}
	return refusal ? PORT_E_REFUSED : 0;
}

static int exchange(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata,
		    struct port_failure *reterr)
{
	int r;

	(void)pthread_mutex_lock(&lock);
	r = exchange_alone(port, batch, reply, userdata, reterr);
	(void)pthread_mutex_unlock(&lock);
	return r;
}

static void close_port(struct port *port)
{
	(void)port;
}

static struct port *netfilter(void)
{
	static const struct port_ops ops = {.exchange = exchange, .close = close_port};
	static struct port port = {.ops = &ops};

	return &port;
}

int __wrap_port_open_netfilter(struct port **ret_port)
{
	(void)pthread_mutex_lock(&lock);
	table.opened++;
	(void)pthread_mutex_unlock(&lock);
	*ret_port = netfilter();
	return 0;
}

static void add_flow(const char *original, const char *reply)
{
	table.flows[table.n] = (struct flow){
		.original = address(original), .reply = address(reply), .port = (uint16_t)(1000 + table.n)};
	table.n++;
}

/** busy() - A table in which the flows 0 to 3 are of 10.9.0.2 or fd00::2, and the others of nobody that is to be forgotten */
static void busy(void)
{
	table = (struct table){.filters = true, .fail_errnum = EPERM};
	add_flow("10.9.0.2", "198.51.100.5"); /* opened by the container */
	add_flow("198.51.100.5", "10.9.0.2"); /* to the container, perhaps behind a DNAT */
	add_flow("fd00::2", "2001:db8::5");
	add_flow("2001:db8::5", "fd00::2");
	add_flow("10.9.0.3", "198.51.100.5");
	add_flow("198.51.100.5", "10.9.0.20");
	add_flow("fd00::3", "2001:db8::5");
	add_flow("192.0.2.10", "192.0.2.11");
}

/** assert_left() - Flows from the @first on are there, those before are gone */
static void assert_left(unsigned first)
{
	for (unsigned i = 0; i < table.n; i++)
		assert_int_equal(table.flows[i].gone, i < first);
}

static int forget(struct error *reterr)
{
	const struct address addresses[] = {address("10.9.0.2"), address("fd00::2")};

	*reterr = (struct error){0};
	return conntrack_forget(netfilter(), addresses, 2, reterr);
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
	const struct address container = address("10.9.0.2");
	struct error err;

	(void)state;
	busy();
	assert_int_equal(conntrack_forget(netfilter(), &container, 1, &err), 0);
	assert_int_equal(table.calls, 1);
	for (unsigned i = 0; i < table.n; i++)
		assert_int_equal(table.flows[i].gone, i < 2);
}

/** The kernel's comparison of IPv6 addresses is upside down: see ctmessage.c */
static void no_filter_for_ipv6(void **state)
{
	const struct address container = address("fd00::2");
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
	table.filters = false;
	table.flows[1].zone = 7;
	table.again = true;
	assert_int_equal(forget(&err), 0);
	assert_left(4);
}

static void more_flows_than_a_batch_takes(void **state)
{
	struct error err;

	(void)state;
	table = (struct table){.fail_errnum = EPERM};
	for (unsigned i = 0; i < 200; i++)
		add_flow(i % 2 ? "10.9.0.2" : "198.51.100.5", i % 2 ? "198.51.100.5" : "10.9.0.2");
	add_flow("10.9.0.3", "198.51.100.5");
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
	table = (struct table){.fail_errnum = EPERM};
	for (unsigned i = 0; i < 200; i++)
		add_flow(i % 2 ? "10.9.0.2" : "198.51.100.5", i % 2 ? "198.51.100.5" : "10.9.0.2");
	for (unsigned i = 0; i < 50; i++)
		add_flow(i % 2 ? "10.9.0.3" : "fd00::3", i % 2 ? "198.51.100.5" : "2001:db8::5");
	assert_int_equal(forget(&err), 0);
	assert_left(200);
	assert_int_equal(table.dumps, 3);
	assert_int_equal(table.told, 200 + 25);
}

/** On a host that tracks many flows no deletion by a filter is tried, and threads share the dumps */
static void many_flows_are_shared_by_threads(void **state)
{
	struct error err;

	(void)state;
	busy();
	table.count = CONNTRACK_MANY;
	assert_int_equal(forget(&err), 0);
	assert_left(4);
	assert_in_range(table.opened, 1, 3);
	assert_int_equal(table.dumps, 3);
	busy();
	table.count = CONNTRACK_MANY - 1;
	assert_int_equal(forget(&err), 0);
	assert_left(4);
	assert_int_equal(table.opened, 0);
	assert_int_equal(table.dumps, 1);
	for (unsigned call = 1; call <= 6; call++) {
		busy();
		table.count = CONNTRACK_MANY;
		table.fail_call = call;
		assert_int_equal(forget(&err), REFUSED);
		assert_non_null(strstr(err.msg, "Operation not permitted"));
	}
}

/** What is begun is done when it has ended, and not begun where it has to be done at once */
static void begun_and_ended(void **state)
{
	const struct address container = address("10.9.0.2");
	struct conntrack_work *work;
	struct error err;

	(void)state;
	busy();
	assert_null(conntrack_begin(&container, 1));
	table.count = CONNTRACK_MANY;
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
	table.empty = 1;
	assert_int_equal(forget(&err), 0);
	table.empty = -ENOENT;
	assert_int_equal(forget(&err), 0);
	assert_int_equal(table.calls, 0);
	/* Not being able to read it is no proof. */
	table.empty = -EACCES;
	assert_int_equal(forget(&err), 0);
	assert_left(4);
}

static void a_flow_that_ended_is_no_failure(void **state)
{
	struct error err;

	(void)state;
	busy();
	table.filters = false;
	table.fail_message = 4; /* two filters, a dump, the first deletion */
	table.fail_errnum = ENOENT;
	assert_int_equal(forget(&err), 0);
	table.flows[0].gone = true;
	assert_left(4);
}

static void failures(void **state)
{
	struct error err;

	(void)state;
	for (unsigned filters = 0; filters < 2; filters++) {
		for (unsigned call = 1; call <= (filters ? 3 : 5); call++) {
			busy();
			table.filters = filters;
			table.fail_call = call;
			assert_int_equal(forget(&err), REFUSED);
			assert_int_equal(err.code, ERROR_KERNEL);
			assert_non_null(strstr(err.msg, "Operation not permitted"));
		}
	}
	busy();
	table.fail_message = 2;
	assert_int_equal(forget(&err), REFUSED);
	for (unsigned message = 3; message <= 8; message++) {
		busy();
		table.filters = false;
		table.fail_message = message;
		assert_int_equal(forget(&err), REFUSED);
	}
}

static void it_ends(void **state)
{
	struct error err;

	(void)state;
	table = (struct table){.endless = true, .repeat = 350};
	for (unsigned i = 0; i < 100; i++)
		add_flow("10.9.0.2", "198.51.100.5");
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
