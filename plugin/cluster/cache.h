/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_CLUSTER_CACHE_H
#define PLUGIN_CLUSTER_CACHE_H

/*
 * What this host has seen of the engine: the newest of each record, in the order of keys, absent ones with the revision
 * at which they were seen to be absent. Pure.
 */

#include "plugin/cluster/record.h"

/**
 * struct seen - A record and when this host first saw it as it is
 * @record:	Record; its text is NULL while it is absent
 * @at:		The host's own clock, read after the observation arrived, nanoseconds
 */
struct seen {
	struct record record;
	int64_t at;
};

/** struct cache - Records in the order of their keys */
struct cache {
	struct seen **rows;
	size_t n;
	size_t room;
};

const struct seen *cache_find(const struct cache *cache, const char *key);
size_t cache_from(const struct cache *cache, const char *key);
int cache_take(struct cache *cache, const struct record *record, int64_t now);
int cache_absent(struct cache *cache, const char *key, int64_t revision, int64_t now);
int64_t cache_revision(const struct seen *seen);
void cache_clear(struct cache *cache);

#endif
