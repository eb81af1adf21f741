/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_DOCKER_CALLS_H
#define PLUGIN_AGENT_DOCKER_CALLS_H

/*
 * The calls of Docker's IPAM protocol that change something. When Docker starts it asks for everything again that its
 * networks have (a replay); so does its HTTP client when an answer got lost. What tells these from a second network
 * that wants the same: the process that asks. A subnet or an address that the same process has is refused to it; one
 * that a process had which has ended is handed on to the next.
 */

#include "plugin/agent/agent.h"
#include "plugin/agent/docker_policy.h"
#include "plugin/agent/docker_protocol.h"
#include "plugin/agent/docker_store.h"
#include "plugin/agent/process.h"
#include "plugin/host/host.h"

/**
 * struct docker_driver - What the calls work with
 * @config:	Configuration of the agent
 * @policies:	Guards
 * @memory:	What is known of Docker beside the store
 * @run:	This agent's process: a random number
 * @docker:	Docker's process, as of the last call
 * @docker_since:	When its first call was, docker_uptime(): the clock may be set right while Docker starts
 * @swept:	Addresses that were given back without Docker's asking
 * @recorder:	History and counters
 */
struct docker_driver {
	const struct agent_config *config;
	struct docker_policies *policies;
	struct docker_memory memory;
	uint64_t run;
	struct process docker;
	int64_t docker_since;
	uint64_t swept;
	struct recorder recorder;
};

/**
 * struct docker_call - One call: who calls, what was said, what is answered
 * @taken:	An address, or (without one) a pool that was taken just now: whether it is Docker's is known when the answer left
 * @has_taken:	There is one
 */
struct docker_call {
	struct docker_driver *driver;
	struct process docker;
	const json_t *request;
	json_t *answer;
	struct docker_ask taken;
	bool has_taken;
};

/* Each: 0 with call->answer an object, REFUSED with nothing changed. */
int docker_request_pool(struct docker_call *call, struct error *reterr);
int docker_release_pool(struct docker_call *call, struct error *reterr);
int docker_request_address(struct docker_call *call, struct error *reterr);
int docker_release_address(struct docker_call *call, struct error *reterr);

/* After the answer: what was taken is Docker's, or (not delivered) nobody's. What goes wrong is logged. */
void docker_settle(struct docker_driver *driver, const struct docker_ask *taken, bool delivered);

int64_t docker_uptime(void);
void docker_sweep(struct docker_driver *driver);

/* Shared by the files of these calls: the pool that a request names, by its id. 0, REFUSED */
int docker_find_asked_pool(struct docker_store *store, const struct docker_ask *ask, struct docker_pool *ret_pool,
			   struct error *reterr);
int docker_settle_pool(struct docker_store *store, const struct docker_ask *taken, bool delivered,
		       struct error *reterr);
int docker_make_token(char ret_token[static DOCKER_TOKEN_MAX], struct error *reterr);

#endif
