/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_DOCKER_STORE_H
#define PLUGIN_AGENT_DOCKER_STORE_H

/*
 * Docker's networks in the lease store: opened for one request, alone, as a verb opens it; a store that is missing or
 * damaged is rebuilt from the kernel.
 */

#include "ipam/lease/ipam.h"
#include "ipam/store/state.h"
#include "plugin/agent/docker_mirror.h"
#include "plugin/network/port.h"
#include "plugin/report/error.h"
#include "rangeguard/outcome.h"

/**
 * struct docker_memory - What the agent knows of Docker beside the store
 * @path:	File of the mirror
 * @boot_id:	This boot
 * @mirror:	What stands in it
 */
struct docker_memory {
	const char *path;
	char boot_id[BOOT_ID_MAX];
	struct docker_pools mirror;
};

/** struct docker_store - The store, open */
struct docker_store {
	const char *data_dir;
	struct docker_memory *memory;
	struct state state;
	struct store *store;
};

int docker_store_open(const char *data_dir, struct docker_memory *memory, struct port *rtnetlink,
		      struct docker_store *ret_store, struct error *reterr);
void docker_store_close(struct docker_store *store);
int docker_store_error(const struct docker_store *store, int outcome, struct error *reterr);
int docker_store_pools(struct docker_store *store, struct docker_pools *ret_pools, struct error *reterr);
int docker_store_find_pool(struct docker_store *store, const struct prefix *subnet, struct docker_pool *ret_pool,
			   struct error *reterr);
int docker_store_put_pool(struct docker_store *store, const struct docker_pool *pool, struct error *reterr);
int docker_store_confirm_pool(struct docker_store *store, struct docker_pool *pool, struct error *reterr);
int docker_store_remove_pool(struct docker_store *store, const struct docker_pool *pool, struct error *reterr);
int docker_store_release_address(struct docker_store *store, const struct docker_pool *pool,
				 const struct address *address, struct error *reterr);
int docker_store_has_address(struct docker_store *store, const struct prefix *subnet, bool *ret_has,
			     struct error *reterr);

/** Named outcome of docker_store_find_pool() beside 0 and REFUSED */
enum docker_store_outcome {
	DOCKER_STORE_E_NONE = OUTCOMES_DOCKER_STORE, /* there is no such pool */
};

#define DOCKER_STORE_CLEANUP __attribute__((cleanup(docker_store_close)))
#define DOCKER_STORE_INIT                                                                                              \
	{                                                                                                              \
		.state = STATE_INIT                                                                                    \
	}

#endif
