/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HISTORY_HISTORY_H
#define PLUGIN_HISTORY_HISTORY_H

/*
 * Who held what, and when: one JSON line per event, appended to a file by one write(2), so that lines of many
 * processes never mix; and the same to the journal, where there is one. The file bounds itself: at its size it is
 * renamed to FILE.1, what was FILE.1 to FILE.2, and so on, the oldest being dropped. Nothing here fails a verb: an
 * event that can't be written is counted, and the next one that can be says how many are missing.
 */

#include "ipam/lease/lease.h"
#include "plugin/history/line.h"
#include "plugin/metrics/counters.h"

#define HISTORY_PATH "/var/log/rangeguard/history.jsonl"
#define HISTORY_SIZE ((uint64_t)32 << 20)
#define HISTORY_FILES 16U

/** struct history - Where events go: @path NULL: nowhere; @files: how many full ones are kept beside it */
struct history {
	const char *path;
	uint64_t size;
	unsigned files;
};

/**
 * struct history_event - What happened; texts NULL or "" where there is nothing to say
 * @name:	"add", "del", "refused", …; README of conf-examples/monitoring lists them
 * @lease:	Whose, and what is held; texts may be NULL
 * @pod_uid:	K8S_POD_UID
 * @sources:	Addresses that its packets leave with
 * @n_sources:	How many
 * @code:	Error code of a refusal, else 0
 * @message:	What was said
 */
struct history_event {
	const char *name;
	const struct lease *lease;
	const char *pod_uid;
	const struct address *sources;
	size_t n_sources;
	int code;
	const char *message;
};

/** struct history_stamp - What tells one event from all others, taken from clock, host and counters */
struct history_stamp {
	int64_t milliseconds;
	const char *host;
	const char *boot_id;
	uint64_t counters_id;
	uint64_t sequence;
	bool first_of_boot;
	uint64_t untold;
};

void history_line(const struct history_event *event, const struct history_stamp *stamp, struct line *ret_line);
void history_entry(const struct history_event *event, const struct history_stamp *stamp, struct line *ret_line);
int history_append(const struct history *history, const struct line *line);
int history_note(const struct history *history, const struct counters *counters, const struct history_event *event);

#endif
