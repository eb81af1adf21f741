/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine that all hosts share, and the network between: swaps with conditions, revisions, watches. */

#include "tests/unit/cluster/sim_internal.h"

#include <stdlib.h>
#include <string.h>

/** holds() - Whether a condition is met now */
static bool holds(const struct sim *sim, const struct condition *condition)
{
	const struct seen *seen = cache_find(&sim->engine, condition->key);

	if (condition->revision == REVISION_ANY)
		return true;
	if (cache_revision(seen) != condition->revision)
		return false;
	return !condition->text || (seen->record.text && strcmp(seen->record.text, condition->text) == 0);
}

/** add_record() - A copy of the engine's record of @key, absent or not */
static void add_record(const struct sim *sim, struct engine_answer *answer, const char *key)
{
	const struct seen *seen = cache_find(&sim->engine, key);

	answer->records = reallocarray(answer->records, answer->n_records + 1, sizeof(*answer->records));
	if (!answer->records || record_read(key, seen ? seen->record.text : NULL, seen ? seen->record.revision : 0,
					    &answer->records[answer->n_records++]) < 0)
		abort();
}

/** send_change() - A change on its way to one watch */
static void send_change(struct sim *sim, unsigned host, struct process *process, const struct record *record)
{
	int64_t lag = sim_between(sim, RANDOM_WATCH, host, 500, 8000), at;
	uint64_t late;
	struct message *message = message_new();

	script_about(sim, record->key);
	late = sim_fault(sim, FAULT_WATCH_LAG, host, sim->chance[FAULT_WATCH_LAG]);
	if (late)
		lag += (int64_t)(late % (8 * SIM_SECOND));
	at = sim->now + lag;
	if (sim->host[host].cut_until > sim->now && sim->host[host].cut_until + lag > at)
		at = sim->host[host].cut_until + lag;
	if (at > sim->until)
		at = sim->until + 20000 > sim->now + 2000 ? sim->until + 20000 : sim->now + 2000;
	if (at < process->watch_at)
		at = process->watch_at;
	process->watch_at = at;
	message->answer.records = calloc(1, sizeof(struct record));
	if (!message->answer.records || record_copy(record, message->answer.records) < 0)
		abort();
	message->answer.n_records = 1;
	sim_at(sim, at, HAPPENS_WATCHED, host, process->watch, 0, message);
}

/** change() - Write, or delete, and tell the watches */
static void change(struct sim *sim, const char *key, const char *text, const char *who)
{
	struct record record;

	if (record_read(key, text, ++sim->revision, &record) < 0 || cache_take(&sim->engine, &record, 0) < 0)
		abort();
	sim_log(sim, "  ENGINE @%lld %s := %s (%s)", (long long)sim->revision, key, text ? text : "deleted", who);
	if (sim->n_changes == sim->room_changes) {
		sim->room_changes = sim->room_changes ? 2 * sim->room_changes : 256;
		sim->changes = reallocarray(sim->changes, sim->room_changes, sizeof(struct record));
		if (!sim->changes)
			abort();
	}
	sim->changes[sim->n_changes++] = record;
	for (unsigned i = 0; i < sim->n_hosts; i++) {
		for (unsigned j = 0; j < 2; j++) {
			if (sim->host[i].process[j].alive && sim->host[i].process[j].watch != 0)
				send_change(sim, i, &sim->host[i].process[j], &record);
		}
	}
	if (record.kind == RECORD_BLOCK)
		check_blocks(sim);
}

/** check_policy() - Nothing is claimed against a policy older than the claim */
static void check_policy(struct sim *sim, const struct engine_request *request, int64_t judged)
{
	int64_t revision = cache_revision(cache_find(&sim->engine, "policy"));

	for (size_t i = 0; i < request->n_conditions; i++) {
		if (strcmp(request->conditions[i].key, "policy") == 0 && judged != revision)
			sim_bad(sim, "I3 claim of %s judged by policy %lld, the engine has %lld", request->key,
				(long long)judged, (long long)revision);
	}
}

/** count_swap() - What kind of thing happened */
static void count_swap(struct sim_result *result, const struct engine_request *request)
{
	enum record_kind kind = record_kind(request->key);

	if (kind == RECORD_SOURCE && request->value) {
		result->claims++;
		result->takeovers += request->n_conditions == 4;
	} else if (kind == RECORD_SOURCE) {
		result->releases++;
	} else if (kind == RECORD_ALIVE) {
		result->renewals += request->n_conditions == 2;
		result->fences += request->n_conditions == 1;
	}
}

/** swap() - All conditions, or nothing */
static void swap(struct sim *sim, unsigned host, const struct message *message, struct engine_answer *answer)
{
	const struct engine_request *request = &message->request;
	char who[8];

	answer->won = true;
	for (size_t i = 0; i < request->n_conditions; i++)
		answer->won &= holds(sim, &request->conditions[i]);
	(void)snprintf(who, sizeof(who), "h%u", host);
	if (answer->won) {
		check_policy(sim, request, message->judged);
		count_swap(sim->result, request);
		change(sim, request->key, request->value, who);
		return;
	}
	sim_log(sim, "h%u   (conditions of %s%s not met)", host, request->key, request->value ? "" : ", deletion,");
	for (size_t i = 0; i < request->n_conditions; i++)
		add_record(sim, answer, request->conditions[i].key);
}

/** list() - All records that exist */
static void list(const struct sim *sim, struct engine_answer *answer)
{
	for (size_t i = 0; i < sim->engine.n; i++) {
		if (sim->engine.rows[i]->record.text)
			add_record(sim, answer, sim->engine.rows[i]->record.key);
	}
}

/** in_time() - Nothing is late once the faults have ended */
static int64_t in_time(const struct sim *sim, int64_t at)
{
	if (at > sim->until && sim->until + 20000 < at)
		at = sim->until + 20000;
	return at < sim->now + 1000 ? sim->now + 1000 : at;
}

/**
 * engine_arrive() - A request is at the engine
 * @generation:	Of the engine when the request was sent: a restored one has other connections
 */
void engine_arrive(struct sim *sim, unsigned host, uint64_t born, struct message *message, uint64_t generation)
{
	struct message *reply;
	int64_t late = 0;
	uint64_t delay;

	if (sim->down_until > sim->now || generation != sim->engine_generation)
		return;
	reply = message_new();
	reply->request.id = message->request.id;
	if (message->request.kind == REQUEST_SWAP)
		swap(sim, host, message, &reply->answer);
	else if (message->request.kind == REQUEST_READ)
		add_record(sim, &reply->answer, message->request.key);
	else
		list(sim, &reply->answer);
	reply->answer.revision = sim->revision;
	script_about_request(sim, "", &message->request);
	if (sim_fault(sim, FAULT_LOST_ANSWER, host, sim->chance[FAULT_LOST_ANSWER]) ||
	    sim->host[host].cut_until > sim->now) {
		sim_log(sim, "h%u   (answer lost: %s)", host, message->request.key);
		message_drop(reply);
		return;
	}
	delay = sim_fault(sim, FAULT_DELAYED_ANSWER, host, sim->chance[FAULT_DELAYED_ANSWER]);
	if (delay)
		late = (int64_t)(delay % (9 * SIM_SECOND));
	sim_at(sim, in_time(sim, sim->now + late + sim_between(sim, RANDOM_LATENCY, host, 300, 6000)), HAPPENS_ANSWER,
	       host, born, 0, reply);
}

/** engine_send() - A request leaves a host: it may be lost, late, or come twice */
void engine_send(struct sim *sim, unsigned host, struct process *process, struct message *message)
{
	int64_t cut = sim->host[host].cut_until, at = sim->now + sim_between(sim, RANDOM_LATENCY, host, 300, 6000);
	uint64_t random;

	script_about_request(sim, "", &message->request);
	if (sim_fault(sim, FAULT_LOSS, host, sim->chance[FAULT_LOSS]) ||
	    (cut > sim->now && sim_random(sim, RANDOM_PARTITION, host) & 1)) {
		sim_log(sim, "h%u   (request lost: %s)", host, message->request.key);
		message_drop(message);
		return;
	}
	random = sim_fault(sim, FAULT_DELAY, host, sim->chance[FAULT_DELAY]);
	if (random)
		at += (int64_t)(random % (random >> 40 & 1 ? 300000 : 9 * SIM_SECOND));
	if (cut > sim->now)
		at += cut - sim->now;
	if (random)
		sim_log(sim, "h%u   (request delayed to %.4f: %s)", host, (double)at / 1e6, message->request.key);
	random = sim_fault(sim, FAULT_DUPLICATE, host, sim->chance[FAULT_DUPLICATE]);
	if (random) {
		message->references++;
		sim_at(sim, in_time(sim, at + (int64_t)(random % (10 * SIM_SECOND))), HAPPENS_ARRIVE, host,
		       process->born, (int64_t)sim->engine_generation, message);
	}
	sim_at(sim, in_time(sim, at), HAPPENS_ARRIVE, host, process->born, (int64_t)sim->engine_generation, message);
}

/** engine_watch() - A watch begins: what changed meanwhile comes first */
void engine_watch(struct sim *sim, unsigned host, struct process *process, int64_t from)
{
	process->watch = ++sim->watches;
	process->watch_at = sim->now;
	for (size_t i = 0; i < sim->n_changes; i++) {
		if (sim->changes[i].revision >= from)
			send_change(sim, host, process, &sim->changes[i]);
	}
}

/** engine_publish() - Another policy */
void engine_publish(struct sim *sim)
{
	char text[48];

	(void)snprintf(text, sizeof(text), "{\"reserved\":[],\"n\":%llu}", (unsigned long long)sim_unique(sim));
	change(sim, "policy", text, "publish");
}

/** engine_forget() - An operator removes a host's registration */
void engine_forget(struct sim *sim, const char *key)
{
	if (cache_revision(cache_find(&sim->engine, key)) != 0)
		change(sim, key, NULL, "operator");
}

static void copy_engine(struct cache *to, const struct cache *from)
{
	cache_clear(to);
	for (size_t i = 0; i < from->n; i++) {
		if (from->rows[i]->record.text && cache_take(to, &from->rows[i]->record, 0) < 0)
			abort();
	}
}

/** engine_back_up() - Keep what the engine has now */
void engine_back_up(struct sim *sim)
{
	copy_engine(&sim->backup, &sim->engine);
	sim->backup_revision = sim->revision;
}

/** engine_restore() - The engine starts from its backup; connections and watches end */
void engine_restore(struct sim *sim, uint64_t random)
{
	if (sim->backup_revision == 0)
		return;
	copy_engine(&sim->engine, &sim->backup);
	sim->revision = sim->backup_revision;
	sim->engine_generation++;
	while (sim->n_changes > 0 && sim->changes[sim->n_changes - 1].revision > sim->revision)
		record_clear(&sim->changes[--sim->n_changes]);
	sim->down_until = sim->now + (sim->config->quick_restore ? (int64_t)(random % (3 * SIM_SECOND))
								 : 5 * SIM_SECOND * 1000 / 900 + 10000);
	sim_log(sim, "(engine restored to revision %lld, back at %.3f)", (long long)sim->revision,
		(double)sim->down_until / 1e6);
	for (unsigned i = 0; i < sim->n_hosts; i++) {
		memset(sim->host[i].block, 0, sizeof(sim->host[i].block));
		for (unsigned j = 0; j < 2; j++) {
			struct process *process = &sim->host[i].process[j];
			struct message *message;

			if (!process->alive || process->watch == 0)
				continue;
			process->watch = ++sim->watches;
			message = message_new();
			message->watch_lost = true;
			sim_at(sim, sim->down_until + 1000, HAPPENS_WATCHED, i, process->watch, 0, message);
		}
	}
}

/** engine_clear() - The run has ended */
void engine_clear(struct sim *sim)
{
	cache_clear(&sim->engine);
	cache_clear(&sim->backup);
	for (size_t i = 0; i < sim->n_changes; i++)
		record_clear(&sim->changes[i]);
	free(sim->changes);
}
