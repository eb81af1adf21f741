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
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <string.h>

#include "plugin/network/nlbuild.h"
#include "rangeguard/array.h"

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

/** head_of() - Which classifier a message is about */
static struct tcmsg head_of(const struct filter_wanted *wanted)
{
	return (struct tcmsg){
		.tcm_ifindex = (int)wanted->interface,
		.tcm_handle = FILTER_HANDLE,
		.tcm_parent = wanted->egress ? EGRESS : INGRESS,
		.tcm_info = TC_H_MAKE((uint32_t)wanted->priority << 16, htons(ETH_P_ALL)),
	};
}

/** rtfilter_put() - A classifier; one of the same priority takes the new program: 0, -E2BIG */
int rtfilter_put(struct batch *batch, const struct filter_wanted *wanted)
{
	struct tcmsg head = head_of(wanted);
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

/** rtfilter_remove() - A classifier that rtfilter_put() put goes, whatever its program is: 0, -E2BIG */
int rtfilter_remove(struct batch *batch, const struct filter_wanted *wanted)
{
	struct tcmsg head = head_of(wanted);
	struct nlmsghdr *msg = request(batch, RTM_DELTFILTER, 0, &head);

	if (!msg || nl_put_string(msg, TCA_KIND, "bpf") < 0)
		return -E2BIG;
	return batch_append(batch, msg);
}

/** rtfilter_dump() - Ask for the classifiers of what comes in through a link, or leaves by it: 0, -E2BIG */
int rtfilter_dump(struct batch *batch, uint32_t interface, bool egress)
{
	struct tcmsg head = {.tcm_ifindex = (int)interface, .tcm_parent = egress ? EGRESS : INGRESS};
	struct nlmsghdr *msg = request(batch, RTM_GETTFILTER, NLM_F_DUMP, &head);

	return batch_append(batch, msg);
}

/**
 * struct filter_reading - A classifier on its way
 * @chain:	In which chain it stands; others than 0 are entered by an action of one in chain 0
 */
struct filter_reading {
	struct filter_info info;
	uint32_t chain;
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

/** take_gact() - Attribute callback: the parameters of an action that does no more than say what becomes of the packet */
static int take_gact(const struct nlattr *attribute, void *userdata)
{
	struct filter_info *info = userdata;
	struct tc_gact gact;

	/* By chance another verdict */
	if (mnl_attr_get_type(attribute) == TCA_GACT_PROB)
		info->may_pass = true;
	if (mnl_attr_get_type(attribute) != TCA_GACT_PARMS || mnl_attr_get_payload_len(attribute) < sizeof(gact))
		return MNL_CB_OK;
	memcpy(&gact, mnl_attr_get_payload(attribute), sizeof(gact));
	info->may_pass |= gact.action != TC_ACT_UNSPEC && gact.action != TC_ACT_SHOT && gact.action != TC_ACT_STOLEN &&
			  gact.action != TC_ACT_TRAP;
	return MNL_CB_OK;
}

/** struct filter_action - One action of a classifier */
struct filter_action {
	char kind[FILTER_KIND_MAX];
	const struct nlattr *options;
};

/** take_kind() - Copy a kind's name, what fits of it */
static void take_kind(const struct nlattr *attribute, char kind[static FILTER_KIND_MAX])
{
	(void)snprintf(kind, FILTER_KIND_MAX, "%.*s", (int)mnl_attr_get_payload_len(attribute),
		       mnl_attr_get_str(attribute));
}

/** take_action_part() - Attribute callback: kind and options of an action */
static int take_action_part(const struct nlattr *attribute, void *userdata)
{
	struct filter_action *action = userdata;

	if (mnl_attr_get_type(attribute) == TCA_ACT_KIND)
		take_kind(attribute, action->kind);
	if (mnl_attr_get_type(attribute) == TCA_ACT_OPTIONS)
		action->options = attribute;
	return MNL_CB_OK;
}

/** take_action() - Attribute callback: one of a classifier's actions, each of which may say what becomes of the packet */
static int take_action(const struct nlattr *attribute, void *userdata)
{
	struct filter_action action = {.options = NULL};
	struct filter_info *info = userdata;
	int r = mnl_attr_parse_nested(attribute, take_action_part, &action);

	if (r == MNL_CB_OK && action.options && strcmp(action.kind, "gact") == 0)
		return mnl_attr_parse_nested(action.options, take_gact, userdata);
	info->may_pass = true;
	return r == MNL_CB_OK && action.options && strcmp(action.kind, "mirred") == 0
		       ? mnl_attr_parse_nested(action.options, take_mirred, userdata)
		       : r;
}

/** struct filter_kind - Which attribute of a kind of classifier has its actions */
struct filter_kind {
	char name[FILTER_KIND_MAX];
	uint16_t actions;
};

static const struct filter_kind kinds[] = {
	{"u32", TCA_U32_ACT}, {"matchall", TCA_MATCHALL_ACT}, {"flower", TCA_FLOWER_ACT}, {"basic", TCA_BASIC_ACT},
	{"fw", TCA_FW_ACT},   {"flow", TCA_FLOW_ACT},	      {"cgroup", TCA_CGROUP_ACT}, {"route", TCA_ROUTE4_ACT},
};

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

/** struct options_reading - Options of a classifier whose actions are looked for */
struct options_reading {
	struct filter_info *info;
	uint16_t actions;
};

/** take_actions() - Attribute callback: an option of a classifier that has actions. One without any lets pass what it matches */
static int take_actions(const struct nlattr *attribute, void *userdata)
{
	const struct options_reading *reading = userdata;
	uint16_t type = mnl_attr_get_type(attribute);

	/* A hash table of "u32" matches nothing. */
	if (type == reading->actions || (type == TCA_U32_DIVISOR && strcmp(reading->info->kind, "u32") == 0))
		reading->info->may_pass = false;
	return type == reading->actions ? mnl_attr_parse_nested(attribute, take_action, reading->info) : MNL_CB_OK;
}

/** take_options() - The options of a classifier: MNL_CB_OK, MNL_CB_ERROR */
static int take_options(struct filter_reading *reading)
{
	struct options_reading options = {.info = &reading->info};

	reading->info.may_pass = true;
	if (strcmp(reading->info.kind, "bpf") == 0)
		return mnl_attr_parse_nested(reading->options, take_bpf, &reading->info);
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
		if (strcmp(reading->info.kind, kinds[i].name) == 0)
			options.actions = kinds[i].actions;
	return options.actions ? mnl_attr_parse_nested(reading->options, take_actions, &options) : MNL_CB_OK;
}

/** take_attribute() - Attribute callback: one attribute of a classifier */
static int take_attribute(const struct nlattr *attribute, void *userdata)
{
	struct filter_reading *reading = userdata;

	if (mnl_attr_get_type(attribute) == TCA_KIND && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		take_kind(attribute, reading->info.kind);
	if (mnl_attr_get_type(attribute) == TCA_CHAIN && mnl_attr_get_payload_len(attribute) == sizeof(reading->chain))
		reading->chain = mnl_attr_get_u32(attribute);
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
	if (reading.options)
		r = take_options(&reading);
	if (r == MNL_CB_ERROR)
		return -EBADMSG;
	/* Whatever it says, it says to those who go there. */
	if (reading.chain)
		reading.info.may_pass = false;
	*ret_filter = reading.info;
	return 0;
}
