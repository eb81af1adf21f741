/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_ARM_H
#define PLUGIN_SNAT_ARM_H

/*
 * Puts containers into the nftables table and takes them out of it. A container that is put in costs one transaction
 * and one question, whatever else is in the table. Only when the question shows that something is missing, more is
 * done, and that needs the lease store, locked, so that no one changes it meanwhile:
 *
 *	arm_try() says ARM_E_MISSING: is the table as a whole there (arm_intact())? Then only a list of destinations is
 *	missing (arm_lists()); else the whole table is rebuilt, with all containers that hold a lease (arm_table_begin()).
 *	arm_try() says ARM_E_STALE: an earlier holder of the addresses left something: arm_purge().
 */

#include "plugin/report/error.h"
#include "plugin/snat/member.h"
#include "plugin/snat/offload.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and REFUSED */
enum arm_outcome {
	ARM_E_MISSING = OUTCOMES_ARM,
	ARM_E_STALE,
};

int arm_ready(struct port *netfilter, const struct member *member, struct error *reterr);
int arm_try(struct port *netfilter, const struct member *member, struct error *reterr);
int arm_look(struct port *netfilter, const struct member *member, struct error *reterr);
int arm_intact(struct port *netfilter, struct error *reterr);
int arm_lists(struct port *netfilter, const struct egress *egress, struct error *reterr);
int arm_drop_list(struct port *netfilter, const struct egress_clause *clause, struct error *reterr);
int arm_purge(struct port *netfilter, const struct member *member, struct error *reterr);
struct nf_stage;
int arm_remove_elements(struct nf_stage *stage, const struct elements *wanted);
int arm_remove(struct port *netfilter, const struct member *member, struct error *reterr);

/** struct arm_table - A whole table in the making; owned */
struct arm_table {
	struct batch batch;
	struct elements elements;
	struct nf_element *lists;
	size_t n_lists;
	struct offload_devices devices;
};

int arm_table_begin(struct arm_table *table);
int arm_table_add_list(struct arm_table *table, const struct egress_clause *clause);
int arm_table_add(struct arm_table *table, const struct member *member);
int arm_table_commit(struct port *netfilter, struct arm_table *table, struct error *reterr);
void arm_table_done(struct arm_table *table);

#define ARM_TABLE_CLEANUP CLEANUP(arm_table_done)

#endif
