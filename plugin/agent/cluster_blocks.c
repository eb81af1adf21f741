/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks that this host holds: in the state directory's file, and how many addresses of each are in use. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipam/lease/ipam.h"
#include "plugin/agent/cluster_internal.h"
#include "plugin/agent/log.h"
#include "plugin/host/lease_store.h"

#define KEY_PREFIX "block/"

/** key_of() - "block/CIDR" */
static const char *key_of(const struct prefix *prefix, char key[static RECORD_KEY_MAX])
{
	memcpy(key, KEY_PREFIX, sizeof(KEY_PREFIX));
	(void)prefix_format(prefix, key + sizeof(KEY_PREFIX) - 1);
	return key;
}

/** rest_of() - Seconds that addresses of a block rest: as its network says, which may have changed */
static uint32_t rest_of(const struct cluster *cluster, const struct prefix *block)
{
	struct span inner = prefix_span(block), outer;

	for (size_t i = 0; i < cluster->n_pools; i++) {
		outer = prefix_span(&cluster->pools[i].prefix);
		if (span_covers(&outer, &inner))
			return cluster->pools[i].reuse_delay;
	}
	return NETCONF_REUSE_DELAY;
}

/**
 * count_used() - Addresses of a block that are leased or rest
 * @cluster:	Module
 * @store:	Locked
 * @prefix:	Block
 * @ret_used:	Their number
 *
 * Return: 0, IPAM_E_DAMAGED, negative errno
 */
static int count_used(const struct cluster *cluster, struct store *store, const struct prefix *prefix,
		      unsigned *ret_used)
{
	uint64_t now = (uint64_t)time(NULL), rest = rest_of(cluster, prefix);
	struct span span = prefix_span(prefix);
	size_t held = 0, resting = 0;
	int r = ipam_count(store, &span, now > rest ? now - rest : 0, &held, &resting);

	*ret_used = (unsigned)(held + resting);
	return r;
}

/** locked_done() - Give the lock back */
void locked_done(struct locked *locked)
{
	locked->store = store_close(locked->store);
	state_done(&locked->state);
}

/** locked_begin() - Keep the verbs out, for a moment; 0, REFUSED: not now */
int locked_begin(const struct cluster *cluster, struct locked *locked)
{
	const char *data_dir = cluster->agent->config->data_dir;
	struct error ignored = {0};
	int r;

	*locked = (struct locked){.state = STATE_INIT};
	r = state_open(data_dir, STATE_WRITE, &locked->state);
	if (r)
		return REFUSED;
	r = lease_store_open(data_dir, &locked->state, STATE_UPDATE, CLUSTER_LOCK_WAIT_MS, &locked->store, &ignored);
	if (r == (int)STATE_E_ABSENT)
		r = state_lock_store(&locked->state, STATE_WRITE, CLUSTER_LOCK_WAIT_MS);
	return r ? REFUSED : 0;
}

/** leave() - Mark a block, unless an address of it is in use */
static enum done leave(const struct cluster *cluster, struct block_file *file, struct locked *locked,
		       const struct prefix *prefix, bool force)
{
	struct held_block *block = block_file_find(file, prefix);
	unsigned used = 0;

	if (!block)
		return DONE_OK;
	/* Rows that can't be read may be addresses of it. */
	if (locked->store && count_used(cluster, locked->store, prefix, &used) != 0)
		return DONE_FAILED;
	if (used > 0 && !force)
		return DONE_REFUSED;
	block->leaving = true;
	return DONE_OK;
}

/** change() - What the action does to the file */
static enum done change(const struct cluster *cluster, struct block_file *file, struct locked *locked,
			const struct action *action, const struct prefix *prefix)
{
	struct held_block block = {.prefix = *prefix, .revision = action->revision};

	if (action->kind == ACTION_BLOCK_OPEN)
		return block_file_put(file, &block) < 0 ? DONE_FAILED : DONE_OK;
	if (action->kind == ACTION_BLOCK_LEAVE)
		return leave(cluster, file, locked, prefix, action->force);
	block_file_drop(file, prefix);
	return DONE_OK;
}

/** tell() - The journal's line about a block */
static void tell(const struct action *action)
{
	const char *cidr = action->key + sizeof(KEY_PREFIX) - 1;

	if (action->kind == ACTION_BLOCK_OPEN)
		agent_log(LOG_LEVEL_INFO, "block %s is this host's now", cidr);
	else if (action->kind == ACTION_BLOCK_LEAVE && action->force)
		agent_log(LOG_LEVEL_WARNING,
			  "block %s is not this host's any more in etcd: no address is given from it", cidr);
	else if (action->kind == ACTION_BLOCK_DROP)
		agent_log(LOG_LEVEL_INFO, "block %s is given back", cidr);
}

/** blocks_do() - An action of the machine about a block, under the store's lock */
enum done blocks_do(struct cluster *cluster, const struct action *action)
{
	BLOCK_FILE_CLEANUP struct block_file file = {0};
	LOCKED_CLEANUP struct locked locked;
	struct prefix prefix;
	enum done done;

	if (prefix_parse(action->key + sizeof(KEY_PREFIX) - 1, &prefix) < 0)
		return DONE_FAILED;
	if (locked_begin(cluster, &locked))
		return DONE_REFUSED;
	if (block_file_read(locked.state.dir_fd, &file) < 0)
		return DONE_FAILED;
	done = change(cluster, &file, &locked, action, &prefix);
	if (done == DONE_OK && block_file_write(locked.state.dir_fd, &file) < 0)
		done = DONE_FAILED;
	if (done == DONE_OK)
		tell(action);
	cluster->changed = true;
	return done;
}

/** blocks_count() - Tell the machine how many addresses of each block are in use */
void blocks_count(struct cluster *cluster, int64_t now)
{
	BLOCK_FILE_CLEANUP struct block_file file = {0};
	struct store *store STORE_CLEANUP = NULL;
	struct error ignored = {0};
	char key[RECORD_KEY_MAX];
	size_t all = 0;

	if (lease_store_open(cluster->agent->config->data_dir, &cluster->state, STATE_READ, 0, &store, &ignored) ||
	    block_file_read(cluster->state.dir_fd, &file) < 0)
		return;
	for (size_t i = 0; i < file.n_blocks; i++) {
		unsigned used = 0;

		if (count_used(cluster, store, &file.blocks[i].prefix, &used) == 0)
			machine_block_used(cluster->machine, now, key_of(&file.blocks[i].prefix, key), used);
		all += used;
	}
	cluster->used = all;
}

/** add_to_machine() - A pool of this host; its index, negative errno */
static int add_to_machine(struct cluster *cluster, const struct held_pool *pool)
{
	struct cluster_pool shared = {.prefix = pool->prefix, .block_length = pool->block_length};
	struct held_pool *pools = reallocarray(cluster->pools, cluster->n_pools + 1, sizeof(*pools));

	if (!pools)
		return -ENOMEM;
	cluster->pools = pools;
	(void)snprintf(shared.network, sizeof(shared.network), "%s", pool->network);
	pools[cluster->n_pools] = *pool;
	cluster->n_pools++;
	return machine_add_pool(cluster->machine, &shared);
}

/** find_pool() - Index of a pool, -1: it is not there */
static int find_pool(const struct cluster *cluster, const struct held_pool *pool)
{
	for (size_t i = 0; i < cluster->n_pools; i++) {
		if (address_equal(&cluster->pools[i].prefix.address, &pool->prefix.address) &&
		    cluster->pools[i].prefix.length == pool->prefix.length &&
		    cluster->pools[i].block_length == pool->block_length)
			return (int)i;
	}
	return -1;
}

/** keep_pool() - Write a pool, new or changed, to the file: 0, negative errno */
static int keep_pool(const struct cluster *cluster, const struct held_pool *pool)
{
	BLOCK_FILE_CLEANUP struct block_file file = {0};
	LOCKED_CLEANUP struct locked locked = {.state = STATE_INIT};
	int r;

	if (locked_begin(cluster, &locked))
		return -EAGAIN;
	r = block_file_read(locked.state.dir_fd, &file);
	if (r == 0)
		r = block_file_put_pool(&file, pool);
	return r ? r : block_file_write(locked.state.dir_fd, &file);
}

/**
 * blocks_add_pool() - A pool that a network of this host has
 * @cluster:	Module
 * @pool:	Pool; kept for the next start, if it is new or rests for another time
 *
 * Return: its index; negative errno
 */
int blocks_add_pool(struct cluster *cluster, const struct held_pool *pool)
{
	int known = find_pool(cluster, pool), r;

	if (known >= 0 && cluster->pools[known].reuse_delay == pool->reuse_delay)
		return known;
	if (known < 0 && cluster->n_pools >= POOLS_MAX)
		return -E2BIG;
	r = keep_pool(cluster, pool);
	if (known < 0)
		return r < 0 ? r : add_to_machine(cluster, pool);
	cluster->pools[known].reuse_delay = pool->reuse_delay;
	return known;
}

/** blocks_start() - Tell the machine what the file says: 0, REFUSED */
int blocks_start(struct cluster *cluster, struct error *reterr)
{
	BLOCK_FILE_CLEANUP struct block_file file = {0};
	char key[RECORD_KEY_MAX];
	int r = block_file_read(cluster->state.dir_fd, &file);

	for (size_t i = 0; i < file.n_pools && r >= 0; i++)
		r = add_to_machine(cluster, &file.pools[i]);
	for (size_t i = 0; i < file.n_blocks && r >= 0; i++)
		r = machine_found_block(cluster->machine, key_of(&file.blocks[i].prefix, key), file.blocks[i].revision,
					file.blocks[i].leaving);
	return r < 0 ? error_set_errno(reterr, ERROR_STORE, r, "%.256s/" BLOCK_FILE, cluster->agent->config->data_dir)
		     : 0;
}
