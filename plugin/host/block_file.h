/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_BLOCK_FILE_H
#define PLUGIN_HOST_BLOCK_FILE_H

/*
 * The blocks of the cluster's pools that this host holds: a file in the state directory, written by the agent, read by
 * each ADD of a network that has `ipam.blocks`; both with the lease store locked. On disk before it counts: what is
 * being given back must not come back with the next boot.
 */

#include <stdbool.h>
#include <stdint.h>

#include "ipam/address/address.h"

#define BLOCK_FILE "blocks.json"
/** Blocks and pools of one host */
#define BLOCK_FILE_MAX 65536U
#define BLOCK_NETWORK_MAX 65

/** struct held_block - A block; @revision of its record; @leaving: nothing is given from it any more */
struct held_block {
	struct prefix prefix;
	int64_t revision;
	bool leaving;
};

/** struct held_pool - A pool that networks of this host have blocks of; @reuse_delay: seconds that released addresses rest */
struct held_pool {
	struct prefix prefix;
	uint8_t block_length;
	uint32_t reuse_delay;
	char network[BLOCK_NETWORK_MAX];
};

/** struct block_file - All of it; owned */
struct block_file {
	struct held_block *blocks;
	size_t n_blocks;
	struct held_pool *pools;
	size_t n_pools;
};

int block_file_read(int dir_fd, struct block_file *ret_file);
int block_file_write(int dir_fd, const struct block_file *file);
int block_file_put(struct block_file *file, const struct held_block *block);
void block_file_drop(struct block_file *file, const struct prefix *prefix);
struct held_block *block_file_find(const struct block_file *file, const struct prefix *prefix);
int block_file_put_pool(struct block_file *file, const struct held_pool *pool);
void block_file_done(struct block_file *file);

#define BLOCK_FILE_CLEANUP __attribute__((cleanup(block_file_done)))

#endif
