/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of others in our chains: found, removed. Owns nothing. */

#include "plugin/snat/weed.h"

#include <errno.h>
#include <string.h>

#include "plugin/report/log.h"
#include "plugin/snat/nfobjects.h"
#include "plugin/snat/ruleset.h"

/** take_rule() - port_reply_fn: userdata is a struct nf_objects */
static int take_rule(const struct nlmsghdr *message, void *userdata)
{
	struct nf_objects *objects = userdata;
	struct nf_object object;
	int r;

	if (!message) {
		objects->n = 0;
		return 0;
	}
	r = nf_read_object(message, &object);
	if (r)
		return r == -ENOMSG ? 0 : r;
	return object.kind == NF_OBJECT_RULE ? nf_objects_add(objects, &object) : 0;
}

/** read_rules() - The rules of a table: 0, PORT_E_REFUSED, negative errno */
static int read_rules(struct nf_stage *stage, const char *table, struct nf_objects *ret_rules)
{
	int r = nf_get_rules(&stage->batch, table, NULL);

	if (!r)
		r = nf_stage_send(stage, take_rule, ret_rules);
	return r ? r : nf_objects_ask_intervals(stage, ret_rules);
}

/** has() - Whether an object is among sorted ones */
static bool has(const struct nf_objects *objects, const struct nf_object *object)
{
	return objects->n && bsearch(object, objects->all, objects->n, sizeof(*object), nf_objects_order);
}

/** has_chain() - Whether there is a chain of that name */
static bool has_chain(const struct nf_objects *objects, const char *name)
{
	for (size_t i = 0; i < objects->n; i++)
		if (objects->all[i].kind == NF_OBJECT_CHAIN && strcmp(objects->all[i].name, name) == 0)
			return true;
	return false;
}

/** is_alike() - Whether a batch would make such a rule, with whatever destinations: 0; -ENOENT: no; another negative errno */
static int is_alike(struct batch *batch, const struct nf_object *rule)
{
	NF_OBJECTS_CLEANUP struct nf_objects made = {.n = 0};
	int r = nf_objects_add_batch(&made, batch);

	if (r)
		return r;
	for (size_t i = 0; i < made.n; i++)
		if (made.all[i].kind == NF_OBJECT_RULE && strcmp(made.all[i].name, rule->name) == 0 &&
		    strcmp(made.all[i].text, rule->text) == 0)
			return 0;
	return -ENOENT;
}

/** is_of_list() - Whether a rule is one of a list of which no lease tells: 0; -ENOENT: no; another negative errno */
static int is_of_list(const struct nf_objects *wanted, const struct nf_object *rule)
{
	const char *names[] = {rule->name, rule->target};
	int r = -ENOENT;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && r == -ENOENT; i++) {
		BATCH_CLEANUP struct batch batch;

		batch_reset(&batch);
		if (has_chain(wanted, names[i]))
			continue;
		r = ruleset_add_list_of(&batch, names[i]);
		if (!r)
			r = is_alike(&batch, rule);
	}
	return r;
}

/** is_ours() - Whether a rule is one that we made; in chains of others all are theirs: 0; -ENOENT: no; another negative errno */
static int is_ours(const struct nf_objects *wanted, const struct nf_object *rule)
{
	uint64_t list;

	if (has(wanted, rule))
		return 0;
	if (!has_chain(wanted, rule->name) && nf_set_of_name(rule->name, &list) == NF_N_SETS)
		return 0;
	return strcmp(rule->table, NF_TABLE) == 0 ? is_of_list(wanted, rule) : -ENOENT;
}

/** gather() - The removal of all that are not ours: 0, negative errno */
static int gather(const struct nf_objects *wanted, const struct nf_objects *rules, struct batch *removal)
{
	int r = nf_begin(removal);

	for (size_t i = 0; i < rules->n && !r; i++) {
		const struct nf_object *rule = &rules->all[i];

		r = is_ours(wanted, rule);
		if (r != -ENOENT)
			continue;
		log_line("a rule in the place of ours or among them, in chain %s of the nftables table %s %s, is "
			 "removed: it may let pinned packets pass",
			 rule->name, nf_family_name(rule->family), rule->table);
		r = nf_delete_rule(removal, rule->table, rule->name, rule->handle);
	}
	return r;
}

/** is_of_table() - Whether a rule is there with the table, and not with a list of somebody's */
static bool is_of_table(const struct nf_object *rule)
{
	uint64_t list;

	return nf_set_of_name(rule->name, &list) == NF_N_SETS && nf_set_of_name(rule->target, &list) == NF_N_SETS;
}

/**
 * lacks_some() - Whether one of the rules that are there with the table is not among those that there are, both sorted
 *
 * A list that is lacking may be on its way: its lease is written first.
 */
static bool lacks_some(const struct nf_objects *wanted, const struct nf_objects *rules)
{
	for (size_t i = 0; i < wanted->n; i++)
		if (wanted->all[i].kind == NF_OBJECT_RULE && is_of_table(&wanted->all[i]) &&
		    !has(rules, &wanted->all[i]))
			return true;
	return false;
}

/** compare() - Find them, and remove them in one transaction: 0, PORT_E_REFUSED, negative errno */
static int compare(struct nf_stage *stage, const char *table, struct nf_objects *wanted, struct weeded *ret_weeded)
{
	NF_OBJECTS_CLEANUP struct nf_objects rules = {.n = 0};
	int r = read_rules(stage, table, &rules);

	nf_objects_sort(wanted);
	nf_objects_sort(&rules);
	ret_weeded->lacking = !r && lacks_some(wanted, &rules);
	if (!r)
		r = gather(wanted, &rules, &stage->batch);
	/* It has a beginning in any case. */
	if (r || stage->batch.count == 1)
		return r;
	r = nf_end(&stage->batch);
	if (!r)
		r = nf_stage_send(stage, NULL, NULL);
	ret_weeded->some = !r;
	return r;
}

/**
 * weed() - Remove the rules of others from our chains of a table
 * @netfilter:	Port
 * @table:	Table; one that is not there has none
 * @wanted:	What would make it, with all lists of which leases tell
 * @ret_weeded:	What was found
 * @reterr:	Codes 11, 107
 *
 * Their order is not looked at: there is none in which ours open anything.
 *
 * Return: 0, REFUSED
 */
int weed(struct port *netfilter, const char *table, struct batch *wanted, struct weeded *ret_weeded,
	 struct error *reterr)
{
	NF_OBJECTS_CLEANUP struct nf_objects objects = {.n = 0};
	NF_STAGE_CLEANUP struct nf_stage stage;
	int r = nf_objects_add_batch(&objects, wanted);

	*ret_weeded = (struct weeded){.some = false};
	nf_stage_begin(&stage, netfilter, false, reterr);
	if (!r)
		r = compare(&stage, table, &objects, ret_weeded);
	/* Somebody else removed it, or the whole table; or there is no nf_tables. */
	if ((r == PORT_E_REFUSED && stage.failure.errnum == ENOENT) || (r && nf_stage_unavailable(&stage, r)))
		return 0;
	return r ? nf_stage_error(&stage, r) : 0;
}
