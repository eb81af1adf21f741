/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the table has for a list of destinations: sets, chains, and the rules that lead there. Pure. */

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "plugin/snat/nfrule.h"
#include "plugin/snat/ruleset_internal.h"

/** add_intervals() - The destinations of a clause as an anonymous set: 0, -ENOMEM */
static int add_intervals(struct batch *batch, uint32_t id, const struct egress_clause *clause)
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

/** is_prefix() - Whether a clause's destinations are a single prefix, which costs a packet less than a set */
static bool is_prefix(const struct egress_clause *clause, struct prefix *ret_prefix)
{
	struct span span = clause->spans[0];

	return clause->n_spans == 1 && !span_take_prefix(&span, ret_prefix);
}

/**
 * begin_rule() - Begin a rule about packets of a clause's family, with the set of its destinations if they need one
 * @batch:	Batch
 * @rule:	Rule
 * @chain:	Its chain
 * @clause:	Clause
 * @ret_set:	The set's number within the batch, for match_destinations()
 *
 * Return: 0, -ENOMEM
 */
static int begin_rule(struct batch *batch, struct nf_rule *rule, const char *chain, const struct egress_clause *clause,
		      uint32_t *ret_set)
{
	struct prefix prefix;
	int r = 0;

	*ret_set = batch->count;
	if (!is_prefix(clause, &prefix))
		r = add_intervals(batch, *ret_set, clause);
	if (r)
		return r;
	nf_rule_begin(rule, NF_TABLE, chain);
	nf_match_family(rule, clause->family);
	return 0;
}

/** match_destinations() - Packets to one of a clause's destinations */
static void match_destinations(struct nf_rule *rule, const struct egress_clause *clause, uint32_t set)
{
	struct prefix prefix;

	if (is_prefix(clause, &prefix))
		nf_match_destination_within(rule, &prefix);
	else
		nf_match_destination_in(rule, clause->family, set);
}

/** ruleset_set() - The kind of set that a clause's addresses are in */
enum nf_set ruleset_set(const struct egress_clause *clause)
{
	if (clause->source.family)
		return clause->family == FAMILY_IPV4 ? NF_PIN4 : NF_PIN6;
	return clause->family == FAMILY_IPV4 ? NF_MASQUERADE4 : NF_MASQUERADE6;
}

/** add_translation() - The rule in a list's chain: 0, -ENOMEM */
static int add_translation(struct batch *batch, const char *chain, const struct egress_clause *clause)
{
	enum nf_set set = ruleset_set(clause);
	struct nf_rule rule;
	uint32_t id;
	int r = begin_rule(batch, &rule, chain, clause, &id);

	if (r)
		return r;
	if (!clause->source.family)
		nf_match_source_in(&rule, clause->family, set, clause->list);
	match_destinations(&rule, clause, id);
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
static int add_jump(struct batch *batch, const char *chain, const struct egress_clause *clause)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, ruleset_base_of(clause));
	nf_rule_comment(&rule, chain);
	nf_match_family(&rule, clause->family);
	if (clause->source.family)
		nf_match_marks(&rule, ruleset_marks().checked, 0, false);
	nf_verdict(&rule, NFT_JUMP, chain);
	return nf_rule_add(&rule, batch);
}

/** ruleset_sent_set() - The kind of set that says with which source a pin's packets must have left */
enum nf_set ruleset_sent_set(enum family family)
{
	return ruleset_of_family(NF_SENT4, family);
}

/** add_sent() - A packet to the list that has the pin's source leaves, without our marks: 0, -ENOMEM */
static int add_sent(struct batch *batch, const char *chain, const struct egress_clause *clause, enum nf_pair pair)
{
	struct nf_rule rule;

	nf_rule_begin(&rule, NF_TABLE, chain);
	nf_match_pair(&rule, clause->family, pair, ruleset_sent_set(clause->family), clause->list);
	nf_set_marks(&rule, marks_mask(), 0);
	nf_verdict(&rule, NF_ACCEPT, NULL);
	return nf_rule_add(&rule, batch);
}

/** enum party - Who of a packet is looked for among those that must leave with their pin's source */
enum party { PARTY_OPENER, PARTY_ANSWERER, PARTY_SOURCE };

/** add_drop() - Any other packet of a container to whose pins the list belongs is dropped, and counted: 0, -ENOMEM */
static int add_drop(struct batch *batch, const char *chain, const struct egress_clause *clause, enum party party)
{
	enum nf_set held = ruleset_of_family(NF_HELD4, clause->family);
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
static int add_way_to_sent(struct batch *batch, const char *chain, const struct egress_clause *clause)
{
	struct nf_rule rule;
	uint32_t id;
	int r = begin_rule(batch, &rule, CHAIN_LEAVING, clause, &id);

	if (r)
		return r;
	rule.first = true;
	nf_rule_comment(&rule, chain);
	match_destinations(&rule, clause, id);
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
static int add_postcondition(struct batch *batch, const struct egress_clause *clause)
{
	enum nf_set set = ruleset_sent_set(clause->family);
	char name[NF_NAME_MAX];
	int r = nf_add_set(batch, set, clause->list);

	(void)nf_set_name(set, clause->list, name);
	if (!r)
		r = nf_add_set(batch, ruleset_of_family(NF_HELD4, clause->family), clause->list);
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
int ruleset_add_list(struct batch *batch, const struct egress_clause *clause)
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
					 .also = ruleset_of_family(NF_HELD4, clause->family),
					 .from = CHAIN_LEAVING};
	return 2;
}

/** ruleset_remove_part() - A part away, with the handle of the rule that leads there, 0: there is none: 0, -ENOMEM */
int ruleset_remove_part(struct batch *batch, const struct ruleset_part *part, uint64_t list, uint64_t way)
{
	char name[NF_NAME_MAX];
	int r = way ? nf_delete_rule(batch, NF_TABLE, part->from, way) : 0;

	if (!r)
		r = nf_delete_chain(batch, nf_set_name(part->set, list, name));
	if (!r && part->also != NF_N_SETS)
		r = nf_delete_set(batch, part->also, list);
	return r ? r : nf_delete_set(batch, part->set, list);
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
		chains[i].grows = false;
	}
	return n;
}

/** clause_of() - A clause with the list that a set or chain of that name belongs to, to anywhere: whether it belongs to one */
static bool clause_of(const char *name, struct span *span, struct egress_clause *clause)
{
	uint64_t list = 0;
	enum nf_set set = nf_set_of_name(name, &list);
	enum family family = set % 2 ? FAMILY_IPV6 : FAMILY_IPV4;
	bool masquerades = set == NF_MASQUERADE4 || set == NF_MASQUERADE6;

	if (set == NF_N_SETS || set < NF_FIRST_KIND)
		return false;
	*span = prefix_span(&(struct prefix){.address = {.family = family}});
	*clause = (struct egress_clause){.family = family, .spans = span, .n_spans = 1, .list = list};
	if (!masquerades)
		clause->source.family = family;
	return true;
}

/**
 * ruleset_add_list_of() - What the table has for a list of which only the name of a set or chain is known
 * @batch:	Batch
 * @name:	Name
 *
 * Return: 0, -ENOENT when no list has one of that name, -ENOMEM
 */
int ruleset_add_list_of(struct batch *batch, const char *name)
{
	struct egress_clause clause;
	struct span span;

	return clause_of(name, &span, &clause) ? ruleset_add_list(batch, &clause) : -ENOENT;
}
