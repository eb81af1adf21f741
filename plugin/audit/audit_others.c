/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What others have in the kernel that comes before ours: NAT chains, of which the first that translates a connection decides;
 * rules that set our bits of packets' marks; routing rules.
 */

#include <errno.h>
#include <inttypes.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>

#include "plugin/audit/audit_kernel.h"
#include "plugin/enforce/marks.h"
#include "plugin/snat/fence.h"
#include "plugin/snat/ruleset.h"
#include "rangeguard/array.h"

/** concerns() - Whether a chain's family is one in which containers have elements in a kind of set: @ipv4 or the one after it */
static bool concerns(const struct kernel *kernel, const struct nf_object *chain, enum nf_set ipv4)
{
	return (chain->family != NFPROTO_IPV6 && wanted_has(&kernel->wanted, ipv4, FAMILY_IPV4)) ||
	       (chain->family != NFPROTO_IPV4 && wanted_has(&kernel->wanted, ipv4, FAMILY_IPV6));
}

/** judge_chain() - A chain of others that translates sources */
static void judge_chain(const struct kernel *kernel, const struct nf_object *chain)
{
	struct report *report = kernel->audit->report;
	const char *data_dir = kernel->audit->data_dir, *family = nf_family_name(chain->family);

	if (chain->priority <= RULESET_PRIORITY_PINS && concerns(kernel, chain, NF_PIN4))
		report_error(
			report, RULE_NAT_BEFORE, data_dir, "",
			"NAT chain %s of the nftables table %s %s, priority %d, may decide before rangeguard's (priority "
			"%d) with which source pinned containers leave; what it translates is dropped. Give it "
			"another priority, such as srcnat",
			chain->name, family, chain->table, chain->priority, RULESET_PRIORITY_PINS);
	else if (chain->priority <= RULESET_PRIORITY_MASQUERADE && concerns(kernel, chain, NF_MASQUERADE4))
		report_warning(
			report, RULE_NAT_BEFORE, data_dir, "",
			"NAT chain %s of the nftables table %s %s, priority %d, decides before rangeguard's ipMasq "
			"(priority %d) with which source containers leave",
			chain->name, family, chain->table, chain->priority, RULESET_PRIORITY_MASQUERADE);
}

/** judge_rule() - A rule of others that sets bits of ours in packets' marks */
static void judge_rule(const struct kernel *kernel, const struct nf_object *rule)
{
	const char *family = nf_family_name(rule->family);

	if (kernel->guarded || kernel->wanted.table.elements.n)
		report_error(
			kernel->audit->report, RULE_IN_THE_WAY, kernel->audit->data_dir, "",
			"a rule of chain %s of the nftables table %s %s (handle %" PRIu64
			") sets 0x%x in packets' marks, of which rangeguard uses 0x%08x: other bits there, or another "
			"markMask",
			rule->name, family, rule->table, rule->handle, rule->marks & marks_mask(), marks_mask());
}

/** audit_others() - Chains and rules of others */
void audit_others(const struct kernel *kernel)
{
	for (size_t i = 0; i < kernel->ruleset.foreign.n; i++) {
		const struct nf_object *object = &kernel->ruleset.foreign.all[i];

		if (object->translates)
			judge_chain(kernel, object);
		else
			judge_rule(kernel, object);
	}
}

/** The most that is told of rules that come before ours */
#define BEFORE_MAX 16U

/** struct rules - The routing rules of a family, in the kernel's order */
struct rules {
	struct rule_head before[BEFORE_MAX];
	size_t n_before;
	bool found;
};

/** is_ours() - Whether a rule is the fence's */
static bool is_ours(const struct rule_head *rule)
{
	return rule->action == FR_ACT_TO_TBL && rule->table == FENCE_TABLE && rule->mark == FENCE_MARK &&
	       rule->mask == FENCE_MARK && rule->priority == FENCE_PRIORITY;
}

/** take_rule() - port_reply_fn: ours, and those before it but for the kernel's own */
static int take_rule(const struct nlmsghdr *message, void *userdata)
{
	struct rules *rules = userdata;
	struct rule_head rule;
	int r;

	if (!message) {
		*rules = (struct rules){.n_before = 0};
		return 0;
	}
	r = rtmessage_read_rule_head(message, &rule);
	if (r)
		return r == -ENOMSG ? 0 : r;
	if (is_ours(&rule))
		rules->found = true;
	else if (!rules->found && rules->n_before < BEFORE_MAX && !rtmessage_rule_is_local(&rule) &&
		 rule.action != FR_ACT_NOP)
		rules->before[rules->n_before++] = rule;
	return 0;
}

/** read_rules() - Ask for a family's: 0, negative errno */
static int read_rules(const struct kernel *kernel, enum family family, struct rules *ret_rules)
{
	struct port_failure failure = {0};
	struct batch batch;
	int r;

	*ret_rules = (struct rules){.n_before = 0};
	batch_reset(&batch);
	r = rtmessage_dump_rules(&batch, family);
	if (!r)
		r = port_exchange(kernel->host.rtnetlink, &batch, take_rule, ret_rules, &failure);
	if (r == PORT_E_REFUSED)
		return failure.errnum == EOPNOTSUPP || failure.errnum == EAFNOSUPPORT ? 0 : -failure.errnum;
	return r;
}

/** is_pinned() - Whether containers have pins in a family */
static bool is_pinned(const struct kernel *kernel, enum family family)
{
	for (size_t i = 0; i < kernel->wanted.pinned.n; i++)
		if (kernel->wanted.pinned.all[i].address.family == family)
			return true;
	return false;
}

/** judge_rules() - The rules of a family */
static void judge_rules(const struct kernel *kernel, enum family family, const struct rules *rules)
{
	struct report *report = kernel->audit->report;
	const char *data_dir = kernel->audit->data_dir, *option = family == FAMILY_IPV6 ? " -6" : "";

	if (!is_pinned(kernel, family)) {
		if (rules->found && !kernel->wanted.adopted)
			report_warning(
				report, RULE_FOREIGN, data_dir, "",
				"ip%s rule from all fwmark 0x%x lookup %u is left, though no container has a pin",
				option, FENCE_MARK, FENCE_TABLE);
		return;
	}
	if (!rules->found)
		report_error(
			report, RULE_UNPROTECTED, data_dir, "",
			"ip%s rule from all fwmark 0x%x lookup %u is missing: pinned packets that the nftables "
			"table does not know are not stopped; the next CHECK of a container, or the agent, puts it "
			"back",
			option, FENCE_MARK, FENCE_TABLE);
	/* Without ours, the first ones are the first anyway. */
	for (size_t i = 0; i < rules->n_before && rules->found; i++)
		report_warning(
			report, RULE_IN_THE_WAY, data_dir, "",
			"an ip%s rule (preference %u, lookup %u) is asked before rangeguard's: what it routes is "
			"not stopped when nftables is flushed; give it a preference of 1 or more",
			option, rules->before[i].priority, rules->before[i].table);
}

/** audit_rules() - Routing rules: 0, negative errno */
int audit_rules(const struct kernel *kernel)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	struct rules rules;
	int r = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(families) && !r; i++) {
		r = read_rules(kernel, families[i], &rules);
		if (!r)
			judge_rules(kernel, families[i], &rules);
	}
	return r;
}
