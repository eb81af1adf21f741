/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_METRICS_COUNTERS_H
#define PLUGIN_METRICS_COUNTERS_H

/*
 * What has been counted on this host since the state directory was made: one file of numbers beside the lease store,
 * mapped by whoever counts. Adding is one atomic instruction: no lock, no write(2), nothing that can fail a verb, and
 * a killed process leaves a number that is right. A number keeps its place for ever; new ones are put behind the last,
 * so that two versions of the program can count in one file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Size of the file: a page, which the kernel gives whole when the file is made */
#define COUNTERS_BYTES 4096U
#define COUNTERS_N (COUNTERS_BYTES / sizeof(uint64_t))
#define COUNTERS_FILE "counters"

/** Verbs and codes, for requests: see counter_of_request() */
#define COUNTERS_VERBS 5U
#define COUNTERS_CODES 32U
/** Upper bounds of a duration, the last one being infinity */
#define COUNTERS_BUCKETS 14U
/** Verbs whose duration is taken: ADD and DEL, in the order of enum cni_verb */
#define COUNTERS_TIMED 2U

/** Of how many things it is kept what was last seen of them: counters_see() */
#define COUNTERS_SEEN 32U

/** Where each number stands */
enum counter {
	COUNTER_ID,		 /* not a count: tells this file from another one; 0: not made yet */
	COUNTER_BOOT,		 /* not a count: the boot that last wrote to the history */
	COUNTER_HISTORY_EVENTS,	 /* events of the history, written or lost: its sequence number */
	COUNTER_HISTORY_UNTOLD,	 /* events that could not be written since the last one that could */
	COUNTER_HISTORY_LOST,	 /* events that could not be written */
	COUNTER_RECLAIMED,	 /* leases of dead containers that were given back */
	COUNTER_GC_REMOVED,	 /* attachments that GC removed */
	COUNTER_STORE_REPLACED,	 /* damaged stores set aside */
	COUNTER_POLICY_COMPILED, /* large policies compiled */
	COUNTER_PINS_ARMED,	 /* containers whose pins were put into nftables */
	COUNTER_FENCE_REPAIRS,	 /* flushed rulesets that were restored */
	COUNTER_UNGUARDED,	 /* ADDs without any reservation */
	COUNTER_LAST_GOOD,	 /* ADDs on the last policy that could be read */
	COUNTER_STORE_REPAIRED,	 /* stores in which damaged rows were repaired */
	COUNTER_REQUESTS = 32,	 /* by verb and code */
	COUNTER_DURATIONS =
		COUNTER_REQUESTS + COUNTERS_VERBS * COUNTERS_CODES, /* by verb: buckets, then the sum in ns */
	COUNTER_END = COUNTER_DURATIONS + COUNTERS_TIMED * (COUNTERS_BUCKETS + 1),
	/* not counts: what was last seen of something, see counters_see() */
	COUNTER_SEEN = COUNTERS_N - COUNTERS_SEEN,
};

_Static_assert((int)COUNTER_END <= (int)COUNTER_SEEN, "the counters do not fit their file");

/** What counters_see() says of what it is shown */
enum sighting {
	SEEN_BEFORE, /* the same; or nobody can tell */
	SEEN_FIRST,  /* nothing was seen of it before */
	SEEN_OTHER,  /* it was another */
};

/** struct counters - A mapped file; @numbers NULL: counting does nothing, reading gives 0 */
struct counters {
	uint64_t *numbers;
};

/** Upper bounds of the buckets, in nanoseconds; the last one counts everything */
extern const uint64_t counters_bounds[COUNTERS_BUCKETS];

int counters_open(int dir_fd, bool write, struct counters *ret_counters);
void counters_close(struct counters *counters);
uint64_t counters_add(const struct counters *counters, unsigned counter, uint64_t n);
uint64_t counters_read(const struct counters *counters, unsigned counter);
uint64_t counters_take(const struct counters *counters, unsigned counter);
bool counters_replace(const struct counters *counters, unsigned counter, uint64_t number);
enum sighting counters_see(const struct counters *counters, uint32_t what, uint32_t value);
uint64_t counters_id(const struct counters *counters);

unsigned counter_of_request(unsigned verb, int code);
int counter_code(unsigned slot);
void counters_note_duration(const struct counters *counters, unsigned verb, uint64_t nanoseconds);

#define COUNTERS_CLEANUP __attribute__((cleanup(counters_close)))

#endif
