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
#include <netlink/route/rule.h>

#include "plugin/network/nlbuild.h"
#include "plugin/network/rtmessage.h"

/** Preference and handle of our classifier: before all others of the interface, and none that others pick */
#define FILTER_PREFERENCE 1U
#define FILTER_HANDLE 0x82U

static void nl_rule_cleanup(struct rtnl_rule **rule)
{
	rtnl_rule_put(*rule);
}

#define NL_RULE_CLEANUP CLEANUP(nl_rule_cleanup)

/** mark_rule_new() - libnl's form of @wanted, NULL without memory; rtnl_rule_put() it */
static struct rtnl_rule *mark_rule_new(const struct mark_rule *wanted)
{
	struct rtnl_rule *rule = rtnl_rule_alloc();

	if (!rule)
		return NULL;
	rtnl_rule_set_family(rule, (int)wanted->family);
	rtnl_rule_set_mark(rule, wanted->mark);
	rtnl_rule_set_mask(rule, wanted->mark);
	rtnl_rule_set_table(rule, wanted->table);
	rtnl_rule_set_prio(rule, wanted->priority);
	rtnl_rule_set_action(rule, FR_ACT_TO_TBL);
	(void)rtnl_rule_set_protocol(rule, RTPROT_KERNEL);
	return rule;
}

/**
 * rtmessage_add_mark_rule() - Route marked packets by a table of their own
 * @batch:	Batch
 * @rule:	Rule; without NLM_F_EXCL IPv4 would add it once more each time
 *
 * Return: 0, -ENOMEM, -E2BIG
 */
int rtmessage_add_mark_rule(struct batch *batch, const struct mark_rule *rule)
{
	struct rtnl_rule *made NL_RULE_CLEANUP = mark_rule_new(rule);
	struct nl_msg *msg NL_MSG_CLEANUP = NULL;

	if (!made || rtnl_rule_build_add_request(made, NLM_F_CREATE | NLM_F_EXCL, &msg) < 0)
		return -ENOMEM;
	return batch_allow_existing(batch, batch_append(batch, msg));
}

/** rtmessage_delete_mark_rule() - The opposite; the kernel says ENOENT where there is none: 0, -ENOMEM, -E2BIG */
int rtmessage_delete_mark_rule(struct batch *batch, const struct mark_rule *rule)
{
	struct rtnl_rule *made NL_RULE_CLEANUP = mark_rule_new(rule);
	struct nl_msg *msg NL_MSG_CLEANUP = NULL;

	if (!made || rtnl_rule_build_delete_request(made, 0, &msg) < 0)
		return -ENOMEM;
	return batch_append(batch, msg);
}

/** prohibit_route_new() - libnl's form of such a route, NULL without memory; rtnl_route_put() it */
static struct rtnl_route *prohibit_route_new(uint32_t table, const struct prefix *destination)
{
	struct rtnl_route *route NL_ROUTE_CLEANUP = rtnl_route_alloc();
	struct nl_addr *to NL_ADDRESS_CLEANUP = nl_address_new(destination);

	if (!route || !to || rtnl_route_set_dst(route, to) < 0 || rtnl_route_set_type(route, RTN_PROHIBIT) < 0)
		return NULL;
	rtnl_route_set_table(route, table);
	rtnl_route_set_protocol(route, PLAN_ROUTE_PROTOCOL);
	rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
	return TAKE_PTR(route);
}

/**
 * rtmessage_add_prohibit_route() - Refuse packets that are routed by a table (ICMP: administratively prohibited)
 * @batch:	Batch
 * @table:	Table
 * @destination: Where to, without host bits
 *
 * Return: 0, -ENOMEM, -E2BIG
 */
int rtmessage_add_prohibit_route(struct batch *batch, uint32_t table, const struct prefix *destination)
{
	struct rtnl_route *route NL_ROUTE_CLEANUP = prohibit_route_new(table, destination);
	struct nl_msg *msg NL_MSG_CLEANUP = NULL;

	if (!route || rtnl_route_build_add_request(route, NLM_F_CREATE | NLM_F_EXCL, &msg) < 0)
		return -ENOMEM;
	return batch_allow_existing(batch, batch_append(batch, msg));
}

/** rtmessage_delete_prohibit_route() - The opposite; the kernel says ESRCH where there is none: 0, -ENOMEM, -E2BIG */
int rtmessage_delete_prohibit_route(struct batch *batch, uint32_t table, const struct prefix *destination)
{
	struct rtnl_route *route NL_ROUTE_CLEANUP = prohibit_route_new(table, destination);
	struct nl_msg *msg NL_MSG_CLEANUP = NULL;

	if (!route || rtnl_route_build_del_request(route, 0, &msg) < 0)
		return -ENOMEM;
	return batch_append(batch, msg);
}

/** assigned_new() - libnl's form of an address on a link, NULL without memory; rtnl_addr_put() it */
static struct rtnl_addr *assigned_new(uint32_t index, const struct address *address)
{
	struct prefix prefix = {.address = *address, .length = (uint8_t)family_bits(address->family)};
	struct rtnl_addr *ifaddr NL_IFADDR_CLEANUP = rtnl_addr_alloc();
	struct nl_addr *local NL_ADDRESS_CLEANUP = nl_address_new(&prefix);

	if (!ifaddr || !local || rtnl_addr_set_local(ifaddr, local) < 0)
		return NULL;
	rtnl_addr_set_ifindex(ifaddr, (int)index);
	if (address->family == FAMILY_IPV6)
		rtnl_addr_set_flags(ifaddr, IFA_F_NODAD);
	return TAKE_PTR(ifaddr);
}

/**
 * rtmessage_assign_address() - Put an address on a link of the host, with our mark on it
 * @batch:	Batch
 * @index:	Link
 * @address:	Address. Without DAD: it is needed at once, and announced
 *
 * Return: 0, -ENOMEM, -E2BIG
 */
int rtmessage_assign_address(struct batch *batch, uint32_t index, const struct address *address)
{
	struct rtnl_addr *ifaddr NL_IFADDR_CLEANUP = assigned_new(index, address);
	struct nl_msg *msg NL_MSG_CLEANUP = NULL;

	if (!ifaddr || rtnl_addr_build_add_request(ifaddr, NLM_F_CREATE | NLM_F_EXCL, &msg) < 0 ||
	    nla_put_u8(msg, IFA_PROTO, PLAN_ROUTE_PROTOCOL) < 0)
		return -ENOMEM;
	return batch_allow_existing(batch, batch_append(batch, msg));
}

/** rtmessage_delete_assigned_address() - The opposite: 0, -ENOMEM, -E2BIG */
int rtmessage_delete_assigned_address(struct batch *batch, uint32_t index, const struct address *address)
{
	struct rtnl_addr *ifaddr NL_IFADDR_CLEANUP = assigned_new(index, address);
	struct nl_msg *msg NL_MSG_CLEANUP = NULL;

	if (!ifaddr || rtnl_addr_build_delete_request(ifaddr, 0, &msg) < 0)
		return -ENOMEM;
	return batch_append(batch, msg);
}

/**
 * tc_request() - A traffic control message without options
 * @type:	RTM_NEWQDISC or RTM_NEWTFILTER
 * @head:	Its head
 * @kind:	Kind of the thing
 *
 * Return: the message, NULL without memory
 */
static struct nl_msg *tc_request(int type, struct tcmsg *head, const char *kind)
{
	struct nl_msg *msg NL_MSG_CLEANUP = nlmsg_alloc_simple(type, NLM_F_CREATE | NLM_F_EXCL);

	if (!msg || nlmsg_append(msg, head, sizeof(*head), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(msg, TCA_KIND, kind) < 0)
		return NULL;
	return TAKE_PTR(msg);
}

/**
 * rtmessage_add_clsact() - Give a link a place for classifiers; an "ingress" qdisc that is there will do as well
 * @batch:	Batch
 * @index:	Link
 *
 * Return: 0, -ENOMEM, -E2BIG
 */
int rtmessage_add_clsact(struct batch *batch, uint32_t index)
{
	struct tcmsg head = {
		.tcm_ifindex = (int)index,
		.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
		.tcm_parent = TC_H_CLSACT,
	};
	struct nl_msg *msg NL_MSG_CLEANUP = tc_request(RTM_NEWQDISC, &head, "clsact");

	return batch_allow_existing(batch, batch_append(batch, msg));
}

/**
 * rtmessage_add_bpf_filter() - Run a BPF program over all that comes in through a link
 * @batch:	Batch
 * @index:	Link with a clsact or ingress qdisc
 * @program_fd:	Program
 * @name:	Shown by tc(8)
 *
 * Return: 0, -ENOMEM, -E2BIG
 */
int rtmessage_add_bpf_filter(struct batch *batch, uint32_t index, int program_fd, const char *name)
{
	struct tcmsg head = {
		.tcm_ifindex = (int)index,
		.tcm_handle = FILTER_HANDLE,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
		.tcm_info = TC_H_MAKE(FILTER_PREFERENCE << 16, htons(ETH_P_ALL)),
	};
	struct nl_msg *msg NL_MSG_CLEANUP = tc_request(RTM_NEWTFILTER, &head, "bpf");
	struct nlattr *options = msg ? nla_nest_start(msg, TCA_OPTIONS) : NULL;

	if (!options || nla_put_u32(msg, TCA_BPF_FD, (uint32_t)program_fd) < 0 ||
	    nla_put_string(msg, TCA_BPF_NAME, name) < 0 || nla_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT) < 0)
		return -ENOMEM;
	(void)nla_nest_end(msg, options);
	return batch_allow_existing(batch, batch_append(batch, msg));
}
