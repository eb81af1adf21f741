/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claim, takeover and removal of the records of shared sources. A claim names everything it was judged by: the source
 * as seen, this host's alive record, the policy, and, when it takes over, the alive record of the one before.
 */

#include <string.h>

#include "plugin/cluster/machine_internal.h"

/** What stands between this host and a source */
enum way {
	WAY_FREE,     /* claim it */
	WAY_TAKEOVER, /* claim it, on the condition of alive/OLD */
	WAY_FENCE,    /* fence alive/OLD first */
	WAY_WAIT,     /* its holder may still be there */
	WAY_NONE,     /* none: unreadable, or reserved */
};

/** silence_needed() - How long alive/OLD must be unchanged: its ttl or one's own, whichever is longer */
static int64_t silence_needed(const struct machine *machine, const struct seen *old)
{
	int64_t ttl = machine->config.ttl;

	if (old && old->record.text && old->record.readable && old->record.alive.ttl > ttl &&
	    RULE(machine, longer_ttl_counts))
		ttl = old->record.alive.ttl;
	return ttl;
}

/** find_silence() - WAY_FENCE, or WAY_WAIT until @ret_due */
static enum way find_silence(const struct machine *machine, const struct seen *old, int64_t now, int64_t *ret_due)
{
	*ret_due = (old ? old->at : machine->listed_at) + silence_needed(machine, old);
	return now >= *ret_due ? WAY_FENCE : WAY_WAIT;
}

/** way_from_other() - The way to a source whose record names another host or epoch */
static enum way way_from_other(const struct machine *machine, const struct record_source *record, int64_t now,
			       int64_t *ret_due)
{
	char key[RECORD_KEY_MAX];
	const struct seen *old;
	bool there;

	key_of_host("alive", record->host, key);
	old = cache_find(&machine->cache, key);
	there = old && old->record.text;
	if (there && !old->record.readable)
		return WAY_NONE;
	if (there && old->record.alive.fenced)
		return WAY_TAKEOVER;
	if (there && strcmp(old->record.alive.epoch, record->epoch) != 0 && RULE(machine, stale_epoch_is_free))
		return WAY_TAKEOVER;
	if (!there && !RULE(machine, fence_absent))
		return WAY_TAKEOVER;
	return find_silence(machine, old, now, ret_due);
}

/** is_reserved() - Whether the policy in force keeps a source from being claimed; what is held already stays */
static bool is_reserved(const struct machine *machine, const struct shared_source *source)
{
	return machine->config.is_reserved_source &&
	       machine->config.is_reserved_source(machine->config.context, (unsigned)(source - machine->sources));
}

/** way_to() - What stands between this host and a source; @ret_due: when that may change by time alone */
static enum way way_to(const struct machine *machine, const struct shared_source *source, int64_t now, int64_t *ret_due)
{
	const struct seen *seen = cache_find(&machine->cache, source->key);
	enum way way;

	*ret_due = INT64_MAX;
	if (source->close || now < source->retry) {
		*ret_due = source->close ? INT64_MAX : source->retry;
		return WAY_WAIT;
	}
	if (is_reserved(machine, source))
		return WAY_NONE;
	if (!seen || !seen->record.text)
		return WAY_FREE;
	if (!seen->record.readable)
		return WAY_NONE;
	if (strcmp(seen->record.source.host, machine->config.host) == 0 &&
	    (strcmp(seen->record.source.epoch, machine->epoch) == 0 || !RULE(machine, held_by_epoch)))
		return WAY_FREE;
	way = way_from_other(machine, &seen->record.source, now, ret_due);
	return way == WAY_FENCE && !RULE(machine, fence_before_source) ? WAY_TAKEOVER : way;
}

/** condition_or_any() - request_condition(), or, with the rule taken out, none */
static void condition_or_any(struct machine *machine, const char *key, bool rule)
{
	if (rule)
		request_condition(machine, key);
	else
		request_condition_revision(machine, key, REVISION_ANY);
}

/** reuse_without_swap() - What must not be done: take a record of one's own for good as it is */
static bool reuse_without_swap(struct machine *machine, unsigned index)
{
	if (RULE(machine, reuse_by_swap) || !source_record_is_own(machine, index))
		return false;
	machine->sources[index].phase = PHASE_CLAIMED;
	source_look(machine, index);
	return machine->sources[index].phase == PHASE_CLAIMED;
}

/** claim() - Swap source/ADDRESS to this host */
static bool claim(struct machine *machine, int64_t now, struct action *action, unsigned index,
		  const struct shared_pin *pin, enum way way)
{
	struct shared_source *source = &machine->sources[index];
	const struct seen *seen = cache_find(&machine->cache, source->key);
	struct record record = {.kind = RECORD_SOURCE};
	char key[RECORD_KEY_MAX];

	memcpy(record.source.pin, pin->name, sizeof(record.source.pin));
	memcpy(record.source.host, machine->config.host, sizeof(record.source.host));
	memcpy(record.source.epoch, machine->epoch, sizeof(record.source.epoch));
	memcpy(record.source.mac, source->mac, sizeof(record.source.mac));
	record.source.since = wall_seconds(machine, now);
	record.source.nonce = machine->config.random(machine->config.context);
	source->previous[0] = '\0';
	request_begin(machine, now, FOR_CLAIM, index, REQUEST_SWAP, source->key);
	condition_or_any(machine, source->key, way != WAY_TAKEOVER || RULE(machine, source_by_revision));
	if (way == WAY_TAKEOVER) {
		memcpy(source->previous, seen->record.source.mac, sizeof(source->previous));
		key_of_host("alive", seen->record.source.host, key);
		condition_or_any(
			machine, key,
			RULE(machine, source_needs_fence) && RULE(machine, fence_before_source) &&
				(RULE(machine, fence_absent) || cache_revision(cache_find(&machine->cache, key))));
	}
	key_of_host("alive", machine->config.host, key);
	condition_or_any(machine, key, RULE(machine, claim_needs_alive));
	request_condition_revision(machine, "policy",
				   RULE(machine, claim_needs_policy) ? machine->judged : REVISION_ANY);
	request_value(machine, &record);
	return request_send(machine, action);
}

/** fence() - Swap alive/OLD to fenced, by the revision that was unchanged for so long */
static bool fence(struct machine *machine, int64_t now, struct action *action, unsigned index)
{
	const struct seen *seen = cache_find(&machine->cache, machine->sources[index].key), *old;
	struct record record = {.kind = RECORD_ALIVE};

	key_of_host("alive", seen->record.source.host, record.key);
	old = cache_find(&machine->cache, record.key);
	if (old && old->record.text)
		record.alive = old->record.alive;
	else {
		memcpy(record.alive.epoch, seen->record.source.epoch, sizeof(record.alive.epoch));
		record.alive.ttl = machine->config.ttl;
	}
	record.alive.fenced = true;
	record.alive.nonce = machine->config.random(machine->config.context);
	request_begin(machine, now, FOR_FENCE, index, REQUEST_SWAP, record.key);
	condition_or_any(machine, record.key, RULE(machine, fence_by_revision));
	request_value(machine, &record);
	return request_send(machine, action);
}

/** pin_has_source() - Whether a pin is served, or about to be */
static bool pin_has_source(const struct machine *machine, const struct shared_pin *pin)
{
	for (size_t i = 0; i < pin->n_sources; i++) {
		if (machine->sources[pin->sources[i]].phase != PHASE_NONE)
			return true;
	}
	return false;
}

/** try_pin() - Claim, or fence for, the first source of a pin to which there is a way of at most @worst */
static bool try_pin(struct machine *machine, int64_t now, struct action *action, const struct shared_pin *pin,
		    enum way worst)
{
	for (size_t i = 0; i < pin->n_sources; i++) {
		unsigned index = pin->sources[i];
		int64_t due;
		enum way way = way_to(machine, &machine->sources[index], now, &due);

		wait_until(action, due);
		if (way > worst || reuse_without_swap(machine, index))
			continue;
		if (way == WAY_FENCE)
			return fence(machine, now, action, index);
		return claim(machine, now, action, index, pin, way);
	}
	return false;
}

/** may_claim() - A claim goes after a counted renewal, and is judged by the policy in force */
static bool may_claim(const struct machine *machine, int64_t now)
{
	if (machine->judged < 0 || cache_revision(cache_find(&machine->cache, "policy")) != machine->judged)
		return false;
	return is_fresh(machine, now) || (!RULE(machine, renew_before_claim) && machine->epoch[0] != '\0');
}

/**
 * claim_next() - Claims for pins that have containers and no source
 * @machine:	Machine
 * @now:	The clock
 * @action:	Filled
 *
 * What is free goes before what must be taken over.
 *
 * Return: whether @action says what to do
 */
bool claim_next(struct machine *machine, int64_t now, struct action *action)
{
	if (!may_claim(machine, now))
		return false;
	for (size_t i = 0; i < machine->n_pins; i++) {
		const struct shared_pin *pin = &machine->pins[i];

		if (pin->wanted == 0 || pin_has_source(machine, pin))
			continue;
		if (try_pin(machine, now, action, pin, WAY_TAKEOVER) || try_pin(machine, now, action, pin, WAY_FENCE))
			return true;
	}
	return false;
}

/** claim_fenced() - A fence ended; whether it succeeded is seen in the record */
void claim_fenced(struct machine *machine, int64_t now, enum outcome outcome)
{
	if (outcome != WON)
		machine->sources[machine->subject].retry = now + RETRY_SOON;
}

/** claim_answered() - A claim ended */
void claim_answered(struct machine *machine, int64_t now, enum outcome outcome)
{
	struct shared_source *source = &machine->sources[machine->subject];

	if (outcome != WON) {
		source->retry = now + RETRY_SOON;
		return;
	}
	source->phase = PHASE_CLAIMED;
	source->probed = now;
	source_look(machine, (unsigned)machine->subject);
}

/** is_removable() - A record of this host that it does not want */
static bool is_removable(const struct machine *machine, unsigned index, int64_t now)
{
	const struct shared_source *source = &machine->sources[index];

	if (source->phase != PHASE_NONE || source->close || source->open || !source_record_is_own(machine, index))
		return false;
	if (!RULE(machine, unwanted_removed) && !source->released)
		return false;
	return !source_wanted(machine, index) || now < source->retry;
}

/**
 * removal_next() - Remove records of this host that it does not want
 * @machine:	Machine
 * @now:	The clock
 * @action:	Filled
 *
 * Return: whether @action says what to do
 */
bool removal_next(struct machine *machine, int64_t now, struct action *action)
{
	char alive[RECORD_KEY_MAX];

	if (machine->need_sources || (machine->epoch[0] == '\0'))
		return false;
	key_of_host("alive", machine->config.host, alive);
	for (unsigned i = 0; i < machine->n_sources; i++) {
		if (!is_removable(machine, i, now))
			continue;
		request_begin(machine, now, FOR_REMOVAL, i, REQUEST_SWAP, machine->sources[i].key);
		request_condition(machine, machine->sources[i].key);
		condition_or_any(machine, alive, RULE(machine, release_needs_alive));
		return request_send(machine, action);
	}
	return false;
}

/** removal_answered() - A removal ended; what is left of it is seen in the record */
void removal_answered(struct machine *machine, int64_t now, enum outcome outcome)
{
	(void)now;
	if (outcome != GIVEN_UP)
		machine->sources[machine->subject].released = false;
	if (!RULE(machine, release_kernel_first))
		source_close(&machine->sources[machine->subject]);
}
