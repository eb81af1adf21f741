/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers and faults, each by a hash of the seed, its kind, its actor and its number. */

#include "tests/unit/cluster/sim_internal.h"

#include <stdlib.h>

/** sim_mix() - Stir @x into @hash */
uint64_t sim_mix(uint64_t hash, uint64_t x)
{
	hash = (hash ^ x) * UINT64_C(0xBF58476D1CE4E5B9);
	hash ^= hash >> 27;
	hash *= UINT64_C(0x94D049BB133111EB);
	return hash ^ hash >> 31;
}

/** sim_random() - The next number of this kind for this actor */
uint64_t sim_random(struct sim *sim, enum fault kind, unsigned actor)
{
	return sim_mix(sim_mix(sim_mix(sim->seed, kind), actor), sim->count[kind][actor][0]++);
}

/** sim_between() - The next number from @low to @high */
int64_t sim_between(struct sim *sim, enum fault kind, unsigned actor, int64_t low, int64_t high)
{
	return low + (int64_t)(sim_random(sim, kind, actor) % (uint64_t)(high - low + 1));
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/** note_fired() - The fault happens: keep its name */
static void note_fired(struct sim *sim, uint32_t id)
{
	struct sim_result *result = sim->result;

	if (result->n_fired == sim->room_fired) {
		sim->room_fired = sim->room_fired ? 2 * sim->room_fired : 64;
		result->fired = reallocarray(result->fired, sim->room_fired, sizeof(uint32_t));
		if (!result->fired)
			abort();
	}
	result->fired[result->n_fired++] = id;
}

/**
 * sim_fault() - Whether the next fault of this kind happens to this actor
 * @chance:	In millionths
 *
 * Return: 0: no; else a random number that says how
 */
uint64_t sim_fault(struct sim *sim, enum fault kind, unsigned actor, int chance)
{
	uint32_t n = sim->count[kind][actor][1]++;
	uint32_t id = (uint32_t)kind << 24 | actor << 20 | (n & 0xfffff);
	uint64_t hash;

	if (sim->config->script)
		return script_fault(sim, kind, actor);
	if (chance == 0 || sim->now >= sim->until)
		return 0;
	hash = sim_mix(sim_mix(sim_mix(sim->seed, kind + 1000U), actor), n);
	if ((int)(hash % 1000000) >= chance)
		return 0;
	if (sim->allowed && !bsearch(&id, sim->allowed, sim->n_allowed, sizeof(id), compare_ids))
		return 0;
	note_fired(sim, id);
	return sim_mix(hash, 77) | 1;
}

/** sim_swarm() - How often each fault happens in this run: some kinds often, some never */
void sim_swarm(struct sim *sim)
{
	static const struct {
		enum fault kind;
		int chance[4];
		unsigned n;
	} choices[] = {
		{FAULT_LOSS, {0, 10000, 60000}, 3},	  {FAULT_LOST_ANSWER, {0, 20000, 100000}, 3},
		{FAULT_DELAY, {0, 10000, 80000}, 3},	  {FAULT_DELAYED_ANSWER, {0, 10000, 50000}, 3},
		{FAULT_DUPLICATE, {0, 20000, 100000}, 3}, {FAULT_PAUSE, {0, 2000, 15000, 40000}, 4},
		{FAULT_WATCH_LAG, {0, 10000, 50000}, 3},  {FAULT_PARTITION, {0, 10000, 60000}, 3},
		{FAULT_ENGINE_DOWN, {0, 5000, 20000}, 3}, {FAULT_AGENT_KILLED, {0, 5000, 40000}, 3},
		{FAULT_HOST_CRASH, {0, 5000, 30000}, 3},  {FAULT_HOST_DEAD, {0, 0, 2000}, 3},
	};

	for (unsigned i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		uint64_t hash = sim_mix(sim_mix(sim->seed, RANDOM_SWARM), i + 1);

		sim->chance[choices[i].kind] = choices[i].chance[hash % choices[i].n];
		if (sim->config->boosted && sim->config->boost[choices[i].kind] > 0)
			sim->chance[choices[i].kind] = sim->config->boost[choices[i].kind];
	}
}
