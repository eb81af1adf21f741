/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routing rules: those that discard, as far as a lookup that says no more than an address can meet them; and any. Pure. */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "plugin/network/nlbuild.h"
#include "plugin/network/rtmessage.h"

/** rtmessage_dump_rules() - Ask for the routing rules of a family: 0, -E2BIG */
int rtmessage_dump_rules(struct batch *batch, enum family family)
{
	struct fib_rule_hdr head = {.family = (uint8_t)family};
	struct nlmsghdr *msg = nl_request(batch, RTM_GETRULE, NLM_F_DUMP, &head, sizeof(head));

	return batch_append(batch, msg);
}

/** struct rule_reading - A rule being read; @narrow: it asks for more than a destination */
struct rule_reading {
	struct rule_info *rule;
	bool narrow;
};

/** take_attribute() - Attribute callback */
static int take_attribute(const struct nlattr *attribute, void *userdata)
{
	struct rule_reading *reading = userdata;
	enum family family = reading->rule->destination.address.family;

	switch (mnl_attr_get_type(attribute)) {
	case FRA_DST:
		if (mnl_attr_get_payload_len(attribute) != family_bytes(family))
			return MNL_CB_ERROR;
		reading->rule->destination.address = address_from_bytes(family, mnl_attr_get_payload(attribute));
		break;
	case FRA_PRIORITY:
		if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
			return MNL_CB_ERROR;
		reading->rule->priority = mnl_attr_get_u32(attribute);
		break;
	case FRA_IIFNAME:
	case FRA_OIFNAME:
	case FRA_FWMARK:
	case FRA_L3MDEV:
	case FRA_UID_RANGE:
	case FRA_IP_PROTO:
	case FRA_SPORT_RANGE:
	case FRA_DPORT_RANGE:
		reading->narrow = true;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/**
 * rtmessage_read_rule() - What a rule message says
 * @message:	Message
 * @ret_rule:	Rule
 *
 * Return: 0, -EBADMSG, -ENOMSG when it is another message, or a rule that asks for more than a destination
 */
int rtmessage_read_rule(const struct nlmsghdr *message, struct rule_info *ret_rule)
{
	const struct fib_rule_hdr *head = mnl_nlmsg_get_payload(message);
	struct rule_info rule = {0};
	struct rule_reading reading = {.rule = &rule};

	if (message->nlmsg_type != RTM_NEWRULE)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*head))
		return -EBADMSG;
	if (head->family != FAMILY_IPV4 && head->family != FAMILY_IPV6)
		return -ENOMSG;
	rule.action = head->action;
	rule.destination = (struct prefix){.address = {.family = (enum family)head->family}, .length = head->dst_len};
	if (rule.destination.length > family_bits(rule.destination.address.family) ||
	    mnl_attr_parse(message, sizeof(*head), take_attribute, &reading) < MNL_CB_OK)
		return -EBADMSG;
	if (reading.narrow || head->src_len || head->tos || head->flags & FIB_RULE_INVERT)
		return -ENOMSG;
	*ret_rule = rule;
	return 0;
}

/** take_head_attribute() - Attribute callback: what is kept of any rule */
static int take_head_attribute(const struct nlattr *attribute, void *userdata)
{
	struct rule_head *head = userdata;
	uint32_t *number;

	switch (mnl_attr_get_type(attribute)) {
	case FRA_PRIORITY:
		number = &head->priority;
		break;
	case FRA_TABLE:
		number = &head->table;
		break;
	case FRA_FWMARK:
		number = &head->mark;
		break;
	case FRA_FWMASK:
		number = &head->mask;
		break;
	default:
		return MNL_CB_OK;
	}
	if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
		return MNL_CB_ERROR;
	*number = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

/**
 * rtmessage_read_rule_head() - What a message says of any rule
 * @message:	Message
 * @ret_head:	What all rules have
 *
 * Return: 0, -EBADMSG, -ENOMSG when it is another message or of another family
 */
int rtmessage_read_rule_head(const struct nlmsghdr *message, struct rule_head *ret_head)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	struct rule_head head = {0};

	if (message->nlmsg_type != RTM_NEWRULE)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*header))
		return -EBADMSG;
	if (header->family != FAMILY_IPV4 && header->family != FAMILY_IPV6)
		return -ENOMSG;
	head.family = (enum family)header->family;
	head.action = header->action;
	head.table = header->table;
	if (mnl_attr_parse(message, sizeof(*header), take_head_attribute, &head) < MNL_CB_OK)
		return -EBADMSG;
	*ret_head = head;
	return 0;
}

/** rtmessage_rule_is_local() - Whether a rule leads to the kernel's table of local addresses, as the first one does */
bool rtmessage_rule_is_local(const struct rule_head *rule)
{
	return rule->action == FR_ACT_TO_TBL && rule->table == RT_TABLE_LOCAL;
}
