/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run that follows a script: each line of it has its occasion once, and no other fault or operation happens. */

#include <string.h>

#include "tests/unit/cluster/sim_internal.h"

#define US_PER_MS 1000

/** struct encoding - How the simulator reads the random number of a fault: modulo, and bits that mean something */
struct encoding {
	int64_t modulo;
	int64_t less;
	uint64_t bits;
};

/** encoding_of() - Of a line's kind */
static struct encoding encoding_of(const struct sim_line *line)
{
	switch ((int)line->what) {
	case FAULT_PAUSE:
		return (struct encoding){15 * SIM_SECOND, 0, UINT64_C(3) << 50};
	case FAULT_HOST_CRASH:
		return (struct encoding){12 * SIM_SECOND, 500000, line->source == 1 ? UINT64_C(1) << 40 : 0};
	case FAULT_AGENT_KILLED:
		return (struct encoding){3 * SIM_SECOND, 100000, 0};
	case FAULT_PARTITION:
		return (struct encoding){12 * SIM_SECOND, 0, 0};
	case FAULT_RESTORE:
		return (struct encoding){3 * SIM_SECOND, 0, 0};
	case FAULT_ENGINE_DOWN:
	case FAULT_WATCH_LAG:
	case FAULT_VERB_STOPPED:
		return (struct encoding){8 * SIM_SECOND, 0, 0};
	default:
		return (struct encoding){9 * SIM_SECOND, 0, 0};
	}
}

/** encode() - The random number that makes a fault as long as a line says */
static uint64_t encode(const struct sim_line *line)
{
	struct encoding encoding = encoding_of(line);
	uint64_t modulo = (uint64_t)encoding.modulo, length;

	if (line->what == FAULT_OPERATION && line->source >= 0)
		return (uint64_t)line->source << 9 | 1;
	if (line->what == FAULT_OPERATION)
		return (line->source == -1 ? UINT64_C(1) << 9 : 0) | 7 << 1 | 1;
	length = (uint64_t)(line->length * US_PER_MS - encoding.less);
	length = encoding.bits + (length + modulo - encoding.bits % modulo) % modulo;
	return length ? length : modulo; /* 0 would mean that there is no fault */
}

/** script_fault() - Whether a line of the script has its occasion; else 0, see sim_fault() */
uint64_t script_fault(struct sim *sim, enum fault kind, unsigned actor)
{
	for (size_t i = 0; i < sim->config->n_script; i++) {
		const struct sim_line *line = &sim->config->script[i];

		if (sim->played[i] || line->what != kind || line->host != actor || line->at * US_PER_MS > sim->now)
			continue;
		if (line->about && strncmp(sim->about, line->about, strlen(line->about)) != 0)
			continue;
		sim->played[i] = true;
		sim->result->played++;
		return encode(line);
	}
	return 0;
}

/** script_begin() - What happens by itself at its time */
void script_begin(struct sim *sim)
{
	for (size_t i = 0; i < sim->config->n_script; i++) {
		const struct sim_line *line = &sim->config->script[i];
		int64_t at = line->at * US_PER_MS;

		if (line->what == FAULT_OPERATION)
			sim_at(sim, at, HAPPENS_OPERATION, line->host, 0, 0, NULL);
		else if (line->what == FAULT_POLICY)
			sim_at(sim, at, HAPPENS_PUBLISH, 0, 0, 0, NULL);
		else if (line->what == SCRIPT_BACKUP)
			sim_at(sim, at, HAPPENS_CHAOS, 0, 0, 0, NULL);
		else if (line->what >= FAULT_PARTITION && line->what <= FAULT_RESTORE)
			sim_at(sim, at, HAPPENS_CHAOS, 0, 0, 1, NULL);
		if (line->what == SCRIPT_BACKUP)
			sim->result->played++;
	}
}

/** script_about() - What the next fault would concern */
void script_about(struct sim *sim, const char *what)
{
	if (sim->config->script)
		(void)snprintf(sim->about, sizeof(sim->about), "%s", what);
}

/** script_about_request() - script_about() a request */
void script_about_request(struct sim *sim, const char *prefix, const struct engine_request *request)
{
	const char *kind = "";

	if (!sim->config->script)
		return;
	if (request->kind == REQUEST_LIST)
		kind = "list";
	else if (request->kind == REQUEST_READ)
		kind = "read ";
	else if (!request->value)
		kind = "delete ";
	(void)snprintf(sim->about, sizeof(sim->about), "%s%s%s", prefix, kind, request->key);
}

/** script_about_action() - script_about() what an agent has decided */
void script_about_action(struct sim *sim, const char *prefix, const struct process *process)
{
	static const char *const names[] = {
		[ACTION_WATCH] = "watch",
		[ACTION_DEADLINE] = "deadline",
		[ACTION_ADDRESS] = "address",
		[ACTION_ADDRESS_OFF] = "address off",
		[ACTION_OPEN] = "open",
		[ACTION_CLOSE] = "close",
		[ACTION_PROBE] = "probe",
		[ACTION_ANNOUNCE] = "announce",
		[ACTION_POLICY] = "policy",
		[ACTION_BLOCK_OPEN] = "block open",
		[ACTION_BLOCK_LEAVE] = "block leave",
		[ACTION_BLOCK_DROP] = "block drop",
	};
	const struct action *action = &process->action;

	if (!sim->config->script)
		return;
	if (action->kind == ACTION_REQUEST)
		script_about_request(sim, prefix, &process->sending->request);
	else
		(void)snprintf(sim->about, sizeof(sim->about), "%s%s", prefix,
			       action->kind == ACTION_DEADLINE && action->time == 0 ? "shut" : names[action->kind]);
}
