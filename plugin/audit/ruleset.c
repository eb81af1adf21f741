/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nftables as it is: three dumps, and one of each of our sets. */

#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "plugin/audit/wanted.h"
#include "plugin/enforce/marks.h"
#include "plugin/snat/backstop.h"
#include "plugin/snat/nfstage.h"
#include "rangeguard/array.h"

/** struct dumping - What a dump adds to, and how much there was before */
struct dumping {
	struct ruleset *ruleset;
	size_t n_ours;
	size_t n_foreign;
	size_t n_elements;
};

/** is_ours() - Whether an object is in a table of ours */
static bool is_ours(const struct nf_object *object)
{
	static const char tables[][NF_NAME_MAX] = {NF_TABLE, BACKSTOP_TABLE, NF_TABLE_BRIDGE};

	for (size_t i = 0; i < ARRAY_LENGTH(tables); i++)
		if (strcmp(object->table, tables[i]) == 0)
			return object->family == nf_family(tables[i]);
	return false;
}

/** take_object() - port_reply_fn: keep what is ours, and what of others' concerns us */
static int take_object(const struct nlmsghdr *message, void *userdata)
{
	struct dumping *taking = userdata;
	struct nf_object object;
	int r;

	if (!message) {
		taking->ruleset->ours.n = taking->n_ours;
		taking->ruleset->foreign.n = taking->n_foreign;
		return 0;
	}
	r = nf_read_object(message, &object);
	if (r)
		return r == -ENOMSG ? 0 : r;
	if (is_ours(&object))
		return nf_objects_add(&taking->ruleset->ours, &object);
	if (object.translates || object.marks & marks_mask())
		return nf_objects_add(&taking->ruleset->foreign, &object);
	return 0;
}

/** keep_element() - nf_read_elements() callback */
static int keep_element(void *userdata, const struct nf_element *element)
{
	struct elements *elements = userdata;

	if (elements_reserve(elements, 1) < 0)
		return -ENOMEM;
	elements->all[elements->n++] = *element;
	return 0;
}

/** take_element() - port_reply_fn */
static int take_element(const struct nlmsghdr *message, void *userdata)
{
	struct dumping *taking = userdata;
	int r;

	if (!message) {
		taking->ruleset->elements.n = taking->n_elements;
		return 0;
	}
	r = nf_read_elements(message, keep_element, &taking->ruleset->elements);
	return r == -ENOMSG ? 0 : r;
}

/** dump() - Send the one message of a stage; a kernel without nf_tables has none of it: 0, REFUSED */
static int dump(struct nf_stage *stage, int appended, port_reply_fn reply, struct dumping *taking)
{
	int r = appended;

	taking->n_ours = taking->ruleset->ours.n;
	taking->n_foreign = taking->ruleset->foreign.n;
	taking->n_elements = taking->ruleset->elements.n;
	if (!r)
		r = nf_stage_send(stage, reply, taking);
	/* A set may go while the others are looked at. */
	if ((r == PORT_E_REFUSED && stage->failure.errnum == ENOENT) || (r && nf_stage_unavailable(stage, r)))
		return 0;
	return r ? nf_stage_error(stage, r) : 0;
}

/** read_elements() - Those of the sets that were found: 0, REFUSED */
static int read_elements(struct nf_stage *stage, struct dumping *taking)
{
	const struct nf_objects *ours = &taking->ruleset->ours;
	int r = 0;

	for (size_t i = 0; i < ours->n && !r; i++) {
		enum nf_set set;
		uint64_t list = 0;

		if (ours->all[i].kind != NF_OBJECT_SET || strcmp(ours->all[i].table, NF_TABLE) != 0)
			continue;
		set = nf_set_of_name(ours->all[i].name, &list);
		if (set != NF_N_SETS)
			r = dump(stage, nf_dump_elements(&stage->batch, set, list), take_element, taking);
	}
	return r;
}

/**
 * ruleset_read() - Ask the kernel
 * @host:	Host
 * @ret_ruleset: Always written; ruleset_done() releases it. Empty without nf_tables
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int ruleset_read(struct host *host, struct ruleset *ret_ruleset, struct error *reterr)
{
	static const enum nf_object_kind kinds[] = {NF_OBJECT_SET, NF_OBJECT_CHAIN, NF_OBJECT_RULE};
	struct dumping taking = {.ruleset = ret_ruleset};
	NF_STAGE_CLEANUP struct nf_stage stage;
	int r = host_open_netfilter(host, reterr);

	*ret_ruleset = (struct ruleset){.ours = {.n = 0}};
	nf_stage_begin(&stage, host->netfilter, false, reterr);
	if (r)
		return r == REFUSED ? r : 0;
	for (size_t i = 0; i < ARRAY_LENGTH(kinds) && !r; i++) {
		nf_dump_objects(&stage.batch, kinds[i]);
		r = dump(&stage, 0, take_object, &taking);
	}
	if (!r)
		r = nf_objects_ask_intervals(&stage, &ret_ruleset->ours);
	if (r && r != REFUSED)
		return nf_stage_error(&stage, r);
	return r ? r : read_elements(&stage, &taking);
}

/** ruleset_done() - Release what is owned */
void ruleset_done(struct ruleset *ruleset)
{
	nf_objects_done(&ruleset->ours);
	nf_objects_done(&ruleset->foreign);
	elements_done(&ruleset->elements);
	*ruleset = (struct ruleset){.ours = {.n = 0}};
}
