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
	const json_t *rest = json_object_get(element, "reuseDelay");
	struct held_pool pool = {.block_length = (uint8_t)length, .reuse_delay = NETCONF_REUSE_DELAY};

	if (!cidr || !network || prefix_parse(cidr, &pool.prefix) < 0 || prefix_has_host_bits(&pool.prefix) ||
	    length < pool.prefix.length || length > (json_int_t)family_bits(pool.prefix.address.family))
		return false;
	/* A plugin of an older version does not say it. */
	if (rest && json_integer_value(rest) >= 0 && json_integer_value(rest) <= LIMIT_REUSE_DELAY)
		pool.reuse_delay = (uint32_t)json_integer_value(rest);
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

/** stands_as() - Whether the record of pools has this to say of the first pool that is waited for */
static bool stands_as(const struct cluster *cluster, const struct waiting *waiting, enum pool_standing standing)
{
	struct cluster_pool ignored;

	return waiting->n_pools > 0 && machine_pool_verdict(cluster->machine, waiting->pools[0], &ignored) == standing;
}

/** set_exhausted() - Say which pools have no block left, and what can be done */
static void set_exhausted(const struct cluster *cluster, const struct waiting *waiting, struct error *err)
{
	const struct held_pool *first = &cluster->pools[waiting->pools[0]];
	char text[PREFIX_TEXT_MAX];

	(void)error_set(
		err, ERROR_NO_FREE_ADDRESS,
		"each /%u of pool %s%s (network \"%.64s\") is held by a host or reserved: `rangeguard cluster "
		"status` shows by whom; `rangeguard cluster forget HOST` frees those of a host that is gone for "
		"good, or the network needs another range",
		first->block_length, prefix_format(&first->prefix, text),
		waiting->n_pools > 1 ? " and the set's other ones" : "", first->network);
}

/** explain() - Why there is no block: the pool, the registration, or etcd */
static void explain(struct cluster *cluster, const struct waiting *waiting, struct error *err)
{
	const char *problem = etcd_problem(cluster->etcd);

	if (conflict(cluster, waiting, err))
		return;
	if (*cluster->problem)
		(void)error_set(err, ERROR_TRY_AGAIN, "no block is claimed: %s", cluster->problem);
	else if (stands_as(cluster, waiting, POOLS_UNREADABLE))
		(void)error_set(
			err, ERROR_TRY_AGAIN,
			"no block is claimed: etcd's record %.128s/pools can't be read by this version: somebody "
			"else wrote it, or a newer one did",
			cluster->config.etcd.prefix);
	else if (stands_as(cluster, waiting, POOLS_FULL))
		(void)error_set(
			err, ERROR_CONFIG,
			"the cluster has %u pools, and can't have more: take those that no network has any more out of "
			"etcd's record %.128s/pools",
			POOLS_MAX, cluster->config.etcd.prefix);
	else if (is_exhausted(cluster, waiting))
		set_exhausted(cluster, waiting, err);
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

/** on_ready() - ask_fn: whether this host can claim anything, for STATUS, which comes every few seconds */
static void on_ready(void *userdata, const json_t *request, struct ask *ask)
{
	const struct cluster *cluster = userdata;

	(void)request;
	if (machine_is_refused(cluster->machine))
		refuse(ask, ERROR_TRY_AGAIN, "another machine is registered under this host's name in the cluster");
	else /* etcd may be away: what is held goes on */
		ask_answer_consume(ask, json_object());
}

/** asks_start() - Add the questions: 0, negative errno */
int asks_start(struct cluster *cluster)
{
	int r = ask_server_add(cluster->agent->ask, "block", on_block, cluster);

	if (!r)
		r = ask_server_add(cluster->agent->ask, "cluster-ready", on_ready, cluster);
	return r ? r : ask_server_add(cluster->agent->ask, "cluster-status", status_answer, cluster);
}

/** asks_stop() - Those who wait hear that it was in vain */
void asks_stop(struct cluster *cluster)
{
	while (cluster->n_waiting > 0)
		refuse(cluster->waiting[--cluster->n_waiting].ask, ERROR_TRY_AGAIN,
		       "rangeguard-agent ends, or reads its configuration again: try again");
}
