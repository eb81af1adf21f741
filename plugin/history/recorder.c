/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process tells of itself. A recorder that is NULL records nothing. */

#include "plugin/history/recorder.h"

#include <string.h>
#include <time.h>

#include "plugin/report/log.h"

#define NS_PER_S UINT64_C(1000000000)

/** monotonic() - A clock that only goes on, in nanoseconds */
static uint64_t monotonic(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/** recorder_begin() - A call begins; it has no history before its configuration is read */
void recorder_begin(struct recorder *recorder)
{
	*recorder = (struct recorder){.started = monotonic()};
}

/** recorder_count_in() - Count in the state directory @dir_fd, unless the recorder counts already */
void recorder_count_in(struct recorder *recorder, int dir_fd)
{
	if (recorder && !recorder->counters.numbers)
		(void)counters_open(dir_fd, true, &recorder->counters);
}

/** recorder_note() - Write an event to the history; that it can't be written is said */
void recorder_note(struct recorder *recorder, const struct history_event *event)
{
	int r = recorder ? history_note(&recorder->history, &recorder->counters, event) : 0;

	if (r < 0)
		log_line("the history %.256s can't be written: %s", recorder->history.path, strerror(-r));
}

/** recorder_count() - Count one of @counter */
void recorder_count(struct recorder *recorder, enum counter counter)
{
	if (recorder)
		(void)counters_add(&recorder->counters, counter, 1);
}

/** recorder_count_request() - Count a call of @verb (enum cni_verb) that ended with @code, and how long it took */
void recorder_count_request(struct recorder *recorder, unsigned verb, int code)
{
	if (!recorder || !recorder->counters.numbers || verb >= COUNTERS_VERBS)
		return;
	(void)counters_add(&recorder->counters, counter_of_request(verb, code), 1);
	counters_note_duration(&recorder->counters, verb, monotonic() - recorder->started);
}

/** recorder_done() - Release what is owned */
void recorder_done(struct recorder *recorder)
{
	counters_close(&recorder->counters);
}
