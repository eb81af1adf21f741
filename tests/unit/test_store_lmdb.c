/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lease store on LMDB: the seam, creation, boots (damage: test_store_damage.c). The same seam calls run on the fake,
 * as its measure.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipam/store/row.h"
#include "rangeguard/array.h"
#include "store_fake.h"
#include "store_scene.h"

#define LATER_BOOT "5fba2f8a-6e3c-4b4e-9f2c-1d2e3f405163"
#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

/** struct seek_case - In a table with b, bb, d and neighbours with rows of their own */
struct seek_case {
	const char *key;
	const char *at_or_behind; /* NULL: none */
	const char *behind;
	const char *at_or_before;
};

static const struct seek_case seek_cases[] = {
	{"", "b", "b", NULL},	 {"a", "b", "b", NULL},	  {"b", "b", "bb", "b"},
	{"ba", "bb", "bb", "b"}, {"bb", "bb", "d", "bb"}, {"c", "d", "d", "bb"},
	{"d", "d", NULL, "d"},	 {"e", NULL, NULL, "d"},  {"bbb", "d", "d", "bb"},
};

static void assert_found(int r, struct bytes key, struct bytes value, const char *expected)
{
	if (!expected) {
		assert_int_equal(r, STORE_E_NOT_FOUND);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(key.size, strlen(expected));
	assert_memory_equal(key.data, expected, key.size);
	assert_int_equal(value.size, strlen(expected) + 1);
}

/** check_seam() - What store.h promises; @alone: no table before STORE_ADDRESSES and behind STORE_POOLS has rows */
static void check_seam(struct store *store, bool alone)
{
	const struct store_ops *ops = store->ops;

	assert_int_equal(ops->begin(store, true), 0);
	if (!alone) {
		put(store, STORE_LEASES, "zz", "lease");
		put(store, STORE_FREE, "", "free");
	}
	put(store, STORE_POOLS, "b", "2");
	put(store, STORE_POOLS, "d", "22");
	put(store, STORE_POOLS, "bb", "333");
	put(store, STORE_POOLS, "b", "22");
	assert_int_equal(ops->commit(store), 0);

	assert_int_equal(ops->begin(store, true), 0);
	for (size_t i = 0; i < ARRAY_LENGTH(seek_cases); i++) {
		const struct seek_case *test = &seek_cases[i];
		struct bytes key, value;
		int r;

		r = ops->seek(store, STORE_POOLS, text(test->key), false, &key, &value);
		assert_found(r, key, value, test->at_or_behind);
		r = ops->seek(store, STORE_POOLS, text(test->key), true, &key, &value);
		assert_found(r, key, value, test->behind);
		r = ops->seek_back(store, STORE_POOLS, text(test->key), &key, &value);
		assert_found(r, key, value, test->at_or_before);
	}
	assert_value(store, STORE_POOLS, "bb", "333");
	assert_value(store, STORE_ADDRESSES, "bb", NULL);
	assert_int_equal(ops->remove(store, STORE_POOLS, text("bb")), 0);
	assert_int_equal(ops->remove(store, STORE_POOLS, text("bb")), STORE_E_NOT_FOUND);
	assert_value(store, STORE_POOLS, "bb", NULL);
	put(store, STORE_POOLS, "f", "");
	assert_value(store, STORE_POOLS, "f", "");
	ops->abort(store);

	assert_int_equal(ops->begin(store, false), 0);
	assert_value(store, STORE_POOLS, "bb", "333");
	assert_value(store, STORE_POOLS, "f", NULL);
	ops->abort(store);
}

static void test_seam(void **state)
{
	struct store *store = open_store(*state);

	check_seam(store, false);
	store_close(store);
}

static void test_seam_of_fake(void **state)
{
	(void)state;
	for (int alone = 0; alone < 2; alone++) {
		struct store *store = store_fake_new();

		check_seam(store, alone);
		store_close(store);
	}
}

/* At the very end of the file's only tree there is nothing behind: other paths in LMDB. */
static void test_seam_at_the_end(void **state)
{
	struct store *store = open_store(*state);

	check_seam(store, true);
	store_close(store);
}

static void test_limits(void **state)
{
	struct store *store = open_store(*state);
	uint8_t key[ROW_KEY_MAX + 1] = {0};
	size_t size = (size_t)64 << 10;
	void *value = calloc(1, size);
	struct bytes found;

	assert_non_null(value);
	assert_int_equal(store->ops->begin(store, true), 0);
	assert_int_equal(store->ops->put(store, STORE_LEASES, bytes_of(key, ROW_KEY_MAX), bytes_of(value, size)), 0);
	assert_int_equal(store->ops->get(store, STORE_LEASES, bytes_of(key, ROW_KEY_MAX), &found), 0);
	assert_int_equal(found.size, size);
	assert_int_equal(store->ops->put(store, STORE_LEASES, bytes_of(key, sizeof(key)), bytes_of(value, 1)), -EINVAL);
	store->ops->abort(store);
	store_close(store);
	free(value);
}

/** assert_cloexec() - Directory, lock and both of LMDB's descriptors would not live on in another program */
static void assert_cloexec(const struct scratch *scratch)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++) {
		char link[64], target[SCRATCH_PATH_MAX];
		ssize_t length;

		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		length = readlink(link, target, sizeof(target));
		if (length < 0 || strncmp(target, scratch->path, strlen(scratch->path)) != 0)
			continue;
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		n++;
	}
	assert_in_range(n, 4, 6);
}

/* What one process commits, the next one finds; descriptors and the lock go with the store. */
static void test_open_and_close(void **state)
{
	const struct scene *scene = *state;
	size_t fds = scratch_count_fds();
	char path[SCRATCH_PATH_MAX];
	struct state other = STATE_INIT;
	struct store *store;
	struct stat status;

	assert_int_equal(store_lmdb_open(&scene->state, STATE_READ, 0, BOOT, NULL, &store), STATE_E_ABSENT);
	store = open_store(scene);
	put_one(store, "k", "v");
	assert_int_equal(state_open(scene->scratch.path, STATE_WRITE, &other), 0);
	assert_int_equal(state_lock_store(&other, STATE_READ, 0), STATE_E_LOCKED);
	assert_cloexec(&scene->scratch);
	store_close(store);
	assert_int_equal(state_lock_store(&other, STATE_WRITE, 0), 0);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_WRITE, 0, BOOT, NULL, &store), STATE_E_LOCKED);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_READ, 0, BOOT, NULL, &store), STATE_E_LOCKED);
	state_done(&other);
	assert_int_equal(scratch_count_fds(), fds);

	assert_int_equal(store_lmdb_open(&scene->state, STATE_READ, 0, BOOT, NULL, &store), 0);
	assert_one(store, "k", "v");
	assert_int_equal(store->ops->begin(store, true), -EACCES);
	store_close(store);
	assert_int_equal(scratch_count_fds(), fds);

	scratch_path(&scene->scratch, "leases.mdb", path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	scratch_path(&scene->scratch, "leases.mdb.new", path);
	assert_int_equal(access(path, F_OK), -1);
}

/** move_directory() - A store is that of its directory, wherever that has gone */
static void move_directory(void **state)
{
	const struct scene *scene = *state;
	char before[SCRATCH_PATH_MAX], after[SCRATCH_PATH_MAX], moved[SCRATCH_PATH_MAX + 8];
	struct store *store;

	assert_non_null(getcwd(before, sizeof(before)));
	(void)snprintf(moved, sizeof(moved), "%s.moved", scene->scratch.path);
	assert_int_equal(rename(scene->scratch.path, moved), 0);
	assert_int_equal(mkdir(scene->scratch.path, 0700), 0);
	store = open_store(scene);
	put_one(store, "k", "v");
	store_close(store);
	assert_non_null(getcwd(after, sizeof(after)));
	assert_string_equal(after, before);

	assert_int_equal(rmdir(scene->scratch.path), 0);
	assert_int_equal(rename(moved, scene->scratch.path), 0);
	store = open_store(scene);
	assert_one(store, "k", "v");
	store_close(store);
}

static unsigned n_within;

/** within() - store_lmdb_open_within() */
static int within(int dir_fd, int (*work)(void *userdata), void *userdata)
{
	int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), r;

	assert_int_equal(fchdir(dir_fd), 0);
	r = work(userdata);
	assert_int_equal(fchdir(before), 0);
	(void)close(before);
	n_within++;
	return r;
}

/* The store is in the directory that was checked, not in what has its path by now, nor where the caller stands. */
static void test_moved_directory(void **state)
{
	move_directory(state);
}

/* Where the program has chosen that its working directory may change meanwhile. */
static void test_moved_directory_from_within(void **state)
{
	store_lmdb_open_within(within);
	move_directory(state);
	store_lmdb_open_within(NULL);
	assert_true(n_within > 0);
}

/* Killed while it made the first file, or the one of a new boot. */
static void test_stale_new_file(void **state)
{
	const struct scene *scene = *state;
	struct store *store;

	write_file(scene, "leases.mdb.new", "half a page", 11);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_READ, 0, BOOT, NULL, &store), STATE_E_ABSENT);
	store = open_store(scene);
	put_one(store, "k", "v");
	store_close(store);
	write_file(scene, "leases.mdb.new", "half a page", 11);
	store = open_store(scene);
	assert_one(store, "k", "v");
	store_close(store);
}

/* "Leases of an earlier boot are void." */
static void test_boot(void **state)
{
	const struct scene *scene = *state;
	struct store *store = open_store(scene);

	put_one(store, "k", "v");
	store_close(store);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_READ, 0, LATER_BOOT, NULL, &store), STATE_E_ABSENT);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_WRITE, 0, LATER_BOOT, NULL, &store), 0);
	assert_one(store, "k", NULL);
	put_one(store, "l", "w");
	store_close(store);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_WRITE, 0, LATER_BOOT, NULL, &store), 0);
	assert_one(store, "l", "w");
	store_close(store);
}

/* The file can be written to on a full disk: pages to go on with are in it. */
static void test_ballast(void **state)
{
	const struct scene *scene = *state;
	struct store *store = open_store(scene);
	char path[SCRATCH_PATH_MAX], key[12];
	struct stat before, after;

	/* LMDB keeps what the last transaction but one still refers to: the ballast serves from the second one on. */
	put_one(store, "first", "value");
	store_close(store);
	scratch_path(&scene->scratch, "leases.mdb", path);
	assert_int_equal(stat(path, &before), 0);
	assert_true((size_t)before.st_blocks * 512 >= BALLAST_BYTES);
	store = open_store(scene);
	for (int i = 0; i < 200; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		put_one(store, key, "value");
	}
	store_close(store);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_blocks, after.st_blocks);
}

/* A large transaction, most of it taken back: the file is not mistaken for a truncated one. */
static void test_shrinking_transaction(void **state)
{
	const struct scene *scene = *state;
	struct store *store = open_store(scene);
	char key[12];

	for (int round = 0; round < 3; round++) {
		assert_int_equal(store->ops->begin(store, true), 0);
		for (int i = 0; i < 20000; i++) {
			(void)snprintf(key, sizeof(key), "%d", i);
			put(store, STORE_LEASES, key, "a value that takes some space in the pages of the file");
		}
		for (int i = 0; i < 20000; i++) {
			(void)snprintf(key, sizeof(key), "%d", i);
			assert_int_equal(store->ops->remove(store, STORE_LEASES, text(key)), 0);
		}
		assert_int_equal(store->ops->commit(store), 0);
		store_close(store);
		store = open_store(scene);
	}
	store_close(store);
}

/** address_space() - Bytes of address space that this process has */
static rlim_t address_space(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	/* NOLINTNEXTLINE(cert-err34-c): the kernel's number */
	if (!file || fscanf(file, "%lu", &pages) != 1)
		_exit(1);
	(void)fclose(file);
	return (rlim_t)pages * PAGE;
}

/** use_with_limit() - In a process of its own, which may have only so much more address space: a row, written and read */
static void use_with_limit(const struct scene *scene, rlim_t more)
{
	int status;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct rlimit limit = {.rlim_cur = address_space() + more, .rlim_max = RLIM_INFINITY};
		struct bytes value;
		struct store *store;

		if (setrlimit(RLIMIT_AS, &limit) < 0 ||
		    store_lmdb_open(&scene->state, STATE_WRITE, 0, BOOT, NULL, &store))
			_exit(2);
		if (store->ops->begin(store, true) || store->ops->put(store, STORE_LEASES, text("k"), text("v")) ||
		    store->ops->commit(store) || store->ops->begin(store, false) ||
		    store->ops->get(store, STORE_LEASES, text("k"), &value))
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A limit of address space far below the map's size (ulimit -v) makes a smaller map, new or old. */
static void test_little_address_space(void **state)
{
	const struct scene *scene = *state;

	use_with_limit(scene, (rlim_t)1 << 30);
	use_with_limit(scene, (rlim_t)1 << 30);
	use_with_limit(scene, (rlim_t)96 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seam_of_fake),
		cmocka_unit_test_setup_teardown(test_seam, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seam_at_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_and_close, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved_directory_from_within, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale_new_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_boot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ballast, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shrinking_transaction, setup, teardown),
		cmocka_unit_test_setup_teardown(test_little_address_space, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
