/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What verbs and commands ask at the local socket about the cluster. */

#include <errno.h>
#include <string.h>

#include "plugin/agent/cluster_internal.h"

/** An ADD waits for a block; it hears why not a little before it gives up */
#define BLOCK_WAIT_NS (2 * MACHINE_SECOND)

/** read_pool() - One element of `pools`. Return: whether it was understood */
static bool read_pool(const json_t *element, struct held_pool *ret_pool)
{
	const char *cidr = json_string_value(json_object_get(element, "cidr"));
	const char *network = json_string_value(json_object_get(element, "network"));
	json_int_t length = json_integer_value(json_object_get(element, "blockLength"));
	struct held_pool pool = {.block_length = (uint8_t)length};

	if (!cidr || !network || prefix_parse(cidr, &pool.prefix) < 0 || prefix_has_host_bits(&pool.prefix) ||
	    length < pool.prefix.length || length > (json_int_t)family_bits(pool.prefix.address.family))
		return false;
	(void)snprintf(pool.network, sizeof(pool.network), "%s", network);
	*ret_pool = pool;
	return true;
}

/** refuse() - Answer with an error */
static void refuse(struct ask *ask, enum error_code code, const char *text)
{
	struct error err = {0};

	(void)error_set(&err, code, "%s", text);
	ask_refuse(ask, &err);
}

/** demand() - The machine is told which pools are waited for */
static void demand(struct cluster *cluster)
{
	for (unsigned pool = 0; pool < cluster->n_pools; pool++) {
		bool wanted = false;

		for (size_t i = 0; i < cluster->n_waiting; i++) {
			for (size_t j = 0; j < cluster->waiting[i].n_pools; j++)
				wanted |= cluster->waiting[i].pools[j] == pool;
		}
		machine_block_demand(cluster->machine, pool, wanted);
	}
	cluster_run_soon(cluster);
}

/** conflict() - Say that a pool is cut in another way elsewhere */
static bool conflict(struct cluster *cluster, const struct waiting *waiting, struct error *err)
{
	char own[PREFIX_TEXT_MAX], theirs[PREFIX_TEXT_MAX];
	struct cluster_pool other;

	for (size_t i = 0; i < waiting->n_pools; i++) {
		const struct held_pool *pool = &cluster->pools[waiting->pools[i]];

		if (machine_pool_verdict(cluster->machine, waiting->pools[i], &other) != POOLS_CONFLICT)
			continue;
		(void)error_set(
			err, ERROR_CONFIG,
			"pool %s in blocks of /%u (network \"%.64s\") contradicts the cluster's pool %s in blocks of /%u "
			"(network \"%.64s\"): configure the same on each host",
			prefix_format(&pool->prefix, own), pool->block_length, pool->network,
			prefix_format(&other.prefix, theirs), other.block_length, other.network);
		return true;
	}
	return false;
}

/** is_exhausted() - Whether each block of all of the pools is held or reserved */
static bool is_exhausted(const struct cluster *cluster, const struct waiting *waiting)
{
	for (size_t i = 0; i < waiting->n_pools; i++) {
		if (!machine_pool_exhausted(cluster->machine, waiting->pools[i]))
			return false;
	}
	return waiting->n_pools > 0;
}

/** explain() - Why there is no block: the pool, the registration, or etcd */
static void explain(struct cluster *cluster, const struct waiting *waiting, struct error *err)
{
	const char *problem = etcd_problem(cluster->etcd);

	if (conflict(cluster, waiting, err))
		return;
	if (is_exhausted(cluster, waiting))
		(void)error_set(
			err, ERROR_NO_FREE_ADDRESS,
			"each block of the pool is held by a host or reserved; see `rangeguard cluster status`");
	else if (machine_is_refused(cluster->machine))
		(void)error_set(err, ERROR_TRY_AGAIN,
				"another machine is registered as host \"%.64s\" in the cluster: give this one another "
				"name, or, if the other one is gone for good, `rangeguard cluster forget %.64s` there",
				cluster->config.host, cluster->config.host);
	else if (*problem)
		(void)error_set(err, ERROR_TRY_AGAIN, "no block in time; etcd: %.300s", problem);
	else
		(void)error_set(err, ERROR_TRY_AGAIN, "no block in time: etcd at %.128s answers slowly",
				etcd_endpoint(cluster->etcd));
}

/** drop() - Somebody waits no longer */
static void drop(struct cluster *cluster, size_t i)
{
	cluster->waiting[i] = cluster->waiting[--cluster->n_waiting];
}

/** on_block() - ask_fn: a block with a free address, of any of these pools */
static void on_block(void *userdata, const json_t *request, struct ask *ask)
{
	struct cluster *cluster = userdata;
	const json_t *pools = json_object_get(request, "pools"), *element;
	struct waiting waiting = {.ask = ask, .until = cluster_now() + BLOCK_WAIT_NS};
	size_t i;

	if (cluster->n_waiting == WAITING_MAX) {
		refuse(ask, ERROR_TRY_AGAIN, "too many ADDs wait for a block");
		return;
	}
	json_array_foreach((json_t *)(uintptr_t)pools, i, element) {
		struct held_pool pool;
		int index = read_pool(element, &pool) ? blocks_add_pool(cluster, &pool) : -EINVAL;

		if (index >= 0 && waiting.n_pools < WAITING_POOLS_MAX)
			waiting.pools[waiting.n_pools++] = (unsigned)index;
	}
	if (waiting.n_pools == 0) {
		refuse(ask, ERROR_TRY_AGAIN, "no pool was named, or the state directory is locked");
		return;
	}
	cluster->waiting[cluster->n_waiting++] = waiting;
	demand(cluster);
}

/** serves() - Whether a block of this pool is what is waited for */
static bool serves(const struct waiting *waiting, int pool)
{
	for (size_t i = 0; i < waiting->n_pools; i++) {
		if ((int)waiting->pools[i] == pool)
			return true;
	}
	return false;
}

/** asks_opened() - A block is this host's: those who wait for one of its pool try again */
void asks_opened(struct cluster *cluster, const char *key)
{
	int pool = machine_pool_of(cluster->machine, key);

	for (size_t i = 0; i < cluster->n_waiting;) {
		if (!serves(&cluster->waiting[i], pool)) {
			i++;
			continue;
		}
		ask_answer_consume(cluster->waiting[i].ask, json_pack("{s:s}", "block", key));
		drop(cluster, i);
	}
	demand(cluster);
}

/** asks_tick() - Those whose time is over, or for whom there will be none, hear why */
void asks_tick(struct cluster *cluster, int64_t now)
{
	size_t before = cluster->n_waiting;

	for (size_t i = 0; i < cluster->n_waiting;) {
		struct waiting *waiting = &cluster->waiting[i];
		struct error err = {0};

		if (now < waiting->until && !is_exhausted(cluster, waiting) && !conflict(cluster, waiting, &err)) {
			i++;
			continue;
		}
		explain(cluster, waiting, &err);
		ask_refuse(waiting->ask, &err);
		drop(cluster, i);
	}
	if (cluster->n_waiting != before)
		demand(cluster);
}

/** pack_host() - A registered host with the number of its blocks */
static json_t *pack_host(const struct cluster *cluster, const struct record *record)
{
	const struct cache *cache = machine_cache(cluster->machine);
	const char *name = record->key + strlen("host/");
	json_t *addresses = json_array();
	json_int_t blocks = 0;

	for (size_t i = cache_from(cache, "block/"); i < cache->n && cache->rows[i]->record.kind == RECORD_BLOCK; i++) {
		const struct record *block = &cache->rows[i]->record;

		blocks += block->text && block->readable && strcmp(block->block.host, name) == 0;
	}
	for (size_t i = 0; i < RECORD_ADDRESSES; i++) {
		if (record->host.addresses[i][0] != '\0')
			(void)json_array_append_new(addresses, json_string(record->host.addresses[i]));
	}
	return json_pack("{s:s, s:o, s:I, s:I, s:s*}", "name", name, "addresses", addresses, "since",
			 (json_int_t)record->host.since, "blocks", blocks, "problem", routes_problem(cluster, name));
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

/** pack_pool() - A pool with its blocks */
static json_t *pack_pool(const struct cluster *cluster, unsigned index)
{
	const struct held_pool *pool = &cluster->pools[index];
	const struct cache *cache = machine_cache(cluster->machine);
	static const char *const verdicts[] = {"new", "known", "conflict", "unreadable"};
	json_t *blocks = json_array();
	struct cluster_pool other;
	char cidr[PREFIX_TEXT_MAX];

	for (size_t i = cache_from(cache, "block/"); i < cache->n && cache->rows[i]->record.kind == RECORD_BLOCK; i++) {
		const struct record *block = &cache->rows[i]->record;

		if (block->text && block->readable && machine_pool_of(cluster->machine, block->key) == (int)index)
			(void)json_array_append_new(
				blocks, json_pack("{s:s, s:s, s:I}", "cidr", block->key + strlen("block/"), "host",
						  block->block.host, "since", (json_int_t)block->block.since));
	}
	return json_pack("{s:s, s:i, s:s, s:s, s:b, s:o}", "cidr", prefix_format(&pool->prefix, cidr), "blockLength",
			 (int)pool->block_length, "network", pool->network, "state",
			 verdicts[machine_pool_verdict(cluster->machine, index, &other)], "exhausted",
			 (int)machine_pool_exhausted(cluster->machine, index), "blocks", blocks);
}

/** on_status() - ask_fn: what this host knows of the cluster */
static void on_status(void *userdata, const json_t *request, struct ask *ask)
{
	const struct cluster *cluster = userdata;
	json_t *pools = json_array();

	(void)request;
	for (unsigned i = 0; i < cluster->n_pools; i++)
		(void)json_array_append_new(pools, pack_pool(cluster, i));
	ask_answer_consume(ask, json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:o, s:o, s:o}", "host",
					  cluster->config.host, "endpoint", etcd_endpoint(cluster->etcd), "problem",
					  etcd_problem(cluster->etcd), "ownProblem", cluster->problem, "registered",
					  (int)machine_is_registered(cluster->machine), "refused",
					  (int)machine_is_refused(cluster->machine), "revision",
					  (json_int_t)machine_max_revision(cluster->machine), "policy",
					  (json_int_t)machine_policy(cluster->machine), "hosts", pack_hosts(cluster),
					  "pools", pools, "sources", sources_status(cluster)));
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

/** asks_start() - Add the questions: 0, negative errno */
int asks_start(struct cluster *cluster)
{
	int r = ask_server_add(cluster->agent->ask, "block", on_block, cluster);

	return r ? r : ask_server_add(cluster->agent->ask, "cluster-status", on_status, cluster);
}

/** asks_stop() - Those who wait hear that it was in vain */
void asks_stop(struct cluster *cluster)
{
	while (cluster->n_waiting > 0)
		refuse(cluster->waiting[--cluster->n_waiting].ask, ERROR_TRY_AGAIN, "rangeguard-agent ends");
}
