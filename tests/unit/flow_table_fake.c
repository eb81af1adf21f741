/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/unit/flow_table_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <pthread.h>

#include "plugin/network/batch.h"

struct flow_table flow_table;

/** One exchange at a time: there are threads */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int __wrap_sysctl_number(const char *name, uint64_t *ret_number);
int __wrap_port_open_netfilter(struct port **ret_port);

int __wrap_sysctl_number(const char *name, uint64_t *ret_number)
{
	assert_string_equal(name, "netfilter/nf_conntrack_count");
	if (flow_table.empty < 0)
		return flow_table.empty;
	*ret_number = flow_table.empty ? 0 : flow_table.count ? flow_table.count : flow_table.n;
	return 0;
}

/** flow_address() - An address by its text */
struct address flow_address(const char *text)
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
	flow_table.dumps++;
	for (unsigned round = flow_table.again ? 0 : 1; round < 2; round++) {
		for (unsigned i = 0; !r && i < flow_table.n; i++) {
			if (flow_table.flows[i].gone || !matches(&question, head->nfgen_family, &flow_table.flows[i]))
				continue;
			flow_table.told++;
			for (unsigned times = 0; !r && times <= flow_table.repeat; times++)
				r = answer(&flow_table.flows[i], reply, userdata);
		}
		if (round == 0)
			r = reply(NULL, userdata);
	}
	flow_table.again = false;
	return r;
}

/** delete_one() - 0, positive errno */
static int delete_one(const struct deletion *deletion)
{
	for (unsigned i = 0; i < flow_table.n; i++) {
		struct flow *flow = &flow_table.flows[i];

		if (!flow->gone && flow->port == deletion->port && flow->zone == deletion->zone &&
		    deletion->id == flow->port && address_equal(&deletion->source, &flow->original)) {
			flow->gone = !flow_table.endless;
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
	if (!deletion.filter || !flow_table.filters) {
		if (deletion.original || deletion.reply)
			return deletion.whole ? delete_one(&deletion) : EINVAL;
	}
	for (unsigned i = 0; i < flow_table.n; i++)
		if (matches(&deletion, family, &flow_table.flows[i]))
			flow_table.flows[i].gone = true;
	return 0;
}

static int exchange_alone(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata,
			  struct port_failure *reterr)
{
	const struct nlmsghdr *message = (const void *)batch->buffer;
	int rest = (int)batch->used, refusal = 0;

	(void)port;
	if (++flow_table.calls == flow_table.fail_call)
		return -flow_table.fail_errnum;
	for (unsigned i = 0; mnl_nlmsg_ok(message, rest); i++, message = mnl_nlmsg_next(message, &rest)) {
		bool is_dump = message->nlmsg_type == (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET);
		int r;

		assert_int_equal(message->nlmsg_flags & NLM_F_DUMP, is_dump ? NLM_F_DUMP : 0);
		assert_true(is_dump || message->nlmsg_type == (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE));
		r = ++flow_table.messages == flow_table.fail_message ? flow_table.fail_errnum
		    : is_dump					     ? dump(message, reply, userdata)
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

/** flow_table_port() - A port to the table */
struct port *flow_table_port(void)
{
	static const struct port_ops ops = {.exchange = exchange, .close = close_port};
	static struct port port = {.ops = &ops};

	return &port;
}

int __wrap_port_open_netfilter(struct port **ret_port)
{
	(void)pthread_mutex_lock(&lock);
	flow_table.opened++;
	(void)pthread_mutex_unlock(&lock);
	*ret_port = flow_table_port();
	return 0;
}

/** flow_table_add() - A flow between two addresses, with the source of each direction */
void flow_table_add(const char *original, const char *reply)
{
	flow_table.flows[flow_table.n] = (struct flow){.original = flow_address(original),
						       .reply = flow_address(reply),
						       .port = (uint16_t)(1000 + flow_table.n)};
	flow_table.n++;
}
