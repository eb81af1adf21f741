/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request at a time. A swap whose answer is lost may have happened: its record is read, and the value says whether
 * it did. A swap that was given up may still happen later; nothing here relies on its not happening.
 */

#include <stdlib.h>
#include <string.h>

#include "plugin/cluster/machine_internal.h"

/**
 * request_clear() - Free what a request holds
 * @request:	Zero afterwards
 */
void request_clear(struct engine_request *request)
{
	for (size_t i = 0; i < request->n_conditions; i++)
		free(request->conditions[i].text);
	free(request->value);
	*request = (struct engine_request){0};
}

/**
 * request_begin() - Compose the next request
 * @machine:	Its request becomes an empty one
 * @now:	The clock, read before
 * @purpose:	Who is told how it ended
 * @subject:	Index of the source, pool or block it is about
 * @kind:	Kind
 * @key:	Record, "" for a list
 */
void request_begin(struct machine *machine, int64_t now, enum purpose purpose, size_t subject, enum request_kind kind,
		   const char *key)
{
	request_clear(&machine->request);
	machine->request.id = ++machine->last_id;
	machine->request.kind = kind;
	memcpy(machine->request.key, key, strlen(key) + 1);
	machine->purpose = purpose;
	machine->subject = subject;
	machine->sent_at = now;
}

/** add_condition() - One more; @text is copied */
static void add_condition(struct machine *machine, const char *key, int64_t revision, const char *text)
{
	struct engine_request *request = &machine->request;
	struct condition *condition = &request->conditions[request->n_conditions++];

	memcpy(condition->key, key, strlen(key) + 1);
	condition->revision = revision;
	condition->text = NULL;
	if (text && RULE(machine, text_compared)) {
		condition->text = strdup(text);
		if (!condition->text)
			machine->no_memory = true;
	}
}

/**
 * request_condition() - The swap requires that a record is still as this host has seen it
 * @machine:	Its request is being composed
 * @key:	Record
 */
void request_condition(struct machine *machine, const char *key)
{
	const struct seen *seen = cache_find(&machine->cache, key);

	add_condition(machine, key, cache_revision(seen), seen ? seen->record.text : NULL);
}

/**
 * request_condition_revision() - The swap requires that a record is still at a revision, whatever it says
 * @machine:	Its request is being composed
 * @key:	Record
 * @revision:	Revision; 0: absent
 */
void request_condition_revision(struct machine *machine, const char *key, int64_t revision)
{
	add_condition(machine, key, revision, NULL);
}

/**
 * request_value() - What the swap writes
 * @machine:	Its request is being composed
 * @record:	Record
 */
void request_value(struct machine *machine, const struct record *record)
{
	machine->request.value = record_write(record);
	if (!machine->request.value)
		machine->no_memory = true;
}

/** request_value_text() - request_value() of a text from malloc(3), which is taken over; NULL: out of memory */
void request_value_text(struct machine *machine, char *text_consumed)
{
	machine->request.value = text_consumed;
	if (!text_consumed)
		machine->no_memory = true;
}

/**
 * request_send() - The request is complete
 * @machine:	Waits for its answer afterwards
 * @action:	Filled
 *
 * Return: whether there is something to do; false: out of memory
 */
bool request_send(struct machine *machine, struct action *action)
{
	if (machine->no_memory) {
		request_clear(&machine->request);
		return false;
	}
	machine->waiting = true;
	action->kind = ACTION_REQUEST;
	action->request = &machine->request;
	return true;
}

typedef void handler(struct machine *machine, int64_t now, enum outcome outcome);

static handler *const handlers[N_PURPOSES] = {
	[FOR_LIST] = session_listed,	     [FOR_HOST] = session_host,		[FOR_RENEWAL] = alive_answered,
	[FOR_SOURCES] = alive_sources,	     [FOR_FENCE] = claim_fenced,	[FOR_CLAIM] = claim_answered,
	[FOR_REMOVAL] = removal_answered,    [FOR_BLOCK_CLAIM] = block_claimed, [FOR_BLOCK_SWAP] = block_swapped,
	[FOR_BLOCK_RETURN] = block_returned, [FOR_POOLS] = pools_answered,
};

/** finish() - Tell whoever sent it how it ended */
static void finish(struct machine *machine, int64_t now, enum outcome outcome)
{
	machine->waiting = machine->verify = machine->reading = false;
	handlers[machine->purpose](machine, now, outcome);
	request_clear(&machine->request);
}

/**
 * request_forget() - The request's outcome does not matter any more
 * @machine:	Nothing is under way afterwards
 */
void request_forget(struct machine *machine)
{
	machine->waiting = machine->verify = machine->reading = false;
	request_clear(&machine->request);
}

/** is_as_sent() - Whether the record is what the swap wrote */
static bool is_as_sent(const struct machine *machine)
{
	const struct seen *seen = cache_find(&machine->cache, machine->request.key);
	const char *there = seen ? seen->record.text : NULL, *sent = machine->request.value;

	return there && sent ? strcmp(there, sent) == 0 : !there && !sent;
}

/** take_won() - The swap happened at @revision: so it is in the cache */
static int take_won(struct machine *machine, int64_t now, int64_t revision)
{
	CLEANUP_RECORD struct record record = {0};
	int r;

	if (!machine->request.value)
		return cache_absent(&machine->cache, machine->request.key, revision, now);
	r = record_read(machine->request.key, machine->request.value, revision, &record);
	return r < 0 ? r : cache_take(&machine->cache, &record, now);
}

/** take_records() - What the answer says about records */
static int take_records(struct machine *machine, int64_t now, const struct engine_answer *answer)
{
	for (size_t i = 0; i < answer->n_records; i++) {
		const struct record *record = &answer->records[i];
		int r = record->text ? cache_take(&machine->cache, record, now)
				     : cache_absent(&machine->cache, record->key, answer->revision, now);

		if (r < 0)
			return r;
	}
	return 0;
}

/**
 * machine_answer() - The engine answered
 * @machine:	Machine
 * @now:	The clock, read after the answer arrived
 * @id:		Of the request; an answer to any but the one under way is left alone
 * @answer:	Answer; NULL: it is known that none will come
 */
void machine_answer(struct machine *machine, int64_t now, uint64_t id, const struct engine_answer *answer)
{
	int r;

	if (!machine->waiting || id != machine->request.id)
		return;
	if (!answer) {
		machine->sent_at = INT64_MIN / 2; /* given up at the next look */
		return;
	}
	if (answer->revision < machine->max_revision && RULE(machine, restore_noticed)) {
		session_restart(machine);
		close_all(machine);
		machine->max_revision = answer->revision;
		return;
	}
	if (answer->revision > machine->max_revision)
		machine->max_revision = answer->revision;
	if (machine->request.kind == REQUEST_LIST)
		r = merge_list(machine, now, answer);
	else if (answer->won && !machine->reading)
		r = take_won(machine, now, answer->revision);
	else
		r = take_records(machine, now, answer);
	for (unsigned i = 0; i < machine->n_sources; i++)
		source_look(machine, i);
	if (r < 0)
		machine->no_memory = true;
	if (machine->reading)
		finish(machine, now, is_as_sent(machine) ? WON : LOST);
	else
		finish(machine, now, answer->won || machine->request.kind != REQUEST_SWAP ? WON : LOST);
}

/**
 * request_next() - What the request under way needs
 * @machine:	Machine
 * @now:	The clock
 * @action:	Filled
 *
 * Return: false: none is under way
 */
bool request_next(struct machine *machine, int64_t now, struct action *action)
{
	int64_t limit = machine->config.ttl / 10;

	if (machine->waiting && now - machine->sent_at >= limit) {
		machine->waiting = false;
		if (machine->request.kind == REQUEST_SWAP && !machine->reading)
			machine->verify = true;
		else
			finish(machine, now, GIVEN_UP);
	}
	if (machine->verify) {
		machine->verify = false;
		machine->reading = machine->waiting = true;
		machine->sent_at = now;
		machine->request.kind = REQUEST_READ;
		machine->request.id = ++machine->last_id;
		action->kind = ACTION_REQUEST;
		action->request = &machine->request;
		return true;
	}
	if (machine->waiting)
		wait_until(action, machine->sent_at + limit);
	return machine->waiting;
}
