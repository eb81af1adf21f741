/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_CLUSTER_MACHINE_H
#define PLUGIN_CLUSTER_MACHINE_H

/*
 * What a host does in its cluster, as a pure state machine: events with times go in, one action at a time comes out. It
 * holds everything that depends on time or order (registration, renewal, deadlines, claim, release, takeover, fencing,
 * blocks), and no descriptor, system call or clock.
 *
 * The caller's loop: read CLOCK_BOOTTIME, machine_next(), do what it says, read the clock again, report. Each clock is
 * read *after* what is reported has arrived, or was done. An action that is done at once is reported with
 * machine_done() before the next one is asked for; a request and a probe are reported when their answer comes, and
 * meanwhile other events may come. The machine gives a request up by itself, after a tenth of `ttl`.
 *
 * Times are nanoseconds of one clock that goes on while the host sleeps.
 */

#include "plugin/cluster/cache.h"
#include "plugin/cluster/pools.h"

#define MACHINE_SECOND 1000000000LL
/** Conditions of one swap */
#define REQUEST_CONDITIONS 5
/** Addresses that one pin may name per family */
#define PIN_SOURCES 16
/** A revision that fits any record, its absence too */
#define REVISION_ANY (-1)

/**
 * struct condition - What a record must still be for a swap to happen
 * @key:	Record
 * @revision:	Of its last change; 0: the record is absent; REVISION_ANY
 * @text:	Its value, since a restored engine may use a revision twice; NULL: not compared
 */
struct condition {
	char key[RECORD_KEY_MAX];
	int64_t revision;
	char *text;
};

enum request_kind { REQUEST_READ, REQUEST_LIST, REQUEST_SWAP };

/**
 * struct engine_request - A call of the engine
 * @id:		Of this call, for machine_answer()
 * @kind:	Read one record, all, or swap one
 * @key:	Record (not for a list)
 * @conditions:	All must hold for a swap to happen
 * @value:	What a swap writes; NULL: the record is deleted
 */
struct engine_request {
	uint64_t id;
	enum request_kind kind;
	char key[RECORD_KEY_MAX];
	struct condition conditions[REQUEST_CONDITIONS];
	size_t n_conditions;
	char *value;
};

/**
 * struct engine_answer - What the engine said
 * @revision:	The engine's, when it answered
 * @won:	A swap happened
 * @records:	Read: the record. List: all that exist. A swap that did not happen: those of its conditions. Absent ones
 *		(not in a list) have no text.
 */
struct engine_answer {
	int64_t revision;
	bool won;
	struct record *records;
	size_t n_records;
};

enum action_kind {
	ACTION_WAIT,	    /* until @until, or an event */
	ACTION_REQUEST,	    /* send @request; answered by machine_answer() */
	ACTION_WATCH,	    /* watch all records from revision @revision on */
	ACTION_DEADLINE,    /* @source may send until @time; 0: closed */
	ACTION_ADDRESS,	    /* @source's address for @seconds on the interface */
	ACTION_ADDRESS_OFF, /* @source's address off the interface */
	ACTION_OPEN,	    /* mark @source usable in the host's store */
	ACTION_CLOSE,	    /* mark it unusable; if not @force, refused (DONE_REFUSED) while a container wants it */
	ACTION_PROBE,	    /* ask the link who has @source; answered by machine_probed() */
	ACTION_ANNOUNCE,    /* tell the link that @source is here */
	ACTION_POLICY,	    /* make @text (NULL: none), published at @revision, count on this host */
	ACTION_BLOCK_OPEN,  /* @key, at @revision, is this host's: addresses may be given from it */
	ACTION_BLOCK_LEAVE, /* mark @key as leaving, refused while an address of it is leased or rests */
	ACTION_BLOCK_DROP,  /* forget @key */
};

/** struct action - What to do now; strings and the request are borrowed until the next call */
struct action {
	enum action_kind kind;
	const struct engine_request *request;
	unsigned source;
	int64_t until;
	int64_t time;
	unsigned seconds;
	bool force;
	int64_t revision;
	const char *text;
	const char *key;
};

enum done { DONE_OK, DONE_REFUSED, DONE_FAILED };

#ifdef CLUSTER_RULES
/** struct machine_rules - The rules of the protocol, so that a test can take each out; true: as it must be */
struct machine_rules {
	bool fence_by_revision, fence_before_source, fence_absent, source_by_revision, source_needs_fence,
		held_by_epoch;
	bool epoch_is_new, epoch_new_after_fence, claim_needs_alive, release_needs_alive, release_kernel_first;
	bool reuse_by_swap, nonce_is_new, counts_by_nonce, clock_before_sending, margin, clock_after_event;
	bool list_after_renewal, start_prolongs_nothing, alive_needs_host, machine_id, epoch_has_machine;
	bool renew_before_claim, stale_epoch_is_free, claim_needs_policy, block_marked_first, block_reopened_by_swap;
	bool block_by_revision, block_adopted_by_swap, address_checked, unwanted_removed, restore_noticed,
		text_compared;
	bool longer_ttl_counts;
};
#endif

/**
 * struct machine_config - What a machine is born with
 * @host:	Name in the cluster
 * @machine_id:	/etc/machine-id's
 * @boot_id:	This boot's, without dashes
 * @mac:	Of the interface that shared addresses are put on, unless machine_set_mac() tells another; "" when unknown
 * @addresses:	Next hops for others, "" where there is none
 * @ttl:	How long a holder of shared sources may be silent
 * @block_rest:	How long an empty block stays, though another has room
 * @wall:	Unix time minus the machine's clock, for `since`
 * @random:	A number never used before
 * @is_reserved: Whether a block is reserved as a whole by the policy in force
 * @is_reserved_source: Whether a source is; NULL: none ever
 * @context:	For all of them
 */
struct machine_config {
	char host[RECORD_NAME_MAX];
	char machine_id[RECORD_ID_MAX];
	char boot_id[RECORD_ID_MAX];
	char mac[RECORD_MAC_MAX];
	char addresses[RECORD_ADDRESSES][ADDRESS_TEXT_MAX];
	int64_t ttl;
	int64_t block_rest;
	int64_t wall;
	uint64_t (*random)(void *context);
	bool (*is_reserved)(void *context, const struct prefix *block);
	bool (*is_reserved_source)(void *context, unsigned source);
	void *context;
#ifdef CLUSTER_RULES
	struct machine_rules rules;
#endif
};

struct machine;

struct machine *machine_new(const struct machine_config *config);
void machine_free(struct machine *machine);

/* What the configuration names, at any time. Return: index, -EINVAL, -ENOMEM. */
int machine_add_source(struct machine *machine, const struct address *address);
void machine_set_mac(struct machine *machine, unsigned source, const char *mac);
int machine_add_pin(struct machine *machine, const char *name, const unsigned *sources, size_t n_sources);
int machine_add_pool(struct machine *machine, const struct cluster_pool *pool);
/* What is there already: in the store, and in the kernel (@deadline 0: closed;
 * @address: until when it is on an interface, 0: not). */
void machine_found_source(struct machine *machine, unsigned source, bool open, int64_t deadline, int64_t address);
int machine_found_block(struct machine *machine, const char *key, int64_t revision, bool leaving);

/* The next action. Return: 0, -ENOMEM (nothing is lost: call again). */
int machine_next(struct machine *machine, int64_t now, struct action *ret_action);

/* Events. */
void machine_done(struct machine *machine, int64_t now, enum done done);
void machine_answer(struct machine *machine, int64_t now, uint64_t id, const struct engine_answer *answer);
void machine_watched(struct machine *machine, int64_t now, const struct record *record);
void machine_watch_lost(struct machine *machine, int64_t now);
void machine_restored(struct machine *machine);
void machine_probed(struct machine *machine, int64_t now, unsigned source, const char *mac);
void machine_set_addresses(struct machine *machine, const char addresses[RECORD_ADDRESSES][ADDRESS_TEXT_MAX]);
void machine_wanted(struct machine *machine, unsigned pin, unsigned containers);
void machine_block_used(struct machine *machine, int64_t now, const char *key, unsigned used);
void machine_block_demand(struct machine *machine, unsigned pool, bool demand);

/* What there is to tell. */
const struct cache *machine_cache(const struct machine *machine);
bool machine_is_listed(const struct machine *machine);
bool machine_is_registered(const struct machine *machine);
bool machine_holds(const struct machine *machine, unsigned source);
bool machine_claims(const struct machine *machine, unsigned source);
bool machine_is_refused(const struct machine *machine);
enum pool_standing machine_pool_verdict(const struct machine *machine, unsigned pool, struct cluster_pool *ret_other);
bool machine_pool_exhausted(const struct machine *machine, unsigned pool);
int machine_pool_of(const struct machine *machine, const char *key);
int64_t machine_policy(const struct machine *machine);
int64_t machine_max_revision(const struct machine *machine);

void request_clear(struct engine_request *request);

#endif
