/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_POLICY_POLICY_ONCE_H
#define PLUGIN_POLICY_POLICY_ONCE_H

/*
 * The policies of a run, each list of them read and linted once, however many configurations name it. A configuration
 * gets a guard of the entries that can matter to it: those that hold an address that it asks about, in their order,
 * less the grants to other networks, and its own. It decides about these addresses as a guard of all entries would.
 */

#include "ipam/guard/lookup.h"
#include "plugin/netconf/netconf.h"
#include "plugin/text/paths.h"

/**
 * struct policy_set - One list of policies, read
 * @paths:	The list
 * @guard:	All of their entries; not sealed
 * @lookup:	Of these entries
 * @n_reserved:	Reservations among them
 */
struct policy_set {
	struct path_list paths;
	struct guard *guard;
	struct lookup lookup;
	size_t n_reserved;
};

/**
 * struct policy_once - What has been read
 * @replacing:	Policies that replace those the configurations name; borrowed; empty: none do
 * @today:	Days since 1970-01-01 UTC
 * @report:	Hears what is wrong with policies
 * @on_host:	See struct policy_context
 * @n_reserved:	Reservations that have been read
 */
struct policy_once {
	const struct path_list *replacing;
	long today;
	struct report *report;
	bool on_host;
	size_t n_reserved;
	struct policy_set *sets;
	size_t n_sets;
};

/**
 * struct policy_question - Who asks about which addresses
 * @config:	Policies named, and entries of its own
 * @file:	File of the configuration
 * @network:	Network that grants must match
 * @spans:	Addresses
 * @ret_n_reserved: Gets how many reservations count for it, for whatever addresses; NULL: nobody asks
 */
struct policy_question {
	const struct netconf_guard *config;
	const char *file;
	const char *network;
	const struct span *spans;
	size_t n_spans;
	size_t *ret_n_reserved;
};

int policy_once_read(struct policy_once *once);
int policy_once_guard(struct policy_once *once, const struct policy_question *question, struct guard **ret_guard);
void policy_once_done(struct policy_once *once);

#endif
