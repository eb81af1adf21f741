/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop around a machine, as the agent has it; it may be stopped for any time, or killed, between any two steps. */

#include "tests/unit/cluster/sim_internal.h"

#include <stdlib.h>
#include <string.h>

/** schedule() - The process goes on shortly, or is stopped first */
static void schedule(struct sim *sim, struct host *host, struct process *process, enum happening what)
{
	static const int64_t longest[4] = {200000, 2 * SIM_SECOND, 6 * SIM_SECOND, 15 * SIM_SECOND};
	int64_t delay = sim_between(sim, RANDOM_STEP, host->id, 5, 60);
	uint64_t stopped = sim_fault(sim, FAULT_PAUSE, host->id, sim->chance[FAULT_PAUSE]);

	if (stopped) {
		delay += (int64_t)(stopped % (uint64_t)longest[stopped >> 50 & 3]);
		if (sim->now + delay > sim->until)
			delay = sim->until > sim->now ? sim->until - sim->now + 10 : 10;
		sim_log(sim, "h%u   (agent stopped until %.4f)", host->id, (double)(sim->now + delay) / 1e6);
	}
	process->sleeping = false;
	sim_at(sim, sim->now + delay, what, host->id, ++process->token, 0, NULL);
}

static bool never_reserved(void *context, const struct prefix *block)
{
	const struct sim *sim = context;

	return (unsigned)(block->address.value >> 8 & 0xff) >= sim->config->blocks;
}

/** configure() - What the machine of a host is born with */
static void configure(struct sim *sim, const struct host *host, struct machine_config *config)
{
	*config = (struct machine_config){
		.ttl = 5 * MACHINE_SECOND, .random = sim_unique, .is_reserved = never_reserved, .context = sim};
	if (host->id == 0 && sim->config->slow_ttl > 0)
		config->ttl = sim->config->slow_ttl * 1000;
	(void)snprintf(config->host, sizeof(config->host), "h%u", host->name);
	(void)snprintf(config->machine_id, sizeof(config->machine_id), "%032x", host->machine_id + 1);
	(void)snprintf(config->boot_id, sizeof(config->boot_id), "%032x", host->boots + 1);
	(void)snprintf(config->addresses[0], sizeof(config->addresses[0]), "192.0.2.%u", host->id + 1);
	config->rules = sim->rules;
}

/** add_blocks() - The pool, and what the store says of it */
static void add_blocks(struct host *host, struct machine *machine)
{
	struct cluster_pool pool = {.block_length = 24, .network = "pods"};
	char key[RECORD_KEY_MAX];

	(void)prefix_parse("10.0.0.0/21", &pool.prefix);
	if (machine_add_pool(machine, &pool) < 0)
		abort();
	for (unsigned i = 0; i < SIM_BLOCKS; i++) {
		(void)snprintf(key, sizeof(key), "block/10.0.%u.0/24", i);
		if (host->block[i].state != BLOCK_NONE &&
		    machine_found_block(machine, key, host->block[i].revision, host->block[i].state == BLOCK_LEAVING) <
			    0)
			abort();
	}
}

/** add_sources() - The shared addresses and pins, and what store and kernel say of them */
static void add_sources(const struct sim *sim, const struct host *host, struct machine *machine)
{
	unsigned all[SIM_SOURCES];

	for (unsigned i = 0; i < sim->config->sources; i++) {
		struct address address = {.value = 0xcb007100U + i, .family = FAMILY_IPV4};

		all[i] = i;
		if (machine_add_source(machine, &address) != (int)i)
			abort();
		machine_found_source(machine, i, host->open[i], host->deadline[i], host->address[i]);
		if (!sim->config->one_pin && machine_add_pin(machine, "pin", &i, 1) < 0)
			abort();
	}
	if ((sim->config->one_pin || sim->config->asked) &&
	    machine_add_pin(machine, "pin", all, sim->config->sources) < 0)
		abort();
}

/** agent_spawn() - An agent starts; the lock lets only one run */
void agent_spawn(struct sim *sim, struct host *host)
{
	struct process *process = &host->process[0];
	struct machine_config config;

	if (!host->up || host->dead)
		return;
	if (process->alive) {
		if (!sim->config->no_lock || host->process[1].alive)
			return;
		process = &host->process[1];
	}
	configure(sim, host, &config);
	memset(process, 0, sizeof(*process));
	process->machine = machine_new(&config);
	if (!process->machine)
		abort();
	process->alive = true;
	process->born = sim_unique(sim);
	add_sources(sim, host, process->machine);
	if (sim->config->blocks > 0)
		add_blocks(host, process->machine);
	sim_log(sim, "h%u agent starts", host->id);
	script_about(sim, "start");
	schedule(sim, host, process, HAPPENS_STEP);
}

/** agent_kill() - Both agents of a host end at once */
void agent_kill(struct sim *sim, struct host *host)
{
	(void)sim;
	for (unsigned i = 0; i < 2; i++) {
		struct process *process = &host->process[i];

		if (!process->alive)
			continue;
		machine_free(process->machine);
		message_drop(process->sending);
		for (size_t j = 0; j < process->n_inbox; j++)
			message_drop(process->inbox[j].message);
		free(process->inbox);
		memset(process, 0, sizeof(*process));
	}
}

/** put_in_inbox() - Something the process finds when it runs */
static void put_in_inbox(struct process *process, struct message *message, bool probe, unsigned source)
{
	if (process->n_inbox == process->room) {
		process->room = process->room ? 2 * process->room : 8;
		process->inbox = reallocarray(process->inbox, process->room, sizeof(*process->inbox));
		if (!process->inbox)
			abort();
	}
	process->inbox[process->n_inbox].message = message;
	process->inbox[process->n_inbox].probe = probe;
	process->inbox[process->n_inbox++].source = source;
}

/** agent_wake() - Something has happened: a sleeping process goes on */
void agent_wake(struct sim *sim, struct host *host, struct process *process, bool rise)
{
	(void)rise;
	if (process->alive && process->sleeping) {
		process->woken = host_clock(sim, host);
		script_about(sim, "woken");
		schedule(sim, host, process, HAPPENS_STEP);
	}
}

/** agent_deliver() - An answer or a change is at the host */
void agent_deliver(struct sim *sim, struct host *host, struct process *process, struct message *message)
{
	message->references++;
	put_in_inbox(process, message, false, 0);
	agent_wake(sim, host, process, false);
}

/** agent_probed() - Nobody answered on the link */
void agent_probed(struct sim *sim, struct host *host, struct process *process, unsigned source)
{
	put_in_inbox(process, NULL, true, source);
	agent_wake(sim, host, process, false);
}

/** take_inbox() - All that has arrived, each with the clock read afterwards */
static void take_inbox(struct sim *sim, struct host *host, struct process *process)
{
	int64_t now = sim->rules.clock_after_event ? host_clock(sim, host) : process->woken;

	for (size_t i = 0; i < process->n_inbox; i++) {
		struct message *message = process->inbox[i].message;

		if (process->inbox[i].probe)
			machine_probed(process->machine, now, process->inbox[i].source, NULL);
		else if (message->watch_lost)
			machine_watch_lost(process->machine, now);
		else if (message->request.id != 0)
			machine_answer(process->machine, now, message->request.id, &message->answer);
		else
			machine_watched(process->machine, now, &message->answer.records[0]);
		message_drop(message);
	}
	process->n_inbox = 0;
}

/** asks() - Whether an ADD of a host asks for any of the sources: follows from the time, and ends with the faults */
static bool asks(const struct sim *sim, const struct host *host)
{
	uint64_t slot = (uint64_t)sim->now / (SIM_SECOND / 2);

	return sim->now < sim->until - 2 * SIM_SECOND && sim_mix(sim_mix(sim->seed, slot), host->id) % 4 == 0;
}

/** look_at_store() - What the verbs have left in the store */
static void look_at_store(struct sim *sim, struct host *host, struct process *process)
{
	unsigned any = 0;
	char key[RECORD_KEY_MAX];

	for (unsigned i = 0; i < sim->config->sources; i++) {
		any += host->wanted[i];
		if (!sim->config->one_pin)
			machine_wanted(process->machine, i, host->wanted[i]);
	}
	if (sim->config->one_pin)
		machine_wanted(process->machine, 0, any);
	if (sim->config->asked)
		machine_wanted(process->machine, sim->config->sources, asks(sim, host));
	if (sim->config->blocks == 0)
		return;
	machine_block_demand(process->machine, 0, host->demand > 0);
	for (unsigned i = 0; i < SIM_BLOCKS; i++) {
		(void)snprintf(key, sizeof(key), "block/10.0.%u.0/24", i);
		machine_block_used(process->machine, host_clock(sim, host), key, host->block[i].leases);
	}
}

/** copy_request() - The request as it goes out, whatever the machine does meanwhile */
static struct message *copy_request(const struct machine *machine, const struct engine_request *request)
{
	struct message *message = message_new();

	message->request = *request;
	message->request.value = request->value ? strdup(request->value) : NULL;
	for (size_t i = 0; i < request->n_conditions; i++) {
		const char *text = request->conditions[i].text;

		message->request.conditions[i].text = text ? strdup(text) : NULL;
	}
	message->judged = machine_policy(machine);
	return message;
}

/** go_to_sleep() - Until the machine's time, an event, or a second has passed */
static void go_to_sleep(struct sim *sim, struct host *host, struct process *process, int64_t now)
{
	int64_t until = process->action.until;
	int64_t wait = until == INT64_MAX ? SIM_SECOND : (until - now) / host->rate + 1;

	if (wait > SIM_SECOND)
		wait = SIM_SECOND;
	process->sleeping = true;
	sim_at(sim, sim->now + (wait < 10 ? 10 : wait), HAPPENS_RISE, host->id, ++process->token, 0, NULL);
}

/** agent_step() - One turn of the loop */
void agent_step(struct sim *sim, struct host *host, struct process *process, uint64_t token)
{
	int64_t now;

	if (!process->alive || token != process->token)
		return;
	if (process->done_due) {
		process->done_due = false;
		machine_done(process->machine, host_clock(sim, host), process->done);
	}
	take_inbox(sim, host, process);
	look_at_store(sim, host, process);
	now = host_clock(sim, host);
	if (machine_next(process->machine, now, &process->action) < 0)
		abort();
	if (process->action.kind == ACTION_WAIT) {
		check_addresses(sim, host);
		go_to_sleep(sim, host, process, now);
		return;
	}
	if (process->action.kind == ACTION_REQUEST)
		process->sending = copy_request(process->machine, process->action.request);
	script_about_action(sim, "", process);
	schedule(sim, host, process, HAPPENS_ACT);
}

/** act_on_block() - An action about a block, under the store's lock */
static enum done act_on_block(struct sim *sim, struct host *host, const struct action *action)
{
	unsigned i = host_block_index(action->key);

	if (action->kind == ACTION_BLOCK_OPEN) {
		host->block[i].state = BLOCK_IN_USE;
		host->block[i].revision = action->revision;
		host->demand = 0;
		sim->result->block_claims++;
		check_blocks(sim);
	} else if (action->kind == ACTION_BLOCK_DROP) {
		host->block[i].state = BLOCK_NONE;
		sim->result->block_returns++;
	} else {
		if (host->block[i].leases > 0 && !action->force)
			return DONE_REFUSED;
		if (sim->rules.block_marked_first)
			host->block[i].state = BLOCK_LEAVING;
	}
	return DONE_OK;
}

/** wants() - Whether a container wants a source, by the store */
static bool wants(const struct sim *sim, const struct host *host, unsigned source)
{
	unsigned any = 0;

	for (unsigned i = 0; i < sim->config->sources; i++)
		any += host->wanted[i];
	return sim->config->one_pin ? any > 0 : host->wanted[source] > 0;
}

/** act() - Do what the machine says */
static enum done act(struct sim *sim, struct host *host, struct process *process)
{
	const struct action *action = &process->action;
	unsigned source = action->source;

	if (action->kind == ACTION_CLOSE) {
		if (!action->force && wants(sim, host, source))
			return DONE_REFUSED;
		host->open[source] = false;
		host->armed[source] = false;
	} else if (action->kind == ACTION_DEADLINE) {
		host_write_deadline(sim, host, source, action->time);
	} else if (action->kind == ACTION_ADDRESS) {
		host->address[source] = host_clock(sim, host) + action->seconds * MACHINE_SECOND;
	} else if (action->kind == ACTION_ADDRESS_OFF) {
		host->address[source] = 0;
	} else if (action->kind == ACTION_OPEN) {
		host->open[source] = true;
		host->armed[source] = true;
	} else if (action->kind == ACTION_PROBE) {
		sim_at(sim, sim->now + 20000, HAPPENS_PROBED, host->id, process->born, source, NULL);
	} else if (action->kind == ACTION_WATCH) {
		engine_watch(sim, host->id, process, action->revision);
	} else if (action->kind >= ACTION_BLOCK_OPEN) {
		return act_on_block(sim, host, action);
	}
	return DONE_OK;
}

/** agent_act() - What was decided is done now */
void agent_act(struct sim *sim, struct host *host, struct process *process, uint64_t token)
{
	if (!process->alive || token != process->token)
		return;
	if (process->action.kind == ACTION_REQUEST) {
		struct message *message = process->sending;

		process->sending = NULL;
		message->references++;
		engine_send(sim, host->id, process, message);
		script_about_request(sim, "after ", &message->request);
		message_drop(message);
	} else {
		process->done = act(sim, host, process);
		process->done_due = true;
		script_about_action(sim, "after ", process);
	}
	schedule(sim, host, process, HAPPENS_STEP);
}
