/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_CLUSTER_MACHINE_INTERNAL_H
#define PLUGIN_CLUSTER_MACHINE_INTERNAL_H

/*
 * Inside the machine. Each part has a function X_next() which says what that part needs done now, by looking at the
 * state and at nothing else; machine.c asks them in the order of urgency. One request is under way at a time.
 */

#include "plugin/cluster/machine.h"
#include "plugin/cluster/pools.h"

#ifdef CLUSTER_RULES
#define RULE(machine, name) ((machine)->config.rules.name)
#else
#define RULE(machine, name) true
#endif

/** Requests of `alive` whose answer may still be found by their nonce */
#define RENEWALS_REMEMBERED 32
/** Another try after the engine or the kernel said no, nanoseconds */
#define RETRY_SOON (MACHINE_SECOND / 50)
#define RETRY_LATER MACHINE_SECOND
/** Candidates looked at per call, in a pool most of whose blocks are reserved */
#define WALK_MAX 4096

enum purpose {
	FOR_LIST,
	FOR_HOST,
	FOR_RENEWAL,
	FOR_SOURCES,
	FOR_FENCE,
	FOR_CLAIM,
	FOR_REMOVAL,
	FOR_POOLS,
	FOR_BLOCK_CLAIM,
	FOR_BLOCK_SWAP,
	FOR_BLOCK_RETURN,
	N_PURPOSES,
};

/** How a request ended. GIVEN_UP: a swap that may or may not have happened, and the record could not be read either */
enum outcome { WON, LOST, GIVEN_UP };

enum phase {
	PHASE_NONE,    /* not ours */
	PHASE_CLAIMED, /* the record is; the link has not been asked yet */
	PHASE_PROBING,
	PHASE_OPENING, /* the kernel is being told */
	PHASE_OPEN,    /* containers may send with it */
};

/**
 * struct shared_source - A shared address
 * @key:	Its record
 * @phase:	How far it is ours
 * @close:	The kernel must be closed before anything else happens with it
 * @open:	The store says that it may be used
 * @announce:	The link is to be told
 * @address:	The address may be on the interface
 * @late:	The address was put there for too long
 * @released:	Its record is to be removed because the last container has gone
 * @deadline:	What the kernel was told last
 * @address_for: Deadline for which the address's lifetime was computed last
 * @retry:	Not claimed before
 * @mac:	Of the interface that it is put on, "" when unknown
 * @previous:	MAC of the host it was taken from, "" when there was none
 * @probed:	When the first probe was sent
 */
struct shared_source {
	char key[RECORD_KEY_MAX];
	enum phase phase;
	bool close;
	bool open;
	bool announce;
	bool address;
	bool late;
	bool released;
	int64_t deadline;
	int64_t address_for;
	int64_t retry;
	char mac[RECORD_MAC_MAX];
	char previous[RECORD_MAC_MAX];
	int64_t probed;
};

/** struct shared_pin - Sources of one family, any one of which serves @wanted containers */
struct shared_pin {
	char name[RECORD_NAME_MAX];
	unsigned sources[PIN_SOURCES];
	size_t n_sources;
	unsigned wanted;
};

/**
 * struct block_pool - A cluster's range, cut into blocks
 * @pool:	As in the record
 * @verdict:	What the record says of it; only of a known one blocks are claimed
 * @other:	POOLS_CONFLICT: which
 * @demand:	An ADD waits for a block
 * @exhausted:	All blocks are held or reserved
 * @retry:	Not walked before
 * @walked:	How far the walk has come
 */
struct block_pool {
	struct cluster_pool pool;
	enum pool_standing verdict;
	struct cluster_pool other;
	bool demand;
	bool exhausted;
	int64_t retry;
	uint64_t walked;
};

/**
 * struct pool_block - A block that the store knows: @revision of its record; @leaving: no address is given from it;
 * @uncounted: nobody has looked yet how many addresses of it are in use
 */
struct pool_block {
	char key[RECORD_KEY_MAX];
	unsigned pool;
	int64_t revision;
	bool leaving;
	bool uncounted;
	unsigned used;
	int64_t empty_since;
	int64_t retry;
};

/** struct mark - A record as it was at some moment */
struct mark {
	int64_t revision;
	uint64_t nonce;
};

struct machine {
	struct machine_config config;
	struct cache cache;
	struct shared_source *sources;
	size_t n_sources;
	struct shared_pin *pins;
	size_t n_pins;
	struct block_pool *pools;
	size_t n_pools;
	struct pool_block *blocks;
	size_t n_blocks;

	/* the request under way */
	struct engine_request request;
	bool waiting; /* for its answer */
	bool verify;  /* its record is to be read, as the answer was lost */
	bool reading; /* is being read */
	int64_t sent_at;
	enum purpose purpose;
	size_t subject;
	uint64_t last_id;

	/* the session: from a list to the next loss of the watch */
	int64_t max_revision;
	bool listed;
	bool watching;
	bool registered;
	bool refused;
	int64_t retry;
	int64_t listed_at;
	struct mark host;
	int64_t judged;		      /* revision of the policy in force; -1: none yet */
	bool adopt;		      /* a block's record may be ours without the store's knowing */
	char opening[RECORD_KEY_MAX]; /* a block that is ours now, which the store must learn; "": none */
	int64_t opening_revision;

	/* the alive record */
	char epoch[RECORD_EPOCH_MAX]; /* "": none */
	struct mark alive;
	bool counted;	    /* a renewal counted in this session: @renewed_at is good */
	int64_t renewed_at; /* from when the last counted renewal counts */
	bool tried;
	int64_t tried_at;
	char try_epoch[RECORD_EPOCH_MAX];
	uint64_t epoch_number;
	bool need_sources; /* which sources are held is to be read */
	bool list_due;	   /* now */
	struct {
		uint64_t nonce;
		int64_t at;
	} renewals[RENEWALS_REMEMBERED];
	size_t n_renewals;

	/* the action under way */
	struct action action;
	bool doing;
	bool started;
	bool no_memory;
};

/* requests (request.c) */
void request_begin(struct machine *machine, int64_t now, enum purpose purpose, size_t subject, enum request_kind kind,
		   const char *key);
void request_condition(struct machine *machine, const char *key);
void request_condition_revision(struct machine *machine, const char *key, int64_t revision);
void request_value(struct machine *machine, const struct record *record);
void request_value_text(struct machine *machine, char *text_consumed);
bool request_send(struct machine *machine, struct action *action);
bool request_next(struct machine *machine, int64_t now, struct action *action);
void request_forget(struct machine *machine);

/* keys and records */
void key_of_host(const char *kind, const char *host, char buffer[static RECORD_KEY_MAX]);
const struct seen *own_row(const struct machine *machine, const char *kind);
bool mark_matches(const struct mark *mark, const struct seen *seen);
struct mark mark_of(const struct seen *seen);
int64_t wall_seconds(const struct machine *machine, int64_t now);

/* session.c */
bool session_next(struct machine *machine, int64_t now, struct action *action);
bool moved_next(struct machine *machine, int64_t now, struct action *action);
bool policy_next(struct machine *machine, int64_t now, struct action *action);
void session_listed(struct machine *machine, int64_t now, enum outcome outcome);
void session_host(struct machine *machine, int64_t now, enum outcome outcome);
void session_restart(struct machine *machine);
void close_all(struct machine *machine);
int merge_list(struct machine *machine, int64_t now, const struct engine_answer *answer);

/* alive.c */
bool alive_next(struct machine *machine, int64_t now, struct action *action);
void alive_answered(struct machine *machine, int64_t now, enum outcome outcome);
void alive_sources(struct machine *machine, int64_t now, enum outcome outcome);
bool is_active(const struct machine *machine);
bool is_fresh(const struct machine *machine, int64_t now);
int64_t deadline_of(const struct machine *machine);

/* hold.c: what the kernel and the store are told about sources */
bool close_next(struct machine *machine, struct action *action);
bool hold_next(struct machine *machine, int64_t now, struct action *action);
bool release_next(struct machine *machine, int64_t now, struct action *action);
bool open_next(struct machine *machine, int64_t now, struct action *action);
void hold_done(struct machine *machine, int64_t now, enum done done);
void source_look(struct machine *machine, unsigned source);
void source_close(struct shared_source *source);
bool source_wanted(const struct machine *machine, unsigned source);
bool source_record_is_own(const struct machine *machine, unsigned source);

/* claim.c */
bool claim_next(struct machine *machine, int64_t now, struct action *action);
bool removal_next(struct machine *machine, int64_t now, struct action *action);
void claim_fenced(struct machine *machine, int64_t now, enum outcome outcome);
void claim_answered(struct machine *machine, int64_t now, enum outcome outcome);
void removal_answered(struct machine *machine, int64_t now, enum outcome outcome);

/* pool.c */
int pool_of(const struct machine *machine, const char *key);
bool pools_next(struct machine *machine, int64_t now, struct action *action);
void pools_answered(struct machine *machine, int64_t now, enum outcome outcome);
bool walk_next(struct machine *machine, int64_t now, struct action *action, unsigned index);

/* block.c */
struct pool_block *find_block(const struct machine *machine, const char *key);
bool swap_block(struct machine *machine, int64_t now, struct action *action, const char *key, enum purpose purpose,
		size_t pool);
bool block_next(struct machine *machine, int64_t now, struct action *action);
void block_done(struct machine *machine, int64_t now, enum done done);
void block_claimed(struct machine *machine, int64_t now, enum outcome outcome);
void block_swapped(struct machine *machine, int64_t now, enum outcome outcome);
void block_returned(struct machine *machine, int64_t now, enum outcome outcome);

/* the earliest moment at which something is due though nothing happens */
void wait_until(struct action *action, int64_t time);

#endif
