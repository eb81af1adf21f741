/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_PROGRAM_PROGRAM_H
#define PLUGIN_PROGRAM_PROGRAM_H

/*
 * What changes a process as a whole: signals, limits, the working directory. Each main() chooses which of it, and no
 * module does any of it by itself (tests/lint/includes.sh): what suits a call that ends within a second may not suit an
 * agent that lives for months, or a program of several threads.
 */

void program_ignore_failed_writes(void);
void program_block(const int *signals, unsigned n);
void program_end_after(int seconds, void (*answer)(void));
void program_keep_json_reserve(void);

/* For the modules that can use it; each has a way without. */
int program_prepare_wake(void);
void program_lift_locked_memory(void);
int program_within_directory(int dir_fd, int (*work)(void *userdata), void *userdata);

#endif
