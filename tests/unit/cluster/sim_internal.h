/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_CLUSTER_SIM_INTERNAL_H
#define TESTS_UNIT_CLUSTER_SIM_INTERNAL_H

#include "tests/unit/cluster/sim.h"

#define SIM_SCRIPT_MAX 32

/** What happens at a moment of true time */
enum happening {
	HAPPENS_SPAWN,
	HAPPENS_STEP,
	HAPPENS_ACT,
	HAPPENS_RISE,
	HAPPENS_ARRIVE,	 /* a request at the engine */
	HAPPENS_ANSWER,	 /* an answer at the host */
	HAPPENS_WATCHED, /* a change at the host */
	HAPPENS_PROBED,
	HAPPENS_BOOT,
	HAPPENS_OPERATION,
	HAPPENS_PUBLISH,
	HAPPENS_CHAOS,
	HAPPENS_ARM,
};

/** struct message - A request on its way, or an answer; shared by duplicates */
struct message {
	unsigned references;
	struct engine_request request;
	struct engine_answer answer;
	int64_t judged;
	bool watch_lost;
};

/** struct event - One entry of the queue */
struct event {
	int64_t at;
	uint64_t sequence;
	enum happening what;
	unsigned host;
	uint64_t token;
	int64_t number;
	struct message *message;
};

/** struct process - An agent */
struct process {
	struct machine *machine;
	bool alive;
	uint64_t token; /* of the step that is scheduled; others are void */
	uint64_t born;
	bool sleeping;
	bool acting;
	struct action action;
	struct message *sending;
	bool done_due;
	enum done done;
	uint64_t watch; /* generation; 0: none */
	int64_t watch_at;
	int64_t woken;
	struct {
		struct message *message;
		bool probe;
		unsigned source;
	} * inbox;
	size_t n_inbox, room;
};

enum { BLOCK_NONE, BLOCK_IN_USE, BLOCK_LEAVING };

struct host {
	unsigned id, name, machine_id;
	int rate;
	bool up, dead;
	unsigned boots;
	int64_t base, cut_until;
	/* kernel */
	int64_t deadline[SIM_SOURCES], host_deadline;
	bool armed[SIM_SOURCES];
	int64_t address[SIM_SOURCES];
	int64_t stored_deadline[SIM_SOURCES];
	/* store */
	bool open[SIM_SOURCES];
	unsigned wanted[SIM_SOURCES];
	struct {
		int state;
		int64_t revision;
		unsigned leases;
	} block[SIM_BLOCKS];
	unsigned demand;
	struct process process[2];
};

struct change {
	struct record record;
};

struct sim {
	uint64_t seed;
	const struct sim_config *config;
	struct machine_rules rules;
	const uint32_t *allowed;
	size_t n_allowed;
	FILE *log;
	struct sim_result *result;
	int64_t now, until;
	struct event *queue;
	size_t n_queue, room_queue;
	uint64_t sequence, unique;
	uint32_t count[N_FAULTS][SIM_HOSTS][2];
	int chance[N_FAULTS];
	/* engine */
	struct cache engine, backup;
	int64_t revision, backup_revision;
	int64_t down_until;
	uint64_t engine_generation, watches;
	struct record *changes;
	size_t n_changes, room_changes;
	struct host host[SIM_HOSTS];
	unsigned n_hosts;
	size_t room_fired;
	/* a script */
	bool played[SIM_SCRIPT_MAX];
	char about[RECORD_KEY_MAX + 16];
};

/* chance.c */
uint64_t sim_random(struct sim *sim, enum fault kind, unsigned actor);
int64_t sim_between(struct sim *sim, enum fault kind, unsigned actor, int64_t low, int64_t high);
uint64_t sim_fault(struct sim *sim, enum fault kind, unsigned actor, int chance);
uint64_t sim_mix(uint64_t hash, uint64_t x);
void sim_swarm(struct sim *sim);

/* script.c */
void script_begin(struct sim *sim);
uint64_t script_fault(struct sim *sim, enum fault kind, unsigned actor);
void script_about_request(struct sim *sim, const char *prefix, const struct engine_request *request);
void script_about_action(struct sim *sim, const char *prefix, const struct process *process);
void script_about(struct sim *sim, const char *what);

/* sim.c */
void sim_at(struct sim *sim, int64_t at, enum happening what, unsigned host, uint64_t token, int64_t number,
	    struct message *message);
void sim_bad(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_log(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t sim_unique(void *context);
struct message *message_new(void);
void message_drop(struct message *message);

void sim_run_until(struct sim *sim, int64_t until);

/* waiting.c */
void check_waiting(struct sim *sim);

/* engine.c */
void engine_arrive(struct sim *sim, unsigned host, uint64_t born, struct message *message, uint64_t generation);
void engine_send(struct sim *sim, unsigned host, struct process *process, struct message *message);
void engine_watch(struct sim *sim, unsigned host, struct process *process, int64_t from);
void engine_publish(struct sim *sim);
void engine_forget(struct sim *sim, const char *key);
void engine_restore(struct sim *sim, uint64_t random);
void engine_back_up(struct sim *sim);
void engine_clear(struct sim *sim);

/* host.c */
int64_t host_clock(const struct sim *sim, const struct host *host);
bool host_sends(const struct sim *sim, const struct host *host, unsigned source);
void host_write_deadline(struct sim *sim, struct host *host, unsigned source, int64_t deadline);
void host_crash(struct sim *sim, struct host *host, int64_t back, bool lose_store);
void host_boot(struct sim *sim, struct host *host);
void host_operation(struct sim *sim, struct host *host);
void host_arm(struct sim *sim, struct host *host, unsigned source, unsigned boots);
void check_senders(struct sim *sim, const struct host *host, unsigned source);
void check_addresses(struct sim *sim, const struct host *host);
void check_blocks(struct sim *sim);
unsigned host_block_index(const char *key);

/* agent.c */
void agent_spawn(struct sim *sim, struct host *host);
void agent_kill(struct sim *sim, struct host *host);
void agent_step(struct sim *sim, struct host *host, struct process *process, uint64_t token);
void agent_act(struct sim *sim, struct host *host, struct process *process, uint64_t token);
void agent_deliver(struct sim *sim, struct host *host, struct process *process, struct message *message);
void agent_probed(struct sim *sim, struct host *host, struct process *process, unsigned source);
void agent_wake(struct sim *sim, struct host *host, struct process *process, bool rise);

#endif
