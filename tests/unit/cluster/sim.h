/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_CLUSTER_SIM_H
#define TESTS_UNIT_CLUSTER_SIM_H

/*
 * A deterministic simulator of many hosts, each with the agent's own state machine, and of one engine. Everything
 * follows from the seed. Each fault and each operation has a name (kind, actor, number) and happens or not by a hash of
 * it, so that a failing run can be repeated with fewer of them. Times: true time in microseconds; a host's clock runs
 * at 0.9 to 1.1 of it.
 */

#include <stdint.h>
#include <stdio.h>

#include "plugin/cluster/machine.h"

#define SIM_SECOND 1000000LL
#define SIM_HOSTS 6
#define SIM_SOURCES 4
#define SIM_BLOCKS 8

enum fault {
	FAULT_LOSS = 1, /* a request */
	FAULT_LOST_ANSWER,
	FAULT_DELAY,
	FAULT_DELAYED_ANSWER,
	FAULT_DUPLICATE,
	FAULT_PAUSE, /* the agent is stopped */
	FAULT_WATCH_LAG,
	FAULT_PARTITION,
	FAULT_ENGINE_DOWN,
	FAULT_AGENT_KILLED,
	FAULT_HOST_CRASH,
	FAULT_HOST_DEAD,
	FAULT_SECOND_AGENT,
	FAULT_FORGET,
	FAULT_RESTORE,
	FAULT_VERB_STOPPED,
	FAULT_OPERATION,
	FAULT_POLICY,
	/* no faults: random numbers only */
	RANDOM_LATENCY,
	RANDOM_STEP,
	RANDOM_WATCH,
	RANDOM_RATE,
	RANDOM_SWARM,
	RANDOM_OPERATION,
	RANDOM_POLICY,
	RANDOM_PARTITION,
	/* in a script only */
	SCRIPT_BACKUP,
	N_FAULTS,
};

/**
 * struct sim_line - What happens in a run that follows a script, once
 * @at:		The first occasion at or after this moment of true time, milliseconds
 * @what:	Fault, or operation
 * @host:	To whom; 0 where it happens to the engine
 * @about:	How what it concerns must begin, NULL: anything. A request: its key, with "read ", "delete " before it, or
 *		"list"; a change that is watched: its key. FAULT_PAUSE: "woken", or what the agent is about to do ("deadline",
 *		"close", a request …), or, with "after " before it, has just done
 * @length:	How long it lasts, or how late the message is, milliseconds
 * @source:	FAULT_OPERATION: source that is wanted, or no longer; -1: one more lease, -2: none any more.
 *		FAULT_HOST_CRASH: 1: its store is lost
 */
struct sim_line {
	int64_t at;
	enum fault what;
	unsigned host;
	const char *about;
	int64_t length;
	int source;
};

/**
 * struct sim_config - Shape of a run; probabilities in millionths; -1: by the seed
 * @script:	What happens, and nothing else does; NULL: what follows from the seed. The seed then says no more than how long
 *		messages take
 * @rates:	Thousandths of true time, per host
 */
struct sim_config {
	const char *name;
	unsigned hosts, sources, blocks;
	bool one_pin; /* all sources serve one pin, else each its own */
	bool asked; /* as the agent has it: beside each source's own pin one of all, which ADDs ask for now and then */
	int64_t until;
	int64_t operations; /* longest time between two of a host */
	int64_t grace;	    /* added to the bound for a waiting claim */
	int64_t slow_ttl;   /* host 0's ttl, if not 0 */
	bool clone, forget, restore, second, no_lock, store_deadlines, host_deadline, quick_restore;
	bool boosted;
	int boost[N_FAULTS];
	const struct sim_line *script;
	size_t n_script;
	int rates[SIM_HOSTS];
};

/** struct sim_result - How a run ended: "" or what was violated, with the faults and operations that happened */
struct sim_result {
	char violation[160];
	uint64_t steps;
	int64_t waited;
	unsigned claims, takeovers, fences, releases, renewals, block_claims, block_returns;
	uint32_t *fired;
	size_t n_fired;
	size_t played; /* lines of the script that had their occasion */
};

struct machine_rules sim_rules(void);
void sim_run(uint64_t seed, const struct sim_config *config, const struct machine_rules *rules, const uint32_t *allowed,
	     size_t n_allowed, FILE *log, struct sim_result *ret_result);
void sim_result_clear(struct sim_result *result);
size_t sim_shrink(uint64_t seed, const struct sim_config *config, const struct machine_rules *rules,
		  uint32_t **ret_ids);

#endif
