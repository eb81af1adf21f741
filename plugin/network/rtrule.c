/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routing rules that discard, as far as a lookup that says no more than an address can meet them. Pure. */

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
