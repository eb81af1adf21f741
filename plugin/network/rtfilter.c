/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Classifiers of traffic control: messages and their readers. Pure. */

#include "plugin/network/rtfilter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <string.h>

#include "plugin/network/nlbuild.h"

/** One that others do not pick */
#define FILTER_HANDLE 0x82U
/** What comes in, of a clsact or an ingress qdisc; what leaves, of a clsact one */
#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define EGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

/** request() - A message without attributes; NULL when there is no room */
static struct nlmsghdr *request(struct batch *batch, int type, int flags, const struct tcmsg *head)
{
	return nl_request(batch, type, flags, head, sizeof(*head));
}

/** rtfilter_put() - A classifier; one of the same priority takes the new program: 0, -E2BIG */
int rtfilter_put(struct batch *batch, const struct filter_wanted *wanted)
{
	struct tcmsg head = {
		.tcm_ifindex = (int)wanted->interface,
		.tcm_handle = FILTER_HANDLE,
		.tcm_parent = wanted->egress ? EGRESS : INGRESS,
		.tcm_info = TC_H_MAKE((uint32_t)wanted->priority << 16, htons(ETH_P_ALL)),
	};
	struct nlmsghdr *msg = request(batch, RTM_NEWTFILTER, NLM_F_CREATE, &head);
	struct nlattr *options;

	if (!msg || nl_put_string(msg, TCA_KIND, "bpf") < 0)
		return -E2BIG;
	options = nl_nest(msg, TCA_OPTIONS);
	if (!options || nl_put_u32(msg, TCA_BPF_FD, (uint32_t)wanted->program_fd) < 0 ||
	    nl_put_string(msg, TCA_BPF_NAME, wanted->name) < 0 ||
	    nl_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT) < 0)
		return -E2BIG;
	mnl_attr_nest_end(msg, options);
	return batch_append(batch, msg);
}

/** rtfilter_dump() - Ask for the classifiers of what comes in through a link, or leaves by it: 0, -E2BIG */
int rtfilter_dump(struct batch *batch, uint32_t interface, bool egress)
{
	struct tcmsg head = {.tcm_ifindex = (int)interface, .tcm_parent = egress ? EGRESS : INGRESS};
	struct nlmsghdr *msg = request(batch, RTM_GETTFILTER, NLM_F_DUMP, &head);

	return batch_append(batch, msg);
}

/** struct filter_reading - A classifier on its way */
struct filter_reading {
	struct filter_info info;
	char kind[16];
	const struct nlattr *options;
};

/** take_mirred() - Attribute callback: the parameters of an action "mirred" */
static int take_mirred(const struct nlattr *attribute, void *userdata)
{
	struct filter_info *info = userdata;
	struct tc_mirred mirred;

	if (mnl_attr_get_type(attribute) == TCA_MIRRED_PARMS && mnl_attr_get_payload_len(attribute) >= sizeof(mirred)) {
		memcpy(&mirred, mnl_attr_get_payload(attribute), sizeof(mirred));
		if (mirred.eaction == TCA_EGRESS_REDIR)
			info->redirect = mirred.ifindex;
	}
	return MNL_CB_OK;
}

/** struct filter_action - One action of a classifier */
struct filter_action {
	bool mirred;
	const struct nlattr *options;
};

/** take_action_part() - Attribute callback: kind and options of an action */
static int take_action_part(const struct nlattr *attribute, void *userdata)
{
	struct filter_action *action = userdata;

	if (mnl_attr_get_type(attribute) == TCA_ACT_KIND)
		action->mirred =
			strncmp(mnl_attr_get_str(attribute), "mirred", mnl_attr_get_payload_len(attribute)) == 0;
	if (mnl_attr_get_type(attribute) == TCA_ACT_OPTIONS)
		action->options = attribute;
	return MNL_CB_OK;
}

/** take_action() - Attribute callback: one of a classifier's actions */
static int take_action(const struct nlattr *attribute, void *userdata)
{
	struct filter_action action = {.mirred = false};
	int r = mnl_attr_parse_nested(attribute, take_action_part, &action);

	return r == MNL_CB_OK && action.mirred && action.options
		       ? mnl_attr_parse_nested(action.options, take_mirred, userdata)
		       : r;
}

/** take_u32() - Attribute callback: an option of a classifier of kind "u32" */
static int take_u32(const struct nlattr *attribute, void *userdata)
{
	return mnl_attr_get_type(attribute) == TCA_U32_ACT ? mnl_attr_parse_nested(attribute, take_action, userdata)
							   : MNL_CB_OK;
}

/** take_bpf() - Attribute callback: an option of a classifier of kind "bpf" */
static int take_bpf(const struct nlattr *attribute, void *userdata)
{
	struct filter_info *info = userdata;

	if (mnl_attr_get_type(attribute) == TCA_BPF_ID && mnl_attr_get_payload_len(attribute) == sizeof(uint32_t))
		info->program_id = mnl_attr_get_u32(attribute);
	if (mnl_attr_get_type(attribute) == TCA_BPF_TAG && mnl_attr_get_payload_len(attribute) == sizeof(info->tag))
		memcpy(info->tag, mnl_attr_get_payload(attribute), sizeof(info->tag));
	return MNL_CB_OK;
}

/** take_attribute() - Attribute callback: one attribute of a classifier */
static int take_attribute(const struct nlattr *attribute, void *userdata)
{
	struct filter_reading *reading = userdata;

	if (mnl_attr_get_type(attribute) == TCA_KIND && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		(void)snprintf(reading->kind, sizeof(reading->kind), "%s", mnl_attr_get_str(attribute));
	if (mnl_attr_get_type(attribute) == TCA_OPTIONS)
		reading->options = attribute;
	return MNL_CB_OK;
}

/**
 * rtfilter_read() - Read a classifier
 * @message:	Answer to rtfilter_dump(), or a notification
 * @ret_filter:	Classifier. Each has a message for its head, without options, and one for itself
 *
 * Return: 0, -ENOMSG, -EBADMSG
 */
int rtfilter_read(const struct nlmsghdr *message, struct filter_info *ret_filter)
{
	const struct tcmsg *head = mnl_nlmsg_get_payload(message);
	struct filter_reading reading = {.options = NULL};
	int r = MNL_CB_OK;

	if (message->nlmsg_type != RTM_NEWTFILTER)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*head) ||
	    mnl_attr_parse(message, sizeof(*head), take_attribute, &reading) == MNL_CB_ERROR)
		return -EBADMSG;
	reading.info.interface = (uint32_t)head->tcm_ifindex;
	reading.info.priority = (uint16_t)(head->tcm_info >> 16);
	if (reading.options && strcmp(reading.kind, "bpf") == 0)
		r = mnl_attr_parse_nested(reading.options, take_bpf, &reading.info);
	else if (reading.options && strcmp(reading.kind, "u32") == 0)
		r = mnl_attr_parse_nested(reading.options, take_u32, &reading.info);
	if (r == MNL_CB_ERROR)
		return -EBADMSG;
	*ret_filter = reading.info;
	return 0;
}
