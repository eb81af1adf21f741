/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_CLUSTER_INTERNAL_H
#define PLUGIN_AGENT_CLUSTER_INTERNAL_H

#include "ipam/guard/guard.h"
#include "ipam/store/state.h"
#include "plugin/agent/agent.h"
#include "plugin/agent/ask_server.h"
#include "plugin/agent/cluster_config.h"
#include "plugin/cluster/machine.h"
#include "plugin/host/block_file.h"
#include "plugin/host/host.h"

/** What is wrong on this host, for people */
#define CLUSTER_PROBLEM_MAX 384
/** ADDs that wait for a block */
#define WAITING_MAX 256U
#define WAITING_POOLS_MAX 64U

/** struct waiting - An ADD that waits for a block of any of some pools */
struct waiting {
	struct ask *ask;
	unsigned pools[WAITING_POOLS_MAX];
	size_t n_pools;
	int64_t until;
};

/** Nobody waits long for the store: what can't be done now is tried again later */
#define CLUSTER_LOCK_WAIT_MS 200

/** struct locked - The lease store's lock, and the store if there is one */
struct locked {
	struct state state;
	struct store *store;
};

#define LOCKED_CLEANUP __attribute__((cleanup(locked_done)))

/** struct named_guard - What a network may not have; @guard: NULL: not read */
struct named_guard {
	char network[BLOCK_NETWORK_MAX];
	struct guard *guard;
};

struct cluster_routes;
struct sources;
struct cluster_command;

/**
 * struct cluster - The module
 * @state:	State directory
 * @pools:	In the order of the machine's indexes
 * @guards:	What networks may not have; read again after a while
 * @published:	Revision of a policy whose publisher waits until it counts here
 * @published_until: It is told then that it does not
 * @started:	Since when this agent has listened
 * @addresses:	By which others reach this host, IPv4 and IPv6
 * @looked:	When they were looked for
 * @etcd_well:	When etcd was seen to answer last
 * @etcd_told:	The journal has that it does not
 * @problem:	What is wrong on this host, ""
 * @used:	Addresses of the blocks held here that are leased or rest, at the last look
 * @changed:	Records have changed: routes are looked at again
 */
struct cluster {
	struct agent *agent;
	struct cluster_config config;
	struct etcd *etcd;
	struct machine *machine;
	struct state state;
	struct host host;
	sd_event_source *timer;
	sd_event_source *again;
	sd_event_source *tick;
	struct held_pool *pools;
	size_t n_pools;
	struct waiting waiting[WAITING_MAX];
	size_t n_waiting;
	struct cluster_routes *routes;
	struct sources *sources;
	bool changed;
	size_t used;
	struct named_guard guards[POOLS_MAX];
	int64_t guards_at;
	struct cluster_command *command;
	int64_t published;
	int64_t published_until;
	int64_t started;
	struct address addresses[RECORD_ADDRESSES];
	int64_t looked;
	int64_t etcd_well;
	bool etcd_told;
	char problem[CLUSTER_PROBLEM_MAX];
};

int64_t cluster_now(void);
void cluster_run_soon(struct cluster *cluster);

/* cluster_self.c */
int self_describe(struct cluster *cluster, struct machine_config *config, struct error *reterr);
void self_tick(struct cluster *cluster);

/* cluster_blocks.c */
int blocks_start(struct cluster *cluster, struct error *reterr);
enum done blocks_do(struct cluster *cluster, const struct action *action);
void blocks_count(struct cluster *cluster, int64_t now);
int blocks_add_pool(struct cluster *cluster, const struct held_pool *pool);

int locked_begin(const struct cluster *cluster, struct locked *locked);
void locked_done(struct locked *locked);

/* cluster_sources.c, cluster_source_ask.c, cluster_probe.c */
int sources_start(struct cluster *cluster, struct error *reterr);
int sources_start_asks(struct cluster *cluster);
enum done sources_do(struct cluster *cluster, const struct action *action);
void sources_tick(struct cluster *cluster, int64_t now);
void sources_answer(struct cluster *cluster);
const char *sources_network(const struct cluster *cluster, const struct address *address);
bool sources_are_reserved(struct cluster *cluster, unsigned source);
void sources_stop(struct cluster *cluster);
json_t *sources_status(const struct cluster *cluster);
void sources_write_metrics(const struct cluster *cluster, FILE *stream);

/* cluster_ask.c */
int asks_start(struct cluster *cluster);
void asks_opened(struct cluster *cluster, const char *key);
void asks_tick(struct cluster *cluster, int64_t now);
void asks_stop(struct cluster *cluster);

/* cluster_status.c */
void status_answer(void *userdata, const json_t *request, struct ask *ask);
void status_write_metrics(void *self, FILE *stream);

/* cluster_policy.c */
enum done policy_apply(struct cluster *cluster, const struct action *action);
bool policy_next_reserved(struct cluster *cluster, const char *network, const struct span *within,
			  struct span *ret_part);
bool policy_reserves(struct cluster *cluster, const struct prefix *block);
json_t *policy_touches(struct cluster *cluster, const struct prefix *block);
json_t *policy_reserves_source(struct cluster *cluster, const char *network, const struct address *address);
bool policy_reserves_address(struct cluster *cluster, const char *network, const struct address *address);
void policy_tick(struct cluster *cluster);
void policy_stop(struct cluster *cluster);

/* cluster_command.c */
int commands_start(struct cluster *cluster);
void commands_tick(struct cluster *cluster);
void commands_stop(struct cluster *cluster);

/* cluster_routes.c */
int routes_start(struct cluster *cluster);
void routes_tick(struct cluster *cluster);
void routes_stop(struct cluster *cluster);
const char *routes_problem(const struct cluster *cluster, const char *host);

#endif
