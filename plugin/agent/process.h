/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_PROCESS_H
#define PLUGIN_AGENT_PROCESS_H

/* Which process is at the other end of a unix socket, and whether it still runs: what tells a restart from a repetition. */

#include <stdbool.h>
#include <stdint.h>

/** struct process - A process: its id may come again, not with this start */
struct process {
	int pid;
	uint64_t start; /* clock ticks since boot, /proc/PID/stat field 22 (proc(5)) */
};

int process_of_peer(int fd, struct process *ret_process);
bool process_equal(const struct process *a, const struct process *b);
bool process_runs(const struct process *process);

#endif
