/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builders of rtnetlink messages about what pins need beside nftables: a rule for marked packets, routes that prohibit,
 * assigned addresses, and, on kernels without TCX, a classifier. All carry our protocol number. Pure.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "plugin/network/nlbuild.h"
#include "plugin/network/rtmessage.h"

/** Preference and handle of our classifier: before all others of the interface, and none that others pick */
#define FILTER_PREFERENCE 1U
#define FILTER_HANDLE 0x82U

/** mark_rule_request() - A message about a rule for marked packets; NULL when there is no room */
static struct nlmsghdr *mark_rule_request(struct batch *batch, int type, int flags, const struct mark_rule *rule)
{
	struct fib_rule_hdr head = {
		.family = (uint8_t)rule->family,
		.table = rule->table <= UINT8_MAX ? (uint8_t)rule->table : RT_TABLE_UNSPEC,
		.action = FR_ACT_TO_TBL,
	};
	struct nlmsghdr *msg = nl_request(batch, type, flags, &head, sizeof(head));

	if (!msg || nl_put_u32(msg, FRA_PRIORITY, rule->priority) < 0 ||
	    (rule->mark &&
	     (nl_put_u32(msg, FRA_FWMARK, rule->mark) < 0 || nl_put_u32(msg, FRA_FWMASK, rule->mark) < 0)) ||
	    nl_put_u32(msg, FRA_TABLE, rule->table) < 0 || nl_put_u8(msg, FRA_PROTOCOL, RTPROT_KERNEL) < 0)
		return NULL;
	return msg;
}

/**
 * rtmessage_add_mark_rule() - Route marked packets by a table of their own
 * @batch:	Batch
 * @rule:	Rule; without NLM_F_EXCL IPv4 would add it once more each time
 *
 * Return: 0, -E2BIG
 */
int rtmessage_add_mark_rule(struct batch *batch, const struct mark_rule *rule)
{
	struct nlmsghdr *msg = mark_rule_request(batch, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);

	return batch_allow_existing(batch, batch_append(batch, msg));
}

/**
 * rtmessage_add_source_rule() - Route what comes from an address by a table of its own
 * @batch:	Batch
 * @source:	Address
 * @table:	Table
 * @priority:	Of the rule
 *
 * Return: 0, -E2BIG
 */
int rtmessage_add_source_rule(struct batch *batch, const struct address *source, uint32_t table, uint32_t priority)
{
	struct fib_rule_hdr head = {.family = (uint8_t)source->family,
				    .src_len = (uint8_t)family_bits(source->family),
				    .action = FR_ACT_TO_TBL};
	struct nlmsghdr *msg = nl_request(batch, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));

	if (!msg || nl_put_address(msg, FRA_SRC, source) < 0 || nl_put_u32(msg, FRA_TABLE, table) < 0 ||
	    nl_put_u32(msg, FRA_PRIORITY, priority) < 0)
		return -E2BIG;
	return batch_allow_existing(batch, batch_append(batch, msg));
}

/** rtmessage_delete_mark_rule() - The opposite; the kernel says ENOENT where there is none: 0, -E2BIG */
int rtmessage_delete_mark_rule(struct batch *batch, const struct mark_rule *rule)
{
	struct nlmsghdr *msg = mark_rule_request(batch, RTM_DELRULE, 0, rule);

	return batch_append(batch, msg);
}

/** prohibit_request() - A message about such a route; NULL when there is no room */
static struct nlmsghdr *prohibit_request(struct batch *batch, int type, uint32_t table,
					 const struct prefix *destination)
{
	struct rtmsg head = {
		.rtm_protocol = PLAN_ROUTE_PROTOCOL, .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_PROHIBIT};

	return route_request(batch, type, head, table, destination);
}

/**
 * rtmessage_add_prohibit_route() - Refuse packets that are routed by a table (ICMP: administratively prohibited)
 * @batch:	Batch
 * @table:	Table
 * @destination: Where to, without host bits
 *
 * Return: 0, -E2BIG
 */
int rtmessage_add_prohibit_route(struct batch *batch, uint32_t table, const struct prefix *destination)
{
	struct nlmsghdr *msg = prohibit_request(batch, RTM_NEWROUTE, table, destination);

	return batch_allow_existing(batch, batch_append(batch, msg));
}

/** rtmessage_delete_prohibit_route() - The opposite; the kernel says ESRCH where there is none: 0, -E2BIG */
int rtmessage_delete_prohibit_route(struct batch *batch, uint32_t table, const struct prefix *destination)
{
	struct nlmsghdr *msg = prohibit_request(batch, RTM_DELROUTE, table, destination);

	return batch_append(batch, msg);
}

/** assigned_request() - A message about an address on a link, by itself; NULL when there is no room */
static struct nlmsghdr *assigned_request(struct batch *batch, int type, int flags, uint32_t index,
					 const struct address *address)
{
	struct ifaddrmsg head = {
		.ifa_family = (uint8_t)address->family,
		.ifa_prefixlen = (uint8_t)family_bits(address->family),
		.ifa_flags = address->family == FAMILY_IPV6 ? IFA_F_NODAD : 0,
		.ifa_scope = address->family == FAMILY_IPV6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_HOST,
		.ifa_index = index,
	};
	struct nlmsghdr *msg = nl_request(batch, type, flags, &head, sizeof(head));

	if (!msg || nl_put_address(msg, IFA_LOCAL, address) < 0 || nl_put_address(msg, IFA_ADDRESS, address) < 0)
		return NULL;
	return msg;
}

/**
 * rtmessage_assign_address() - Put an address on a link of the host, with our mark on it
 * @batch:	Batch
 * @index:	Link
 * @address:	Address. Without DAD: it is needed at once, and announced
 *
 * Nobody but who asks for it gets it as a source: an IPv6 address is deprecated from the start (RFC 6724 rule 3), an IPv4
 * address has the host's scope, so that inet_select_addr() in net/ipv4/devinet.c takes it for nothing that leaves it.
 *
 * Return: 0, -E2BIG
 */
int rtmessage_assign_address(struct batch *batch, uint32_t index, const struct address *address)
{
	static const struct ifa_cacheinfo deprecated = {.ifa_prefered = 0, .ifa_valid = UINT32_MAX};
	struct nlmsghdr *msg = assigned_request(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, address);

	if (!msg || nl_put_u8(msg, IFA_PROTO, PLAN_ROUTE_PROTOCOL) < 0)
		return -E2BIG;
	if (address->family == FAMILY_IPV6 && nl_put(msg, IFA_CACHEINFO, sizeof(deprecated), &deprecated) < 0)
		return -E2BIG;
	return batch_allow_existing(batch, batch_append(batch, msg));
}

/**
 * rtmessage_lend_address() - rtmessage_assign_address() for some time, after which the kernel takes it off by itself
 * @batch:	Batch
 * @index:	Link
 * @address:	Address; one that is there gets the new lifetime
 * @seconds:	valid_lft, at least 1
 *
 * Return: 0, -E2BIG
 */
int rtmessage_lend_address(struct batch *batch, uint32_t index, const struct address *address, uint32_t seconds)
{
	/* For IPv4 a preferred lifetime of 0 would be taken for that of an address that is no longer valid. */
	struct ifa_cacheinfo life = {.ifa_prefered = address->family == FAMILY_IPV6 ? 0 : seconds,
				     .ifa_valid = seconds};
	struct nlmsghdr *msg = assigned_request(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, address);

	if (!msg || nl_put_u8(msg, IFA_PROTO, PLAN_ROUTE_PROTOCOL) < 0 ||
	    nl_put(msg, IFA_CACHEINFO, sizeof(life), &life) < 0)
		return -E2BIG;
	return batch_append(batch, msg);
}

/** rtmessage_delete_assigned_address() - The opposite: 0, -E2BIG */
int rtmessage_delete_assigned_address(struct batch *batch, uint32_t index, const struct address *address)
{
	struct nlmsghdr *msg = assigned_request(batch, RTM_DELADDR, 0, index, address);

	return batch_append(batch, msg);
}

/**
 * tc_request() - A traffic control message without options
 * @type:	RTM_NEWQDISC or RTM_NEWTFILTER
 * @head:	Its head
 * @kind:	Kind of the thing
 *
 * Return: the message, NULL when there is no room
 */
static struct nlmsghdr *tc_request(struct batch *batch, int type, struct tcmsg *head, const char *kind)
{
	struct nlmsghdr *msg = nl_request(batch, type, NLM_F_CREATE | NLM_F_EXCL, head, sizeof(*head));

	if (!msg || nl_put_string(msg, TCA_KIND, kind) < 0)
		return NULL;
	return msg;
}

/**
 * rtmessage_add_clsact() - Give a link a place for classifiers; an "ingress" qdisc that is there will do as well
 * @batch:	Batch
 * @index:	Link
 *
 * Return: 0, -E2BIG
 */
int rtmessage_add_clsact(struct batch *batch, uint32_t index)
{
	struct tcmsg head = {
		.tcm_ifindex = (int)index,
		.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
		.tcm_parent = TC_H_CLSACT,
	};
	struct nlmsghdr *msg = tc_request(batch, RTM_NEWQDISC, &head, "clsact");

	return batch_allow_existing(batch, batch_append(batch, msg));
}

/**
 * rtmessage_add_bpf_filter() - Run a BPF program over all that comes in through a link
 * @batch:	Batch
 * @index:	Link with a clsact or ingress qdisc
 * @program_fd:	Program
 * @name:	Shown by tc(8)
 *
 * Return: 0, -E2BIG
 */
int rtmessage_add_bpf_filter(struct batch *batch, uint32_t index, int program_fd, const char *name)
{
	struct tcmsg head = {
		.tcm_ifindex = (int)index,
		.tcm_handle = FILTER_HANDLE,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
		.tcm_info = TC_H_MAKE(FILTER_PREFERENCE << 16, htons(ETH_P_ALL)),
	};
	struct nlmsghdr *msg = tc_request(batch, RTM_NEWTFILTER, &head, "bpf");
	struct nlattr *options = msg ? nl_nest(msg, TCA_OPTIONS) : NULL;

	if (!options || nl_put_u32(msg, TCA_BPF_FD, (uint32_t)program_fd) < 0 ||
	    nl_put_string(msg, TCA_BPF_NAME, name) < 0 || nl_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT) < 0)
		return -E2BIG;
	mnl_attr_nest_end(msg, options);
	return batch_allow_existing(batch, batch_append(batch, msg));
}
