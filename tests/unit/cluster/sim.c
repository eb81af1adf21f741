/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run: a queue of what happens, chaos, and the shrinking of a run that failed. */

#include "tests/unit/cluster/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cluster/sim_internal.h"

/** message_new() - An empty one with one reference */
struct message *message_new(void)
{
	struct message *message = calloc(1, sizeof(*message));

	if (!message)
		abort();
	message->references = 1;
	return message;
}

/** message_drop() - One reference less */
void message_drop(struct message *message)
{
	if (!message || --message->references > 0)
		return;
	request_clear(&message->request);
	for (size_t i = 0; i < message->answer.n_records; i++)
		record_clear(&message->answer.records[i]);
	free(message->answer.records);
	free(message);
}

/** sim_unique() - A number never used before in this run */
uint64_t sim_unique(void *context)
{
	struct sim *sim = context;

	return ++sim->unique;
}

/** sim_log() - A line of the trace */
void sim_log(struct sim *sim, const char *format, ...)
{
	va_list args;

	if (!sim->log)
		return;
	(void)fprintf(sim->log, "%10.4f  ", (double)sim->now / 1e6);
	va_start(args, format);
	(void)vfprintf(sim->log, format, args);
	va_end(args);
	(void)fputc('\n', sim->log);
}

/** sim_bad() - An invariant does not hold: the run ends, with the first one */
void sim_bad(struct sim *sim, const char *format, ...)
{
	va_list args;

	if (sim->result->violation[0] != '\0')
		return;
	va_start(args, format);
	(void)vsnprintf(sim->result->violation, sizeof(sim->result->violation), format, args);
	va_end(args);
	sim_log(sim, "VIOLATION %s", sim->result->violation);
}

static bool before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->sequence < b->sequence;
}

/** sim_at() - Something will happen; the queue takes over @message */
void sim_at(struct sim *sim, int64_t at, enum happening what, unsigned host, uint64_t token, int64_t number,
	    struct message *message)
{
	struct event event = {at, ++sim->sequence, what, host, token, number, message};
	size_t i = sim->n_queue++;

	if (sim->n_queue > sim->room_queue) {
		sim->room_queue = sim->room_queue ? 2 * sim->room_queue : 64;
		sim->queue = reallocarray(sim->queue, sim->room_queue, sizeof(*sim->queue));
		if (!sim->queue)
			abort();
	}
	for (; i > 0 && before(&event, &sim->queue[(i - 1) / 2]); i = (i - 1) / 2)
		sim->queue[i] = sim->queue[(i - 1) / 2];
	sim->queue[i] = event;
}

/** pop() - What happens next */
static struct event pop(struct sim *sim)
{
	struct event first = sim->queue[0], last = sim->queue[--sim->n_queue];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= sim->n_queue)
			break;
		if (child + 1 < sim->n_queue && before(&sim->queue[child + 1], &sim->queue[child]))
			child++;
		if (!before(&sim->queue[child], &last))
			break;
		sim->queue[i] = sim->queue[child];
		i = child;
	}
	if (sim->n_queue > 0)
		sim->queue[i] = last;
	return first;
}

/** unlucky() - Faults of one host in this quarter of a second */
static void unlucky(struct sim *sim, struct host *host)
{
	uint64_t random = sim_fault(sim, FAULT_PARTITION, host->id, sim->chance[FAULT_PARTITION]);
	unsigned up = 0;

	if (random && host->cut_until < sim->now) {
		host->cut_until = sim->now + (int64_t)(random % (12 * SIM_SECOND));
		host->cut_until = host->cut_until > sim->until ? sim->until : host->cut_until;
		sim_log(sim, "(h%u cut off until %.3f)", host->id, (double)host->cut_until / 1e6);
	}
	if (!host->up)
		return;
	random = sim_fault(sim, FAULT_AGENT_KILLED, host->id, sim->chance[FAULT_AGENT_KILLED]);
	if (random && host->process[0].alive) {
		int64_t back = sim->now + 100000 + (int64_t)(random % (3 * SIM_SECOND));

		agent_kill(sim, host);
		sim_log(sim, "h%u agent killed", host->id);
		sim_at(sim, back > sim->until ? sim->until : back, HAPPENS_SPAWN, host->id, 0, 0, NULL);
	}
	if (sim->config->second && sim_fault(sim, FAULT_SECOND_AGENT, host->id, 40000))
		agent_spawn(sim, host);
	random = sim_fault(sim, FAULT_HOST_CRASH, host->id, sim->chance[FAULT_HOST_CRASH]);
	for (unsigned i = 0; i < sim->n_hosts; i++)
		up += sim->host[i].up;
	if (random) {
		int64_t back = sim->now + 500000 + (int64_t)(random % (12 * SIM_SECOND));

		host_crash(sim, host, back > sim->until ? sim->until : back, random >> 40 & 1);
	} else if (sim_fault(sim, FAULT_HOST_DEAD, host->id, sim->chance[FAULT_HOST_DEAD]) && up > 2) {
		host_crash(sim, host, -1, false);
	}
}

/** chaos() - Each quarter of a second of true time */
static void chaos(struct sim *sim, int64_t n)
{
	uint64_t random;

	if (!sim->config->script)
		sim_at(sim, sim->now + 250000, HAPPENS_CHAOS, 0, 0, n + 1, NULL);
	if (sim->now >= sim->until)
		return;
	random = sim_fault(sim, FAULT_ENGINE_DOWN, 0, sim->chance[FAULT_ENGINE_DOWN]);
	if (random && sim->down_until < sim->now) {
		sim->down_until = sim->now + (int64_t)(random % (8 * SIM_SECOND));
		sim->down_until = sim->down_until > sim->until ? sim->until : sim->down_until;
		sim_log(sim, "(engine away until %.3f)", (double)sim->down_until / 1e6);
	}
	for (unsigned i = 0; i < sim->n_hosts; i++)
		unlucky(sim, &sim->host[i]);
	if (sim->config->forget && sim_fault(sim, FAULT_FORGET, 0, 40000) && sim->down_until <= sim->now)
		engine_forget(sim, "host/h0");
	if (!sim->config->restore)
		return;
	random = sim_fault(sim, FAULT_RESTORE, 0, 30000);
	if (random && sim->down_until <= sim->now && sim->now < sim->until - 8 * SIM_SECOND)
		engine_restore(sim, random);
	if (n % 40 == 0)
		engine_back_up(sim);
}

/** publish() - A new policy now and then */
static void publish(struct sim *sim)
{
	int64_t later = sim_between(sim, RANDOM_POLICY, 0, SIM_SECOND, 8 * SIM_SECOND);

	if (!sim->config->script)
		sim_at(sim, sim->now + later, HAPPENS_PUBLISH, 0, 0, 0, NULL);
	if (sim->down_until <= sim->now && sim->now < sim->until && sim_fault(sim, FAULT_POLICY, 0, 1000000))
		engine_publish(sim);
}

/** process_of() - The process of a host that was born so, or has this watch; NULL: it is gone */
static struct process *process_of(struct host *host, uint64_t born, bool by_watch)
{
	for (unsigned i = 0; i < 2; i++) {
		struct process *process = &host->process[i];

		if (process->alive && (by_watch ? process->watch : process->born) == born)
			return process;
	}
	return NULL;
}

/** to_process() - Things that only concern a process that still lives */
static void to_process(struct sim *sim, const struct event *event)
{
	struct host *host = &sim->host[event->host];
	struct process *process = process_of(host, event->token, event->what == HAPPENS_WATCHED);

	if (process && event->what == HAPPENS_PROBED)
		agent_probed(sim, host, process, (unsigned)event->number);
	else if (process)
		agent_deliver(sim, host, process, event->message);
}

/** to_agents() - A turn of whichever agent of the host this token is of */
static void to_agents(struct sim *sim, const struct event *event)
{
	struct host *host = &sim->host[event->host];

	for (unsigned i = 0; i < 2; i++) {
		struct process *process = &host->process[i];

		if (!process->alive || process->token != event->token)
			continue;
		if (event->what == HAPPENS_STEP)
			agent_step(sim, host, process, event->token);
		else if (event->what == HAPPENS_ACT)
			agent_act(sim, host, process, event->token);
		else
			agent_wake(sim, host, process, true);
	}
}

/** happen() - One step of the simulator */
static void happen(struct sim *sim, const struct event *event)
{
	struct host *host = &sim->host[event->host];

	switch (event->what) {
	case HAPPENS_SPAWN:
		agent_spawn(sim, host);
		break;
	case HAPPENS_STEP:
	case HAPPENS_ACT:
	case HAPPENS_RISE:
		to_agents(sim, event);
		break;
	case HAPPENS_ARRIVE:
		engine_arrive(sim, event->host, event->token, event->message, (uint64_t)event->number);
		break;
	case HAPPENS_ANSWER:
	case HAPPENS_WATCHED:
	case HAPPENS_PROBED:
		to_process(sim, event);
		break;
	case HAPPENS_BOOT:
		host_boot(sim, host);
		break;
	case HAPPENS_OPERATION:
		host_operation(sim, host);
		break;
	case HAPPENS_PUBLISH:
		publish(sim);
		break;
	case HAPPENS_CHAOS:
		chaos(sim, event->number);
		break;
	case HAPPENS_ARM:
	default:
		host_arm(sim, host, (unsigned)event->number, (unsigned)event->token);
		break;
	}
	message_drop(event->message);
}

/** sim_run_until() - Until then, or until something is violated */
void sim_run_until(struct sim *sim, int64_t until)
{
	while (sim->n_queue > 0 && sim->queue[0].at <= until && sim->result->violation[0] == '\0') {
		struct event event = pop(sim);

		sim->now = event.at;
		sim->result->steps++;
		happen(sim, &event);
	}
	sim->now = until;
}

/** begin() - Hosts with their clocks; the clone has host 0's name */
static void begin(struct sim *sim)
{
	sim->n_hosts = sim->config->hosts + sim->config->clone;
	for (unsigned i = 0; i < sim->n_hosts; i++) {
		struct host *host = &sim->host[i];
		uint64_t random = sim_mix(sim_mix(sim->seed, RANDOM_RATE), i);

		*host = (struct host){.id = i, .name = i, .machine_id = i, .up = true};
		host->rate = random & 3 ? (random >> 8 & 1 ? 1100 : 900) : 900 + (int)((random >> 9) % 201);
		if (i == sim->config->hosts) {
			host->name = 0;
			host->machine_id = 100;
			host->rate = 1000;
		}
		if (sim->config->rates[i])
			host->rate = sim->config->rates[i];
		sim_at(sim, sim_between(sim, RANDOM_OPERATION, i, 0, 300000), HAPPENS_SPAWN, i, 0, 0, NULL);
		if (!sim->config->script)
			sim_at(sim, sim_between(sim, RANDOM_OPERATION, i, 0, SIM_SECOND), HAPPENS_OPERATION, i, 0, 0,
			       NULL);
	}
	engine_publish(sim);
	if (sim->config->script) {
		script_begin(sim);
		return;
	}
	sim_at(sim, SIM_SECOND, HAPPENS_CHAOS, 0, 0, 0, NULL);
	sim_at(sim, 2 * SIM_SECOND, HAPPENS_PUBLISH, 0, 0, 0, NULL);
}

/** sim_rules() - All rules as they must be */
struct machine_rules sim_rules(void)
{
	struct machine_rules rules;

	memset(&rules, true, sizeof(rules));
	return rules;
}

/**
 * sim_run() - One run
 * @seed:	Everything follows from it
 * @config:	Shape
 * @rules:	Rules of the protocol that are in
 * @allowed:	Names of the faults and operations that may happen, sorted; NULL: all
 * @n_allowed:	Their number
 * @log:	Gets the trace; NULL: none
 * @ret_result:	How it ended; for sim_result_clear()
 */
void sim_run(uint64_t seed, const struct sim_config *config, const struct machine_rules *rules, const uint32_t *allowed,
	     size_t n_allowed, FILE *log, struct sim_result *ret_result)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	if (!sim)
		abort();
	*ret_result = (struct sim_result){0};
	sim->seed = sim_mix(seed, 0x9E37);
	sim->config = config;
	sim->rules = *rules;
	sim->allowed = allowed;
	sim->n_allowed = n_allowed;
	sim->log = log;
	sim->result = ret_result;
	sim->until = config->until;
	sim_swarm(sim);
	begin(sim);
	sim_run_until(sim, sim->until);
	if (ret_result->violation[0] == '\0')
		check_waiting(sim);
	for (unsigned i = 0; i < sim->n_hosts; i++)
		agent_kill(sim, &sim->host[i]);
	for (size_t i = 0; i < sim->n_queue; i++)
		message_drop(sim->queue[i].message);
	engine_clear(sim);
	free(sim->queue);
	free(sim);
}

/** sim_result_clear() - Free what a result holds */
void sim_result_clear(struct sim_result *result)
{
	free(result->fired);
	*result = (struct sim_result){0};
}
