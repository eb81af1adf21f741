/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel and the host's store are told about shared sources: closing, prolonging, opening, release. Closing
 * goes before everything; prolonging writes the absolute deadline that the last counted renewal gives, even if it has
 * passed meanwhile.
 */

#include <string.h>

#include "plugin/cluster/machine_internal.h"

/** source_close() - The source is not ours any more: the kernel and the store must follow */
void source_close(struct shared_source *source)
{
	source->phase = PHASE_NONE;
	source->announce = false;
	if (source->open || source->deadline != 0 || source->address)
		source->close = true;
}

/** source_record_is_own() - Whether the record names this host, in whatever epoch */
bool source_record_is_own(const struct machine *machine, unsigned source)
{
	const struct seen *seen = cache_find(&machine->cache, machine->sources[source].key);

	return seen && seen->record.text && seen->record.readable &&
	       strcmp(seen->record.source.host, machine->config.host) == 0;
}

/** source_is_held() - Whether the record names this host with its present epoch */
static bool source_is_held(const struct machine *machine, unsigned source)
{
	const struct seen *seen = cache_find(&machine->cache, machine->sources[source].key);

	return source_record_is_own(machine, source) &&
	       (strcmp(seen->record.source.epoch, machine->epoch) == 0 || !RULE(machine, held_by_epoch));
}

/**
 * source_look() - A source's record may have changed
 * @machine:	A source that was ours, and whose record says otherwise, is closed
 * @source:	Index
 */
void source_look(struct machine *machine, unsigned source)
{
	if (machine->sources[source].phase != PHASE_NONE && !source_is_held(machine, source))
		source_close(&machine->sources[source]);
}

/** serves() - Whether the pin can use the source, and has none before it in its list that is ours */
static bool serves(const struct machine *machine, const struct shared_pin *pin, unsigned source)
{
	for (size_t i = 0; i < pin->n_sources; i++) {
		if (pin->sources[i] == source)
			return true;
		if (machine->sources[pin->sources[i]].phase != PHASE_NONE)
			return false;
	}
	return false;
}

/** source_wanted() - Whether a pin with containers uses the source */
bool source_wanted(const struct machine *machine, unsigned source)
{
	for (size_t i = 0; i < machine->n_pins; i++) {
		if (machine->pins[i].wanted > 0 && serves(machine, &machine->pins[i], source))
			return true;
	}
	return false;
}

/** set_action() - @kind about a source */
static bool set_action(struct action *action, enum action_kind kind, size_t source)
{
	action->kind = kind;
	action->source = (unsigned)source;
	return true;
}

/**
 * close_next() - What is left to close
 * @machine:	Machine
 * @action:	Filled
 *
 * In the order of the contract: the store, so that no verb uses it; the kernel; the address. An address that outlives
 * its deadline goes first of all.
 *
 * Return: whether @action says what to do
 */
bool close_next(struct machine *machine, struct action *action)
{
	for (size_t i = 0; i < machine->n_sources; i++) {
		struct shared_source *source = &machine->sources[i];

		action->force = true;
		action->time = 0;
		if (source->late)
			return set_action(action, ACTION_ADDRESS_OFF, i);
		if (!source->close)
			continue;
		if (source->open)
			return set_action(action, ACTION_CLOSE, i);
		if (source->deadline != 0)
			return set_action(action, ACTION_DEADLINE, i);
		if (source->address)
			return set_action(action, ACTION_ADDRESS_OFF, i);
		source->close = false;
	}
	return false;
}

/** address_next() - The address for as long as the deadline is away, in whole seconds, never longer */
static bool address_next(struct shared_source *source, size_t i, int64_t now, struct action *action)
{
	int64_t left = source->deadline - now;

	if (source->address_for == source->deadline)
		return false;
	if (left < MACHINE_SECOND) {
		source->address_for = source->deadline;
		return false;
	}
	action->seconds = (unsigned)(left / MACHINE_SECOND);
	return set_action(action, ACTION_ADDRESS, i);
}

/** opening_next() - The store, then the link, learn that the source is usable */
static bool opening_next(struct shared_source *source, size_t i, struct action *action)
{
	if (source->phase == PHASE_OPENING)
		return set_action(action, ACTION_OPEN, i);
	return source->announce && set_action(action, ACTION_ANNOUNCE, i);
}

/** is_ours() - Whether the kernel is to be told a deadline for the source */
static bool is_ours(const struct shared_source *source)
{
	return !source->close && (source->phase == PHASE_OPENING || source->phase == PHASE_OPEN);
}

/**
 * hold_next() - Prolong what is held
 * @machine:	Machine
 * @now:	The clock
 * @action:	Filled
 *
 * Return: whether @action says what to do
 */
bool hold_next(struct machine *machine, int64_t now, struct action *action)
{
	int64_t deadline = deadline_of(machine);

	if (!machine->counted || machine->need_sources)
		return false;
	for (size_t i = 0; i < machine->n_sources; i++) {
		struct shared_source *source = &machine->sources[i];

		if (!is_ours(source))
			continue;
		action->time = deadline;
		if (source->deadline != deadline)
			return set_action(action, ACTION_DEADLINE, i);
		if (address_next(source, i, now, action))
			return true;
	}
	return false;
}

/**
 * open_next() - Take what was claimed into use
 * @machine:	Machine
 * @now:	The clock
 * @action:	Filled
 *
 * Return: whether @action says what to do
 */
bool open_next(struct machine *machine, int64_t now, struct action *action)
{
	for (size_t i = 0; i < machine->n_sources; i++) {
		struct shared_source *source = &machine->sources[i];

		if (source->phase == PHASE_CLAIMED && now >= source->retry)
			return set_action(action, ACTION_PROBE, i);
		if (source->phase == PHASE_CLAIMED)
			wait_until(action, source->retry);
		if (is_ours(source) && machine->counted && opening_next(source, i, action))
			return true;
	}
	return false;
}

/**
 * release_next() - Give up what no container wants
 * @machine:	Machine
 * @now:	The clock
 * @action:	Filled
 *
 * Return: whether @action says what to do
 */
bool release_next(struct machine *machine, int64_t now, struct action *action)
{
	if (!is_fresh(machine, now))
		return false;
	for (unsigned i = 0; i < machine->n_sources; i++) {
		struct shared_source *source = &machine->sources[i];

		if (source->phase == PHASE_NONE || source_wanted(machine, i) || now < source->retry)
			continue;
		action->force = false;
		return set_action(action, ACTION_CLOSE, i);
	}
	return false;
}

/** closed_in_store() - ACTION_CLOSE was done, or refused since a container wants the source after all */
static void closed_in_store(struct machine *machine, int64_t now, struct shared_source *source, enum done done)
{
	if (done != DONE_OK && !machine->action.force) {
		source->retry = now + RETRY_SOON;
		return;
	}
	source->open = false;
	source->released = !machine->action.force;
	if (machine->action.force || RULE(machine, release_kernel_first))
		source_close(source);
	else
		source->phase = PHASE_NONE;
}

/** address_done() - The clock is read again: an address that was put there for too long comes off */
static void address_done(struct machine *machine, int64_t now, struct shared_source *source)
{
	source->address = true;
	source->address_for = source->deadline;
	source->late = now + (int64_t)machine->action.seconds * MACHINE_SECOND > source->deadline &&
		       RULE(machine, address_checked);
}

/**
 * hold_done() - An action about a source was done
 * @machine:	Machine
 * @now:	The clock, read afterwards
 * @done:	How it went; what the kernel refused is tried again later, closed until then
 */
void hold_done(struct machine *machine, int64_t now, enum done done)
{
	struct shared_source *source = &machine->sources[machine->action.source];

	if (machine->action.kind == ACTION_CLOSE) {
		closed_in_store(machine, now, source, done);
		return;
	}
	if (done != DONE_OK) {
		source->retry = now + RETRY_LATER;
		source_close(source);
		return;
	}
	if (machine->action.kind == ACTION_DEADLINE)
		source->deadline = machine->action.time;
	else if (machine->action.kind == ACTION_ADDRESS)
		address_done(machine, now, source);
	else if (machine->action.kind == ACTION_ADDRESS_OFF)
		source->address = source->late = false;
	else if (machine->action.kind == ACTION_ANNOUNCE)
		source->announce = false;
	else if (machine->action.kind == ACTION_PROBE)
		source->phase = source->phase == PHASE_CLAIMED ? PHASE_PROBING : source->phase;
	else if (source->phase == PHASE_OPENING) {
		source->open = true;
		source->phase = PHASE_OPEN;
	} else {
		source->open = true;
		source_close(source);
	}
}

/**
 * machine_probed() - The link was asked who has a source that was just claimed
 * @machine:	Machine
 * @now:	The clock
 * @source:	Index
 * @mac:	Of the interface that answered; NULL: none did
 *
 * The previous holder's answers end with its deadline: they are waited out. Anybody else's mean that the address is in
 * use where the cluster does not know of it.
 */
void machine_probed(struct machine *machine, int64_t now, unsigned source, const char *mac)
{
	struct shared_source *at = &machine->sources[source];

	if (at->phase != PHASE_PROBING)
		return;
	if (!mac) {
		at->phase = PHASE_OPENING;
		at->announce = true;
	} else if (strcmp(mac, at->previous) == 0 && now - at->probed < 2 * machine->config.ttl) {
		at->phase = PHASE_CLAIMED;
		at->retry = now + RETRY_LATER / 5;
	} else {
		source_close(at);
		at->retry = now + 10 * RETRY_LATER;
	}
}
