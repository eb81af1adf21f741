/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What changes a process as a whole. */

#include "plugin/program/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "rangeguard/cleanup.h"

/**
 * program_ignore_failed_writes() - A result that nobody reads, a file that must not grow (RLIMIT_FSIZE): a failed write,
 * after which what was done is undone, not the end of the process
 */
void program_ignore_failed_writes(void)
{
	struct sigaction action = {.sa_handler = SIG_IGN};

	(void)sigaction(SIGPIPE, &action, NULL);
	(void)sigaction(SIGXFSZ, &action, NULL);
}

/** program_block() - Block signals, which somebody reads from a descriptor (signalfd(2)) */
void program_block(const int *signals, unsigned n)
{
	sigset_t mask;

	(void)sigemptyset(&mask);
	for (unsigned i = 0; i < n; i++)
		(void)sigaddset(&mask, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL);
}

static void (*last_answer)(void);

/** out_of_time() - SIGALRM */
static void out_of_time(int signal_number)
{
	(void)signal_number;
	last_answer();
	_exit(1);
}

/**
 * program_end_after() - End the process after a time, whatever signals the caller has blocked or ignored
 * @seconds:	Time
 * @answer:	Called then, in a signal handler: writes what there is to say
 *
 * Ends it as a kill would, which every step is made to survive, but with an answer.
 */
void program_end_after(int seconds, void (*answer)(void))
{
	struct itimerval timer = {.it_value = {.tv_sec = seconds}};
	struct sigaction action = {.sa_handler = out_of_time};
	sigset_t mask;

	last_answer = answer;
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGALRM);
	(void)sigaction(SIGALRM, &action, NULL);
	(void)sigprocmask(SIG_UNBLOCK, &mask, NULL);
	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

static void wake(int signal_number)
{
	(void)signal_number;
}

/** program_prepare_wake() - For state_wake_by(): SIGRTMIN interrupts a system call, and does nothing else. Return: it */
int program_prepare_wake(void)
{
	struct sigaction action = {.sa_handler = wake};

	(void)sigaction(SIGRTMIN, &action, NULL);
	return SIGRTMIN;
}

/**
 * program_lift_locked_memory() - For classifier_lift_limit_by(): before Linux 5.11 maps count as locked memory, and a
 * runtime may have set a small limit
 */
void program_lift_locked_memory(void)
{
	static const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

/**
 * program_within_directory() - For store_lmdb_open_within(): do something with a directory as the working directory
 * @dir_fd:	Directory
 * @work:	What
 * @userdata:	For it
 *
 * For a process of one thread: all have the same working directory.
 *
 * Return: what @work returned, negative errno
 */
int program_within_directory(int dir_fd, int (*work)(void *userdata), void *userdata)
{
	CLEANUP_CLOSE int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (before < 0 || fchdir(dir_fd) < 0)
		return -errno;
	r = work(userdata);
	return fchdir(before) < 0 && r == 0 ? -errno : r;
}
