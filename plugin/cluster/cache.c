/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The newest of each record; observations come in any order, an older one changes nothing. */

#include "plugin/cluster/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * cache_from() - Where the keys from @key on begin
 * @cache:	Records
 * @key:	Key, or the beginning of keys
 *
 * Return: index of the first row whose key is not before @key; @cache->n: none
 */
size_t cache_from(const struct cache *cache, const char *key)
{
	size_t low = 0, high = cache->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(cache->rows[middle]->record.key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/**
 * cache_find() - What is known of a record
 * @cache:	Records
 * @key:	Key
 *
 * Return: borrowed until the cache changes; NULL: never seen
 */
const struct seen *cache_find(const struct cache *cache, const char *key)
{
	size_t i = cache_from(cache, key);

	return i < cache->n && strcmp(cache->rows[i]->record.key, key) == 0 ? cache->rows[i] : NULL;
}

/**
 * cache_revision() - Revision that a condition on a record names
 * @seen:	Row, or NULL
 *
 * Return: 0 when the record is absent
 */
int64_t cache_revision(const struct seen *seen)
{
	return seen && seen->record.text ? seen->record.revision : 0;
}

/** insert_row() - A new row for @key at index @i; NULL: out of memory */
static struct seen *insert_row(struct cache *cache, size_t i, const char *key)
{
	struct seen *row = calloc(1, sizeof(*row));

	if (row && cache->n == cache->room) {
		size_t room = cache->room ? 2 * cache->room : 32;
		struct seen **rows = reallocarray(cache->rows, room, sizeof(struct seen *));

		if (!rows) {
			free(row);
			return NULL;
		}
		cache->rows = rows;
		cache->room = room;
	}
	if (!row)
		return NULL;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): rows are pointers, so that they stay where they are */
	memmove(cache->rows + i + 1, cache->rows + i, (cache->n - i) * sizeof(*cache->rows));
	cache->rows[i] = row;
	cache->n++;
	(void)snprintf(row->record.key, sizeof(row->record.key), "%s", key);
	row->record.kind = record_kind(key);
	row->record.revision = -1;
	return row;
}

/**
 * cache_take() - An observation of a record
 * @cache:	Changed if the observation is newer than what is there
 * @record:	Copied
 * @now:	The host's clock, read after the observation arrived
 *
 * Return: 1: taken; 0: not newer; -ENOMEM
 */
int cache_take(struct cache *cache, const struct record *record, int64_t now)
{
	size_t i = cache_from(cache, record->key);
	struct seen *row;

	if (i < cache->n && strcmp(cache->rows[i]->record.key, record->key) == 0)
		row = cache->rows[i];
	else
		row = insert_row(cache, i, record->key);
	if (!row)
		return -ENOMEM;
	if (record->revision > row->record.revision) {
		struct record copy;

		if (record_copy(record, &copy) < 0)
			return -ENOMEM;
		record_clear(&row->record);
		row->record = copy;
		row->at = now;
		return 1;
	}
	return 0;
}

/**
 * cache_absent() - A record was seen to be absent
 * @cache:	Changed if that is newer than what is there
 * @key:	Key
 * @revision:	The engine's revision at which it was absent
 * @now:	The host's clock, read after the observation arrived
 *
 * An absence that goes on is no change: its row keeps the time at which it began.
 *
 * Return: 1: taken; 0: nothing new; -ENOMEM
 */
int cache_absent(struct cache *cache, const char *key, int64_t revision, int64_t now)
{
	struct record record = {.revision = revision, .kind = record_kind(key)};
	size_t i = cache_from(cache, key);

	if (i < cache->n && strcmp(cache->rows[i]->record.key, key) == 0) {
		struct record *known = &cache->rows[i]->record;

		if (!known->text && known->revision >= 0) {
			known->revision = revision > known->revision ? revision : known->revision;
			return 0;
		}
	}
	(void)snprintf(record.key, sizeof(record.key), "%s", key);
	return cache_take(cache, &record, now);
}

/**
 * cache_clear() - Forget everything
 * @cache:	Emptied
 */
void cache_clear(struct cache *cache)
{
	for (size_t i = 0; i < cache->n; i++) {
		record_clear(&cache->rows[i]->record);
		free(cache->rows[i]);
	}
	free(cache->rows);
	*cache = (struct cache){0};
}
