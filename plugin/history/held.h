/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HISTORY_HELD_H
#define PLUGIN_HISTORY_HELD_H

/* Who held an address, from when to when, and what the record does not tell. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "plugin/history/search.h"

/** How a holding ended */
enum held_end {
	HELD_OPEN,     /* it had not, when the record ends */
	HELD_RELEASED, /* DEL, GC or reclaim: the event says which */
	HELD_AGAIN,    /* the same attachment was made again */
	HELD_OTHER,    /* its end is not recorded; at that time the address was another's */
	HELD_REBOOT,   /* its end is not recorded; at that time the host had started again */
};

/**
 * struct holding - One attachment had the address for a while
 * @event:	The event that began it, or, when that is not recorded (@from unknown), ended it; borrowed
 * @as_source:	It is the source address of the attachment's pins, not its own
 * @from:	Milliseconds since the epoch, HELD_UNKNOWN
 * @to:		HELD_UNKNOWN for HELD_OPEN
 * @end_name:	Event that ended it, NULL when none did; borrowed
 */
struct holding {
	const json_t *event;
	bool as_source;
	int64_t from;
	int64_t to;
	enum held_end end;
	const char *end_name;
};

#define HELD_UNKNOWN INT64_MIN
/** What a line has before which events may be missing */
#define HELD_GAP_NEEDLE "\"gapBefore\":\""

/** Why something is not known */
enum gap_kind {
	GAP_BEGIN, /* the record of a host begins there */
	GAP_LOST,  /* events could not be written */
	GAP_FILES, /* files are missing between others */
	GAP_END,   /* the record of a host ends there */
};

/** struct gap - What a host's record does not tell; @host borrowed */
struct gap {
	enum gap_kind kind;
	const char *host;
	int64_t from;
	int64_t to;
	uint64_t events;
};

/**
 * struct held - The answer; owned
 * @unread:	File with a line that would count and can't be read, NULL: none; borrowed
 */
struct held {
	const char *unread;
	json_t **lines;
	size_t n_lines;
	struct holding *holdings;
	size_t n_holdings;
	size_t first_open;
	struct gap *gaps;
	size_t n_gaps;
};

int held_read(const struct search *search, const char *address, struct held *ret_held);
int64_t held_time(const json_t *event);
void held_done(struct held *held);

#define HELD_CLEANUP __attribute__((cleanup(held_done)))

#endif
