/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builders and one reader of ctnetlink messages. Pure.
 *
 * A filter that the kernel does not understand must never become none: a deletion without a filter empties the whole
 * table. Hence each deletion carries a tuple, which an older kernel takes for a whole one and refuses (EINVAL), and a
 * version other than 0, without which it forgets the family and with it the comparison of addresses. And none is made
 * for IPv6, where the kernel has the comparison upside down and deletes all others' flows (`!ipv6_addr_cmp()` in
 * ctnetlink_filter_match_tuple(), Linux 5.8 to 6.18 at least).
 */

#include "plugin/snat/ctmessage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "plugin/network/nlbuild.h"

/** CTA_FILTER_FLAG(CTA_IP_SRC) of net/netfilter/nf_internals.h: compare the source address, and nothing else */
#define FILTER_SOURCE 1U
/** Any nfgenmsg.version but 0: the family counts */
#define VERSION 1

/**
 * request() - A ctnetlink message without attributes
 * @batch:	Batch
 * @type:	IPCTNL_MSG_*
 * @flags:	NLM_F_*
 * @family:	Family
 *
 * Return: the message, NULL when there is no room
 */
static struct nlmsghdr *request(struct batch *batch, unsigned type, int flags, uint8_t family)
{
	struct nfgenmsg head = {.nfgen_family = family, .version = VERSION};

	return nl_request(batch, (int)(NFNL_SUBSYS_CTNETLINK << 8 | type), flags, &head, sizeof(head));
}

/** put_source() - Append a tuple that consists of an IPv4 source address: 0, -E2BIG */
static int put_source(struct nlmsghdr *msg, int tuple_type, const struct address *address)
{
	struct nlattr *tuple = nl_nest(msg, tuple_type);
	struct nlattr *ip = tuple ? nl_nest(msg, CTA_TUPLE_IP) : NULL;
	uint8_t bytes[ADDRESS_BYTES_MAX];

	address_to_bytes(address, bytes);
	if (!ip || nl_put(msg, CTA_IP_V4_SRC, family_bytes(FAMILY_IPV4), bytes) < 0)
		return -E2BIG;
	mnl_attr_nest_end(msg, ip);
	mnl_attr_nest_end(msg, tuple);
	return 0;
}

/** put_filter() - Append what compares the source of a direction with an address, and nothing else: 0, -E2BIG */
static int put_filter(struct nlmsghdr *msg, const struct address *address, enum ct_direction direction)
{
	bool original = direction == CT_ORIGINAL;
	struct nlattr *filter;

	if (put_source(msg, original ? CTA_TUPLE_ORIG : CTA_TUPLE_REPLY, address) < 0)
		return -E2BIG;
	filter = nl_nest(msg, CTA_FILTER);
	if (!filter || nl_put_u32(msg, CTA_FILTER_ORIG_FLAGS, original ? FILTER_SOURCE : 0) < 0 ||
	    nl_put_u32(msg, CTA_FILTER_REPLY_FLAGS, original ? 0 : FILTER_SOURCE) < 0)
		return -E2BIG;
	mnl_attr_nest_end(msg, filter);
	return 0;
}

/**
 * ctmessage_delete_by_source() - Delete all flows of which an address is the source (Linux 5.8 and later; that of the
 * reply from 5.10.83 and 5.15.6 on, earlier ones find none)
 * @batch:	Batch
 * @address:	IPv4 address
 * @direction:	In which direction
 *
 * Return: 0, -E2BIG, -EAFNOSUPPORT for IPv6
 */
int ctmessage_delete_by_source(struct batch *batch, const struct address *address, enum ct_direction direction)
{
	struct nlmsghdr *msg = request(batch, IPCTNL_MSG_CT_DELETE, 0, (uint8_t)address->family);

	if (address->family != FAMILY_IPV4)
		return -EAFNOSUPPORT;
	if (!msg || put_filter(msg, address, direction) < 0)
		return -E2BIG;
	return batch_append(batch, msg);
}

/**
 * ctmessage_dump_by_source() - Ask for flows of which an address is the source (Linux 5.8; an earlier one tells all of them)
 * @batch:	Batch
 * @address:	IPv4 address
 * @direction:	In which direction
 *
 * Return: 0, -E2BIG, -EAFNOSUPPORT for IPv6
 */
int ctmessage_dump_by_source(struct batch *batch, const struct address *address, enum ct_direction direction)
{
	struct nlmsghdr *msg = request(batch, IPCTNL_MSG_CT_GET, NLM_F_DUMP, (uint8_t)address->family);

	if (address->family != FAMILY_IPV4)
		return -EAFNOSUPPORT;
	if (!msg || put_filter(msg, address, direction) < 0)
		return -E2BIG;
	return batch_append(batch, msg);
}

/** ctmessage_dump() - Ask for all flows of @family: 0, -E2BIG */
int ctmessage_dump(struct batch *batch, enum family family)
{
	struct nlmsghdr *msg = request(batch, IPCTNL_MSG_CT_GET, NLM_F_DUMP, (uint8_t)family);

	return batch_append(batch, msg);
}

/** copy_identity() - Attribute callback: copy into the message @userdata what tells a flow from all others */
static int copy_identity(const struct nlattr *attribute, void *userdata)
{
	uint16_t type = mnl_attr_get_type(attribute);
	struct nlmsghdr *msg = userdata;

	if (type != CTA_TUPLE_ORIG && type != CTA_ZONE && type != CTA_ID)
		return MNL_CB_OK;
	if (nl_put(msg, attribute->nla_type, mnl_attr_get_payload_len(attribute), mnl_attr_get_payload(attribute)) < 0)
		return MNL_CB_ERROR;
	return MNL_CB_OK;
}

/**
 * ctmessage_delete_flow() - Delete one flow
 * @batch:	Batch
 * @flow:	The flow, as a dump told it; its tuple, zone and id are copied
 *
 * Return: 0, -E2BIG
 */
int ctmessage_delete_flow(struct batch *batch, const struct nlmsghdr *flow)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(flow);
	struct nlmsghdr *msg = request(batch, IPCTNL_MSG_CT_DELETE, 0, head->nfgen_family);

	if (!msg || mnl_attr_parse(flow, sizeof(*head), copy_identity, msg) == MNL_CB_ERROR)
		return -E2BIG;
	return batch_append(batch, msg);
}

/** take_ip() - Attribute callback: the source inside a CTA_TUPLE_IP */
static int take_ip(const struct nlattr *attribute, void *userdata)
{
	uint16_t type = mnl_attr_get_type(attribute), size = mnl_attr_get_payload_len(attribute);
	struct address *source = userdata;

	if (type == CTA_IP_V4_SRC && size == family_bytes(FAMILY_IPV4))
		*source = address_from_bytes(FAMILY_IPV4, mnl_attr_get_payload(attribute));
	else if (type == CTA_IP_V6_SRC && size == family_bytes(FAMILY_IPV6))
		*source = address_from_bytes(FAMILY_IPV6, mnl_attr_get_payload(attribute));
	return MNL_CB_OK;
}

/** take_tuple() - Attribute callback: the addresses inside a CTA_TUPLE_ORIG or CTA_TUPLE_REPLY */
static int take_tuple(const struct nlattr *attribute, void *userdata)
{
	if (mnl_attr_get_type(attribute) != CTA_TUPLE_IP)
		return MNL_CB_OK;
	return mnl_attr_parse_nested(attribute, take_ip, userdata);
}

/** take_flow() - Attribute callback: one attribute of a flow */
static int take_flow(const struct nlattr *attribute, void *userdata)
{
	struct ct_flow *flow = userdata;

	switch (mnl_attr_get_type(attribute)) {
	case CTA_TUPLE_ORIG:
		return mnl_attr_parse_nested(attribute, take_tuple, &flow->original_source);
	case CTA_TUPLE_REPLY:
		return mnl_attr_parse_nested(attribute, take_tuple, &flow->reply_source);
	default:
		return MNL_CB_OK;
	}
}

/**
 * ctmessage_read() - Read who talks in a flow
 * @message:	Answer to ctmessage_dump()
 * @ret_flow:	Flow
 *
 * Return: 0, -ENOMSG when it is no flow, -EBADMSG
 */
int ctmessage_read(const struct nlmsghdr *message, struct ct_flow *ret_flow)
{
	struct ct_flow flow = {0};

	if (message->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW))
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg) ||
	    mnl_attr_parse(message, sizeof(struct nfgenmsg), take_flow, &flow) == MNL_CB_ERROR)
		return -EBADMSG;
	*ret_flow = flow;
	return 0;
}
