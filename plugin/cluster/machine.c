/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's life, its events, and the order in which its parts are asked what is to be done. */

#include "plugin/cluster/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/cluster/machine_internal.h"

/**
 * machine_new() - A machine that has seen nothing yet
 * @config:	Copied
 *
 * Return: for machine_free(); NULL: out of memory
 */
struct machine *machine_new(const struct machine_config *config)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	if (!machine)
		return NULL;
	machine->config = *config;
	session_restart(machine);
	return machine;
}

/**
 * machine_free() - End a machine; what the kernel was told stays until its deadline
 * @machine:	NULL is left alone
 */
void machine_free(struct machine *machine)
{
	if (!machine)
		return;
	request_clear(&machine->request);
	cache_clear(&machine->cache);
	free(machine->sources);
	free(machine->pins);
	free(machine->pools);
	free(machine->blocks);
	free(machine);
}

/** grow() - Room for one more element of @size bytes after @n; NULL: out of memory */
static void *grow(void *array, size_t n, size_t size)
{
	return reallocarray(array, n + 1, size);
}

/**
 * machine_add_source() - A shared address that the configuration names
 * @machine:	Machine
 * @address:	Address
 *
 * Return: its index, also if it was there; -ENOMEM
 */
int machine_add_source(struct machine *machine, const struct address *address)
{
	struct shared_source source = {.retry = INT64_MIN};
	struct shared_source *sources;
	char text[ADDRESS_TEXT_MAX];

	key_of_host("source", address_format(address, text), source.key);
	for (size_t i = 0; i < machine->n_sources; i++) {
		if (strcmp(machine->sources[i].key, source.key) == 0)
			return (int)i;
	}
	sources = grow(machine->sources, machine->n_sources, sizeof(*sources));
	if (!sources)
		return -ENOMEM;
	machine->sources = sources;
	memcpy(source.mac, machine->config.mac, sizeof(source.mac));
	sources[machine->n_sources] = source;
	return (int)machine->n_sources++;
}

/**
 * machine_set_mac() - The MAC address of the interface that a source is put on, for its records
 * @machine:	Machine
 * @source:	Index
 * @mac:	As in records, "" when unknown
 */
void machine_set_mac(struct machine *machine, unsigned source, const char *mac)
{
	if (strlen(mac) < RECORD_MAC_MAX)
		memcpy(machine->sources[source].mac, mac, strlen(mac) + 1);
}

/**
 * machine_add_pin() - A pin that any of several sources of one family serves
 * @machine:	Machine
 * @name:	Of the pin, for its records
 * @sources:	Indexes
 * @n_sources:	Their number
 *
 * Return: its index; -EINVAL: the name can't stand in a record, or too many sources; -ENOMEM
 */
int machine_add_pin(struct machine *machine, const char *name, const unsigned *sources, size_t n_sources)
{
	struct shared_pin *pins;

	if (!record_name_valid(name) || n_sources > PIN_SOURCES)
		return -EINVAL;
	pins = grow(machine->pins, machine->n_pins, sizeof(*pins));
	if (!pins)
		return -ENOMEM;
	machine->pins = pins;
	pins[machine->n_pins] = (struct shared_pin){.n_sources = n_sources};
	memcpy(pins[machine->n_pins].name, name, strlen(name) + 1);
	memcpy(pins[machine->n_pins].sources, sources, n_sources * sizeof(*sources));
	return (int)machine->n_pins++;
}

/**
 * machine_add_pool() - A cluster's range
 * @machine:	Machine
 * @pool:	Range and block length
 *
 * Return: its index; -EINVAL: no blocks of that length are in it; -ENOMEM
 */
int machine_add_pool(struct machine *machine, const struct cluster_pool *pool)
{
	struct block_pool *pools;

	if (pool->block_length < pool->prefix.length || pool->block_length > family_bits(pool->prefix.address.family) ||
	    prefix_has_host_bits(&pool->prefix))
		return -EINVAL;
	pools = grow(machine->pools, machine->n_pools, sizeof(*pools));
	if (!pools)
		return -ENOMEM;
	machine->pools = pools;
	pools[machine->n_pools] = (struct block_pool){.pool = *pool, .verdict = POOLS_NEW, .retry = INT64_MIN};
	machine->adopt = true;
	return (int)machine->n_pools++;
}

/**
 * machine_found_source() - What was left of a source by whoever was there before
 * @machine:	Before its first action
 * @source:	Index
 * @open:	The store says that it may be used
 * @deadline:	The kernel's, 0: closed
 * @address:	It is on an interface until then, 0: it is not
 *
 * Nothing of it is prolonged; it only says what there may be to close.
 */
void machine_found_source(struct machine *machine, unsigned source, bool open, int64_t deadline, int64_t address)
{
	machine->sources[source].open = open;
	machine->sources[source].deadline = deadline;
	machine->sources[source].address = address > 0;
	machine->sources[source].late = address > deadline;
}

/** machine_set_addresses() - The next hops for others are these now: registered again, if they are others than before */
void machine_set_addresses(struct machine *machine, const char addresses[RECORD_ADDRESSES][ADDRESS_TEXT_MAX])
{
	memcpy(machine->config.addresses, addresses, sizeof(machine->config.addresses));
}

/** machine_wanted() - How many containers want a pin now */
void machine_wanted(struct machine *machine, unsigned pin, unsigned containers)
{
	machine->pins[pin].wanted = containers;
}

/** wait_until() - At most until @time */
void wait_until(struct action *action, int64_t time)
{
	if (time < action->until)
		action->until = time;
}

/** was_fenced() - Somebody took this host for dead while it held, or the store says that it holds */
static bool was_fenced(const struct machine *machine)
{
	const struct seen *seen = own_row(machine, "alive");

	if (!seen || !seen->record.text || !seen->record.readable || !seen->record.alive.fenced)
		return false;
	for (size_t i = 0; i < machine->n_sources; i++) {
		const struct shared_source *source = &machine->sources[i];

		if (source->phase != PHASE_NONE || source->open || source->deadline != 0 || source->address)
			return true;
	}
	return false;
}

/** fenced_next() - A fenced host closes everything before it does anything else */
static bool fenced_next(struct machine *machine, struct action *action)
{
	if (!was_fenced(machine))
		return false;
	close_all(machine);
	machine->need_sources = true;
	machine->list_due = false;
	machine->counted = false;
	return close_next(machine, action);
}

#ifdef CLUSTER_RULES
/** prolong_stored() - What a start must not do: take the store's word for what is held */
static bool prolong_stored(struct machine *machine, int64_t now, struct action *action)
{
	if (machine->started || RULE(machine, start_prolongs_nothing))
		return false;
	for (size_t i = 0; i < machine->n_sources; i++) {
		if (machine->sources[i].open && machine->sources[i].deadline < now + machine->config.ttl / 2) {
			action->kind = ACTION_DEADLINE;
			action->source = (unsigned)i;
			action->time = now + machine->config.ttl - machine->config.ttl / 5;
			return true;
		}
	}
	machine->started = true;
	return false;
}
#else
static bool prolong_stored(struct machine *machine, int64_t now, struct action *action)
{
	(void)machine;
	(void)now;
	(void)action;
	return false;
}
#endif

/** registered_next() - What a registered host does, in the order of urgency */
static bool registered_next(struct machine *machine, int64_t now, struct action *action)
{
	if (!machine->registered)
		return false;
	if (!RULE(machine, renew_before_claim) && claim_next(machine, now, action))
		return true;
	return fenced_next(machine, action) || alive_next(machine, now, action) || hold_next(machine, now, action) ||
	       open_next(machine, now, action) || policy_next(machine, now, action) ||
	       release_next(machine, now, action) || claim_next(machine, now, action) ||
	       removal_next(machine, now, action) || moved_next(machine, now, action) ||
	       pools_next(machine, now, action) || block_next(machine, now, action);
}

/**
 * machine_next() - What to do now
 * @machine:	Machine
 * @now:	The clock, read just before
 * @ret_action:	Filled
 *
 * Return: 0; -ENOMEM: something could not be kept; call again
 */
int machine_next(struct machine *machine, int64_t now, struct action *ret_action)
{
	struct action *action = &machine->action;

	*action = (struct action){.kind = ACTION_WAIT, .until = INT64_MAX};
	if (!close_next(machine, action) && !prolong_stored(machine, now, action) &&
	    !request_next(machine, now, action) && !session_next(machine, now, action))
		(void)registered_next(machine, now, action);
	if (machine->no_memory) {
		machine->no_memory = false;
		return -ENOMEM;
	}
	machine->doing = action->kind != ACTION_WAIT && action->kind != ACTION_REQUEST;
	*ret_action = *action;
	return 0;
}

/** policy_done() - The policy counts here, or could not be understood: then nothing is claimed */
static void policy_done(struct machine *machine, int64_t now, enum done done)
{
	/* It has replaced the one before: that none is published any more must be done, too. */
	machine->judged = done == DONE_OK ? machine->action.revision : -1;
	if (done != DONE_OK)
		machine->retry = now + RETRY_LATER;
}

/**
 * machine_done() - The last action was done
 * @machine:	Machine
 * @now:	The clock, read afterwards
 * @done:	How it went
 */
void machine_done(struct machine *machine, int64_t now, enum done done)
{
	enum action_kind kind = machine->action.kind;

	if (!machine->doing)
		return;
	machine->doing = false;
	if (kind == ACTION_POLICY)
		policy_done(machine, now, done);
	else if (kind == ACTION_BLOCK_OPEN || kind == ACTION_BLOCK_LEAVE || kind == ACTION_BLOCK_DROP)
		block_done(machine, now, done);
	else if (kind != ACTION_WATCH)
		hold_done(machine, now, done);
	else if (done != DONE_OK)
		session_restart(machine);
}

/**
 * machine_watched() - The watch saw a change
 * @machine:	Machine
 * @now:	The clock, read after the change arrived
 * @record:	As it is since; without text: deleted
 */
void machine_watched(struct machine *machine, int64_t now, const struct record *record)
{
	if (!machine->watching)
		return;
	if (record->revision > machine->max_revision)
		machine->max_revision = record->revision;
	if (cache_take(&machine->cache, record, now) < 0)
		session_restart(machine);
	if (record->kind == RECORD_BLOCK && record->text &&
	    (!record->readable || strcmp(record->block.host, machine->config.host) == 0))
		machine->adopt = true;
	for (unsigned i = 0; i < machine->n_sources; i++) {
		if (strcmp(machine->sources[i].key, record->key) == 0)
			source_look(machine, i);
	}
}

/** machine_watch_lost() - The watch ended: changes may have been missed */
void machine_watch_lost(struct machine *machine, int64_t now)
{
	(void)now;
	if (machine->watching)
		session_restart(machine);
}

/** machine_restored() - The engine is another one, or was restored: nothing that was seen counts, nothing is held */
void machine_restored(struct machine *machine)
{
	session_restart(machine);
	close_all(machine);
	machine->max_revision = 0;
}

/** machine_cache() - What was seen of the engine */
const struct cache *machine_cache(const struct machine *machine)
{
	return &machine->cache;
}

/** machine_is_listed() - Whether the cache has all records, and is told of changes; false: what it lacks may be there */
bool machine_is_listed(const struct machine *machine)
{
	return machine->listed;
}

/** machine_is_registered() - Whether this host is in the cluster; false also while another machine has its name */
bool machine_is_registered(const struct machine *machine)
{
	return machine->registered;
}

/** machine_is_refused() - Whether another machine is registered under this host's name */
bool machine_is_refused(const struct machine *machine)
{
	return machine->refused;
}

/** machine_pool_verdict() - What the record `pools` says of a pool; @ret_other: which one it contradicts */
enum pool_standing machine_pool_verdict(const struct machine *machine, unsigned pool, struct cluster_pool *ret_other)
{
	*ret_other = machine->pools[pool].other;
	return machine->pools[pool].verdict;
}

/** machine_pool_exhausted() - Whether each block of a pool is held or reserved */
bool machine_pool_exhausted(const struct machine *machine, unsigned pool)
{
	return machine->pools[pool].exhausted;
}

/** machine_pool_of() - Index of the pool that the block of a key belongs to, -1: none of this host's */
int machine_pool_of(const struct machine *machine, const char *key)
{
	return pool_of(machine, key);
}

/** machine_holds() - Whether containers may send with a source now, as far as the kernel's deadline lets them */
bool machine_holds(const struct machine *machine, unsigned source)
{
	return machine->sources[source].phase == PHASE_OPEN;
}

/** machine_claims() - Whether a source is this host's and will be put to use, once nobody answers for it any more */
bool machine_claims(const struct machine *machine, unsigned source)
{
	enum phase phase = machine->sources[source].phase;

	return phase == PHASE_CLAIMED || phase == PHASE_PROBING || phase == PHASE_OPENING;
}

/** machine_max_revision() - Highest revision of the engine that was seen */
int64_t machine_max_revision(const struct machine *machine)
{
	return machine->max_revision;
}

/** machine_policy() - Revision of the published policy that is in force here; -1: none yet, 0: none is published */
int64_t machine_policy(const struct machine *machine)
{
	return machine->judged;
}
