/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store_fake.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define check(condition) check_((condition), #condition, __LINE__)

/** struct row - Key, then value */
struct row {
	size_t key_size;
	size_t value_size;
	uint8_t data[];
};

struct table {
	struct row **rows;
	size_t n;
	size_t capacity;
};

/** struct undo - A change to be taken back: the row that was there before, NULL for none, and the key */
struct undo {
	enum store_table table;
	struct row *before;
	struct row *key;
};

struct fake {
	struct store base;
	struct table tables[STORE_N_TABLES];
	struct undo *undo;
	size_t n_undo;
	void **handed;
	size_t n_handed;
	bool open;
	bool writing;
	bool broken;
	unsigned long calls;
	unsigned long fail_at;
	int fail_with;
};

static void check_(bool condition, const char *text, int line)
{
	if (condition)
		return;
	(void)fprintf(stderr, "store_fake.c:%d: misuse of the store: not %s\n", line, text);
	abort();
}

static struct fake *fake_of(const struct store *store)
{
	union {
		const struct store *in;
		struct fake *out;
	} cast = {.in = store};

	return cast.out;
}

static void *grow(void *array, size_t n, size_t size)
{
	/* Powers of two: grown when the next one is reached. */
	if (n & (n - 1))
		return array;
	array = reallocarray(array, n ? 2 * n : 1, size);
	check(array);
	return array;
}

static struct row *new_row(struct bytes key, struct bytes value)
{
	struct row *row = malloc(sizeof(*row) + key.size + value.size);

	check(row);
	row->key_size = key.size;
	row->value_size = value.size;
	memcpy(row->data, key.data, key.size);
	memcpy(row->data + key.size, value.data, value.size);
	return row;
}

static struct bytes key_in(const struct row *row)
{
	return bytes_of(row->data, row->key_size);
}

static int compare(struct bytes a, struct bytes b)
{
	int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);

	if (order || a.size == b.size)
		return order;
	return a.size < b.size ? -1 : 1;
}

/* Index of the first row whose key is >= @key; whether it is equal */
static size_t find(const struct table *table, struct bytes key, bool *ret_equal)
{
	size_t low = 0, high = table->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(key_in(table->rows[middle]), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_equal = low < table->n && compare(key_in(table->rows[low]), key) == 0;
	return low;
}

/* Puts @row in the place of the row with the same key, or takes that away when @row is NULL; returns the old row. */
static struct row *replace(struct table *table, struct bytes key, struct row *row)
{
	struct row *old = NULL;
	bool equal;
	size_t i = find(table, key, &equal);

	if (equal) {
		old = table->rows[i];
		if (row) {
			table->rows[i] = row;
		} else {
			memmove(&table->rows[i], &table->rows[i + 1], (table->n - i - 1) * sizeof(struct row *));
			table->n--;
		}
	} else if (row) {
		if (table->n == table->capacity) {
			table->capacity = table->capacity ? 2 * table->capacity : 64;
			table->rows = reallocarray(table->rows, table->capacity, sizeof(struct row *));
			check(table->rows);
		}
		memmove(&table->rows[i + 1], &table->rows[i], (table->n - i) * sizeof(struct row *));
		table->rows[i] = row;
		table->n++;
	}
	return old;
}

static void take_back_handed(struct fake *fake)
{
	while (fake->n_handed)
		free(fake->handed[--fake->n_handed]);
}

static struct bytes hand_out(struct fake *fake, struct bytes bytes)
{
	void *copy = malloc(bytes.size + 1);

	check(copy);
	memcpy(copy, bytes.data, bytes.size);
	fake->handed = grow(fake->handed, fake->n_handed, sizeof(void *));
	fake->handed[fake->n_handed++] = copy;
	return bytes_of(copy, bytes.size);
}

static bool fails(struct fake *fake)
{
	fake->calls++;
	if (fake->calls != fake->fail_at)
		return false;
	fake->broken = true;
	return true;
}

static void undo_all(struct fake *fake)
{
	while (fake->n_undo) {
		struct undo *undo = &fake->undo[--fake->n_undo];

		free(replace(&fake->tables[undo->table], key_in(undo->key), undo->before));
		free(undo->key);
	}
}

static void end(struct fake *fake)
{
	take_back_handed(fake);
	fake->open = fake->writing = fake->broken = false;
}

static int fake_begin(struct store *store, bool write)
{
	struct fake *fake = fake_of(store);

	check(!fake->open);
	if (fails(fake)) {
		fake->broken = false;
		return -fake->fail_with;
	}
	fake->open = true;
	fake->writing = write;
	return 0;
}

static int fake_commit(struct store *store)
{
	struct fake *fake = fake_of(store);

	check(fake->open && !fake->broken);
	if (fails(fake)) {
		undo_all(fake);
		end(fake);
		return -fake->fail_with;
	}
	while (fake->n_undo) {
		struct undo *undo = &fake->undo[--fake->n_undo];

		free(undo->before);
		free(undo->key);
	}
	end(fake);
	return 0;
}

static void fake_abort(struct store *store)
{
	struct fake *fake = fake_of(store);

	check(fake->open);
	undo_all(fake);
	end(fake);
}

/* Frees the copies handed out: the caller may still read @key and @value from them, so it is done last. */
static int change(struct fake *fake, enum store_table table, struct bytes key, struct row *row)
{
	struct undo *undo;

	fake->undo = grow(fake->undo, fake->n_undo, sizeof(*fake->undo));
	undo = &fake->undo[fake->n_undo++];
	undo->table = table;
	undo->key = new_row(key, bytes_of("", 0));
	undo->before = replace(&fake->tables[table], key, row);
	take_back_handed(fake);
	return 0;
}

static int fake_put(struct store *store, enum store_table table, struct bytes key, struct bytes value)
{
	struct fake *fake = fake_of(store);

	check(fake->open && fake->writing && !fake->broken && table < STORE_N_TABLES);
	return fails(fake) ? -fake->fail_with : change(fake, table, key, new_row(key, value));
}

static int fake_remove(struct store *store, enum store_table table, struct bytes key)
{
	struct fake *fake = fake_of(store);
	bool equal;

	check(fake->open && fake->writing && !fake->broken && table < STORE_N_TABLES);
	if (fails(fake))
		return -fake->fail_with;
	(void)find(&fake->tables[table], key, &equal);
	return equal ? change(fake, table, key, NULL) : STORE_E_NOT_FOUND;
}

static int give(struct fake *fake, enum store_table table, size_t i, struct bytes *ret_key, struct bytes *ret_value)
{
	const struct row *row;

	if (i >= fake->tables[table].n)
		return STORE_E_NOT_FOUND;
	row = fake->tables[table].rows[i];
	*ret_key = hand_out(fake, key_in(row));
	*ret_value = hand_out(fake, bytes_of(row->data + row->key_size, row->value_size));
	return 0;
}

static int fake_get(struct store *store, enum store_table table, struct bytes key, struct bytes *ret_value)
{
	struct fake *fake = fake_of(store);
	struct bytes found;
	bool equal;
	size_t i;

	check(fake->open && !fake->broken && table < STORE_N_TABLES);
	if (fails(fake))
		return -fake->fail_with;
	i = find(&fake->tables[table], key, &equal);
	return equal ? give(fake, table, i, &found, ret_value) : STORE_E_NOT_FOUND;
}

static int fake_seek(struct store *store, enum store_table table, struct bytes key, bool after, struct bytes *ret_key,
		     struct bytes *ret_value)
{
	struct fake *fake = fake_of(store);
	bool equal;
	size_t i;

	check(fake->open && !fake->broken && table < STORE_N_TABLES);
	if (fails(fake))
		return -fake->fail_with;
	i = find(&fake->tables[table], key, &equal);
	return give(fake, table, i + (equal && after), ret_key, ret_value);
}

static int fake_seek_back(struct store *store, enum store_table table, struct bytes key, struct bytes *ret_key,
			  struct bytes *ret_value)
{
	struct fake *fake = fake_of(store);
	bool equal;
	size_t i;

	check(fake->open && !fake->broken && table < STORE_N_TABLES);
	if (fails(fake))
		return -fake->fail_with;
	i = find(&fake->tables[table], key, &equal);
	if (!equal && i == 0)
		return STORE_E_NOT_FOUND;
	return give(fake, table, equal ? i : i - 1, ret_key, ret_value);
}

static void fake_close(struct store *store)
{
	struct fake *fake = fake_of(store);

	check(!fake->open);
	for (size_t table = 0; table < STORE_N_TABLES; table++) {
		for (size_t i = 0; i < fake->tables[table].n; i++)
			free(fake->tables[table].rows[i]);
		free(fake->tables[table].rows);
	}
	free(fake->undo);
	free(fake->handed);
	free(fake);
}

struct store *store_fake_new(void)
{
	static const struct store_ops ops = {
		.begin = fake_begin,
		.commit = fake_commit,
		.abort = fake_abort,
		.get = fake_get,
		.put = fake_put,
		.remove = fake_remove,
		.seek = fake_seek,
		.seek_back = fake_seek_back,
		.close = fake_close,
	};
	struct fake *fake = calloc(1, sizeof(*fake));

	check(fake);
	fake->base.ops = &ops;
	return &fake->base;
}

void store_fake_fail_at(struct store *store, unsigned long n)
{
	fake_of(store)->calls = 0;
	fake_of(store)->fail_at = n;
	fake_of(store)->fail_with = EIO;
}

void store_fake_fail_with(struct store *store, int errnum)
{
	fake_of(store)->fail_with = errnum;
}

bool store_fake_has_failed(const struct store *store)
{
	return fake_of(store)->fail_at && fake_of(store)->calls >= fake_of(store)->fail_at;
}

unsigned long store_fake_calls(const struct store *store)
{
	return fake_of(store)->calls;
}

char *store_fake_dump(const struct store *store)
{
	const struct fake *fake = fake_of(store);
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	check(file);
	for (size_t table = 0; table < STORE_N_TABLES; table++) {
		for (size_t i = 0; i < fake->tables[table].n; i++) {
			const struct row *row = fake->tables[table].rows[i];

			(void)fprintf(file, "%zu ", table);
			for (size_t k = 0; k < row->key_size + row->value_size; k++)
				(void)fprintf(file, "%s%02x", k == row->key_size ? " " : "", row->data[k]);
			(void)fputc('\n', file);
		}
	}
	(void)fclose(file);
	return text;
}
