/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this host knows of its cluster: `cluster status`, metrics. */

#include <string.h>

#include "plugin/agent/cluster_internal.h"
#include "rangeguard/array.h"

/** heard_of() - Seconds since something of a host changed, as far as this agent has seen; -1: nothing has */
static json_int_t heard_of(const struct cluster *cluster, const char *host)
{
	static const char *const kinds[] = {"host/", "alive/"};
	int64_t at = INT64_MIN;
	char key[RECORD_KEY_MAX];

	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		const struct seen *seen;

		(void)snprintf(key, sizeof(key), "%s%s", kinds[i], host);
		seen = cache_find(machine_cache(cluster->machine), key);
		if (seen && seen->record.text && seen->at > at)
			at = seen->at;
	}
	return at == INT64_MIN ? -1 : (json_int_t)((cluster_now() - at) / MACHINE_SECOND);
}

/** pack_host() - A registered host with the number of its blocks */
static json_t *pack_host(const struct cluster *cluster, const struct record *record)
{
	const struct cache *cache = machine_cache(cluster->machine);
	const char *name = record->key + strlen("host/");
	json_t *addresses = json_array(), *host;
	json_int_t blocks = 0;

	for (size_t i = cache_from(cache, "block/"); i < cache->n && cache->rows[i]->record.kind == RECORD_BLOCK; i++) {
		const struct record *block = &cache->rows[i]->record;

		blocks += block->text && block->readable && strcmp(block->block.host, name) == 0;
	}
	for (size_t i = 0; i < RECORD_ADDRESSES; i++) {
		if (record->host.addresses[i][0] != '\0')
			(void)json_array_append_new(addresses, json_string(record->host.addresses[i]));
	}
	host = json_pack("{s:s, s:o, s:I, s:I, s:I, s:s*}", "name", name, "addresses", addresses, "since",
			 (json_int_t)record->host.since, "heard", heard_of(cluster, name), "blocks", blocks, "problem",
			 routes_problem(cluster, name));
	/* How many addresses others use, they alone know. */
	if (host && strcmp(name, cluster->config.host) == 0)
		(void)json_object_set_new(host, "used", json_integer((json_int_t)cluster->used));
	return host;
}

/** pack_hosts() - All that are registered */
static json_t *pack_hosts(const struct cluster *cluster)
{
	const struct cache *cache = machine_cache(cluster->machine);
	json_t *hosts = json_array();

	for (size_t i = cache_from(cache, "host/"); i < cache->n && cache->rows[i]->record.kind == RECORD_HOST; i++) {
		const struct record *record = &cache->rows[i]->record;

		if (record->text && record->readable)
			(void)json_array_append_new(hosts, pack_host(cluster, record));
	}
	return hosts;
}

/** whole_blocks() - How many blocks of a length lie in a range as a whole */
static u128 whole_blocks(const struct span *span, uint8_t length)
{
	unsigned bits = family_bits(span->family) - length;
	u128 mask = bits < 128 ? ((u128)1 << bits) - 1 : 0, first, end;

	if (!mask && bits)
		return 0; /* nobody cuts all of IPv6 into one */
	first = (span->first >> bits) + ((span->first & mask) != 0);
	end = (span->last >> bits) + ((span->last & mask) == mask);
	return end > first ? end - first : 0;
}

/** count_reserved() - Blocks of a pool that are reserved as a whole, and so are never claimed */
static u128 count_reserved(struct cluster *cluster, const struct held_pool *pool)
{
	struct span left = prefix_span(&pool->prefix), run = {0};
	u128 n = 0;

	while (policy_next_reserved(cluster, pool->network, &left, &run)) {
		n += whole_blocks(&run, pool->block_length);
		if (run.last >= left.last)
			break;
		left.first = run.last + 1;
	}
	return n;
}

/** part_held() - What a record says is held of a pool, which may be cut in another way there. Return: whether it is any */
static bool part_held(const struct held_pool *pool, const struct record *record, struct prefix *ret_part)
{
	struct span inner, outer = prefix_span(&pool->prefix);
	struct prefix block;

	if (!record->text || prefix_parse(record->key + strlen("block/"), &block) < 0)
		return false;
	inner = prefix_span(&block);
	if (!span_overlaps(&inner, &outer))
		return false;
	*ret_part = block.length < pool->prefix.length ? pool->prefix : block;
	return true;
}

/** count_free() - Blocks of a pool that a host could claim: neither held nor reserved as a whole */
static json_int_t count_free(struct cluster *cluster, unsigned index)
{
	const struct held_pool *pool = &cluster->pools[index];
	struct span span = prefix_span(&pool->prefix);
	const struct cache *cache = machine_cache(cluster->machine);
	u128 n = whole_blocks(&span, pool->block_length) - count_reserved(cluster, pool);

	for (size_t i = cache_from(cache, "block/"); i < cache->n && cache->rows[i]->record.kind == RECORD_BLOCK; i++) {
		struct prefix part;
		struct span held;
		u128 taken;

		/* What is reserved as a whole is counted already. */
		if (!part_held(pool, &cache->rows[i]->record, &part) || policy_reserves(cluster, &part))
			continue;
		held = prefix_span(&part);
		taken = part.length < pool->block_length ? whole_blocks(&held, pool->block_length) : 1;
		n -= taken < n ? taken : n;
	}
	return n > INT64_MAX ? INT64_MAX : (json_int_t)n;
}

/** pack_other() - The cluster's pool that one of this host contradicts; NULL: it contradicts none */
static json_t *pack_other(enum pool_standing verdict, const struct cluster_pool *other)
{
	char cidr[PREFIX_TEXT_MAX];

	if (verdict != POOLS_CONFLICT)
		return NULL;
	return json_pack("{s:s, s:i, s:s}", "cidr", prefix_format(&other->prefix, cidr), "blockLength",
			 (int)other->block_length, "network", other->network);
}

/** pack_unreadable() - Keys of records that this host can't read, and leaves alone */
static json_t *pack_unreadable(const struct cluster *cluster)
{
	const struct cache *cache = machine_cache(cluster->machine);
	json_t *keys = json_array();

	for (size_t i = 0; i < cache->n; i++) {
		const struct record *record = &cache->rows[i]->record;

		if (record->text && !record->readable)
			(void)json_array_append_new(keys, json_string(record->key));
	}
	return keys;
}

/** pack_pool() - A pool with its blocks */
static json_t *pack_pool(struct cluster *cluster, unsigned index)
{
	const struct held_pool *pool = &cluster->pools[index];
	const struct cache *cache = machine_cache(cluster->machine);
	static const char *const verdicts[] = {"new", "known", "conflict", "unreadable", "full"};
	json_t *blocks = json_array();
	struct cluster_pool other;
	struct prefix part;
	enum pool_standing verdict = machine_pool_verdict(cluster->machine, index, &other);
	char cidr[PREFIX_TEXT_MAX];

	for (size_t i = cache_from(cache, "block/"); i < cache->n && cache->rows[i]->record.kind == RECORD_BLOCK; i++) {
		const struct record *block = &cache->rows[i]->record;

		if (block->readable && part_held(pool, block, &part))
			(void)json_array_append_new(
				blocks, json_pack("{s:s, s:s, s:I}", "cidr", block->key + strlen("block/"), "host",
						  block->block.host, "since", (json_int_t)block->block.since));
	}
	return json_pack("{s:s, s:i, s:s, s:s, s:b, s:I, s:o, s:o*}", "cidr", prefix_format(&pool->prefix, cidr),
			 "blockLength", (int)pool->block_length, "network", pool->network, "state", verdicts[verdict],
			 "exhausted", (int)machine_pool_exhausted(cluster->machine, index), "free",
			 count_free(cluster, index), "blocks", blocks, "other", pack_other(verdict, &other));
}

/** status_answer() - ask_fn: what this host knows of the cluster */
void status_answer(void *userdata, const json_t *request, struct ask *ask)
{
	struct cluster *cluster = userdata;
	json_t *pools = json_array();

	(void)request;
	for (unsigned i = 0; i < cluster->n_pools; i++)
		(void)json_array_append_new(pools, pack_pool(cluster, i));
	ask_answer_consume(ask, json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:o, s:o, s:o, s:o}", "host",
					  cluster->config.host, "endpoint", etcd_endpoint(cluster->etcd), "problem",
					  etcd_problem(cluster->etcd), "ownProblem", cluster->problem, "registered",
					  (int)machine_is_registered(cluster->machine), "refused",
					  (int)machine_is_refused(cluster->machine), "revision",
					  (json_int_t)machine_max_revision(cluster->machine), "policy",
					  (json_int_t)machine_policy(cluster->machine), "hosts", pack_hosts(cluster),
					  "pools", pools, "sources", sources_status(cluster), "unreadable",
					  pack_unreadable(cluster)));
}

/** count_own() - Blocks of a pool that this host holds */
static unsigned count_own(const struct cluster *cluster, unsigned pool)
{
	const struct cache *cache = machine_cache(cluster->machine);
	unsigned n = 0;

	for (size_t i = cache_from(cache, "block/"); i < cache->n && cache->rows[i]->record.kind == RECORD_BLOCK; i++) {
		const struct record *block = &cache->rows[i]->record;

		n += block->text && block->readable && strcmp(block->block.host, cluster->config.host) == 0 &&
		     machine_pool_of(cluster->machine, block->key) == (int)pool;
	}
	return n;
}

/** status_write_metrics() - Of struct agent_module */
void status_write_metrics(void *self, FILE *stream)
{
	const struct cluster *cluster = self;
	char cidr[PREFIX_TEXT_MAX];

	(void)fprintf(stream,
		      "# HELP rangeguard_cluster_registered This host is registered in its cluster.\n"
		      "# TYPE rangeguard_cluster_registered gauge\n"
		      "rangeguard_cluster_registered %d\n"
		      "# HELP rangeguard_cluster_engine_up The last request of etcd was answered.\n"
		      "# TYPE rangeguard_cluster_engine_up gauge\n"
		      "rangeguard_cluster_engine_up %d\n"
		      "# HELP rangeguard_cluster_blocks Blocks of a pool that this host holds.\n"
		      "# TYPE rangeguard_cluster_blocks gauge\n",
		      machine_is_registered(cluster->machine), *etcd_problem(cluster->etcd) == '\0');
	for (unsigned i = 0; i < cluster->n_pools; i++)
		(void)fprintf(stream, "rangeguard_cluster_blocks{pool=\"%s\"} %u\n",
			      prefix_format(&cluster->pools[i].prefix, cidr), count_own(cluster, i));
	sources_write_metrics(cluster, stream);
}
