/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AUDIT_AUDIT_KERNEL_H
#define PLUGIN_AUDIT_AUDIT_KERNEL_H

/* What the parts of the audit share that look at what protects containers. */

#include "plugin/audit/wanted.h"
#include "plugin/network/inventory.h"

/**
 * struct kernel - A host's kernel, and what is wanted of it
 * @audit:	What is audited
 * @leases:	Leases of its state directory
 * @inventory:	Host ends of ours
 * @host:	Its ports
 * @wanted:	What leases want
 * @ruleset:	nftables as it is
 * @guarded:	A container has the classifier at its interface
 */
struct kernel {
	const struct audit *audit;
	const struct lease_set *leases;
	const struct inventory *inventory;
	struct host host;
	struct wanted wanted;
	struct ruleset ruleset;
	bool guarded;
};

int audit_protection(const struct audit *audit, const struct lease_set *leases, const struct inventory *inventory,
		     struct error *reterr);

/* audit_ruleset.c: sets, chains and rules of our tables */
int audit_ruleset(struct kernel *kernel);
bool kernel_has_table(const struct kernel *kernel, const char *table);
/* audit_elements.c: who is in the sets */
int audit_elements(struct kernel *kernel);
/* audit_others.c: chains and rules of others that come before ours, or use our marks; routing rules before ours */
void audit_others(const struct kernel *kernel);
int audit_rules(const struct kernel *kernel);
/* audit_routes.c: routes and addresses with our protocol number */
int audit_routes(struct kernel *kernel);

#endif
