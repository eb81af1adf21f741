/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_OVERVIEW_POOLS_H
#define PLUGIN_OVERVIEW_POOLS_H

/* All ranges of this host's networks, and how full they are; what their policies say. */

#include "plugin/overview/host_networks.h"
#include "plugin/overview/pool_usage.h"

/** Entries that expire within so many days are counted */
#define POOLS_EXPIRING_DAYS 30

/**
 * struct network_state - A network; owned
 * @policy_broken:	Its policy can't be read: each ADD is refused
 * @policy_changed:	When a file of it, or a table that it imports, was changed last, seconds since the epoch; 0: none
 * @n_entries:		Entries of it that count today
 * @n_expiring:		Of these, those that do not in POOLS_EXPIRING_DAYS days
 */
struct network_state {
	char *name;
	char *data_dir;
	bool policy_broken;
	int64_t policy_changed;
	size_t n_entries;
	size_t n_expiring;
};

/** struct policy_file - A file of policies, or a table that they import; @changed: seconds since the epoch */
struct policy_file {
	char *path;
	int64_t changed;
};

/**
 * struct pools - What there is; owned
 * @usages:	Ranges; their network's name is that of the network
 * @networks:	Networks, those without ranges too
 * @files:	All that their policies were read from, each once
 */
struct pools {
	struct pool_usage *usages;
	size_t n_usages;
	struct network_state *networks;
	size_t n_networks;
	struct policy_file *files;
	size_t n_files;
	size_t files_room;
};

int pools_read(const struct path_list *paths, const char *network, struct report *report, struct pools *ret_pools);
void pools_done(struct pools *pools);

#define POOLS_CLEANUP __attribute__((cleanup(pools_done)))

#endif
