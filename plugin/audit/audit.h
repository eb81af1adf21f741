/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AUDIT_AUDIT_H
#define PLUGIN_AUDIT_AUDIT_H

/*
 * A host as it is against what is written down of it: leases against interfaces, routes and namespaces, held addresses
 * against today's policies, entries that expire, an inventory (a CMDB's list of addresses). Only looks; changes nothing.
 */

#include "plugin/netconf/netconf.h"
#include "plugin/overview/lease_set.h"
#include "plugin/text/paths.h"

/**
 * struct audit - What is audited, and who hears of it
 * @data_dir:	State directory
 * @configs:	Network configurations, whose policies and ranges count
 * @inventory:	CSV of addresses, NULL: none
 * @within:	Days within which an entry's end is told
 * @report:	Hears of each finding
 */
struct audit {
	const char *data_dir;
	const struct path_list *configs;
	const char *inventory;
	unsigned within;
	struct report *report;
};

int audit_run(const struct audit *audit);

/* audit_spaces.c: addresses in network namespaces that no lease holds */
struct inventory;
int audit_spaces(const struct audit *audit, const struct lease_set *leases, const struct inventory *inventory);
/* audit_policy.c: held addresses that are reserved now, entries that expire */
int audit_policies(const struct audit *audit, const struct lease_set *leases);
/* audit_inventory.c: held addresses that an inventory does not have, and the other way round */
int audit_inventory(const struct audit *audit, const struct lease_set *leases);

#endif
