/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lease store on LMDB: damage of its file, and a new one in its place. */

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
#include <sys/stat.h>
#include <unistd.h>

#include "ipam/store/row.h"
#include "rangeguard/array.h"
#include "store_scene.h"

/** Two meta pages, as far as LMDB 0.9 fills them on a 64-bit machine, see store_lmdb_check.c */
#define META_BYTES 152U
#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

/** fill() - A store with some pages of rows */
static void fill(const struct scene *scene)
{
	struct store *store = open_store(scene);
	char key[12];

	assert_int_equal(store->ops->begin(store, true), 0);
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		put(store, STORE_LEASES, key, "a value that takes some space in the pages of the file");
	}
	assert_int_equal(store->ops->commit(store), 0);
	store_close(store);
}

/** opens_and_walks() - Open the store and read all leases; whether it could be opened, and what came of that */
static bool opens_and_walks(const struct scene *scene, int *ret_outcome)
{
	struct bytes key = bytes_of("", 0), value;
	struct store *store;
	int r;

	*ret_outcome = store_lmdb_open(&scene->state, STATE_WRITE, 0, BOOT, NULL, &store);
	if (*ret_outcome)
		return false;
	r = store->ops->begin(store, false);
	while (r == 0)
		r = store->ops->seek(store, STORE_LEASES, key, true, &key, &value);
	store->ops->abort(store);
	store_close(store);
	return true;
}

/* Cut anywhere, by a byte or by all: it is said, not run into. */
static void test_truncated(void **state)
{
	const struct scene *scene = *state;
	size_t size;
	uint8_t *data;

	fill(scene);
	data = read_file(scene, "leases.mdb", &size);
	for (size_t n = 0; n < size; n += n < 2 * PAGE ? 97 : 5 * PAGE + 11) {
		int outcome;

		write_file(scene, "leases.mdb", data, n);
		if (!opens_and_walks(scene, &outcome)) {
			assert_int_equal(outcome, STORE_LMDB_E_DAMAGED);
			/* It stays for somebody to look at. */
			free(read_file(scene, "leases.mdb", &(size_t){0}));
		} else {
			/* What was cut away was slack behind the ballast. */
			assert_true(n > BALLAST_BYTES);
		}
	}
	write_file(scene, "leases.mdb", data, size);
	free(data);
	assert_true(opens_and_walks(scene, &(int){0}));
}

/* Each bit of both meta pages: refused, or a store that can be read. */
static void test_flipped_meta(void **state)
{
	const struct scene *scene = *state;
	char path[SCRATCH_PATH_MAX];
	unsigned n_damaged = 0;
	int fd;

	fill(scene);
	scratch_path(&scene->scratch, "leases.mdb", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t i = 0; i < 2 * META_BYTES; i++) {
		off_t at = (off_t)(i < META_BYTES ? i : PAGE + i - META_BYTES);
		uint8_t byte;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		for (unsigned bit = 0; bit < 8; bit++) {
			uint8_t flipped = byte ^ (uint8_t)(1U << bit);
			int outcome;

			assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
			if (opens_and_walks(scene, &outcome))
				continue;
			assert_int_equal(outcome, STORE_LMDB_E_DAMAGED);
			n_damaged++;
		}
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	(void)close(fd);
	/* Magic, version, page sizes and flags at the least. */
	assert_true(n_damaged > 8 * 2 * (4 + 4 + 4 + 2));
}

static void test_not_a_store(void **state)
{
	const struct scene *scene = *state;
	char page[8192], path[SCRATCH_PATH_MAX];
	struct store *store;

	memset(page, 0, sizeof(page));
	write_file(scene, "leases.mdb", page, sizeof(page));
	assert_int_equal(store_lmdb_open(&scene->state, STATE_READ, 0, BOOT, NULL, &store), STORE_LMDB_E_DAMAGED);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_WRITE, 0, BOOT, NULL, &store), STORE_LMDB_E_DAMAGED);
	scratch_path(&scene->scratch, "leases.mdb", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_WRITE, 0, BOOT, NULL, &store), STORE_LMDB_E_DAMAGED);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_WRITE, 0, BOOT, NULL, &store), -ELOOP);
}

/* A FIFO, of which nobody has the other end, is no store, whatever it is opened for. */
static void test_a_fifo_is_no_store(void **state)
{
	static const enum state_access accesses[] = {STATE_READ, STATE_UPDATE, STATE_WRITE};
	const struct scene *scene = *state;
	char path[SCRATCH_PATH_MAX];
	struct store *store;

	scratch_path(&scene->scratch, "leases.mdb", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)alarm(100);
	for (size_t i = 0; i < ARRAY_LENGTH(accesses); i++)
		assert_int_equal(store_lmdb_open(&scene->state, accesses[i], 0, BOOT, NULL, &store),
				 STORE_LMDB_E_DAMAGED);
	(void)alarm(0);
}

/** put_schema() - Have a store say that it is of a schema, and close it */
static void put_schema(const struct scene *scene, uint8_t number)
{
	const uint8_t schema[ROW_NUMBER_BYTES] = {[ROW_NUMBER_BYTES - 1] = number};
	struct store *store;

	assert_int_equal(store_lmdb_open(&scene->state, STATE_WRITE, 0, BOOT, NULL, &store), 0);
	assert_int_equal(store->ops->begin(store, true), 0);
	assert_int_equal(store->ops->put(store, STORE_META, text("schema"), bytes_of(schema, sizeof(schema))), 0);
	assert_int_equal(store->ops->commit(store), 0);
	store_close(store);
}

/** schema_of() - The schema that an open store says */
static uint64_t schema_of(struct store *store)
{
	uint64_t number = 0;
	struct bytes row;

	assert_int_equal(store->ops->begin(store, false), 0);
	assert_int_equal(store->ops->get(store, STORE_META, text("schema"), &row), 0);
	assert_int_equal(row_read_number(&row, &number), 0);
	store->ops->abort(store);
	return number;
}

static int never(void *userdata, struct store *store)
{
	(void)userdata;
	(void)store;
	fail_msg("a store of another version was filled again");
	return 0;
}

/* A store of a later version is neither read, nor changed, nor set aside, whatever it is opened for. */
static void test_newer_schema(void **state)
{
	static const enum state_access accesses[] = {STATE_READ, STATE_UPDATE, STATE_WRITE};
	struct store_seed seed = {.fill = never};
	const struct scene *scene = *state;
	struct store *store;

	put_schema(scene, 99);
	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++)
		assert_int_equal(store_lmdb_open(&scene->state, accesses[i], 0, BOOT, &seed, &store),
				 STORE_LMDB_E_NEWER);
	assert_false(seed.replaced);
	/* What an earlier boot left is void in any version. */
	seed.fill = NULL;
	assert_int_equal(store_lmdb_open(&scene->state, STATE_WRITE, 0, "another boot", NULL, &store), 0);
	store_close(store);
}

/* An older one is read as it is; the first who writes raises its number; nothing in it changes. */
static void test_older_schema(void **state)
{
	const struct scene *scene = *state;
	struct store_seed seed = {.fill = never};
	struct store *store = open_store(scene);
	uint64_t ours = schema_of(store);
	struct bytes row;

	put_one(store, "k", "v");
	store_close(store);
	put_schema(scene, (uint8_t)(ours - 1));
	assert_int_equal(store_lmdb_open(&scene->state, STATE_READ, 0, BOOT, NULL, &store), 0);
	assert_int_equal(schema_of(store), ours - 1);
	store_close(store);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_UPDATE, 0, BOOT, &seed, &store), 0);
	assert_int_equal(schema_of(store), ours);
	assert_int_equal(store->ops->begin(store, false), 0);
	assert_int_equal(store->ops->get(store, STORE_LEASES, text("k"), &row), 0);
	store->ops->abort(store);
	store_close(store);
	/* Nobody knows any more what the first one meant. */
	put_schema(scene, 1);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_READ, 0, BOOT, NULL, &store), STORE_LMDB_E_DAMAGED);
}

/** seed_one() - store_seed.fill: one row, or what @userdata says */
static int seed_one(void *userdata, struct store *store)
{
	const int *outcome = userdata;

	put_one(store, "seeded", "yes");
	return *outcome;
}

/* A damaged store is set aside and rebuilt from its seed; a sound one is left alone; a seed that fails leaves none. */
static void test_damaged_is_made_anew(void **state)
{
	const struct scene *scene = *state;
	int outcome = 0;
	struct store_seed seed = {.fill = seed_one, .userdata = &outcome};
	struct store *store;
	uint8_t *data;
	size_t size;

	store = open_store(scene);
	put_one(store, "k", "v");
	store_close(store);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_WRITE, 0, BOOT, &seed, &store), 0);
	assert_one(store, "k", "v");
	assert_one(store, "seeded", NULL);
	assert_false(seed.replaced);
	store_close(store);

	write_file(scene, "leases.mdb", "not a store", 11);
	outcome = -ENETDOWN;
	assert_int_equal(store_lmdb_open(&scene->state, STATE_WRITE, 0, BOOT, &seed, &store), -ENETDOWN);
	assert_true(seed.replaced);
	assert_int_equal(store_lmdb_open(&scene->state, STATE_UPDATE, 0, BOOT, NULL, &store), STATE_E_ABSENT);
	data = read_file(scene, "leases.mdb.damaged", &size);
	assert_int_equal(size, 11);
	free(data);

	outcome = 0;
	assert_int_equal(store_lmdb_open(&scene->state, STATE_WRITE, 0, BOOT, &seed, &store), 0);
	assert_one(store, "k", NULL);
	assert_one(store, "seeded", "yes");
	store_close(store);
}

/* The lock stays held while an open store is rebuilt. */
static void test_renew(void **state)
{
	const struct scene *scene = *state;
	int outcome = 0;
	struct store_seed seed = {.fill = seed_one, .userdata = &outcome};
	struct store *store = open_store(scene);

	put_one(store, "k", "v");
	assert_int_equal(store_lmdb_renew(store, BOOT, &seed), 0);
	assert_true(seed.replaced);
	assert_one(store, "k", NULL);
	assert_one(store, "seeded", "yes");
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flipped_meta, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_a_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_fifo_is_no_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newer_schema, setup, teardown),
		cmocka_unit_test_setup_teardown(test_older_schema, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_is_made_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_renew, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
