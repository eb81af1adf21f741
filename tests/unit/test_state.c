/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state directory: who may have made it, and that waiting for a lock ends. The cases that need another owner run
 * as root only.
 */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ipam/store/state.h"
#include "rangeguard/array.h"
#include "scratch.h"

/** Somebody who is neither root nor who runs the tests */
#define NOBODY 65534
/** What a test waits for a lock that it is not to get, and for one that it is to get */
#define SHORT_MS 60
#define LONG_MS 20000

static int setup(void **state)
{
	static struct scratch scratch;

	scratch_make(&scratch);
	*state = &scratch;
	return 0;
}

static int teardown(void **state)
{
	scratch_remove(*state);
	return 0;
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status.st_mode & 07777;
}

static void test_create(void **state)
{
	char path[SCRATCH_PATH_MAX];
	struct state opened = STATE_INIT;
	mode_t mask = umask(0);
	size_t fds = scratch_count_fds();

	scratch_path(*state, "a//b/./c/", path);
	assert_int_equal(state_open(path, STATE_READ, &opened), STATE_E_ABSENT);
	scratch_path(*state, "a", path);
	assert_int_equal(access(path, F_OK), -1);

	scratch_path(*state, "a//b/./c/", path);
	assert_int_equal(state_open(path, STATE_WRITE, &opened), 0);
	assert_int_equal(fcntl(opened.dir_fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(opened.lock_fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(scratch_count_fds(), fds + 2);
	state_done(&opened);
	assert_int_equal(opened.dir_fd, -1);
	assert_int_equal(scratch_count_fds(), fds);
	umask(mask);

	assert_int_equal(mode_of(path), 0700);
	scratch_path(*state, "a/b", path);
	assert_int_equal(mode_of(path), 0755);
	scratch_path(*state, "a/b/c/lock", path);
	assert_int_equal(mode_of(path), 0600);

	scratch_path(*state, "a/b/c", path);
	assert_int_equal(state_open(path, STATE_WRITE, &opened), 0);
	state_done(&opened);
	assert_int_equal(state_open(path, STATE_READ, &opened), 0);
	state_done(&opened);
}

/* A directory without a lock file holds no state. */
static void test_no_lock_file(void **state)
{
	char path[SCRATCH_PATH_MAX];
	struct state opened = STATE_INIT;
	size_t fds = scratch_count_fds();

	scratch_path(*state, "d", path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(state_open(path, STATE_READ, &opened), STATE_E_ABSENT);
	scratch_path(*state, "d/lock", path);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(scratch_count_fds(), fds);
}

/** struct directory_case - A directory (or a link to one) that somebody made, and what state_open() says to it */
struct directory_case {
	const char *what;
	mode_t mode;
	uid_t owner;	  /* of the directory */
	uid_t link_owner; /* of the symbolic link that leads there */
	bool link;	  /* the directory itself is a link */
	bool link_parent; /* its parent is */
	int outcome;
};

static const struct directory_case directory_cases[] = {
	{.what = "own", .mode = 0700, .outcome = 0},
	{.what = "readable", .mode = 0755, .outcome = 0},
	{.what = "writable by the group", .mode = 0770, .outcome = STATE_E_UNSAFE},
	{.what = "writable by others", .mode = 0702, .outcome = STATE_E_UNSAFE},
	{.what = "sticky", .mode = 01777, .outcome = STATE_E_UNSAFE},
	{.what = "own link", .mode = 0700, .link = true, .outcome = 0},
	{.what = "own link on the way", .mode = 0700, .link_parent = true, .outcome = 0},
	{.what = "own link to a writable one", .mode = 0707, .link = true, .outcome = STATE_E_UNSAFE},
	{.what = "foreign", .mode = 0700, .owner = NOBODY, .outcome = STATE_E_UNSAFE},
	{.what = "foreign link", .mode = 0700, .link = true, .link_owner = NOBODY, .outcome = STATE_E_UNSAFE},
	{.what = "foreign link on the way",
	 .mode = 0700,
	 .link_parent = true,
	 .link_owner = NOBODY,
	 .outcome = STATE_E_UNSAFE},
};

/** make_directory() - "target/d" as the case wants it, and the path to open */
static void make_directory(const struct scratch *scratch, const struct directory_case *test,
			   char path[static SCRATCH_PATH_MAX])
{
	char target[SCRATCH_PATH_MAX];

	scratch_path(scratch, "target", target);
	assert_int_equal(mkdir(target, 0755), 0);
	scratch_path(scratch, "target/d", path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, test->mode), 0);
	if (test->owner)
		assert_int_equal(chown(path, test->owner, test->owner), 0);
	if (test->link) {
		scratch_path(scratch, "link", path);
		assert_int_equal(symlink("./target/../target/d", path), 0);
	} else if (test->link_parent) {
		scratch_path(scratch, "link", path);
		assert_int_equal(symlink(target, path), 0);
	}
	if (test->link_owner)
		assert_int_equal(lchown(path, test->link_owner, test->link_owner), 0);
	if (test->link_parent)
		scratch_path(scratch, "link/d", path);
}

static void test_directories(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(directory_cases); i++) {
		const struct directory_case *test = &directory_cases[i];
		size_t fds = scratch_count_fds();
		struct state opened = STATE_INIT;
		char path[SCRATCH_PATH_MAX];
		struct scratch scratch;

		if ((test->owner || test->link_owner) && geteuid() != 0)
			continue;
		scratch_make(&scratch);
		make_directory(&scratch, test, path);
		if (state_open(path, STATE_WRITE, &opened) != test->outcome)
			fail_msg("%s", test->what);
		state_done(&opened);
		assert_int_equal(scratch_count_fds(), fds);
		scratch_remove(&scratch);
	}
}

/* Through a foreign link nothing is made either. */
static void test_nothing_made_behind_foreign_link(void **state)
{
	char path[SCRATCH_PATH_MAX];
	struct state opened = STATE_INIT;

	if (geteuid() != 0)
		skip();
	scratch_path(*state, "target", path);
	assert_int_equal(mkdir(path, 0755), 0);
	scratch_path(*state, "link", path);
	assert_int_equal(symlink("target", path), 0);
	assert_int_equal(lchown(path, NOBODY, NOBODY), 0);
	scratch_path(*state, "link/d", path);
	assert_int_equal(state_open(path, STATE_WRITE, &opened), STATE_E_UNSAFE);
	scratch_path(*state, "target/d", path);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_odd_paths(void **state)
{
	char path[SCRATCH_PATH_MAX], lock[SCRATCH_PATH_MAX];
	struct state opened = STATE_INIT;
	size_t fds = scratch_count_fds();

	scratch_path(*state, "loop", path);
	assert_int_equal(symlink("loop", path), 0);
	assert_int_equal(state_open(path, STATE_WRITE, &opened), -ELOOP);
	scratch_path(*state, "file", path);
	assert_int_equal(close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
	assert_int_equal(state_open(path, STATE_WRITE, &opened), -ENOTDIR);
	scratch_path(*state, "file/d", path);
	assert_int_equal(state_open(path, STATE_WRITE, &opened), -ENOTDIR);

	/* The lock file is no way out of the directory. */
	scratch_path(*state, "d", path);
	assert_int_equal(mkdir(path, 0700), 0);
	scratch_path(*state, "d/lock", lock);
	assert_int_equal(symlink("../outside", lock), 0);
	assert_int_equal(state_open(path, STATE_WRITE, &opened), -ELOOP);
	scratch_path(*state, "outside", path);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(scratch_count_fds(), fds);
}

/** struct holder - A process that holds a lock until it is told to end */
struct holder {
	pid_t pid;
	int end_fd;
};

/** lock_fn - Get one of the locks */
typedef int (*lock_fn)(const struct state *state, int wait_ms);

static int lock_exclusive(const struct state *state, int wait_ms)
{
	return state_lock_store(state, STATE_WRITE, wait_ms);
}

static int lock_shared(const struct state *state, int wait_ms)
{
	return state_lock_store(state, STATE_READ, wait_ms);
}

static int lock_seven(const struct state *state, int wait_ms)
{
	return state_lock_attachment(state, 7, wait_ms);
}

static int lock_eight(const struct state *state, int wait_ms)
{
	return state_lock_attachment(state, 8, wait_ms);
}

/* The sign bit of an offset is no part of it. */
static int lock_last(const struct state *state, int wait_ms)
{
	return state_lock_attachment(state, UINT64_MAX, wait_ms);
}

static int lock_first(const struct state *state, int wait_ms)
{
	return state_lock_attachment(state, UINT64_C(1) << 63, wait_ms);
}

/** hold() - Have another process hold a lock; for ever, or until holder_end() */
static struct holder hold(const char *path, lock_fn lock)
{
	struct holder holder;
	int ready[2], end[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	holder.pid = fork();
	assert_true(holder.pid >= 0);
	if (holder.pid == 0) {
		struct state state = STATE_INIT;
		bool held;

		(void)close(end[1]);
		held = state_open(path, STATE_WRITE, &state) == 0 && lock(&state, 0) == 0;
		if (held && write(ready[1], "x", 1) == 1)
			(void)!read(end[0], &byte, 1);
		_exit(held ? 0 : 1);
	}
	(void)close(ready[1]);
	(void)close(end[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	holder.end_fd = end[1];
	return holder;
}

static void holder_end(const struct holder *holder)
{
	int status;

	(void)close(holder->end_fd);
	assert_int_equal(waitpid(holder->pid, &status, 0), holder->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/** struct lock_case - Whether one can be had while another process holds the other */
struct lock_case {
	lock_fn held;
	lock_fn wanted;
	int outcome;
};

static const struct lock_case lock_cases[] = {
	{lock_exclusive, lock_exclusive, STATE_E_LOCKED},
	{lock_exclusive, lock_shared, STATE_E_LOCKED},
	{lock_shared, lock_exclusive, STATE_E_LOCKED},
	{lock_shared, lock_shared, 0},
	{lock_seven, lock_seven, STATE_E_LOCKED},
	{lock_seven, lock_eight, 0},
	{lock_seven, lock_exclusive, 0},
	{lock_exclusive, lock_seven, 0},
	{lock_last, lock_last, STATE_E_LOCKED},
	{lock_last, lock_seven, 0},
	{lock_first, lock_first, STATE_E_LOCKED},
	{lock_first, lock_last, 0},
};

static void test_locks(void **state)
{
	char path[SCRATCH_PATH_MAX];

	scratch_path(*state, "d", path);
	for (size_t i = 0; i < ARRAY_LENGTH(lock_cases); i++) {
		static const int waits[] = {0, SHORT_MS};
		struct holder holder = hold(path, lock_cases[i].held);
		struct state opened = STATE_INIT;

		assert_int_equal(state_open(path, STATE_WRITE, &opened), 0);
		for (size_t k = 0; k < ARRAY_LENGTH(waits); k++)
			assert_int_equal(lock_cases[i].wanted(&opened, waits[k]), lock_cases[i].outcome);
		holder_end(&holder);
		/* A holder that has ended holds nothing. */
		assert_int_equal(lock_cases[i].wanted(&opened, 0), 0);
		state_done(&opened);
	}
}

/** wait_for_each() - Each kind of lock, of a holder that is stopped, or whose end comes while we wait */
static void wait_for_each(void **state)
{
	static const lock_fn locks[] = {lock_exclusive, lock_seven};
	char path[SCRATCH_PATH_MAX];

	scratch_path(*state, "d", path);
	for (size_t i = 0; i < ARRAY_LENGTH(locks); i++) {
		struct holder holder = hold(path, locks[i]);
		struct state opened = STATE_INIT;
		struct timespec before, after;
		pid_t killer;
		long waited_ms;

		assert_int_equal(state_open(path, STATE_WRITE, &opened), 0);
		assert_int_equal(kill(holder.pid, SIGSTOP), 0);
		(void)clock_gettime(CLOCK_MONOTONIC, &before);
		assert_int_equal(locks[i](&opened, SHORT_MS), STATE_E_LOCKED);
		(void)clock_gettime(CLOCK_MONOTONIC, &after);
		waited_ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
		assert_true(waited_ms >= SHORT_MS - 1);

		killer = fork();
		assert_true(killer >= 0);
		if (killer == 0) {
			(void)nanosleep(&(struct timespec){.tv_nsec = SHORT_MS * 1000000L}, NULL);
			(void)kill(holder.pid, SIGKILL);
			_exit(0);
		}
		assert_int_equal(locks[i](&opened, LONG_MS), 0);
		assert_int_equal(waitpid(killer, NULL, 0), killer);
		assert_int_equal(waitpid(holder.pid, NULL, 0), holder.pid);
		(void)close(holder.end_fd);
		state_done(&opened);
	}
}

static void woken(int signal_number)
{
	(void)signal_number;
}

/** wake_by_hup() - state_wake_by(): a signal that nobody else here uses */
static int wake_by_hup(void)
{
	struct sigaction action = {.sa_handler = woken};

	assert_int_equal(sigaction(SIGHUP, &action, NULL), 0);
	return SIGHUP;
}

/* In the kernel's queue, or again and again. */
static void test_waiting_ends(void **state)
{
	state_wake_by(NULL);
	wait_for_each(state);
	state_wake_by(wake_by_hup);
	wait_for_each(state);
}

/** leave_signals_alone() - A lock that is waited for in vain, with all signals blocked */
static void leave_signals_alone(void **state)
{
	struct sigaction ignored = {.sa_handler = SIG_IGN}, before, after;
	char path[SCRATCH_PATH_MAX];
	struct state opened = STATE_INIT;
	struct holder holder;
	sigset_t all, left;

	scratch_path(*state, "d", path);
	holder = hold(path, lock_exclusive);
	assert_int_equal(state_open(path, STATE_WRITE, &opened), 0);
	assert_int_equal(sigaction(SIGRTMIN, &ignored, &before), 0);
	sigfillset(&all);
	assert_int_equal(sigprocmask(SIG_SETMASK, &all, NULL), 0);
	(void)alarm(1000);
	assert_int_equal(lock_exclusive(&opened, SHORT_MS), STATE_E_LOCKED);
	assert_in_range(alarm(0), 900, 1000);
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &left), 0);
	assert_int_equal(sigismember(&left, SIGRTMIN), 1);
	assert_int_equal(sigismember(&left, SIGHUP), 1);
	sigemptyset(&all);
	assert_int_equal(sigprocmask(SIG_SETMASK, &all, NULL), 0);
	assert_int_equal(sigaction(SIGRTMIN, &before, &after), 0);
	assert_true(after.sa_handler == SIG_IGN);
	holder_end(&holder);
	state_done(&opened);
}

/* The parent may have left any signal mask, and alarms and handlers are the caller's. */
static void test_signals_are_left_alone(void **state)
{
	int (*const ways[])(void) = {NULL, wake_by_hup};

	for (size_t i = 0; i < ARRAY_LENGTH(ways); i++) {
		state_wake_by(ways[i]);
		leave_signals_alone(state);
	}
}

static void test_unlock(void **state)
{
	char path[SCRATCH_PATH_MAX];
	struct state opened = STATE_INIT, other = STATE_INIT;

	scratch_path(*state, "d", path);
	assert_int_equal(state_open(path, STATE_WRITE, &opened), 0);
	assert_int_equal(state_open(path, STATE_WRITE, &other), 0);
	assert_int_equal(lock_exclusive(&opened, 0), 0);
	assert_int_equal(lock_seven(&opened, 0), 0);
	assert_int_equal(lock_eight(&opened, 0), 0);
	state_unlock_store(&opened);
	assert_int_equal(lock_exclusive(&other, 0), 0);
	state_unlock_attachment(&opened, 7);
	assert_int_equal(lock_seven(&other, 0), 0);
	assert_int_equal(lock_eight(&other, 0), STATE_E_LOCKED);
	state_done(&opened);
	assert_int_equal(lock_eight(&other, 0), 0);
	state_done(&other);
}

/* Two readers that took turns would keep a writer out for ever. */
static void test_waiting_writer_is_next(void **state)
{
	char path[SCRATCH_PATH_MAX];
	struct state opened = STATE_INIT;
	struct holder reader;
	pid_t writer;
	int status, r;

	state_wake_by(wake_by_hup);
	scratch_path(*state, "d", path);
	reader = hold(path, lock_shared);
	writer = fork();
	assert_true(writer >= 0);
	if (writer == 0) {
		struct state mine = STATE_INIT;

		(void)close(reader.end_fd);
		_exit(state_open(path, STATE_WRITE, &mine) == 0 && lock_exclusive(&mine, LONG_MS) == 0 ? 0 : 1);
	}
	assert_int_equal(state_open(path, STATE_READ, &opened), 0);
	while ((r = lock_shared(&opened, 0)) == 0)
		state_unlock_store(&opened);
	assert_int_equal(r, STATE_E_LOCKED);
	holder_end(&reader);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(lock_shared(&opened, LONG_MS), 0);
	state_done(&opened);
}

/* Somebody removes the lock that is said to be held; the next one makes a new file. */
static void test_removed_lock_locks_nothing(void **state)
{
	char path[SCRATCH_PATH_MAX], lock[SCRATCH_PATH_MAX];
	struct state opened = STATE_INIT, other = STATE_INIT;

	scratch_path(*state, "d", path);
	scratch_path(*state, "d/lock", lock);
	assert_int_equal(state_open(path, STATE_WRITE, &opened), 0);
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(lock_exclusive(&opened, 0), STATE_E_LOCKED);
	assert_int_equal(state_open(path, STATE_WRITE, &other), 0);
	assert_int_equal(lock_exclusive(&opened, 0), STATE_E_LOCKED);
	assert_int_equal(lock_exclusive(&other, 0), 0);
	state_done(&opened);
	state_done(&other);
}

/* A FIFO where the lock file should be hangs nobody. */
static void test_lock_file_is_a_fifo(void **state)
{
	const struct scratch *scratch = *state;
	char path[SCRATCH_PATH_MAX];
	struct state opened;

	scratch_path(scratch, "lock", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)alarm(10);
	if (state_open(scratch->path, STATE_READ, &opened) == 0)
		state_done(&opened);
	if (state_open(scratch->path, STATE_UPDATE, &opened) == 0)
		state_done(&opened);
	(void)alarm(0);
}

/** What the next read(2) returns: that many bytes, or (negative) an errno; 0: what there is */
static ssize_t next_read;

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
	ssize_t wanted = next_read;

	next_read = 0;
	if (wanted < 0) {
		errno = (int)-wanted;
		return -1;
	}
	return __real_read(fd, buffer, wanted ? (size_t)wanted : size);
}

/* Of another boot all leases are void: a part of an id is none. What fails once does not fail for ever. */
static void test_boot_id_is_read_whole(void **state)
{
	static const ssize_t outcomes[] = {-EIO, -EINTR, 1, 8, 35};
	char id[BOOT_ID_MAX] = "", again[BOOT_ID_MAX] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(outcomes); i++) {
		next_read = outcomes[i];
		assert_int_equal(state_boot_id(id), outcomes[i] < 0 ? outcomes[i] : -EIO);
		assert_int_equal(next_read, 0);
	}
	assert_int_equal(state_boot_id(id), 0);
	assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
	next_read = -EIO;
	assert_int_equal(state_boot_id(again), 0);
	assert_string_equal(id, again);
	next_read = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boot_id_is_read_whole),
		cmocka_unit_test_setup_teardown(test_create, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_lock_file, setup, teardown),
		cmocka_unit_test(test_directories),
		cmocka_unit_test_setup_teardown(test_nothing_made_behind_foreign_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waiting_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signals_are_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unlock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waiting_writer_is_next, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed_lock_locks_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_file_is_a_fifo, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
