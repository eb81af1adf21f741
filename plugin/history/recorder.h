/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HISTORY_RECORDER_H
#define PLUGIN_HISTORY_RECORDER_H

/* What a process tells of itself: events to the history, numbers to the counters. Nothing here fails its caller. */

#include "plugin/history/history.h"
#include "plugin/metrics/counters.h"

/**
 * struct recorder - Where a process records; without counters_open() it counts nothing
 * @history:	Where events go
 * @counters:	Numbers of the state directory
 * @started:	CLOCK_MONOTONIC in nanoseconds when the call began
 */
struct recorder {
	struct history history;
	struct counters counters;
	uint64_t started;
};

void recorder_begin(struct recorder *recorder);
void recorder_count_in(struct recorder *recorder, int dir_fd);
void recorder_note(struct recorder *recorder, const struct history_event *event);
void recorder_count(struct recorder *recorder, enum counter counter);
void recorder_count_request(struct recorder *recorder, unsigned verb, int code);
void recorder_done(struct recorder *recorder);

#define RECORDER_CLEANUP __attribute__((cleanup(recorder_done)))

#endif
