/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store_scene.h"

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int setup(void **state)
{
	static struct scene scene;

	scratch_make(&scene.scratch);
	assert_int_equal(state_open(scene.scratch.path, STATE_WRITE, &scene.state), 0);
	*state = &scene;
	return 0;
}

int teardown(void **state)
{
	struct scene *scene = *state;

	state_done(&scene->state);
	scratch_remove(&scene->scratch);
	return 0;
}

struct store *open_store(const struct scene *scene)
{
	struct store *store = NULL;

	assert_int_equal(store_lmdb_open(&scene->state, STATE_WRITE, 0, BOOT, NULL, &store), 0);
	return store;
}

struct bytes text(const char *text)
{
	return bytes_of(text, strlen(text));
}

void put(struct store *store, enum store_table table, const char *key, const char *value)
{
	assert_int_equal(store->ops->put(store, table, text(key), text(value)), 0);
}

void put_one(struct store *store, const char *key, const char *value)
{
	assert_int_equal(store->ops->begin(store, true), 0);
	put(store, STORE_LEASES, key, value);
	assert_int_equal(store->ops->commit(store), 0);
}

void assert_value(struct store *store, enum store_table table, const char *key, const char *value)
{
	struct bytes found;

	if (!value) {
		assert_int_equal(store->ops->get(store, table, text(key), &found), STORE_E_NOT_FOUND);
		return;
	}
	assert_int_equal(store->ops->get(store, table, text(key), &found), 0);
	assert_int_equal(found.size, strlen(value));
	assert_memory_equal(found.data, value, found.size);
}

void assert_one(struct store *store, const char *key, const char *value)
{
	assert_int_equal(store->ops->begin(store, false), 0);
	assert_value(store, STORE_LEASES, key, value);
	store->ops->abort(store);
}

void write_file(const struct scene *scene, const char *name, const void *data, size_t size)
{
	char path[SCRATCH_PATH_MAX];
	int fd;

	scratch_path(&scene->scratch, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(close(fd), 0);
}

uint8_t *read_file(const struct scene *scene, const char *name, size_t *ret_size)
{
	char path[SCRATCH_PATH_MAX];
	struct stat status;
	uint8_t *data;
	int fd;

	scratch_path(&scene->scratch, name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	data = malloc((size_t)status.st_size);
	assert_non_null(data);
	assert_int_equal(read(fd, data, (size_t)status.st_size), status.st_size);
	assert_int_equal(close(fd), 0);
	*ret_size = (size_t)status.st_size;
	return data;
}
