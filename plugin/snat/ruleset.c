/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table's chains and rules. Pure. */

#include <errno.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <string.h>

#include "plugin/enforce/classifier_attach.h"
#include "plugin/snat/nfrule.h"
#include "plugin/snat/ruleset_internal.h"
#include "rangeguard/array.h"

#define CHAIN_INCOMING "incoming"
#define CHAIN_PINNED "pinned"
#define CHAIN_SOLE "sole"

static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
#define N_FAMILIES ARRAY_LENGTH(families)

/**
 * struct base_chain - A chain that does not depend on containers
 * @name:		Its name
 * @hook:		Where it hooks in; NULL type: nowhere
 * @n_rules:		Its rules
 * @n_jumps:		What else refers to it
 * @grows:		Lists have rules there, too
 * @add_rules:		Adds them
 */
struct base_chain {
	const char *name;
	struct nf_hook hook;
	uint32_t n_rules;
	uint32_t n_jumps;
	bool grows;
	int (*add_rules)(struct batch *batch, const char *chain);
};

/** check_later() - A packet of a pinned container needs no fence: it will be looked at when it leaves */
static void check_later(struct nf_rule *rule)
{
	nf_set_marks(rule, ruleset_marks().pinned | ruleset_marks().checked, ruleset_marks().checked);
	nf_verdict(rule, NF_ACCEPT, NULL);
}

/** prove_new() - A new flow's first packet, which is yet to be translated, if the table knows its sender at all */
static int prove_new(struct batch *batch, const char *chain, enum family family)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_new_flow(&rule);
	nf_match_family(&rule, family);
	nf_match_source_in(&rule, family, ruleset_of_family(NF_PINNED4, family), 0);
	check_later(&rule);
	return nf_rule_add(&rule, batch);
}

/** prove_flow() - A packet of a flow that leaves with a source of the container's pins */
static int prove_flow(struct batch *batch, const char *chain, enum family family, enum nf_pair pair)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_pair(&rule, family, pair, ruleset_of_family(NF_PAIRS4, family), 0);
	check_later(&rule);
	return nf_rule_add(&rule, batch);
}

/** pinned_rules() - Which packets of pinned containers may go on, the most frequent first: the fence's mark comes off */
static int pinned_rules(struct batch *batch, const char *chain)
{
	int r = 0;

	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = prove_flow(batch, chain, families[i], NF_PAIR_OPENED);
	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = prove_new(batch, chain, families[i]);
	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = prove_flow(batch, chain, families[i], NF_PAIR_ANSWERED);
	return r;
}

/** mark_again() - Somebody else's rule took the marks of a pinned container's packet away: it gets @mark */
static int mark_again(struct batch *batch, const char *chain, enum family family, uint32_t mark)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_marks(&rule, ruleset_marks().guarded, 0, true);
	nf_match_group(&rule, CLASSIFIER_GROUP_PINNED);
	nf_match_family(&rule, family);
	nf_match_source_in(&rule, family, ruleset_of_family(NF_PINNED4, family), 0);
	nf_set_marks(&rule, mark, mark);
	return nf_rule_add(&rule, batch);
}

/** sort_out() - Packets of whose mark the bits of @mask are those of @value go on with @verdict, in @target: 0, -ENOMEM */
static int sort_out(struct batch *batch, const char *chain, uint32_t mask, uint32_t value, int verdict,
		    const char *target)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_marks(&rule, mask, value, true);
	nf_verdict(&rule, verdict, target);
	return nf_rule_add(&rule, batch);
}

/** sort_out_exactly() - The same for one mark, that of most packets; nf_match_mark() */
static int sort_out_exactly(struct batch *batch, const char *chain, uint32_t mark, int verdict, const char *target)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_mark(&rule, mark);
	nf_verdict(&rule, verdict, target);
	return nf_rule_add(&rule, batch);
}

/** incoming_rules() - Packets of pinned containers are looked at, unless their time is over; first who has no pin goes on */
static int incoming_rules(struct batch *batch, const char *chain)
{
	struct marks bits = ruleset_marks();
	uint32_t pinned = bits.pinned | bits.late;
	int r = sort_out_exactly(batch, chain, bits.guarded, NF_ACCEPT, NULL);

	if (!r)
		r = sort_out_exactly(batch, chain, bits.guarded | bits.pinned, NFT_GOTO, CHAIN_PINNED);
	if (!r)
		r = sort_out(batch, chain, bits.pinned | bits.guarded, bits.guarded, NF_ACCEPT, NULL);
	if (!r)
		r = sort_out(batch, chain, pinned, bits.pinned, NFT_GOTO, CHAIN_PINNED);
	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = mark_again(batch, chain, families[i], bits.pinned);
	return r ? r : sort_out(batch, chain, pinned, bits.pinned, NFT_GOTO, CHAIN_PINNED);
}

/** pins_rules() - NAT only translates what is marked */
static int pins_rules(struct batch *batch, const char *chain)
{
	int r = 0;

	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = mark_again(batch, chain, families[i], ruleset_marks().checked);
	return r;
}

/** end_detour() - The end of a rule about packets whose way on is not known: only of pinned containers, as what was looked at has no mark any more */
static int end_detour(struct batch *batch, struct nf_rule *rule)
{
	nf_match_marks(rule, ruleset_marks().pinned | ruleset_marks().checked, 0, false);
	nf_count(rule);
	nf_verdict(rule, NF_DROP, NULL);
	return nf_rule_add(rule, batch);
}

/** stop_source_routes() - The next router would send them to where the header says: 0, -ENOMEM */
static int stop_source_routes(struct batch *batch, const char *chain)
{
	static const uint8_t options[] = {IPOPT_LSRR, IPOPT_SSRR};
	struct nf_rule rule;
	int r;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_family(&rule, FAMILY_IPV6);
	nf_match_header(&rule, FAMILY_IPV6, IPPROTO_ROUTING);
	r = end_detour(batch, &rule);
	for (size_t i = 0; i < ARRAY_LENGTH(options) && !r; i++) {
		nf_rule_begin(&rule, NF_TABLE, chain);
		nf_match_family(&rule, FAMILY_IPV4);
		nf_match_header(&rule, FAMILY_IPV4, options[i]);
		r = end_detour(batch, &rule);
	}
	return r;
}

/**
 * stop_encapsulated() - What a route of the host's packed into a packet of its own (SRv6, IOAM) before anybody looked at it
 *
 * seg6_input() in the kernel comes instead of the hooks. What a container packed itself has the container's source.
 */
static int stop_encapsulated(struct batch *batch, const char *chain)
{
	static const uint8_t protocols[] = {IPPROTO_IPV6, IPPROTO_IPIP};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(protocols) && !r; i++) {
		struct nf_rule rule;

		nf_rule_begin(&rule, NF_TABLE, chain);
		nf_match_family(&rule, FAMILY_IPV6);
		nf_match_protocol(&rule, protocols[i]);
		nf_match_source_not_in(&rule, FAMILY_IPV6, NF_PINNED6, 0);
		r = end_detour(batch, &rule);
	}
	return r;
}

/** leaving_rules() - Behind the lists, which are put before it: what goes elsewhere leaves, without our marks, if it does go there */
static int leaving_rules(struct batch *batch, const char *chain)
{
	int r = stop_source_routes(batch, chain);
	struct nf_rule rule;

	if (!r)
		r = stop_encapsulated(batch, chain);
	if (r)
		return r;
	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_set_marks(&rule, marks_mask(), 0);
	return nf_rule_add(&rule, batch);
}

/** prove_sent() - A packet with the one source that all pins of its container have leaves without our marks, wherever to */
static int prove_sent(struct batch *batch, const char *chain, enum family family)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_pair(&rule, family, NF_PAIR_OPENED_LEAVING, ruleset_of_family(NF_SOLE4, family), 0);
	nf_set_marks(&rule, marks_mask(), 0);
	nf_verdict(&rule, NF_ACCEPT, NULL);
	return nf_rule_add(&rule, batch);
}

/** sole_rules() - What costs the same however many lists there are */
static int sole_rules(struct batch *batch, const char *chain)
{
	struct nf_rule rule;
	int r = 0;

	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = prove_sent(batch, chain, families[i]);
	if (r)
		return r;
	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_verdict(&rule, NFT_GOTO, CHAIN_LEAVING);
	return nf_rule_add(&rule, batch);
}

/**
 * arriving_rules() - What a container sends to the host itself may be unpacked there, with a packet of anybody in it, to which a tunnel
 * leaves the marks: the fence stops what that sends to pinned destinations
 */
static int arriving_rules(struct batch *batch, const char *chain)
{
	struct marks bits = ruleset_marks();
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_marks(&rule, bits.guarded, 0, false);
	nf_set_marks(&rule, marks_mask(), bits.pinned | bits.late);
	return nf_rule_add(&rule, batch);
}

/**
 * check_rules() - Each packet of a pinned container is looked at when it leaves, whatever others made of its marks
 *
 * First by its interface, which only a bridge hides: the marks that tell of a container without a pin may be somebody else's.
 */
static int check_rules(struct batch *batch, const char *chain)
{
	struct marks bits = ruleset_marks();
	uint32_t pinned = bits.pinned | bits.checked;
	struct nf_rule rule;
	int r;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_group(&rule, CLASSIFIER_GROUP_PINNED);
	nf_verdict(&rule, NFT_GOTO, CHAIN_SOLE);
	r = nf_rule_add(&rule, batch);
	if (!r)
		r = sort_out_exactly(batch, chain, bits.guarded, NF_ACCEPT, NULL);
	if (!r)
		r = sort_out_exactly(batch, chain, bits.guarded | bits.checked, NFT_GOTO, CHAIN_SOLE);
	if (!r)
		r = sort_out(batch, chain, pinned | bits.guarded, bits.guarded, NF_ACCEPT, NULL);
	if (r)
		return r;
	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_marks(&rule, pinned, 0, false);
	nf_verdict(&rule, NFT_GOTO, CHAIN_SOLE);
	return nf_rule_add(&rule, batch);
}

/*
 * In an order in which a chain stands before what jumps to it. Priorities: linux/netfilter_ipv4.h. A nat chain is refused
 * at -200, where the kernel hooks NAT itself in; at the very last priority the order against connection tracking's own
 * hook would depend on which came first.
 */
static const struct base_chain base_chains[] = {
	{CHAIN_PINNED, {.type = NULL}, 6, 3, false, pinned_rules},
	{CHAIN_INCOMING, {"filter", NF_INET_PRE_ROUTING, NF_IP_PRI_LAST - 1}, 7, 0, false, incoming_rules},
	{"arriving", {"filter", NF_INET_LOCAL_IN, NF_IP_PRI_LAST - 1}, 1, 0, false, arriving_rules},
	{CHAIN_LEAVING, {.type = NULL}, 6, 1, true, leaving_rules},
	{CHAIN_SOLE, {.type = NULL}, 3, 3, false, sole_rules},
	{"check", {"filter", NF_INET_POST_ROUTING, NF_IP_PRI_LAST - 1}, 5, 0, false, check_rules},
	{CHAIN_PINS, {"nat", NF_INET_POST_ROUTING, RULESET_PRIORITY_PINS}, 2, 0, true, pins_rules},
	/* Deleting the last nat chain of a hook unhooks NAT: flows that are translated would leave as they are. */
	{"anchor", {"nat", NF_INET_POST_ROUTING, RULESET_PRIORITY_PINS + 1}, 0, 0, false, NULL},
	{CHAIN_MASQUERADE, {"nat", NF_INET_POST_ROUTING, RULESET_PRIORITY_MASQUERADE}, 0, 0, true, NULL},
};

#define N_BASE_CHAINS ARRAY_LENGTH(base_chains)
_Static_assert(N_BASE_CHAINS == RULESET_CHAINS, "space for all of them");

/** chain_name() - That of the first chain tells of the bits that all rules rely on */
static const char *chain_name(const char *name, char buffer[static MARKS_NAME_MAX])
{
	return strcmp(name, CHAIN_INCOMING) == 0 ? marks_name(name, buffer) : name;
}

/** make_chains() - The chains, with their rules: 0, -ENOMEM */
static int make_chains(struct batch *batch)
{
	char buffer[MARKS_NAME_MAX];
	int r = 0;

	for (size_t i = 0; !r && i < N_BASE_CHAINS; i++) {
		const struct base_chain *chain = &base_chains[i];
		const char *name = chain_name(chain->name, buffer);

		r = nf_add_chain(batch, NF_TABLE, name, chain->hook.type ? &chain->hook : NULL);
		if (!r && chain->add_rules)
			r = chain->add_rules(batch, name);
	}
	return r;
}

/**
 * ruleset_make() - The table with empty sets; one that is there goes, with all that is in it
 * @batch:	Batch, in which more may follow
 *
 * Return: 0, -ENOMEM
 */
int ruleset_make(struct batch *batch)
{
	int r = nf_add_table(batch, NF_TABLE);

	/* Deleted, it must be there: nft's own idiom. */
	if (!r)
		r = nf_delete_table(batch, NF_TABLE);
	if (!r)
		r = nf_add_table(batch, NF_TABLE);
	for (unsigned set = 0; !r && set < NF_FIRST_KIND; set++)
		r = nf_add_set(batch, (enum nf_set)set, 0);
	return r ? r : make_chains(batch);
}

/**
 * ruleset_chains() - What of the table must be there for any container
 * @chains:	Filled
 *
 * A chain's use tells that its rules are there, and nobody else's: `nft flush table` leaves chains, sets and elements. It
 * costs the same whatever else is in the table.
 *
 * Return: how many chains there are
 */
size_t ruleset_chains(struct ruleset_chain chains[static RULESET_CHAINS])
{
	for (size_t i = 0; i < N_BASE_CHAINS; i++) {
		char buffer[MARKS_NAME_MAX];

		(void)snprintf(chains[i].name, sizeof(chains[i].name), "%s", chain_name(base_chains[i].name, buffer));
		chains[i].use = base_chains[i].n_rules + base_chains[i].n_jumps;
		chains[i].grows = base_chains[i].grows;
		chains[i].hook = base_chains[i].hook;
	}
	return N_BASE_CHAINS;
}
