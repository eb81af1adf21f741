/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What containers share in the nftables table: lists of destinations, and the whole table, which is made with all
 * containers in it, so that there is never one without those that depend on it.
 */

#include <errno.h>
#include <string.h>

#include "plugin/snat/arm.h"
#include "plugin/snat/nfstage.h"
#include "plugin/snat/ruleset.h"

/** has_list() - Whether the table in the making has a clause's list */
static bool has_list(const struct arm_table *table, const struct egress_clause *clause)
{
	for (size_t i = 0; i < table->n_lists; i++)
		if (table->lists[i].set == ruleset_set(clause) && table->lists[i].list == clause->list)
			return true;
	return false;
}

/** note_list() - Take note that the table has a clause's list now: 0, -ENOMEM */
static int note_list(struct arm_table *table, const struct egress_clause *clause)
{
	struct nf_element *lists = reallocarray(table->lists, table->n_lists + 1, sizeof(*lists));

	if (!lists)
		return -ENOMEM;
	table->lists = lists;
	lists[table->n_lists++] = (struct nf_element){.set = ruleset_set(clause), .list = clause->list};
	return 0;
}

/** arm_table_add_list() - A clause's list, unless the table has it: 0, -ENOMEM */
int arm_table_add_list(struct arm_table *table, const struct egress_clause *clause)
{
	int r;

	if (has_list(table, clause))
		return 0;
	r = ruleset_add_list(&table->batch, clause);
	return r ? r : note_list(table, clause);
}

/** add_lists() - The lists of clauses, each once: 0, -ENOMEM */
static int add_lists(struct arm_table *table, const struct egress *egress)
{
	int r = 0;

	for (size_t i = 0; i < egress->n_clauses && !r; i++)
		r = arm_table_add_list(table, &egress->clauses[i]);
	return r;
}

/** arm_table_begin() - Begin a whole table, in place of one that may be there: 0, -ENOMEM */
int arm_table_begin(struct arm_table *table)
{
	int r;

	*table = (struct arm_table){0};
	r = nf_begin(&table->batch);
	return r ? r : ruleset_make(&table->batch);
}

/** arm_table_add() - Put a container into it: 0, -ENOMEM */
int arm_table_add(struct arm_table *table, const struct member *member)
{
	int r = add_lists(table, member->egress);

	if (!r)
		r = offload_devices_add(&table->devices, member->interface);
	return r ? r : member_elements(member, &table->elements);
}

/** opens() - Whether an element has the fence's mark taken off packets, since they are looked at when they leave */
static bool opens(const struct nf_element *element)
{
	return element->set >= NF_PINNED4 && element->set <= NF_PAIRS6;
}

/** commit_table() - The table with all that opens nothing: 0, REFUSED */
static int commit_table(struct nf_stage *stage, struct arm_table *table, const struct nf_element *open, size_t n_open)
{
	const struct nf_element *all = table->elements.all;
	const struct nf_element *rest = open + n_open;
	int r = nf_add_elements(&table->batch, all, (size_t)(open - all));

	if (!r)
		r = nf_add_elements(&table->batch, rest, table->elements.n - (size_t)(rest - all));
	if (!r)
		r = nf_end(&table->batch);
	if (!r) {
		stage->batch = table->batch;
		batch_reset(&table->batch);
		r = nf_stage_send(stage, NULL, NULL);
	}
	/* All that the batch names is in it: what the kernel does not find is a kind of chain or expression. */
	if (r == PORT_E_REFUSED && stage->failure.errnum == ENOENT)
		return error_set(
			stage->err, stage->code,
			"this kernel lacks a part of nftables (modules nft_chain_nat, nft_nat, nft_masq, nft_ct), which "
			"snat and ipMasq need");
	return r ? nf_stage_error(stage, r) : 0;
}

/** commit_open() - Then what opens: 0, also when the table is gone again, which the next look finds; REFUSED */
static int commit_open(struct nf_stage *stage, const struct nf_element *open, size_t n_open)
{
	int r = nf_begin(&stage->batch);

	if (!r)
		r = nf_add_elements(&stage->batch, open, n_open);
	if (!r)
		r = nf_end(&stage->batch);
	if (!r)
		r = nf_stage_send(stage, NULL, NULL);
	if (r == PORT_E_REFUSED && stage->failure.errnum == ENOENT)
		return 0;
	return r ? nf_stage_error(stage, r) : 0;
}

/**
 * arm_table_commit() - Make the table, and then let packets of pinned containers through to it
 * @netfilter:	Port
 * @table:	Table with all containers in it
 * @reterr:	Code 107
 *
 * In two transactions. A kernel whose sets of intervals are arrays (since "nft_set_rbtree: translate rbtree to array for
 * binary search") fills a new one a while after the rules that look into it count (nf_tables_commit(): gencursor, then
 * nft_set_commit_update()): a packet in between would go to no list of destinations, neither where it is translated nor where
 * it is looked at.
 *
 * Return: 0, REFUSED
 */
int arm_table_commit(struct port *netfilter, struct arm_table *table, struct error *reterr)
{
	NF_STAGE_CLEANUP struct nf_stage stage;
	const struct nf_element *open;
	size_t n = table->elements.n, n_open = 0;

	nf_stage_begin(&stage, netfilter, table->n_lists, reterr);
	elements_sort(&table->elements);
	open = table->elements.all;
	while (n > 0 && !opens(open)) {
		open++;
		n--;
	}
	while (n_open < n && opens(&open[n_open]))
		n_open++;
	if (commit_table(&stage, table, open, n_open) || (n_open && commit_open(&stage, open, n_open)))
		return REFUSED;
	offload_make(netfilter, &table->devices);
	return 0;
}

/** arm_table_done() - Release a table in the making */
void arm_table_done(struct arm_table *table)
{
	batch_done(&table->batch);
	elements_done(&table->elements);
	free(table->lists);
	offload_devices_done(&table->devices);
	*table = (struct arm_table){0};
}

/** has_chains() - Whether a list's chains are there: 0, 1 when not, negative errno */
static int has_chains(struct nf_stage *stage, const struct egress_clause *clause)
{
	struct ruleset_chain chains[RULESET_PARTS];
	size_t n = ruleset_list_chains(clause, chains);
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)
		r = nf_get_chain(&stage->batch, NF_TABLE, chains[i].name);
	if (!r)
		r = nf_stage_send(stage, NULL, NULL);
	if (r == PORT_E_REFUSED)
		r = stage->failure.errnum == ENOENT ? 1 : -stage->failure.errnum;
	return r;
}

/** add_list() - One list in a transaction of its own; one that is there is fine: 0, REFUSED */
static int add_list(struct nf_stage *stage, const struct egress_clause *clause)
{
	int r = has_chains(stage, clause);

	/* To find out by being refused would take a grace period: __nf_tables_abort(). */
	if (r <= 0)
		return r ? nf_stage_error(stage, r) : 0;
	r = nf_begin(&stage->batch);
	if (!r)
		r = ruleset_add_list(&stage->batch, clause);
	if (!r)
		r = nf_end(&stage->batch);
	if (!r)
		r = nf_stage_send(stage, NULL, NULL);
	if (r == PORT_E_REFUSED && stage->failure.errnum == EEXIST)
		return 0;
	return r ? nf_stage_error(stage, r) : 0;
}

/**
 * arm_lists() - The lists of clauses into a table that is there
 * @netfilter:	Port
 * @egress:	Clauses
 * @reterr:	Codes 103, 107
 *
 * Return: 0, also for lists that are there; REFUSED
 */
int arm_lists(struct port *netfilter, const struct egress *egress, struct error *reterr)
{
	NF_STAGE_CLEANUP struct nf_stage stage;

	nf_stage_begin(&stage, netfilter, true, reterr);
	for (size_t i = 0; i < egress->n_clauses; i++)
		if (add_list(&stage, &egress->clauses[i]))
			return REFUSED;
	return 0;
}

/** struct jump - The rule that jumps to a list's chain */
struct jump {
	char chain[NF_NAME_MAX];
	uint64_t handle;
	bool found;
};

/** take_rule() - port_reply_fn: keep the handle of the rule looked for */
static int take_rule(const struct nlmsghdr *message, void *userdata)
{
	struct jump *jump = userdata;
	char comment[NF_NAME_MAX];
	uint64_t handle;
	int r;

	if (!message) {
		jump->found = false;
		return 0;
	}
	r = nf_read_rule(message, &handle, comment);
	if (r)
		return r == -ENOMSG ? 0 : r;
	if (strcmp(comment, jump->chain) == 0) {
		jump->handle = handle;
		jump->found = true;
	}
	return 0;
}

/** find_jump() - Find the rule that leads to a part of a list: 0, PORT_E_REFUSED, negative errno */
static int find_jump(struct nf_stage *stage, const struct ruleset_part *part, uint64_t list, struct jump *jump)
{
	struct batch batch;
	int r;

	*jump = (struct jump){.found = false};
	(void)nf_set_name(part->set, list, jump->chain);
	batch_reset(&batch);
	r = nf_get_rules(&batch, NF_TABLE, part->from);
	return r ? r : port_exchange(stage->port, &batch, take_rule, jump, &stage->failure);
}

/** drop_part() - A part of a list out of the table: 0, also when it is not there; PORT_E_REFUSED, negative errno */
static int drop_part(struct nf_stage *stage, const struct ruleset_part *part, uint64_t list)
{
	struct jump jump;
	int r = find_jump(stage, part, list, &jump);

	if (!r) {
		r = nf_begin(&stage->batch);
		if (!r)
			r = ruleset_remove_part(&stage->batch, part, list, jump.found ? jump.handle : 0);
		if (!r)
			r = nf_end(&stage->batch);
		if (!r)
			r = nf_stage_send(stage, NULL, NULL);
	}
	return r == PORT_E_REFUSED && stage->failure.errnum == ENOENT ? 0 : r;
}

/**
 * arm_drop_list() - A list that no container has any more out of the table
 * @netfilter:	Port
 * @clause:	A clause with that list
 * @reterr:	Code 107
 *
 * Return: 0, also when it is not there; REFUSED
 */
int arm_drop_list(struct port *netfilter, const struct egress_clause *clause, struct error *reterr)
{
	struct ruleset_part parts[RULESET_PARTS];
	NF_STAGE_CLEANUP struct nf_stage stage;
	size_t n = ruleset_parts(clause, parts);
	int r = 0;

	nf_stage_begin(&stage, netfilter, false, reterr);
	for (size_t i = 0; i < n && !r; i++) {
		stage.question = true;
		r = drop_part(&stage, &parts[i], clause->list);
	}
	/* A kernel without nf_tables has nothing to drop. */
	return r && !nf_stage_unavailable(&stage, r) ? nf_stage_error(&stage, r) : 0;
}
