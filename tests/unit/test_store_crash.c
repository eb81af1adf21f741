/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lease store on LMDB: crashes that are its own set it aside, all others leave it where it is. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipam/store/store_lmdb_internal.h"
#include "rangeguard/array.h"
#include "store_scene.h"

/** Exit status of a process that found the store damaged */
#define ANSWERED 42
/** Where a meta page has the root of the tree of rows and its transaction, and a page how far its keys go: LMDB 0.9 */
#define META_ROOT 128
#define META_TRANSACTION 144
#define PAGE_LOWER 12
#define PAGE_HEADER 16

/** crash_fn - Something that ends a process which has the store open, in a reading transaction */
typedef void (*crash_fn)(struct store *store);

static void answer(void)
{
	_exit(ANSWERED);
}

/** end_of() - How a process ends, as of waitpid(2) */
static int end_of(const struct scene *scene, crash_fn crash)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE};
	struct store *store;
	int status;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		return status;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(signals); i++)
		(void)signal(signals[i], SIG_DFL);
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	store_lmdb_on_crash(answer);
	if (store_lmdb_open(&scene->state, STATE_WRITE, 0, BOOT, NULL, &store) || store->ops->begin(store, false))
		_exit(1);
	crash(store);
	_exit(0);
}

/** is_there() - Whether a file is in the state directory */
static bool is_there(const struct scene *scene, const char *name)
{
	return faccessat(scene->state.dir_fd, name, F_OK, 0) == 0;
}

/** read_nowhere() - A fault of this program's own */
static void read_nowhere(struct store *store)
{
	const volatile char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)store;
	(void)*page;
}

/** read_behind_end() - A bus error in the map of another file */
static void read_behind_end(struct store *store)
{
	FILE *file = tmpfile();
	const volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);

	(void)store;
	(void)*page;
}

static void abort_it(struct store *store)
{
	(void)store;
	abort();
}

static void raise_segv(struct store *store)
{
	(void)store;
	(void)raise(SIGSEGV);
}

static void raise_fpe(struct store *store)
{
	(void)store;
	(void)raise(SIGFPE);
}

/** be_shot() - Another process sends a signal while LMDB works */
static void be_shot(struct store *store)
{
	pid_t pid;

	(void)store;
	lmdb_at_work = 1;
	pid = fork();
	if (!pid) {
		(void)kill(getppid(), SIGBUS);
		_exit(0);
	}
	for (;;)
		(void)pause();
}

static void test_a_crash_elsewhere_leaves_the_store(void **state)
{
	static const struct {
		crash_fn crash;
		int signal_number;
	} crashes[] = {
		{read_nowhere, SIGSEGV}, {read_behind_end, SIGBUS}, {abort_it, SIGABRT},
		{raise_segv, SIGSEGV},	 {raise_fpe, SIGFPE},	    {be_shot, SIGBUS},
	};
	const struct scene *scene = *state;
	struct store *store = open_store(scene);

	put_one(store, "k", "v");
	store_close(store);
	for (size_t i = 0; i < ARRAY_LENGTH(crashes); i++) {
		int status = end_of(scene, crashes[i].crash);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), crashes[i].signal_number);
		assert_true(is_there(scene, STORE_FILE));
		assert_false(is_there(scene, STORE_FILE_DAMAGED));
	}
	store = open_store(scene);
	assert_one(store, "k", "v");
	store_close(store);
}

/** cut() - Cut the store's file under the map; what LMDB or a reader touches then is a bus error */
static void cut(void)
{
	if (truncate(STORE_FILE, 0) < 0)
		_exit(1);
}

/** read_row() - Read in the map: a value that was handed out */
static void read_row(struct store *store)
{
	struct bytes value;

	if (store->ops->get(store, STORE_LEASES, text("k"), &value))
		_exit(1);
	cut();
	(void)*(const volatile char *)value.data;
}

/** look_up() - Have LMDB do so */
static void look_up(struct store *store)
{
	struct bytes value;

	cut();
	(void)store->ops->get(store, STORE_LEASES, text("k"), &value);
}

static void test_a_crash_in_the_store_sets_it_aside(void **state)
{
	static const crash_fn crashes[] = {read_row, look_up};
	const struct scene *scene = *state;

	assert_int_equal(fchdir(scene->state.dir_fd), 0);
	for (size_t i = 0; i < ARRAY_LENGTH(crashes); i++) {
		struct store *store = open_store(scene);
		int status;

		put_one(store, "k", "v");
		store_close(store);
		status = end_of(scene, crashes[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), ANSWERED);
		assert_false(is_there(scene, STORE_FILE));
		assert_true(is_there(scene, STORE_FILE_DAMAGED));
		assert_int_equal(unlinkat(scene->state.dir_fd, STORE_FILE_DAMAGED, 0), 0);
	}
	assert_int_equal(chdir("/"), 0);
}

/** number_at() - A number in the bytes of a file, in the machine's order */
static size_t number_at(const uint8_t *data, size_t at)
{
	size_t number;

	memcpy(&number, data + at, sizeof(number));
	return number;
}

/* A branch page with one key only is what LMDB asserts that it never meets. */
static void test_an_assertion_sets_it_aside(void **state)
{
	const struct scene *scene = *state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size, meta, root;
	struct store *store = open_store(scene);
	uint16_t lower = PAGE_HEADER + sizeof(uint16_t);
	char key[12];
	uint8_t *data;
	int status;

	assert_int_equal(store->ops->begin(store, true), 0);
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		put(store, STORE_LEASES, key, "a value that takes some space in the pages of the file");
	}
	assert_int_equal(store->ops->commit(store), 0);
	store_close(store);
	data = read_file(scene, STORE_FILE, &size);
	meta = number_at(data, META_TRANSACTION) < number_at(data, page + META_TRANSACTION) ? page : 0;
	root = number_at(data, meta + META_ROOT);
	memcpy(data + root * page + PAGE_LOWER, &lower, sizeof(lower));
	write_file(scene, STORE_FILE, data, size);
	free(data);

	status = end_of(scene, abort_it);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ANSWERED);
	assert_false(is_there(scene, STORE_FILE));
	assert_true(is_there(scene, STORE_FILE_DAMAGED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_crash_elsewhere_leaves_the_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_crash_in_the_store_sets_it_aside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_assertion_sets_it_aside, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
