/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table's chains and rules. Pure. */

#include "plugin/snat/ruleset.h"

#include <errno.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include "plugin/snat/fence.h"
#include "plugin/snat/nfrule.h"

#define CHAIN_SPOOF "spoof"
#define CHAIN_PINS "pins"
/* "masquerade" is a word of nft's language */
#define CHAIN_MASQUERADE "masquerading"
/** RFC 4861: types that linux/icmpv6.h leaves out */
#define ND_ROUTER_ADVERTISEMENT 134
#define ND_NEIGHBOUR_SOLICITATION 135
#define ND_REDIRECT 137

/**
 * struct base_chain - A chain that does not depend on containers
 * @name:		Its name
 * @hook:		Where it hooks in; NULL type: nowhere
 * @n_rules:		Its rules
 * @n_jumps:		What else refers to it
 * @translation:	It is for pins and masquerading
 * @add_rules:		Adds them
 */
struct base_chain {
	const char *name;
	struct nf_hook hook;
	uint32_t n_rules;
	uint32_t n_jumps;
	bool translation;
	int (*add_rules)(struct datagram *batch, const char *chain);
};

/** drop_icmp() - Drop ICMP messages of one type, of the family's protocol */
static int drop_icmp(struct datagram *batch, const char *chain, enum family family, uint8_t type)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, chain);
	nf_match_family(&rule, family);
	nf_match_protocol(&rule, family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	nf_match_icmp_type(&rule, type);
	nf_verdict(&rule, NF_DROP, NULL);
	return nf_rule_add(&rule, batch);
}

/** pass_held() - Go on with packets from addresses that their interface holds */
static int pass_held(struct datagram *batch, const char *chain, enum family family, enum nf_set set)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, chain);
	nf_match_family(&rule, family);
	nf_match_interface_and_source(&rule, family, set);
	nf_verdict(&rule, NFT_RETURN, NULL);
	return nf_rule_add(&rule, batch);
}

/**
 * pass_nd() - Go on with neighbour discovery
 * @batch:	Batch
 * @chain:	Chain
 * @source:	From "::" (duplicate address detection, RFC 4862 section 5.4.2) or link-local addresses
 * @type:	ICMPv6 type, 0: any
 *
 * Return: 0, -ENOMEM
 */
static int pass_nd(struct datagram *batch, const char *chain, const char *source, uint8_t type)
{
	struct prefix prefix = {0};
	struct nf_rule rule;

	(void)prefix_parse(source, &prefix);
	nf_rule_begin(&rule, chain);
	nf_match_family(&rule, FAMILY_IPV6);
	nf_match_source(&rule, &prefix);
	nf_match_protocol(&rule, IPPROTO_ICMPV6);
	if (type)
		nf_match_icmp_type(&rule, type);
	nf_verdict(&rule, NFT_RETURN, NULL);
	return nf_rule_add(&rule, batch);
}

/** drop_all() - Drop what comes here */
static int drop_all(struct datagram *batch, const char *chain)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, chain);
	nf_verdict(&rule, NF_DROP, NULL);
	return nf_rule_add(&rule, batch);
}

/**
 * spoof_rules() - What a guarded interface may send
 * @batch:	Batch
 * @chain:	Chain
 *
 * DHCP has no place here: nothing listens to it, and a container's addresses are ours to give.
 *
 * Return: 0, -ENOMEM
 */
static int spoof_rules(struct datagram *batch, const char *chain)
{
	int r = drop_icmp(batch, chain, FAMILY_IPV4, ICMP_REDIRECT);

	if (!r)
		r = pass_held(batch, chain, FAMILY_IPV4, NF_HELD4);
	if (!r)
		r = drop_icmp(batch, chain, FAMILY_IPV6, ND_ROUTER_ADVERTISEMENT);
	if (!r)
		r = drop_icmp(batch, chain, FAMILY_IPV6, ND_REDIRECT);
	if (!r)
		r = pass_held(batch, chain, FAMILY_IPV6, NF_HELD6);
	if (!r)
		r = pass_nd(batch, chain, "::/128", ND_NEIGHBOUR_SOLICITATION);
	if (!r)
		r = pass_nd(batch, chain, "fe80::/10", 0);
	return r ? r : drop_all(batch, chain);
}

/** spoof_check_rules() - Packets from guarded interfaces are looked at */
static int spoof_check_rules(struct datagram *batch, const char *chain)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, chain);
	nf_match_interface(&rule, NF_GUARDED);
	nf_verdict(&rule, NFT_JUMP, CHAIN_SPOOF);
	return nf_rule_add(&rule, batch);
}

/** clear_mark() - Take the fence's mark off what a pinned address sends and NAT will see */
static int clear_mark(struct datagram *batch, const char *chain, enum family family, enum nf_set set)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, chain);
	nf_match_family(&rule, family);
	nf_match_mark(&rule, FENCE_MARK, true);
	nf_match_known_flow(&rule);
	nf_match_source_in(&rule, family, set, 0);
	nf_clear_mark(&rule, FENCE_MARK);
	nf_verdict(&rule, NF_ACCEPT, NULL);
	return nf_rule_add(&rule, batch);
}

/** drop_unmarked() - Drop what a pinned address seems to send, but came through no interface with a fence */
static int drop_unmarked(struct datagram *batch, const char *chain, enum family family, enum nf_set set)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, chain);
	nf_match_family(&rule, family);
	nf_match_mark(&rule, FENCE_MARK, false);
	nf_match_source_in(&rule, family, set, 0);
	nf_verdict(&rule, NF_DROP, NULL);
	return nf_rule_add(&rule, batch);
}

/** unfence_rules() - The fence's mark comes off, or was never there */
static int unfence_rules(struct datagram *batch, const char *chain)
{
	int r = clear_mark(batch, chain, FAMILY_IPV4, NF_PINNED4);

	if (!r)
		r = clear_mark(batch, chain, FAMILY_IPV6, NF_PINNED6);
	if (!r)
		r = drop_unmarked(batch, chain, FAMILY_IPV4, NF_PINNED4);
	return r ? r : drop_unmarked(batch, chain, FAMILY_IPV6, NF_PINNED6);
}

/* In an order in which a chain stands before what jumps to it. Priorities: linux/netfilter_ipv4.h */
static const struct base_chain base_chains[] = {
	{CHAIN_SPOOF, {.type = NULL}, 8, 1, false, spoof_rules},
	{"spoof-check", {"filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW}, 1, 0, false, spoof_check_rules},
	{"unfence", {"filter", NF_INET_PRE_ROUTING, NF_IP_PRI_MANGLE}, 4, 0, true, unfence_rules},
	{CHAIN_PINS, {"nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC - 10}, 0, 0, true, NULL},
	{CHAIN_MASQUERADE, {"nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC - 9}, 0, 0, true, NULL},
};

#define N_BASE_CHAINS (sizeof(base_chains) / sizeof(base_chains[0]))

/** make_chains() - The chains for translation, or the others: 0, -ENOMEM */
static int make_chains(struct datagram *batch, bool translation)
{
	int r = 0;

	for (size_t i = 0; !r && i < N_BASE_CHAINS; i++) {
		const struct base_chain *chain = &base_chains[i];

		if (chain->translation != translation)
			continue;
		r = nf_add_chain(batch, chain->name, chain->hook.type ? &chain->hook : NULL);
		if (!r && chain->add_rules)
			r = chain->add_rules(batch, chain->name);
	}
	return r;
}

/**
 * ruleset_make() - The table with empty sets, without translation; one that is there goes, with all that is in it
 * @batch:	Batch, in which more may follow
 *
 * Return: 0, -ENOMEM
 */
int ruleset_make(struct datagram *batch)
{
	int r = nf_add_table(batch);

	/* Deleted, it must be there: nft's own idiom. */
	if (!r)
		r = nf_delete_table(batch);
	if (!r)
		r = nf_add_table(batch);
	for (unsigned set = 0; !r && set < NF_FIRST_KIND; set++)
		r = nf_add_set(batch, (enum nf_set)set, 0);
	return r ? r : make_chains(batch, false);
}

/** ruleset_make_translation() - What lists need, before the first one: 0, -ENOMEM */
int ruleset_make_translation(struct datagram *batch)
{
	return make_chains(batch, true);
}

/** add_intervals() - The destinations of a clause as an anonymous set: 0, -ENOMEM */
static int add_intervals(struct datagram *batch, uint32_t id, const struct egress_clause *clause)
{
	CLEANUP_FREE struct nf_interval *intervals = calloc(clause->n_spans, sizeof(*intervals));

	if (!intervals)
		return -ENOMEM;
	for (size_t i = 0; i < clause->n_spans; i++) {
		const struct span *span = &clause->spans[i];
		struct address first = {.family = span->family, .value = span->first};
		struct address last = {.family = span->family, .value = span->last};

		address_to_bytes(&first, intervals[i].first);
		address_to_bytes(&last, intervals[i].last);
	}
	return nf_add_intervals(batch, id, family_bytes(clause->family), intervals, clause->n_spans);
}

/** ruleset_set() - The kind of set that a clause's addresses are in */
enum nf_set ruleset_set(const struct egress_clause *clause)
{
	if (clause->source.family)
		return clause->family == FAMILY_IPV4 ? NF_PIN4 : NF_PIN6;
	return clause->family == FAMILY_IPV4 ? NF_MASQUERADE4 : NF_MASQUERADE6;
}

/** add_translation() - The rule in a list's chain: 0, -ENOMEM */
static int add_translation(struct datagram *batch, const char *chain, const struct egress_clause *clause)
{
	uint32_t id = batch->count;
	enum nf_set set = ruleset_set(clause);
	struct nf_rule rule;
	int r = add_intervals(batch, id, clause);

	if (r)
		return r;
	nf_rule_begin(&rule, chain);
	nf_match_family(&rule, clause->family);
	if (!clause->source.family)
		nf_match_source_in(&rule, clause->family, set, clause->list);
	nf_match_destination_in(&rule, clause->family, id);
	if (clause->source.family)
		nf_translate_source(&rule, clause->family, set, clause->list);
	else
		nf_masquerade(&rule);
	return nf_rule_add(&rule, batch);
}

/** ruleset_base_of() - The chain from which one goes to a clause's list; the rule's comment is the list's chain */
const char *ruleset_base_of(const struct egress_clause *clause)
{
	return clause->source.family ? CHAIN_PINS : CHAIN_MASQUERADE;
}

/** add_jump() - The way to a list's chain: 0, -ENOMEM */
static int add_jump(struct datagram *batch, const char *chain, const struct egress_clause *clause)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, ruleset_base_of(clause));
	nf_rule_comment(&rule, chain);
	nf_match_family(&rule, clause->family);
	nf_verdict(&rule, NFT_JUMP, chain);
	return nf_rule_add(&rule, batch);
}

/**
 * ruleset_add_list() - Set and chain of a list of destinations, which are not there yet
 * @batch:	Batch
 * @clause:	A clause with that list, family, and kind of source
 *
 * Return: 0, -ENOMEM
 */
int ruleset_add_list(struct datagram *batch, const struct egress_clause *clause)
{
	enum nf_set set = ruleset_set(clause);
	char name[NF_NAME_MAX];
	int r = nf_add_set(batch, set, clause->list);

	(void)nf_set_name(set, clause->list, name);
	if (!r)
		r = nf_add_chain(batch, name, NULL);
	if (!r)
		r = add_translation(batch, name, clause);
	return r ? r : add_jump(batch, name, clause);
}

/** ruleset_remove_list() - The opposite, with the handle of the rule that jumps there: 0, -ENOMEM */
int ruleset_remove_list(struct datagram *batch, const struct egress_clause *clause, uint64_t jump)
{
	enum nf_set set = ruleset_set(clause);
	char name[NF_NAME_MAX];
	int r = nf_delete_rule(batch, ruleset_base_of(clause), jump);

	if (!r)
		r = nf_delete_chain(batch, nf_set_name(set, clause->list, name));
	return r ? r : nf_delete_set(batch, set, clause->list);
}

/**
 * ruleset_chains() - What of the table must be there for any container
 * @translation: The container has a pin or is masqueraded
 * @chains:	Filled
 *
 * A chain's use tells that its rules are there: `nft flush table` leaves chains, sets and elements. It costs the same
 * whatever else is in the table.
 *
 * Return: how many chains there are
 */
size_t ruleset_chains(bool translation, struct ruleset_chain chains[static RULESET_CHAINS])
{
	size_t n = 0;

	for (size_t i = 0; i < N_BASE_CHAINS && n < RULESET_CHAINS; i++) {
		if (base_chains[i].translation && !translation)
			continue;
		(void)snprintf(chains[n].name, sizeof(chains[n].name), "%s", base_chains[i].name);
		chains[n++].use = base_chains[i].n_rules + base_chains[i].n_jumps;
	}
	return n;
}

/** ruleset_list_chain() - The chain of a clause's list: it has one rule, and one jumps to it */
void ruleset_list_chain(const struct egress_clause *clause, struct ruleset_chain *ret_chain)
{
	(void)nf_set_name(ruleset_set(clause), clause->list, ret_chain->name);
	ret_chain->use = 2;
}
