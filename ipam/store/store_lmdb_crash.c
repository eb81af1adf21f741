/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LMDB trusts its pages: they carry no checksum, and one flipped bit in them can lead it out of its map or into its own
 * assert(). The process can't be saved then, but the host can: the file is set aside, so that the next ADD makes a new
 * one from the kernel's state instead of dying in the same place. Only what is safe in a signal handler is done here.
 */

#include "ipam/store/store_lmdb.h"

#include <signal.h>
#include <stdio.h>

#include "ipam/store/store_lmdb_internal.h"

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE};

#define N_FATAL (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

static void (*crash_answer)(void);
static volatile sig_atomic_t watched_dir_fd = -1;
static struct sigaction old_actions[N_FATAL];

/** crashed() - Signal handler: set the store aside, have the caller answer and end the process */
static void crashed(int signal_number)
{
	(void)signal_number;
	if (watched_dir_fd >= 0)
		(void)renameat(watched_dir_fd, STORE_FILE, watched_dir_fd, STORE_FILE_DAMAGED);
	crash_answer();
}

/**
 * store_lmdb_on_crash() - Survive, as a host, a store whose pages are damaged
 * @answer:	Called in a signal handler after the store was set aside; writes what there is to say and _exit(2)s
 *
 * Applies to stores opened from now on. Without it a crash is a crash.
 */
void store_lmdb_on_crash(void (*answer)(void))
{
	crash_answer = answer;
}

/** lmdb_watch() - From now until lmdb_unwatch() a crash is put down to the store in directory @dir_fd */
void lmdb_watch(int dir_fd)
{
	const struct sigaction action = {.sa_handler = crashed, .sa_flags = (int)SA_RESETHAND};

	if (!crash_answer || watched_dir_fd >= 0)
		return;
	watched_dir_fd = dir_fd;
	for (size_t i = 0; i < N_FATAL; i++)
		(void)sigaction(fatal_signals[i], &action, &old_actions[i]);
}

/** lmdb_unwatch() - Crashes mean again what they meant before */
void lmdb_unwatch(void)
{
	if (watched_dir_fd < 0)
		return;
	watched_dir_fd = -1;
	for (size_t i = 0; i < N_FATAL; i++)
		(void)sigaction(fatal_signals[i], &old_actions[i], NULL);
}
