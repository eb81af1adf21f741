/* SPDX-License-Identifier: GPL-2.0-or-later */
/* program.c: what a main() chooses, each in a process of its own. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plugin/program/program.h"

/** outcome() - How a child that runs @work ended: its exit status, or 128 and the signal */
static int outcome(int (*work)(void))
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(work());
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/** write_to_nobody() - Into a pipe that nobody reads */
static int write_to_nobody(void)
{
	int ends[2];

	return pipe2(ends, O_CLOEXEC) < 0 || close(ends[0]) < 0 || write(ends[1], "x", 1) >= 0 || errno != EPIPE;
}

/** write_too_much() - Into a file that must not grow */
static int write_too_much(void)
{
	static const struct rlimit nothing = {0, 0};
	char path[] = "/tmp/test-program-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	(void)unlink(path);
	return setrlimit(RLIMIT_FSIZE, &nothing) < 0 || write(fd, "x", 1) >= 0 || errno != EFBIG;
}

static int write_to_nobody_ignoring(void)
{
	program_ignore_failed_writes();
	return write_to_nobody();
}

static int write_too_much_ignoring(void)
{
	program_ignore_failed_writes();
	return write_too_much();
}

static void failed_writes_are_errors_where_that_is_chosen(void **state)
{
	(void)state;
	assert_int_equal(outcome(write_to_nobody), 128 + SIGPIPE);
	assert_int_equal(outcome(write_too_much), 128 + SIGXFSZ);
	assert_int_equal(outcome(write_to_nobody_ignoring), 0);
	assert_int_equal(outcome(write_too_much_ignoring), 0);
}

static void answer(void)
{
	_exit(42);
}

static void answer_without_end(void)
{
}

/** hang() - As whoever blocks and ignores all signals leaves it */
static int hang(void (*answer_fn)(void))
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)signal(SIGALRM, SIG_IGN);
	program_end_after(1, answer_fn);
	while (pause() < 0)
		;
	return 0;
}

static int hang_answering(void)
{
	return hang(answer);
}

static int hang_silently(void)
{
	return hang(answer_without_end);
}

static void the_time_ends_whatever_was_inherited(void **state)
{
	(void)state;
	assert_int_equal(outcome(hang_answering), 42);
	assert_int_equal(outcome(hang_silently), 1);
}

/** sleep_woken() - Whether the signal interrupts a system call that would last */
static int sleep_woken(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = program_prepare_wake()};
	struct itimerspec soon = {.it_value.tv_nsec = 1000000, .it_interval.tv_nsec = 1000000};
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 || timer_settime(timer, 0, &soon, NULL) < 0)
		return 2;
	return nanosleep(&(struct timespec){.tv_sec = 100}, NULL) == 0 || errno != EINTR;
}

static void a_wait_is_woken(void **state)
{
	(void)state;
	assert_int_equal(outcome(sleep_woken), 0);
}

static int block(void)
{
	static const int signals[] = {SIGTERM, SIGINT};
	sigset_t mask;

	program_block(signals, 2);
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	return sigismember(&mask, SIGTERM) != 1 || sigismember(&mask, SIGINT) != 1 || sigismember(&mask, SIGHUP) != 0;
}

static void some_signals_are_blocked(void **state)
{
	(void)state;
	assert_int_equal(outcome(block), 0);
}

/** note_directory() - Where the work is done; fails with what @userdata says */
static int note_directory(void *userdata)
{
	char here[PATH_MAX];

	return getcwd(here, sizeof(here)) && strcmp(here, "/proc") == 0 ? *(int *)userdata : -ENOTDIR;
}

static int work_elsewhere(void)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), file = open("/proc/self/stat", O_PATH | O_CLOEXEC);
	int good = 0, bad = -EIO;
	char here[PATH_MAX];

	if (chdir("/tmp") < 0 || program_within_directory(proc, note_directory, &good) != 0 ||
	    program_within_directory(proc, note_directory, &bad) != -EIO ||
	    program_within_directory(file, note_directory, &good) != -ENOTDIR)
		return 1;
	return !getcwd(here, sizeof(here)) || strcmp(here, "/tmp") != 0;
}

static void the_directory_is_the_old_one_afterwards(void **state)
{
	(void)state;
	assert_int_equal(outcome(work_elsewhere), 0);
}

/** What setrlimit(2) was asked */
static struct {
	int resource;
	struct rlimit limit;
} asked;

int __real_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit);
int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit);
int __wrap_setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	asked.resource = (int)resource;
	asked.limit = *limit;
	return resource == RLIMIT_FSIZE ? __real_setrlimit(resource, limit) : 0;
}

static void locked_memory_has_no_limit(void **state)
{
	(void)state;
	program_lift_locked_memory();
	assert_int_equal(asked.resource, RLIMIT_MEMLOCK);
	assert_true(asked.limit.rlim_cur == RLIM_INFINITY && asked.limit.rlim_max == RLIM_INFINITY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed_writes_are_errors_where_that_is_chosen),
		cmocka_unit_test(the_time_ends_whatever_was_inherited),
		cmocka_unit_test(a_wait_is_woken),
		cmocka_unit_test(some_signals_are_blocked),
		cmocka_unit_test(the_directory_is_the_old_one_afterwards),
		cmocka_unit_test(locked_memory_has_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
