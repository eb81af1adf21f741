/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RequestPool and ReleasePool. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "plugin/agent/docker_calls.h"
#include "plugin/agent/docker_store.h"
#include "plugin/agent/docker_subnet.h"
#include "plugin/agent/log.h"
#include "plugin/netconf/check.h"

/** docker_make_token() - Another token: 0, REFUSED */
int docker_make_token(char ret_token[static DOCKER_TOKEN_MAX], struct error *reterr)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return error_set(reterr, ERROR_IO, "can't get a random number: %s", strerror(errno));
	(void)snprintf(ret_token, DOCKER_TOKEN_MAX, "%016" PRIx64, number);
	return 0;
}

/** answer_pool() - What Docker is told of a pool: 0, REFUSED */
static int answer_pool(struct docker_call *call, const struct docker_pool *pool, struct error *reterr)
{
	char id[DOCKER_POOL_ID_MAX], subnet[PREFIX_TEXT_MAX];

	call->answer = json_pack("{s:s, s:s, s:{}}", "PoolID", docker_pool_id_format(pool, id), "Pool",
				 prefix_format(&pool->subnet, subnet), "Data");
	return call->answer ? 0 : error_no_memory(reterr);
}

/** put_and_answer() - Claim a pool for who calls, under a new id: 0, REFUSED */
static int put_and_answer(struct docker_call *call, struct docker_store *store, struct docker_pool *pool,
			  struct error *reterr)
{
	pool->claim.docker = call->docker;
	pool->claim.run = call->driver->run;
	if (docker_make_token(pool->claim.token, reterr) || answer_pool(call, pool, reterr) ||
	    docker_store_put_pool(store, pool, reterr))
		return REFUSED;
	call->taken = (struct docker_ask){.subnet = pool->subnet};
	memcpy(call->taken.token, pool->claim.token, sizeof(call->taken.token));
	call->has_taken = pool->claim.pending;
	return 0;
}

/**
 * may_ask_again() - Whether who asks for a subnet that is taken is the one that has it
 * @call:	Call
 * @store:	Store
 * @pool:	Pool of that subnet
 * @ret_may:	Whether
 * @reterr:	Code 106
 *
 * A Docker that has ended has left its networks to the one that runs now. The one that runs gets its own only when the
 * answer can have been lost: another agent gave it and did not see it leave, and nothing has been asked of the pool since.
 *
 * Return: 0, REFUSED
 */
static int may_ask_again(const struct docker_call *call, struct docker_store *store, const struct docker_pool *pool,
			 bool *ret_may, struct error *reterr)
{
	bool used = false;

	*ret_may = false;
	if (!process_equal(&pool->claim.docker, &call->docker)) {
		*ret_may = !process_runs(&pool->claim.docker);
		return 0;
	}
	if (!pool->claim.pending || pool->claim.run == call->driver->run)
		return 0;
	if (docker_store_has_address(store, &pool->subnet, &used, reterr))
		return REFUSED;
	*ret_may = !used;
	return 0;
}

/** warn_of_reserved() - A network that was there before its addresses were reserved: it goes on, and that is said */
static void warn_of_reserved(const struct docker_call *call, const struct docker_pool *pool)
{
	char text[PREFIX_TEXT_MAX], reservation[RESERVATION_TEXT_MAX];
	struct span span = prefix_span(&pool->subnet), part;
	const struct guard *guard;
	struct guard_entry entry;
	struct error err = {0};

	if (docker_policies_get(call->driver->policies, pool->network, &guard, &err) == 0 &&
	    guard_touch(guard, &span, &part, &entry) > 0)
		agent_log(LOG_LEVEL_WARNING,
			  "the Docker network with subnet %s, which was made before, touches %s: create it again with "
			  "another subnet",
			  prefix_format(&pool->subnet, text), reservation_describe(&entry, reservation));
}

/**
 * claim_again() - Hand a subnet that is taken to who has it
 * @call:	Call
 * @store:	Store
 * @wish:	A subnet that is named
 * @reterr:	Code 106
 *
 * Return: 0 with the answer, DOCKER_STORE_E_NONE when it is to be judged as a new one, REFUSED
 */
static int claim_again(struct docker_call *call, struct docker_store *store, const struct docker_wish *wish,
		       struct error *reterr)
{
	struct docker_pool pool;
	bool may = false;
	int r = docker_store_find_pool(store, &wish->subnet, &pool, reterr);

	if (!r)
		r = may_ask_again(call, store, &pool, &may, reterr);
	if (r)
		return r;
	if (!may)
		return DOCKER_STORE_E_NONE;
	/* A network that an ended Docker left is there, whether or not this answer arrives. */
	pool.claim.pending = pool.claim.pending && process_equal(&pool.claim.docker, &call->docker);
	pool.range = wish->range;
	pool.replayed = time(NULL);
	(void)snprintf(pool.network, sizeof(pool.network), "%s", wish->network);
	warn_of_reserved(call, &pool);
	return put_and_answer(call, store, &pool, reterr);
}

/** find_subnet() - Judge the subnet that is named, or pick one: 0, REFUSED */
static int find_subnet(const struct docker_scene *scene, struct docker_wish *wish, struct error *reterr)
{
	if (wish->named)
		return docker_subnet_judge(scene, wish, reterr);
	if (docker_subnet_pick(scene, wish->family, &wish->subnet, reterr))
		return REFUSED;
	wish->range = wish->subnet;
	return 0;
}

/** claim_new() - A pool that nobody has: 0, REFUSED */
static int claim_new(struct docker_call *call, struct docker_store *store, struct port *rtnetlink,
		     struct docker_wish *wish, struct error *reterr)
{
	const struct docker_config *config = &call->driver->config->docker;
	struct docker_pool pool = {.since = time(NULL), .claim.pending = true};
	DOCKER_POOLS_CLEANUP struct docker_pools pools = {0};
	struct docker_scene scene = {.config = config, .store = store, .pools = &pools, .rtnetlink = rtnetlink};

	scene.host_routes = wish->host_routes < 0 ? config->host_routes : (enum host_routes)wish->host_routes;
	if (docker_store_pools(store, &pools, reterr) ||
	    docker_policies_get(call->driver->policies, wish->network, &scene.guard, reterr) ||
	    find_subnet(&scene, wish, reterr))
		return REFUSED;
	pool.subnet = wish->subnet;
	pool.range = wish->range;
	pool.host_routes = scene.host_routes;
	(void)snprintf(pool.network, sizeof(pool.network), "%s", wish->network);
	return put_and_answer(call, store, &pool, reterr);
}

/**
 * docker_request_pool() - A network wants a subnet: named, or any
 * @call:	Call
 * @reterr:	Why it does not get it
 *
 * Return: 0, REFUSED
 */
int docker_request_pool(struct docker_call *call, struct error *reterr)
{
	const char *data_dir = call->driver->config->data_dir;
	DOCKER_STORE_CLEANUP struct docker_store store = DOCKER_STORE_INIT;
	HOST_CLEANUP struct host host = {0};
	struct docker_wish wish;
	int r = DOCKER_STORE_E_NONE;

	if (docker_read_wish(call->request, &wish, reterr) || host_open(data_dir, &host, reterr) ||
	    docker_store_open(data_dir, &call->driver->memory, host.rtnetlink, &store, reterr))
		return REFUSED;
	if (wish.named)
		r = claim_again(call, &store, &wish, reterr);
	return r == DOCKER_STORE_E_NONE ? claim_new(call, &store, host.rtnetlink, &wish, reterr) : r;
}

/**
 * docker_settle_pool() - After the answer with a pool
 * @store:	Store
 * @taken:	Its id
 * @delivered:	The answer has left; otherwise a new pool is given back, and one that Docker asked for again stays in doubt
 * @reterr:	Code 7 when there is no such pool any more; 106
 *
 * Not every network of Docker's has a gateway (macvlan since Docker 28): that nothing is asked of a pool tells nothing.
 *
 * Return: 0, REFUSED
 */
int docker_settle_pool(struct docker_store *store, const struct docker_ask *taken, bool delivered, struct error *reterr)
{
	struct docker_pool pool;

	if (docker_find_asked_pool(store, taken, &pool, reterr))
		return REFUSED;
	if (delivered)
		return docker_store_confirm_pool(store, &pool, reterr);
	return pool.replayed ? 0 : docker_store_remove_pool(store, &pool, reterr);
}

/**
 * docker_find_asked_pool() - The pool that a request names
 * @store:	Store
 * @ask:	Request
 * @ret_pool:	Pool
 * @reterr:	Code 7 when there is no such pool, or its id is of an earlier asking; 106
 *
 * Return: 0, REFUSED
 */
int docker_find_asked_pool(struct docker_store *store, const struct docker_ask *ask, struct docker_pool *ret_pool,
			   struct error *reterr)
{
	char text[PREFIX_TEXT_MAX];
	int r = docker_store_find_pool(store, &ask->subnet, ret_pool, reterr);

	if (!r && !strcmp(ret_pool->claim.token, ask->token))
		return 0;
	if (r == REFUSED)
		return r;
	return error_set(
		reterr, ERROR_CONFIG,
		"no Docker network has subnet %s under this id; a restart of Docker tells rangeguard again which "
		"networks there are",
		prefix_format(&ask->subnet, text));
}

/**
 * docker_release_pool() - A network is gone: its subnet and all addresses in it are given back
 * @call:	Call
 * @reterr:	Why not
 *
 * Return: 0, REFUSED
 */
int docker_release_pool(struct docker_call *call, struct error *reterr)
{
	const char *data_dir = call->driver->config->data_dir;
	DOCKER_STORE_CLEANUP struct docker_store store = DOCKER_STORE_INIT;
	HOST_CLEANUP struct host host = {0};
	struct docker_pool pool;
	struct docker_ask ask;
	int r;

	if (docker_read_ask(call->request, &ask, reterr) || host_open(data_dir, &host, reterr) ||
	    docker_store_open(data_dir, &call->driver->memory, host.rtnetlink, &store, reterr))
		return REFUSED;
	r = docker_store_find_pool(&store, &ask.subnet, &pool, reterr);
	if (!r)
		r = docker_find_asked_pool(&store, &ask, &pool, reterr);
	if (!r)
		r = docker_store_remove_pool(&store, &pool, reterr);
	/* Docker asks again when it has not heard the answer. */
	if (r && r != DOCKER_STORE_E_NONE)
		return REFUSED;
	call->answer = json_object();
	return call->answer ? 0 : error_no_memory(reterr);
}
