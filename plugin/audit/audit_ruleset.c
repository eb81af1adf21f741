/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of nftables against those that leases want: sets, chains and rules, and what others put into them. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/audit/audit_kernel.h"
#include "plugin/snat/backstop.h"

/** Who puts back what is missing */
#define MENDED_BY "the next CHECK of a container, or the agent, puts it back"

/** is_optional() - Whether an object may be there or not: the flowtable's chains, where the kernel has one */
static bool is_optional(const struct kernel *kernel, const struct nf_object *object)
{
	return strcmp(object->name, OFFLOAD_CHAIN) == 0 || strcmp(object->name, OFFLOAD_CHAIN_TAKE) == 0 ||
	       (strcmp(object->name, BACKSTOP_CHAIN_PINNED) == 0 && !kernel->wanted.pinned.n);
}

/** tell_missing() - Of an object that is not there */
static void tell_missing(const struct kernel *kernel, const struct nf_object *object)
{
	static const char kinds[][16] = {"set", "chain", "a rule of chain"};

	if (!is_optional(kernel, object))
		report_error(kernel->audit->report, RULE_UNPROTECTED, kernel->audit->data_dir, "",
			     "%s %s is missing in the nftables table %s %s: " MENDED_BY, kinds[object->kind],
			     object->name, nf_family_name(object->family), object->table);
}

/** is_of_list() - Whether an object belongs to a list of destinations, or leads there */
static bool is_of_list(const struct nf_object *object)
{
	uint64_t list;
	enum nf_set set = nf_set_of_name(object->name, &list);

	if (set != NF_N_SETS)
		return set >= NF_FIRST_KIND;
	return strstr(object->text, "[immediate") &&
	       (strstr(object->text, " pin4-") || strstr(object->text, " pin6-") || strstr(object->text, " sent4-") ||
		strstr(object->text, " sent6-") || strstr(object->text, " masquerade4-") ||
		strstr(object->text, " masquerade6-"));
}

/** tell_foreign() - Of an object that rangeguard did not make */
static void tell_foreign(const struct kernel *kernel, const struct nf_object *object)
{
	struct report *report = kernel->audit->report;
	const char *data_dir = kernel->audit->data_dir, *family = nf_family_name(object->family);

	if (is_optional(kernel, object) || (kernel->wanted.adopted && is_of_list(object)))
		return;
	if (object->kind == NF_OBJECT_RULE)
		report_error(report, RULE_FOREIGN, data_dir, "",
			     "chain %s of the nftables table %s %s has a rule that rangeguard did not put there; nft "
			     "delete rule %s %s %s handle %" PRIu64 " removes it",
			     object->name, family, object->table, family, object->table, object->name, object->handle);
	else
		report_error(
			report, RULE_FOREIGN, data_dir, "",
			"%s %s of the nftables table %s %s is not one that rangeguard has: remove it, or, if it is "
			"left of a container that is gone, wait for the next DEL",
			object->kind == NF_OBJECT_SET ? "set" : "chain", object->name, family, object->table);
}

/** compare() - What should be there with what is, both sorted */
static void compare(const struct kernel *kernel, const struct nf_objects *wanted, const struct nf_objects *there)
{
	size_t i = 0, j = 0;

	while (i < wanted->n || j < there->n) {
		int order = i == wanted->n ? 1 : j == there->n ? -1 : nf_objects_order(&wanted->all[i], &there->all[j]);

		if (order < 0)
			tell_missing(kernel, &wanted->all[i]);
		else if (order > 0)
			tell_foreign(kernel, &there->all[j]);
		i += order <= 0;
		j += order >= 0;
	}
}

/** kernel_has_table() - Whether anything of a table of ours is there */
bool kernel_has_table(const struct kernel *kernel, const char *table)
{
	for (size_t i = 0; i < kernel->ruleset.ours.n; i++)
		if (strcmp(kernel->ruleset.ours.all[i].table, table) == 0)
			return true;
	return false;
}

/** tell_no_table() - Of a whole table that is not there */
static void tell_no_table(const struct kernel *kernel, const char *table, const char *what)
{
	report_error(kernel->audit->report, RULE_UNPROTECTED, kernel->audit->data_dir, "",
		     "the nftables table %s %s is missing, %s: " MENDED_BY, nf_family_name(nf_family(table)), table,
		     what);
}

/** add_translation() - The table of pins and masquerading, if it is there or wanted: 0, negative errno */
static int add_translation(struct kernel *kernel, struct nf_objects *wanted)
{
	if (kernel_has_table(kernel, NF_TABLE))
		return nf_objects_add_batch(wanted, &kernel->wanted.table.batch);
	if (kernel->wanted.table.elements.n)
		tell_no_table(kernel, NF_TABLE,
			      "which pins and ipMasq need: pinned containers do not reach what they are pinned to");
	return 0;
}

/** add_backstop() - A table of backstop.h, if it is there or @needed: 0, negative errno */
static int add_backstop(const struct kernel *kernel, const char *table, bool needed, struct nf_objects *wanted)
{
	BATCH_CLEANUP struct batch batch;
	int r;

	batch_reset(&batch);
	if (!kernel_has_table(kernel, table)) {
		if (needed)
			tell_no_table(kernel, table,
				      "which stops what comes from a container whose classifier somebody removed");
		return 0;
	}
	r = backstop_make(&batch, table, strcmp(table, BACKSTOP_TABLE) == 0);
	return r ? r : nf_objects_add_batch(wanted, &batch);
}

/** audit_ruleset() - Compare the tables: 0, negative errno */
int audit_ruleset(struct kernel *kernel)
{
	struct nf_objects wanted = {.n = 0};
	int r = add_translation(kernel, &wanted);

	if (!r)
		r = add_backstop(kernel, BACKSTOP_TABLE, kernel->guarded, &wanted);
	if (!r)
		r = add_backstop(kernel, NF_TABLE_BRIDGE, false, &wanted);
	nf_objects_sort(&wanted);
	nf_objects_sort(&kernel->ruleset.ours);
	if (!r)
		compare(kernel, &wanted, &kernel->ruleset.ours);
	nf_objects_done(&wanted);
	return r;
}
