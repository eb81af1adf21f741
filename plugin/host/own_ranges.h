/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_OWN_RANGES_H
#define PLUGIN_HOST_OWN_RANGES_H

/* Of a network whose ranges are a cluster's (`ipam.blocks`), the parts that lie in blocks which this host holds. */

#include "plugin/netconf/netconf.h"

/** struct own_ranges - The parts of a network's ranges that are this host's, one set for each of the network's; owned */
struct own_ranges {
	struct range_set *sets;
	size_t n_sets;
};

uint8_t own_ranges_block_length(const struct netconf *netconf, enum family family);
bool own_ranges_wanted(const struct netconf *netconf);
int own_ranges_read(const struct netconf *netconf, const struct range_set *sets, int dir_fd,
		    struct own_ranges *ret_own);
size_t own_ranges_first_empty(const struct own_ranges *own);
void own_ranges_done(struct own_ranges *own);

#define OWN_RANGES_CLEANUP __attribute__((cleanup(own_ranges_done)))

#endif
