/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session: everything is listed, then watched from that revision on; this host is registered under its name; the
 * published policy counts here. It ends when the watch is lost, when the registration moves on, or when the engine's
 * revision went back (a restored backup): then all is listed again, and what was seen before counts for nothing.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/cluster/machine_internal.h"

/** key_of_host() - "KIND/HOST" */
void key_of_host(const char *kind, const char *host, char buffer[static RECORD_KEY_MAX])
{
	(void)snprintf(buffer, RECORD_KEY_MAX, "%s/%s", kind, host);
}

/** own_row() - This host's record of @kind, NULL: never seen */
const struct seen *own_row(const struct machine *machine, const char *kind)
{
	char key[RECORD_KEY_MAX];

	key_of_host(kind, machine->config.host, key);
	return cache_find(&machine->cache, key);
}

/** nonce_of() - Nonce of a host's or an alive record */
static uint64_t nonce_of(const struct record *record)
{
	return record->kind == RECORD_HOST ? record->host.nonce : record->alive.nonce;
}

/** mark_of() - A host's or an alive record as it is now */
struct mark mark_of(const struct seen *seen)
{
	return (struct mark){seen->record.revision, nonce_of(&seen->record)};
}

/** mark_matches() - Whether a record is still as it was marked */
bool mark_matches(const struct mark *mark, const struct seen *seen)
{
	return seen && seen->record.text && seen->record.readable && seen->record.revision == mark->revision &&
	       nonce_of(&seen->record) == mark->nonce;
}

/** wall_seconds() - Unix time, for `since` */
int64_t wall_seconds(const struct machine *machine, int64_t now)
{
	int64_t wall = now + machine->config.wall;

	return wall < 0 ? 0 : wall / MACHINE_SECOND;
}

/**
 * session_restart() - What was seen counts for nothing any more
 * @machine:	Lists again; what the kernel was told stays until its deadline
 */
void session_restart(struct machine *machine)
{
	request_forget(machine);
	cache_clear(&machine->cache);
	machine->listed = machine->watching = machine->registered = machine->refused = false;
	machine->epoch[0] = '\0';
	machine->counted = machine->tried = false;
	machine->need_sources = true;
	machine->n_renewals = 0;
	machine->judged = -1;
	machine->adopt = true;
	machine->opening[0] = '\0';
	machine->list_due = false;
	machine->retry = INT64_MIN;
	if (!RULE(machine, restore_noticed))
		machine->max_revision = 0;
	for (size_t i = 0; i < machine->n_sources; i++)
		machine->sources[i].phase = PHASE_NONE;
	for (size_t i = 0; i < machine->n_pools; i++)
		machine->pools[i].verdict = POOLS_NEW;
}

/**
 * close_all() - This host sends with no shared source any more
 * @machine:	Each source that is not closed will be, before anything else is done
 */
void close_all(struct machine *machine)
{
	for (size_t i = 0; i < machine->n_sources; i++)
		source_close(&machine->sources[i]);
}

/** forget_unlisted() - Records that the list lacks are absent */
static int forget_unlisted(struct machine *machine, int64_t now, const struct engine_answer *answer,
			   const struct cache *listed)
{
	for (size_t i = 0; i < machine->cache.n; i++) {
		const char *key = machine->cache.rows[i]->record.key;

		if (!cache_find(listed, key) && cache_absent(&machine->cache, key, answer->revision, now) < 0)
			return -1;
	}
	return 0;
}

/**
 * merge_list() - All records at one revision
 * @machine:	Its cache has them afterwards, but where it is newer
 * @now:	The clock, read after the list arrived
 * @answer:	List
 *
 * Return: 0, negative: out of memory
 */
int merge_list(struct machine *machine, int64_t now, const struct engine_answer *answer)
{
	struct cache listed = {0};
	int r = 0;

	for (size_t i = 0; i < answer->n_records && r >= 0; i++) {
		r = cache_take(&listed, &answer->records[i], now);
		if (r >= 0)
			r = cache_take(&machine->cache, &answer->records[i], now);
	}
	if (r >= 0)
		r = forget_unlisted(machine, now, answer, &listed);
	cache_clear(&listed);
	machine->listed_at = now;
	machine->adopt = true;
	return r;
}

/** session_listed() - The first list of a session came, or did not */
void session_listed(struct machine *machine, int64_t now, enum outcome outcome)
{
	machine->listed = outcome == WON;
	machine->retry = now + RETRY_LATER / 5;
	for (unsigned i = 0; machine->listed && i < machine->n_sources; i++) {
		if (!source_record_is_own(machine, i))
			source_close(&machine->sources[i]); /* what is left from before */
	}
}

/** session_host() - This host's registration is decided */
void session_host(struct machine *machine, int64_t now, enum outcome outcome)
{
	const struct seen *seen = own_row(machine, "host");

	if (outcome == WON) {
		machine->registered = true;
		machine->host = mark_of(seen);
	} else {
		machine->retry = now + RETRY_LATER / 10;
	}
}

/** is_own_machine() - Whether the record is of this machine */
static bool is_own_machine(const struct machine *machine, const struct record_host *host)
{
	return strcmp(host->machine, machine->config.machine_id) == 0;
}

/** is_own_host() - Whether the record is of this machine, with the same next hops */
static bool is_own_host(const struct machine *machine, const struct record_host *host)
{
	return is_own_machine(machine, host) &&
	       memcmp(host->addresses, machine->config.addresses, sizeof(host->addresses)) == 0;
}

/** register_host() - Write host/SELF */
static bool register_host(struct machine *machine, int64_t now, struct action *action)
{
	struct record record = {.kind = RECORD_HOST};

	key_of_host("host", machine->config.host, record.key);
	memcpy(record.host.machine, machine->config.machine_id, sizeof(record.host.machine));
	memcpy(record.host.addresses, machine->config.addresses, sizeof(record.host.addresses));
	record.host.since = wall_seconds(machine, now);
	record.host.nonce = machine->config.random(machine->config.context);
	request_begin(machine, now, FOR_HOST, 0, REQUEST_SWAP, record.key);
	request_condition(machine, record.key);
	request_value(machine, &record);
	return request_send(machine, action);
}

/** host_next() - This host's registration: there, to be made, or somebody else's */
static bool host_next(struct machine *machine, int64_t now, struct action *action)
{
	const struct seen *seen = own_row(machine, "host");
	const struct record *record = seen ? &seen->record : NULL;

	if (record && record->text && RULE(machine, machine_id) &&
	    (!record->readable || strcmp(record->host.machine, machine->config.machine_id) != 0)) {
		machine->refused = true; /* by another machine of this name; the watch will tell when it is gone */
		return false;
	}
	machine->refused = false;
	if (record && record->text && record->readable &&
	    (is_own_host(machine, &record->host) || !RULE(machine, machine_id))) {
		machine->registered = true;
		machine->host = mark_of(seen);
		return false;
	}
	return register_host(machine, now, action);
}

/**
 * session_next() - What the session needs before anything else can be done
 * @machine:	Machine
 * @now:	The clock
 * @action:	Filled, with a time to wait for at least
 *
 * Return: whether @action says what to do
 */
bool session_next(struct machine *machine, int64_t now, struct action *action)
{
	if (machine->registered && !mark_matches(&machine->host, own_row(machine, "host")) &&
	    RULE(machine, alive_needs_host)) {
		session_restart(machine);
		close_all(machine);
		return close_next(machine, action);
	}
	if (machine->listed && !machine->watching) {
		machine->watching = true;
		action->kind = ACTION_WATCH;
		action->revision = machine->max_revision + 1;
		return true;
	}
	if ((!machine->listed || !machine->registered) && now < machine->retry) {
		wait_until(action, machine->retry);
		return false;
	}
	if (!machine->listed) {
		request_begin(machine, now, FOR_LIST, 0, REQUEST_LIST, "");
		return request_send(machine, action);
	}
	return !machine->registered && host_next(machine, now, action);
}

/** moved_next() - The next hops of a registered host have changed: written anew, by the swap that made the registration */
bool moved_next(struct machine *machine, int64_t now, struct action *action)
{
	const struct seen *seen = own_row(machine, "host");

	if (!mark_matches(&machine->host, seen) || !is_own_machine(machine, &seen->record.host) ||
	    is_own_host(machine, &seen->record.host))
		return false;
	if (now < machine->retry) {
		wait_until(action, machine->retry);
		return false;
	}
	return register_host(machine, now, action);
}

/**
 * policy_next() - Make the published policy count here
 * @machine:	Machine
 * @now:	The clock
 * @action:	Filled
 *
 * Return: whether @action says what to do
 */
bool policy_next(struct machine *machine, int64_t now, struct action *action)
{
	const struct seen *seen = cache_find(&machine->cache, "policy");

	if (cache_revision(seen) == machine->judged)
		return false;
	if (now < machine->retry) {
		wait_until(action, machine->retry);
		return false;
	}
	action->kind = ACTION_POLICY;
	action->revision = cache_revision(seen);
	action->text = seen ? seen->record.text : NULL;
	return true;
}
