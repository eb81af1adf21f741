/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table's chains and rules. Pure. */

#include "plugin/snat/ruleset.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include "plugin/enforce/classifier_attach.h"
#include "plugin/enforce/marks.h"
#include "plugin/snat/nfrule.h"

#define CHAIN_PINNED "pinned"
#define CHAIN_LEAVING "leaving"
#define CHAIN_PINS "pins"
/* "masquerade" is a word of nft's language */
#define CHAIN_MASQUERADE "masquerading"

static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
#define N_FAMILIES (sizeof(families) / sizeof(families[0]))

/**
 * struct base_chain - A chain that does not depend on containers
 * @name:		Its name
 * @hook:		Where it hooks in; NULL type: nowhere
 * @n_rules:		Its rules
 * @n_jumps:		What else refers to it
 * @add_rules:		Adds them
 */
struct base_chain {
	const char *name;
	struct nf_hook hook;
	uint32_t n_rules;
	uint32_t n_jumps;
	int (*add_rules)(struct datagram *batch, const char *chain);
};

/** bits() - The bits of marks */
static struct marks bits(void)
{
	return marks_of(MARKS_MASK_DEFAULT);
}

/** of_family() - The set of a family: @ipv4 or the one after it */
static enum nf_set of_family(enum nf_set ipv4, enum family family)
{
	return family == FAMILY_IPV4 ? ipv4 : (enum nf_set)(ipv4 + 1);
}

/** check_later() - A packet of a pinned container needs no fence: it will be looked at when it leaves */
static void check_later(struct nf_rule *rule)
{
	nf_set_marks(rule, bits().pinned | bits().checked, bits().checked);
	nf_verdict(rule, NF_ACCEPT, NULL);
}

/** prove_new() - A new flow's first packet, which is yet to be translated, if the table knows its sender at all */
static int prove_new(struct datagram *batch, const char *chain, enum family family)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_new_flow(&rule);
	nf_match_family(&rule, family);
	nf_match_source_in(&rule, family, of_family(NF_PINNED4, family), 0);
	check_later(&rule);
	return nf_rule_add(&rule, batch);
}

/** prove_flow() - A packet of a flow that leaves with a source of the container's pins */
static int prove_flow(struct datagram *batch, const char *chain, enum family family, enum nf_pair pair)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_family(&rule, family);
	nf_match_pair(&rule, family, pair, of_family(NF_PAIRS4, family), 0);
	check_later(&rule);
	return nf_rule_add(&rule, batch);
}

/** pinned_rules() - Which packets of pinned containers may go on: the fence's mark comes off */
static int pinned_rules(struct datagram *batch, const char *chain)
{
	int r = 0;

	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = prove_new(batch, chain, families[i]);
	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = prove_flow(batch, chain, families[i], NF_PAIR_OPENED);
	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = prove_flow(batch, chain, families[i], NF_PAIR_ANSWERED);
	return r;
}

/** mark_again() - Somebody else's rule took the marks of a pinned container's packet away: it gets @mark */
static int mark_again(struct datagram *batch, const char *chain, enum family family, uint32_t mark)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_group(&rule, CLASSIFIER_GROUP_PINNED);
	nf_match_marks(&rule, bits().guarded, 0, true);
	nf_match_family(&rule, family);
	nf_match_source_in(&rule, family, of_family(NF_PINNED4, family), 0);
	nf_set_marks(&rule, mark, mark);
	return nf_rule_add(&rule, batch);
}

/** incoming_rules() - Packets of pinned containers are looked at, unless their time is over */
static int incoming_rules(struct datagram *batch, const char *chain)
{
	struct nf_rule rule;
	int r = 0;

	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = mark_again(batch, chain, families[i], bits().pinned);
	if (r)
		return r;
	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_marks(&rule, bits().pinned | bits().late, bits().pinned, true);
	nf_verdict(&rule, NFT_GOTO, CHAIN_PINNED);
	return nf_rule_add(&rule, batch);
}

/** outgoing_rules() - Before NAT, which only translates what is marked */
static int outgoing_rules(struct datagram *batch, const char *chain)
{
	int r = 0;

	for (size_t i = 0; i < N_FAMILIES && !r; i++)
		r = mark_again(batch, chain, families[i], bits().checked);
	return r;
}

/** leaving_rules() - Behind the lists, which are put before it: what goes elsewhere leaves, without our marks */
static int leaving_rules(struct datagram *batch, const char *chain)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_set_marks(&rule, MARKS_MASK_DEFAULT, 0);
	return nf_rule_add(&rule, batch);
}

/** check_rules() - Each packet of a pinned container is looked at when it leaves */
static int check_rules(struct datagram *batch, const char *chain)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_marks(&rule, bits().pinned | bits().checked, 0, false);
	nf_verdict(&rule, NFT_GOTO, CHAIN_LEAVING);
	return nf_rule_add(&rule, batch);
}

/*
 * In an order in which a chain stands before what jumps to it. Priorities: linux/netfilter_ipv4.h. A nat chain is refused
 * at -200, where the kernel hooks NAT itself in; at the very last priority the order against connection tracking's own
 * hook would depend on which came first.
 */
static const struct base_chain base_chains[] = {
	{CHAIN_PINNED, {.type = NULL}, 6, 1, pinned_rules},
	{"incoming", {"filter", NF_INET_PRE_ROUTING, NF_IP_PRI_LAST - 1}, 3, 0, incoming_rules},
	{CHAIN_LEAVING, {.type = NULL}, 1, 1, leaving_rules},
	{"check", {"filter", NF_INET_POST_ROUTING, NF_IP_PRI_LAST - 1}, 1, 0, check_rules},
	{"outgoing", {"filter", NF_INET_POST_ROUTING, -200}, 2, 0, outgoing_rules},
	{CHAIN_PINS, {"nat", NF_INET_POST_ROUTING, -199}, 0, 0, NULL},
	/* Deleting the last nat chain of a hook unhooks NAT: flows that are translated would leave as they are. */
	{"anchor", {"nat", NF_INET_POST_ROUTING, -198}, 0, 0, NULL},
	{CHAIN_MASQUERADE, {"nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC - 9}, 0, 0, NULL},
};

#define N_BASE_CHAINS (sizeof(base_chains) / sizeof(base_chains[0]))
_Static_assert(N_BASE_CHAINS == RULESET_CHAINS, "space for all of them");

/** make_chains() - The chains, with their rules: 0, -ENOMEM */
static int make_chains(struct datagram *batch)
{
	int r = 0;

	for (size_t i = 0; !r && i < N_BASE_CHAINS; i++) {
		const struct base_chain *chain = &base_chains[i];

		r = nf_add_chain(batch, NF_TABLE, chain->name, chain->hook.type ? &chain->hook : NULL);
		if (!r && chain->add_rules)
			r = chain->add_rules(batch, chain->name);
	}
	return r;
}

/**
 * ruleset_make() - The table with empty sets; one that is there goes, with all that is in it
 * @batch:	Batch, in which more may follow
 *
 * Return: 0, -ENOMEM
 */
int ruleset_make(struct datagram *batch)
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
	nf_rule_begin(&rule, NF_TABLE, chain);
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

	nf_rule_begin(&rule, NF_TABLE, ruleset_base_of(clause));
	nf_rule_comment(&rule, chain);
	nf_match_family(&rule, clause->family);
	if (clause->source.family)
		nf_match_marks(&rule, bits().checked, 0, false);
	nf_verdict(&rule, NFT_JUMP, chain);
	return nf_rule_add(&rule, batch);
}

/** ruleset_sent_set() - The kind of set that says with which source a pin's packets must have left */
enum nf_set ruleset_sent_set(enum family family)
{
	return of_family(NF_SENT4, family);
}

/** add_sent() - A packet to the list that has the pin's source leaves, without our marks: 0, -ENOMEM */
static int add_sent(struct datagram *batch, const char *chain, const struct egress_clause *clause, enum nf_pair pair)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_pair(&rule, clause->family, pair, ruleset_sent_set(clause->family), clause->list);
	nf_set_marks(&rule, MARKS_MASK_DEFAULT, 0);
	nf_verdict(&rule, NF_ACCEPT, NULL);
	return nf_rule_add(&rule, batch);
}

/** enum party - Who of a packet is looked for among those that must leave with their pin's source */
enum party { PARTY_OPENER, PARTY_ANSWERER, PARTY_SOURCE };

/** add_drop() - Any other packet of a container to whose pins the list belongs is dropped, and counted: 0, -ENOMEM */
static int add_drop(struct datagram *batch, const char *chain, const struct egress_clause *clause, enum party party)
{
	enum nf_set held = of_family(NF_HELD4, clause->family);
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	if (party == PARTY_SOURCE)
		nf_match_source_in(&rule, clause->family, held, clause->list);
	else
		nf_match_party_in(&rule, clause->family, party == PARTY_OPENER, held, clause->list);
	nf_count(&rule);
	nf_verdict(&rule, NF_DROP, NULL);
	return nf_rule_add(&rule, batch);
}

/** add_way_to_sent() - What goes to the list is looked at: 0, -ENOMEM */
static int add_way_to_sent(struct datagram *batch, const char *chain, const struct egress_clause *clause)
{
	uint32_t id = batch->count;
	struct nf_rule rule;
	int r = add_intervals(batch, id, clause);

	if (r)
		return r;
	nf_rule_begin(&rule, NF_TABLE, CHAIN_LEAVING);
	rule.first = true;
	nf_rule_comment(&rule, chain);
	nf_match_family(&rule, clause->family);
	nf_match_destination_in(&rule, clause->family, id);
	nf_verdict(&rule, NFT_JUMP, chain);
	return nf_rule_add(&rule, batch);
}

/**
 * add_postcondition() - Sets and chain of what a pin's packets must be like when they leave
 *
 * Lists of different containers may overlap; so whose packets are dropped a set says, which is not the map that NAT looks
 * into: one element that is missing must not open anything.
 *
 * Return: 0, -ENOMEM
 */
static int add_postcondition(struct datagram *batch, const struct egress_clause *clause)
{
	enum nf_set set = ruleset_sent_set(clause->family);
	char name[NF_NAME_MAX];
	int r = nf_add_set(batch, set, clause->list);

	(void)nf_set_name(set, clause->list, name);
	if (!r)
		r = nf_add_set(batch, of_family(NF_HELD4, clause->family), clause->list);
	if (!r)
		r = nf_add_chain(batch, NF_TABLE, name, NULL);
	if (!r)
		r = add_sent(batch, name, clause, NF_PAIR_OPENED_LEAVING);
	if (!r)
		r = add_sent(batch, name, clause, NF_PAIR_ANSWERED_LEAVING);
	for (enum party party = PARTY_OPENER; !r && party <= PARTY_SOURCE; party++)
		r = add_drop(batch, name, clause, party);
	return r ? r : add_way_to_sent(batch, name, clause);
}

/**
 * ruleset_add_list() - Sets and chains of a list of destinations, which are not there yet
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
		r = nf_add_chain(batch, NF_TABLE, name, NULL);
	if (!r)
		r = add_translation(batch, name, clause);
	if (!r)
		r = add_jump(batch, name, clause);
	return r || !clause->source.family ? r : add_postcondition(batch, clause);
}

/**
 * ruleset_parts() - The parts of a list: each a set and a chain of one name, and a rule elsewhere that leads there
 * @clause:	A clause with that list
 * @parts:	Filled
 *
 * Return: how many there are
 */
size_t ruleset_parts(const struct egress_clause *clause, struct ruleset_part parts[static RULESET_PARTS])
{
	parts[0] =
		(struct ruleset_part){.set = ruleset_set(clause), .also = NF_N_SETS, .from = ruleset_base_of(clause)};
	if (!clause->source.family)
		return 1;
	parts[1] = (struct ruleset_part){.set = ruleset_sent_set(clause->family),
					 .also = of_family(NF_HELD4, clause->family),
					 .from = CHAIN_LEAVING};
	return 2;
}

/** ruleset_remove_part() - A part away, with the handle of the rule that leads there, 0: there is none: 0, -ENOMEM */
int ruleset_remove_part(struct datagram *batch, const struct ruleset_part *part, uint64_t list, uint64_t way)
{
	char name[NF_NAME_MAX];
	int r = way ? nf_delete_rule(batch, part->from, way) : 0;

	if (!r)
		r = nf_delete_chain(batch, nf_set_name(part->set, list, name));
	if (!r && part->also != NF_N_SETS)
		r = nf_delete_set(batch, part->also, list);
	return r ? r : nf_delete_set(batch, part->set, list);
}

/**
 * ruleset_chains() - What of the table must be there for any container
 * @chains:	Filled
 *
 * A chain's use tells that its rules are there: `nft flush table` leaves chains, sets and elements. It costs the same
 * whatever else is in the table.
 *
 * Return: how many chains there are
 */
size_t ruleset_chains(struct ruleset_chain chains[static RULESET_CHAINS])
{
	for (size_t i = 0; i < N_BASE_CHAINS; i++) {
		(void)snprintf(chains[i].name, sizeof(chains[i].name), "%s", base_chains[i].name);
		chains[i].use = base_chains[i].n_rules + base_chains[i].n_jumps;
	}
	return N_BASE_CHAINS;
}

/** ruleset_list_chains() - The chains of a clause's list: how many there are, RULESET_PARTS at most */
size_t ruleset_list_chains(const struct egress_clause *clause, struct ruleset_chain chains[static RULESET_PARTS])
{
	struct ruleset_part parts[RULESET_PARTS];
	size_t n = ruleset_parts(clause, parts);

	for (size_t i = 0; i < n; i++) {
		(void)nf_set_name(parts[i].set, clause->list, chains[i].name);
		/* One rule or five, and the one that leads there */
		chains[i].use = i == 0 ? 2 : 6;
	}
	return n;
}
