/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The alive record of this host, and what a renewal of it is worth. A renewal counts only if the answer to this very
 * request says so, or a read shows its nonce; then from the moment before that request. Nothing else prolongs anything.
 */

#include <string.h>

#include "plugin/cluster/machine_internal.h"

/** is_active() - Whether this host holds, or wants to hold, a shared source */
bool is_active(const struct machine *machine)
{
	for (size_t i = 0; i < machine->n_sources; i++) {
		if (machine->sources[i].phase != PHASE_NONE)
			return true;
	}
	for (size_t i = 0; i < machine->n_pins; i++) {
		if (machine->pins[i].wanted > 0)
			return true;
	}
	for (unsigned i = 0; i < machine->n_sources; i++) {
		if (source_record_is_own(machine, i))
			return true;
	}
	return false;
}

/** deadline_of() - Until when this host may send, by its last counted renewal; margin: clocks' rates may differ by 1.25 */
int64_t deadline_of(const struct machine *machine)
{
	int64_t ttl = machine->config.ttl;

	return machine->renewed_at + ttl - (RULE(machine, margin) ? ttl / 5 : ttl * 17 / 100);
}

/** is_fresh() - Whether this host may claim: its last renewal counts, and nobody has changed its record since */
bool is_fresh(const struct machine *machine, int64_t now)
{
	return machine->counted && !machine->need_sources && now < deadline_of(machine) &&
	       mark_matches(&machine->alive, own_row(machine, "alive"));
}

/** new_epoch() - An epoch that was never used */
static void new_epoch(struct machine *machine, const struct seen *seen)
{
	static const char none[RECORD_ID_MAX] = "00000000000000000000000000000000";
	const char *digits = seen && seen->record.text ? seen->record.alive.epoch + 66 : "";
	uint64_t number = machine->epoch_number;

	if (RULE(machine, epoch_is_new)) {
		record_epoch(machine->config.machine_id, machine->config.boot_id,
			     machine->config.random(machine->config.context), machine->try_epoch);
		return;
	}
	if (!seen || !seen->record.text || !seen->record.alive.fenced) {
		for (number = 0; *digits; digits++)
			number = number << 4 | (uint64_t)(*digits <= '9' ? *digits - '0' : *digits - 'a' + 10);
	}
	machine->epoch_number = number + 1;
	record_epoch(none, none, machine->epoch_number, machine->try_epoch);
}

/** foreign_is_silent() - Whether a record of another machine under this name was unchanged for long enough */
static bool foreign_is_silent(const struct machine *machine, int64_t now, const struct seen *seen)
{
	int64_t ttl = machine->config.ttl;

	if (seen->record.readable && seen->record.alive.ttl > ttl && RULE(machine, longer_ttl_counts))
		ttl = seen->record.alive.ttl;
	return now - seen->at >= ttl;
}

enum alive_choice { CHOICE_NONE, CHOICE_CONTINUE, CHOICE_NEW };

/** choose_first() - The epoch of the first renewal in a session, from a record that is there and is not fenced */
static enum alive_choice choose_first(const struct machine *machine, int64_t now, const struct seen *seen)
{
	const char *epoch = seen->record.alive.epoch, *id = machine->config.machine_id;

	/* Only tests take rules out: NOLINTNEXTLINE(misc-redundant-expression) */
	if (!RULE(machine, epoch_is_new) || !RULE(machine, epoch_has_machine))
		return CHOICE_CONTINUE;
	if (seen->record.readable && record_epoch_is_of(epoch, id, machine->config.boot_id))
		return CHOICE_CONTINUE;
	if (seen->record.readable && record_epoch_is_of(epoch, id, NULL))
		return CHOICE_NEW;
	return foreign_is_silent(machine, now, seen) ? CHOICE_NEW : CHOICE_NONE;
}

/** choose_epoch() - Whether to renew, and with which epoch */
static enum alive_choice choose_epoch(struct machine *machine, int64_t now, const struct seen *seen)
{
	if (!seen || !seen->record.text)
		return CHOICE_NEW;
	if (seen->record.readable && seen->record.alive.fenced)
		return RULE(machine, epoch_new_after_fence) ? CHOICE_NEW : CHOICE_CONTINUE;
	if (machine->epoch[0] == '\0')
		return choose_first(machine, now, seen);
	if (seen->record.readable && strcmp(seen->record.alive.epoch, machine->epoch) == 0)
		return CHOICE_CONTINUE;
	return CHOICE_NONE;
}

/** remember() - A renewal with @nonce is sent at @now */
static void remember(struct machine *machine, uint64_t nonce, int64_t now)
{
	size_t i = machine->n_renewals++ % RENEWALS_REMEMBERED;

	machine->renewals[i].nonce = nonce;
	machine->renewals[i].at = now;
}

/** renew() - Swap alive/SELF */
static bool renew(struct machine *machine, int64_t now, struct action *action, const struct seen *seen)
{
	struct record record = {.kind = RECORD_ALIVE};
	char host[RECORD_KEY_MAX];

	key_of_host("alive", machine->config.host, record.key);
	key_of_host("host", machine->config.host, host);
	memcpy(record.alive.epoch, machine->try_epoch, sizeof(record.alive.epoch));
	record.alive.ttl = machine->config.ttl;
	if (RULE(machine, nonce_is_new))
		record.alive.nonce = machine->config.random(machine->config.context);
	else
		record.alive.nonce = (seen && seen->record.text ? seen->record.alive.nonce : 0) + 1;
	remember(machine, record.alive.nonce, now);
	machine->tried = true;
	machine->tried_at = now;
	request_begin(machine, now, FOR_RENEWAL, 0, REQUEST_SWAP, record.key);
	request_condition(machine, record.key);
	if (RULE(machine, alive_needs_host))
		request_condition(machine, host);
	request_value(machine, &record);
	return request_send(machine, action);
}

/** renewal_is_due() - Each fifth of `ttl` while something is held or wanted */
static bool renewal_is_due(const struct machine *machine, int64_t now)
{
	return !machine->tried || !machine->counted || machine->need_sources ||
	       now - machine->tried_at >= machine->config.ttl / 5;
}

/** lost_epoch() - alive/SELF has an epoch that is not ours: somebody else is this host, or was */
static bool lost_epoch(struct machine *machine, struct action *action)
{
	close_all(machine);
	machine->epoch[0] = '\0';
	machine->need_sources = true;
	return close_next(machine, action);
}

/** counted_from() - Since when the record counts, if it is ours; INT64_MIN: it is not */
static int64_t counted_from(const struct machine *machine, const struct seen *seen, enum outcome outcome, int64_t now)
{
	const struct record_alive *alive = &seen->record.alive;
	size_t n = machine->n_renewals < RENEWALS_REMEMBERED ? machine->n_renewals : RENEWALS_REMEMBERED;

	if (!seen->record.text || !seen->record.readable || alive->fenced ||
	    strcmp(alive->epoch, machine->try_epoch) != 0)
		return INT64_MIN;
	if (outcome == WON && !RULE(machine, clock_before_sending))
		return now;
	/* cppcheck-suppress knownConditionTrueFalse ; it takes n_renewals for what session_restart() makes it */
	for (size_t i = 0; i < n; i++) {
		if (machine->renewals[i].nonce == alive->nonce)
			return RULE(machine, counts_by_nonce) || machine->request.kind != REQUEST_READ
				       ? machine->renewals[i].at
				       : machine->sent_at;
	}
	return INT64_MIN;
}

/**
 * alive_answered() - A renewal ended
 * @machine:	A renewal that counts prolongs what is held
 * @now:	The clock
 * @outcome:	How it ended
 */
void alive_answered(struct machine *machine, int64_t now, enum outcome outcome)
{
	const struct seen *seen = own_row(machine, "alive");
	int64_t from;

	if (outcome == GIVEN_UP || !seen)
		return;
	if (RULE(machine, alive_needs_host) && !mark_matches(&machine->host, own_row(machine, "host")))
		return; /* session_next() sees it */
	from = counted_from(machine, seen, outcome, now);
	if (from == INT64_MIN)
		return;
	if (strcmp(machine->epoch, machine->try_epoch) != 0) {
		machine->need_sources = true;
		for (size_t i = 0; i < machine->n_sources; i++)
			machine->sources[i].phase = PHASE_NONE;
	}
	memcpy(machine->epoch, machine->try_epoch, sizeof(machine->epoch));
	machine->alive = mark_of(seen);
	machine->renewed_at = from;
	machine->counted = true;
	machine->list_due = machine->need_sources;
}

/** find_held() - Sources whose records name this host and this epoch are held */
static void find_held(struct machine *machine)
{
	for (size_t i = 0; i < machine->n_sources; i++) {
		struct shared_source *source = &machine->sources[i];
		const struct seen *seen = cache_find(&machine->cache, source->key);
		const struct record *record = seen ? &seen->record : NULL;

		source->phase = PHASE_NONE;
		if (record && record->text && record->readable &&
		    strcmp(record->source.host, machine->config.host) == 0 &&
		    (strcmp(record->source.epoch, machine->epoch) == 0 || !RULE(machine, held_by_epoch)))
			source->phase = PHASE_OPENING;
		else
			source_close(source); /* what is left from before */
	}
}

/**
 * alive_sources() - The list after the first renewal of an epoch came, or did not
 * @machine:	Knows what it holds afterwards
 * @now:	The clock
 * @outcome:	How the list ended
 */
void alive_sources(struct machine *machine, int64_t now, enum outcome outcome)
{
	(void)now;
	machine->list_due = false;
	if (outcome != WON || !mark_matches(&machine->alive, own_row(machine, "alive")))
		return;
	find_held(machine);
	machine->need_sources = false;
}

/** list_sources() - Read which sources are held, after the first renewal of an epoch */
static bool list_sources(struct machine *machine, int64_t now, struct action *action)
{
	if (!RULE(machine, list_after_renewal)) {
		alive_sources(machine, now, WON);
		return false;
	}
	request_begin(machine, now, FOR_SOURCES, 0, REQUEST_LIST, "");
	return request_send(machine, action);
}

/**
 * alive_next() - The next renewal, and the list that follows the first one of an epoch
 * @machine:	Machine
 * @now:	The clock
 * @action:	Filled
 *
 * Return: whether @action says what to do
 */
bool alive_next(struct machine *machine, int64_t now, struct action *action)
{
	const struct seen *seen = own_row(machine, "alive");
	enum alive_choice choice;

	if (machine->list_due)
		return list_sources(machine, now, action);
	if (!is_active(machine))
		return false;
	if (machine->tried && now - machine->tried_at < RETRY_SOON) {
		wait_until(action, machine->tried_at + RETRY_SOON);
		return false;
	}
	if (!renewal_is_due(machine, now)) {
		wait_until(action, machine->tried_at + machine->config.ttl / 5);
		return false;
	}
	choice = choose_epoch(machine, now, seen);
	if (choice == CHOICE_NONE && machine->epoch[0] != '\0')
		return lost_epoch(machine, action);
	if (choice == CHOICE_NONE) {
		wait_until(action, now + machine->config.ttl / 5);
		return false;
	}
	if (choice == CHOICE_NEW)
		new_epoch(machine, seen);
	else
		memcpy(machine->try_epoch, seen->record.alive.epoch, sizeof(machine->try_epoch));
	return renew(machine, now, action, seen);
}
