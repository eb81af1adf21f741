/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which block of a pool is claimed: a walk that starts at a hash of the host's name, so that hosts that start at once do
 * not all want the same one.
 */

#include <stdio.h>
#include <string.h>

#include "plugin/cluster/machine_internal.h"

/** key_of_block() - "block/CIDR" */
static void key_of_block(const struct prefix *block, char buffer[static RECORD_KEY_MAX])
{
	char text[PREFIX_TEXT_MAX];

	(void)snprintf(buffer, RECORD_KEY_MAX, "block/%s", prefix_format(block, text));
}

/** pool_count() - Blocks of a pool; more than 2^63 count as 2^63 */
static uint64_t pool_count(const struct block_pool *pool)
{
	unsigned bits = (unsigned)(pool->pool.block_length - pool->pool.prefix.length);

	return bits > 62 ? UINT64_C(1) << 63 : UINT64_C(1) << bits;
}

/** hash_text() - FNV-1a, 64 bits: the same on every host and in every version */
static uint64_t hash_text(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

/** pool_block() - The block of index @i in the walk of this host */
static struct prefix pool_block(const struct machine *machine, const struct block_pool *pool, uint64_t i)
{
	struct prefix block = {.address = pool->pool.prefix.address, .length = pool->pool.block_length};
	unsigned shift = family_bits(pool->pool.prefix.address.family) - pool->pool.block_length;
	uint64_t index = (hash_text(machine->config.host) + i) & (pool_count(pool) - 1);

	block.address.value += (u128)index << shift;
	return block;
}

/** pool_of() - Index of the pool that a record's block belongs to; -1: none of ours */
int pool_of(const struct machine *machine, const char *key)
{
	struct prefix block;

	if (strncmp(key, "block/", 6) != 0 || prefix_parse(key + 6, &block) != 0)
		return -1;
	for (size_t i = 0; i < machine->n_pools; i++) {
		struct span outer = prefix_span(&machine->pools[i].pool.prefix), inner = prefix_span(&block);

		if (machine->pools[i].pool.block_length == block.length && span_covers(&outer, &inner))
			return (int)i;
	}
	return -1;
}

/** pools_answered() - The record was written, or another was first: it is judged again */
void pools_answered(struct machine *machine, int64_t now, enum outcome outcome)
{
	if (outcome != WON)
		machine->pools[machine->subject].retry = now + RETRY_SOON;
}

/**
 * pools_next() - See that the record knows the pools of this host, and none that contradicts them
 * @machine:	Machine
 * @now:	The clock
 * @action:	Filled
 *
 * Return: whether @action says what to do
 */
bool pools_next(struct machine *machine, int64_t now, struct action *action)
{
	const struct seen *seen = cache_find(&machine->cache, "pools");
	const char *text = seen ? seen->record.text : NULL;

	for (size_t i = 0; i < machine->n_pools; i++) {
		struct block_pool *pool = &machine->pools[i];

		if (pool->verdict == POOLS_KNOWN)
			continue;
		pool->verdict = pools_judge(text, &pool->pool, &pool->other);
		if (pool->verdict != POOLS_NEW)
			continue;
		if (now < pool->retry) {
			wait_until(action, pool->retry);
			continue;
		}
		request_begin(machine, now, FOR_POOLS, i, REQUEST_SWAP, "pools");
		request_condition(machine, "pools");
		request_value_text(machine, pools_add(text, &pool->pool));
		return request_send(machine, action);
	}
	return false;
}

/** touches_other() - Whether a block overlaps one of another length, of a pool that was cut in another way, or written by hand */
static bool touches_other(const struct machine *machine, const struct prefix *block)
{
	struct span own = prefix_span(block), span;
	char length[8];

	(void)snprintf(length, sizeof(length), "/%u", block->length);
	for (size_t i = cache_from(&machine->cache, "block/"); i < machine->cache.n; i++) {
		const struct record *record = &machine->cache.rows[i]->record;
		const char *slash = strrchr(record->key, '/');
		struct prefix other;

		if (record->kind != RECORD_BLOCK)
			break;
		if (!record->text || strcmp(slash, length) == 0 || prefix_parse(record->key + 6, &other) != 0)
			continue;
		span = prefix_span(&other);
		if (span_overlaps(&span, &own))
			return true;
	}
	return false;
}

/** is_claimable() - Whether nobody has a block, and it is not reserved as a whole */
static bool is_claimable(const struct machine *machine, const struct prefix *block, const char *key)
{
	return cache_revision(cache_find(&machine->cache, key)) == 0 && !find_block(machine, key) &&
	       !machine->config.is_reserved(machine->config.context, block) && !touches_other(machine, block);
}

/** walk_next() - Claim the first block of the walk that nobody has and that is not reserved as a whole */
bool walk_next(struct machine *machine, int64_t now, struct action *action, unsigned index)
{
	struct block_pool *pool = &machine->pools[index];
	uint64_t end = pool_count(pool);

	for (unsigned n = 0; n < WALK_MAX && pool->walked < end; n++, pool->walked++) {
		struct prefix block = pool_block(machine, pool, pool->walked);
		char key[RECORD_KEY_MAX];

		key_of_block(&block, key);
		if (!is_claimable(machine, &block, key))
			continue;
		pool->exhausted = false;
		return swap_block(machine, now, action, key, FOR_BLOCK_CLAIM, index);
	}
	if (pool->walked == end) {
		pool->walked = 0;
		pool->exhausted = true;
		pool->retry = now + RETRY_LATER;
	}
	wait_until(action, pool->exhausted ? pool->retry : now);
	return false;
}
