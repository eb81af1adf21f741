/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_POLICY_POLICY_H
#define PLUGIN_POLICY_POLICY_H

/*
 * Policy files: JSON with `reserved` and `granted` (README, "Policies") into the guard. A path that is named and
 * missing, unreadable or malformed is an error: the guard fails closed. So is a file or directory that others than
 * root (or the caller) can write: who writes it decides what is reserved.
 *
 * Problems go to the report: RULE_POLICY, but RULE_UNKNOWN_KEY, RULE_NOT_JSON and RULE_DUPLICATE for what these say.
 */

#include <jansson.h>

#include "ipam/guard/guard.h"
#include "plugin/netconf/netconf.h"
#include "plugin/report/report.h"

struct policy_record;

/**
 * struct imported - Hears of each entry that a row of an imported table becomes
 * @heard:	Called with the entry, whose texts are borrowed, and the last day on which the row counts, LONG_MAX: no last
 *		one; returns 0, or a negative errno that ends the reading
 */
struct imported {
	int (*heard)(struct imported *self, const struct guard_entry *entry, long last_day);
};

/**
 * struct policy_context - For whom and when the policy is read
 * @network:	Network that grants must match, NULL: each grant counts (offline, no network known)
 * @today:	Days since 1970-01-01 UTC; entries whose validUntil is before do not count
 * @record:	NULL, or hears of each source and of each day on which something changes
 * @imported:	NULL, or hears of the rows of imported tables
 * @lint:	Offline: warn of expired entries, and only warn of files that others can write (in a checkout they can)
 * @on_host:	The files lie where an ADD reads them: who can write them matters as it does then
 */
struct policy_context {
	const char *network;
	long today;
	bool lint;
	bool on_host;
	struct policy_record *record;
	struct imported *imported;
};

/* Files are read in the order given, directories in name order of their *.json. */
int policy_read_path(struct guard *guard, const char *path, bool may_be_absent, const struct policy_context *context,
		     struct report *report);
int policy_read_published(struct guard *guard, const char *data_dir, const struct policy_context *context,
			  struct report *report);
/* Entries of an inline object at @pointer, or of a whole document ("", all its keys checked) with those of the tables
 * that it imports; nothing is borrowed. */
int policy_read_json(struct guard *guard, const json_t *json, const char *file, const char *pointer,
		     const struct policy_context *context, struct report *report);
/* All of a configuration: policies, what is published in the cluster, then inline entries. */
int policy_add_netconf(struct guard *guard, const struct netconf *netconf, const struct policy_context *context,
		       struct report *report);
/* The same for an ADD: a guard of its own, sealed. */
int policy_read_netconf(const struct netconf *netconf, long today, struct policy_record *record,
			struct guard **ret_guard, struct report *report);
/* Warn of duplicates and of grants that grant nothing, which takes all entries together. */
int policy_lint(const struct guard *guard, struct report *report);

#endif
