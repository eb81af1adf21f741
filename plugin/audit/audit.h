/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AUDIT_AUDIT_H
#define PLUGIN_AUDIT_AUDIT_H

/*
 * A host as it is against what is written down of it: leases against interfaces, routes, namespaces and nftables, sources
 * that hosts share against kernel and cluster, held addresses against today's policies, entries that expire, an inventory (a
 * CMDB's list of addresses). Only looks; changes nothing.
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

int audit_run(const struct audit *audit, struct error *reterr);

/** audit_look_fn - Look at the host, and report: 0, an outcome of the state or the store, REFUSED, negative errno */
typedef int (*audit_look_fn)(const struct audit *audit, struct error *reterr);

/* audit_confirmed.c: what is found two times */
int audit_confirmed(const struct audit *audit, audit_look_fn look, struct error *reterr);

/** struct audit_leases - Leases of the state directory that is audited, and of the host's other ones */
struct audit_leases {
	struct lease_set own;
	struct lease_set others;
};

/* audit_spaces.c: addresses in network namespaces that no lease holds */
struct inventory;
int audit_spaces(const struct audit *audit, const struct audit_leases *leases, const struct inventory *inventory);
/* audit_sources.c: addresses that hosts share */
int audit_sources(const struct audit *audit);
/* audit_policy.c: held addresses that are reserved now, entries that expire */
int audit_policies(const struct audit *audit, const struct lease_set *leases);
/* audit_inventory.c: held addresses that an inventory does not have, and the other way round */
int audit_inventory(const struct audit *audit, const struct lease_set *leases, struct error *reterr);

#endif
