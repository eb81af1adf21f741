/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_STORE_SCENE_H
#define TESTS_UNIT_STORE_SCENE_H

/* A lease store on LMDB in a scratch directory, its rows as texts, its files as bytes. */

#include <stddef.h>
#include <stdint.h>

#include "ipam/store/store_lmdb.h"
#include "rangeguard/array.h"
#include "scratch.h"

#define BOOT "5fba2f8a-6e3c-4b4e-9f2c-1d2e3f405162"
/** What a new store has in free pages */
#define BALLAST_BYTES ((size_t)512 << 10)

/** struct scene - A scratch directory that is an open state directory */
struct scene {
	struct scratch scratch;
	struct state state;
};

int setup(void **state);
int teardown(void **state);
/* The store, for writing, made where there is none. */
struct store *open_store(const struct scene *scene);

struct bytes text(const char *text);
/* Inside a transaction; the others have their own, and a row among the leases. */
void put(struct store *store, enum store_table table, const char *key, const char *value);
void put_one(struct store *store, const char *key, const char *value);
/* @value NULL: there is no such row. */
void assert_value(struct store *store, enum store_table table, const char *key, const char *value);
void assert_one(struct store *store, const char *key, const char *value);

void write_file(const struct scene *scene, const char *name, const void *data, size_t size);
/* To be freed. */
uint8_t *read_file(const struct scene *scene, const char *name, size_t *ret_size);

#endif
