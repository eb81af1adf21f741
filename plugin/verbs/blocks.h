/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_BLOCKS_H
#define PLUGIN_VERBS_BLOCKS_H

/*
 * A network whose ranges are a cluster's (`ipam.blocks`): this host gives from the blocks of them that it holds. The
 * agent gets blocks; a verb only asks it, at the local socket, and only when none has a free address left.
 */

#include "plugin/verbs/context.h"

/** struct own_ranges - The parts of a network's ranges that are this host's, one set for each of the network's; owned */
struct own_ranges {
	struct range_set *sets;
	size_t n_sets;
};

bool blocks_are_used(const struct netconf *netconf);
int blocks_own_ranges(const struct netconf *netconf, int dir_fd, struct own_ranges *ret_own);
size_t blocks_first_empty(const struct own_ranges *own);
int blocks_ask(const struct context *context, size_t set, struct error *reterr);
int blocks_foreign_error(const struct context *context, const struct address *address, struct error *reterr);
void own_ranges_done(struct own_ranges *own);

#define OWN_RANGES_CLEANUP __attribute__((cleanup(own_ranges_done)))

#endif
