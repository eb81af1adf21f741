/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_DOCKER_MIRROR_H
#define PLUGIN_AGENT_DOCKER_MIRROR_H

/*
 * Docker's networks outlive a boot, the lease store does not. When Docker starts it asks for each of them again; if one is
 * refused then (since somebody has reserved it meanwhile), dockerd 20.10 does not start at all: it crashes
 * (libnetwork, endpoint.assignAddressVersion()). So the subnets that were given are also kept in a file that survives,
 * and what stands in it is known to be a network that there is.
 */

#include "plugin/agent/docker_record.h"

/** struct docker_pools - Pools, in no order; owned */
struct docker_pools {
	struct docker_pool *all;
	size_t n;
};

int docker_pools_add(struct docker_pools *pools, const struct docker_pool *pool);
const struct docker_pool *docker_pools_find(const struct docker_pools *pools, const struct prefix *subnet);
void docker_pools_drop(struct docker_pools *pools, const struct prefix *subnet);
void docker_pools_done(struct docker_pools *pools);

#define DOCKER_POOLS_CLEANUP __attribute__((cleanup(docker_pools_done)))

int docker_mirror_read(const char *path, const char *boot_id, struct docker_pools *ret_pools);
int docker_mirror_write(const char *path, const char *boot_id, const struct docker_pools *pools);

#endif
