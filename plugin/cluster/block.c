/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks of pools that this host gives addresses from: one that is empty more than are in use. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/cluster/machine_internal.h"

/** find_block() - The block of this key that the store knows; NULL: none */
struct pool_block *find_block(const struct machine *machine, const char *key)
{
	for (size_t i = 0; i < machine->n_blocks; i++) {
		if (strcmp(machine->blocks[i].key, key) == 0)
			return &machine->blocks[i];
	}
	return NULL;
}

/** is_own_block() - Whether a record says that this host, on this machine, gives from the block */
static bool is_own_block(const struct machine *machine, const struct seen *seen)
{
	return seen && seen->record.text && seen->record.readable &&
	       strcmp(seen->record.block.host, machine->config.host) == 0 &&
	       strcmp(seen->record.block.machine, machine->config.machine_id) == 0;
}

/** is_renamed() - Whether this host gives from the block already, and its record has the name that the host had before */
static bool is_renamed(const struct machine *machine, const struct seen *seen)
{
	const struct pool_block *block = find_block(machine, seen->record.key);

	return block && !block->leaving && cache_revision(seen) == block->revision && seen->record.readable &&
	       strcmp(seen->record.block.machine, machine->config.machine_id) == 0 &&
	       strcmp(seen->record.block.host, machine->config.host) != 0;
}

/** add_block() - A row for @key */
static struct pool_block *add_block(struct machine *machine, const char *key)
{
	int pool = pool_of(machine, key);
	struct pool_block *blocks, *block;

	if (pool < 0)
		return NULL;
	blocks = reallocarray(machine->blocks, machine->n_blocks + 1, sizeof(*blocks));
	if (!blocks) {
		machine->no_memory = true;
		return NULL;
	}
	machine->blocks = blocks;
	block = &blocks[machine->n_blocks++];
	*block = (struct pool_block){.pool = (unsigned)pool, .retry = INT64_MIN};
	memcpy(block->key, key, strlen(key) + 1);
	return block;
}

/** drop_block() - Forget a row */
static void drop_block(struct machine *machine, const char *key)
{
	struct pool_block *block = find_block(machine, key);

	if (block)
		*block = machine->blocks[--machine->n_blocks];
}

/**
 * machine_found_block() - The store knows a block
 * @machine:	Before its first action
 * @key:	"block/CIDR"
 * @revision:	At which it was claimed
 * @leaving:	It was being given back
 *
 * Return: 0; -EINVAL: it belongs to none of the pools; -ENOMEM
 */
int machine_found_block(struct machine *machine, const char *key, int64_t revision, bool leaving)
{
	struct pool_block *block = add_block(machine, key);

	if (!block)
		return machine->no_memory ? -ENOMEM : -EINVAL;
	block->revision = revision;
	block->leaving = leaving;
	block->uncounted = true;
	return 0;
}

/**
 * machine_block_used() - How many addresses of a block are leased or rest
 * @machine:	Machine
 * @now:	The clock
 * @key:	"block/CIDR"
 * @used:	Addresses
 */
void machine_block_used(struct machine *machine, int64_t now, const char *key, unsigned used)
{
	struct pool_block *block = find_block(machine, key);

	if (!block)
		return;
	if (used == 0 && (block->used > 0 || block->uncounted))
		block->empty_since = now;
	block->uncounted = false;
	block->used = used;
}

/**
 * machine_block_demand() - Whether an ADD waits for a block
 * @machine:	Machine
 * @pool:	Index
 * @demand:	One waits
 */
void machine_block_demand(struct machine *machine, unsigned pool, bool demand)
{
	machine->pools[pool].demand = demand;
}

/** own_value() - What this host writes into a block's record */
static void own_value(struct machine *machine, int64_t now)
{
	struct record record = {.kind = RECORD_BLOCK};

	memcpy(record.block.host, machine->config.host, sizeof(record.block.host));
	memcpy(record.block.machine, machine->config.machine_id, sizeof(record.block.machine));
	record.block.since = wall_seconds(machine, now);
	record.block.nonce = machine->config.random(machine->config.context);
	request_value(machine, &record);
}

/** swap_block() - Write this host into a block's record: claim (@judged), adopt, or take back */
bool swap_block(struct machine *machine, int64_t now, struct action *action, const char *key, enum purpose purpose,
		size_t pool)
{
	char host[RECORD_KEY_MAX];

	key_of_host("host", machine->config.host, host);
	request_begin(machine, now, purpose, pool, REQUEST_SWAP, key);
	request_condition(machine, key);
	if (purpose == FOR_BLOCK_CLAIM)
		request_condition_revision(machine, "policy",
					   RULE(machine, claim_needs_policy) ? machine->judged : REVISION_ANY);
	if (RULE(machine, alive_needs_host))
		request_condition(machine, host);
	own_value(machine, now);
	return request_send(machine, action);
}

/** is_ours_now() - The store must learn that a block is this host's */
static void is_ours_now(struct machine *machine, const struct seen *seen)
{
	memcpy(machine->opening, seen->record.key, sizeof(machine->opening));
	machine->opening_revision = seen->record.revision;
}

/** opening_next() - Tell it */
static bool opening_next(const struct machine *machine, struct action *action)
{
	if (machine->opening[0] == '\0')
		return false;
	action->kind = ACTION_BLOCK_OPEN;
	action->key = machine->opening;
	action->revision = machine->opening_revision;
	return true;
}

/** adopt_next() - Records that name this host, of blocks that its store does not know, or that name it as before: swapped, then used */
static bool adopt_next(struct machine *machine, int64_t now, struct action *action)
{
	if (!machine->adopt)
		return false;
	for (size_t i = cache_from(&machine->cache, "block/"); i < machine->cache.n; i++) {
		const struct seen *seen = machine->cache.rows[i];
		int pool;

		if (seen->record.kind != RECORD_BLOCK)
			break;
		pool = pool_of(machine, seen->record.key);
		if (pool < 0 || !(is_renamed(machine, seen) ||
				  (is_own_block(machine, seen) && !find_block(machine, seen->record.key))))
			continue;
		if (!RULE(machine, block_adopted_by_swap)) {
			is_ours_now(machine, seen);
			return opening_next(machine, action);
		}
		return swap_block(machine, now, action, seen->record.key, FOR_BLOCK_SWAP, (size_t)pool);
	}
	machine->adopt = false;
	return false;
}

/** return_block() - Delete the record of a block that is leaving, by the revision it was claimed at */
static bool return_block(struct machine *machine, int64_t now, struct action *action, struct pool_block *block)
{
	const struct seen *seen = cache_find(&machine->cache, block->key);

	if (cache_revision(seen) != block->revision) {
		action->kind = ACTION_BLOCK_DROP; /* it is not this host's any more */
		action->key = block->key;
		return true;
	}
	request_begin(machine, now, FOR_BLOCK_RETURN, block->pool, REQUEST_SWAP, block->key);
	if (RULE(machine, block_by_revision))
		request_condition(machine, block->key);
	else
		request_condition_revision(machine, block->key, REVISION_ANY);
	return request_send(machine, action);
}

/** needs_block() - Whether a pool lacks its spare, or an ADD waits */
static bool needs_block(const struct machine *machine, unsigned pool)
{
	if (machine->pools[pool].demand)
		return true;
	for (size_t i = 0; i < machine->n_blocks; i++) {
		const struct pool_block *block = &machine->blocks[i];

		if (block->pool == pool && !block->leaving && block->used == 0)
			return false;
	}
	return true;
}

/** retake_next() - A block that is leaving is used again, by a swap to a new revision */
static bool retake_next(struct machine *machine, int64_t now, struct action *action, unsigned pool)
{
	for (size_t i = 0; i < machine->n_blocks; i++) {
		struct pool_block *block = &machine->blocks[i];
		const struct seen *seen = cache_find(&machine->cache, block->key);

		if (block->pool != pool || !block->leaving || cache_revision(seen) != block->revision ||
		    now < block->retry)
			continue;
		block->retry = now + RETRY_LATER;
		if (!RULE(machine, block_reopened_by_swap)) {
			is_ours_now(machine, seen);
			return opening_next(machine, action);
		}
		return swap_block(machine, now, action, block->key, FOR_BLOCK_SWAP, pool);
	}
	return false;
}

/** is_empty() - Whether it is known that no address of a block is in use */
static bool is_empty(const struct pool_block *block)
{
	return block->used == 0 && !block->uncounted;
}

/** surplus() - An empty block that another one makes unnecessary, and that was empty for long enough; NULL: none */
static struct pool_block *surplus(const struct machine *machine, int64_t now, struct action *action)
{
	for (size_t i = 0; i < machine->n_blocks; i++) {
		struct pool_block *block = &machine->blocks[i];
		bool another = false;

		if (block->leaving || !is_empty(block))
			continue;
		for (size_t j = 0; j < machine->n_blocks; j++)
			another |= j != i && machine->blocks[j].pool == block->pool && !machine->blocks[j].leaving &&
				   is_empty(&machine->blocks[j]);
		if (!another || machine->pools[block->pool].demand)
			continue;
		if (now - block->empty_since >= machine->config.block_rest && now >= block->retry)
			return block;
		wait_until(action, now - block->empty_since >= machine->config.block_rest
					   ? block->retry
					   : block->empty_since + machine->config.block_rest);
	}
	return NULL;
}

/** lost_next() - A block whose record is gone or another's: no more addresses from it */
static struct pool_block *lost_block(const struct machine *machine)
{
	for (size_t i = 0; i < machine->n_blocks; i++) {
		struct pool_block *block = &machine->blocks[i];

		if (!block->leaving && cache_revision(cache_find(&machine->cache, block->key)) != block->revision)
			return block;
	}
	return NULL;
}

/** give_next() - Blocks that are leaving, or ought to */
static bool give_next(struct machine *machine, int64_t now, struct action *action)
{
	struct pool_block *block = lost_block(machine);

	if (block && cache_revision(cache_find(&machine->cache, block->key)) == 0)
		return swap_block(machine, now, action, block->key, FOR_BLOCK_CLAIM, block->pool);
	action->force = block != NULL;
	if (!block)
		block = surplus(machine, now, action);
	if (block) {
		action->kind = ACTION_BLOCK_LEAVE;
		action->key = block->key;
		return true;
	}
	for (size_t i = 0; i < machine->n_blocks; i++) {
		block = &machine->blocks[i];
		if (block->leaving && block->used == 0 && now >= block->retry)
			return return_block(machine, now, action, block);
		if (block->leaving && block->used == 0)
			wait_until(action, block->retry);
	}
	return false;
}

/**
 * block_next() - What the pools need
 * @machine:	Machine
 * @now:	The clock
 * @action:	Filled
 *
 * Return: whether @action says what to do
 */
bool block_next(struct machine *machine, int64_t now, struct action *action)
{
	if (machine->judged < 0 || cache_revision(cache_find(&machine->cache, "policy")) != machine->judged)
		return false;
	if (opening_next(machine, action) || adopt_next(machine, now, action))
		return true;
	for (unsigned i = 0; i < machine->n_pools; i++) {
		if (machine->pools[i].verdict != POOLS_KNOWN)
			continue;
		if (!needs_block(machine, i)) {
			machine->pools[i].exhausted = false; /* nobody looks whether it still is */
			continue;
		}
		if (retake_next(machine, now, action, i))
			return true;
		if (now >= machine->pools[i].retry) {
			if (walk_next(machine, now, action, i))
				return true;
		} else {
			wait_until(action, machine->pools[i].retry);
		}
	}
	return give_next(machine, now, action);
}

/** block_opened() - The store knows a block, or could not be told */
static void block_opened(struct machine *machine, int64_t now, struct pool_block *block, enum done done)
{
	if (done == DONE_OK && !block)
		block = add_block(machine, machine->opening);
	if (done == DONE_OK && block) {
		block->revision = machine->opening_revision;
		block->leaving = false;
		block->empty_since = now;
		machine->pools[block->pool].demand = false;
		machine->pools[block->pool].walked = 0;
	} else {
		machine->adopt = true;
	}
	machine->opening[0] = '\0';
}

/**
 * block_done() - An action about a block was done
 * @machine:	Machine
 * @now:	The clock
 * @done:	How it went
 */
void block_done(struct machine *machine, int64_t now, enum done done)
{
	const struct action *action = &machine->action;
	struct pool_block *block = find_block(machine, action->key);

	if (action->kind == ACTION_BLOCK_OPEN)
		block_opened(machine, now, block, done);
	else if (action->kind == ACTION_BLOCK_LEAVE && block) {
		block->leaving = done == DONE_OK;
		block->retry = done == DONE_OK ? INT64_MIN : now + RETRY_LATER;
	} else if (block) {
		drop_block(machine, action->key);
		machine->adopt = true;
	}
}

/** block_claimed() - A claim ended: what is ours now, the store must learn */
void block_claimed(struct machine *machine, int64_t now, enum outcome outcome)
{
	struct block_pool *pool = &machine->pools[machine->subject];

	if (outcome == WON)
		is_ours_now(machine, cache_find(&machine->cache, machine->request.key));
	else
		pool->retry = now + RETRY_SOON;
}

/** block_swapped() - The swap of a block of ours to a new revision ended */
void block_swapped(struct machine *machine, int64_t now, enum outcome outcome)
{
	(void)now;
	if (outcome == WON)
		is_ours_now(machine, cache_find(&machine->cache, machine->request.key));
}

/** block_returned() - A deletion ended: the store forgets the block if it is gone */
void block_returned(struct machine *machine, int64_t now, enum outcome outcome)
{
	struct pool_block *block = find_block(machine, machine->request.key);

	if (block && outcome != WON)
		block->retry = now + RETRY_SOON;
	/* return_block() sees that the record is not this host's any more, and lets the store forget it */
}
