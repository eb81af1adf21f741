/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Docker has forgotten is given back. Docker dies between two calls, an agent dies with an answer: then an address
 * or a subnet is held that nobody has, and nobody will give back. It is known by this: its answer may not have arrived,
 * or the Docker that has it has ended and its successor has asked for all of its own by now. Before an address or
 * a subnet is given back each namespace that can be reached is asked for it, the host's among them.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/agent/docker_calls.h"
#include "plugin/agent/docker_store.h"
#include "plugin/agent/log.h"
#include "plugin/network/in_use.h"

/** struct doubt - An address that perhaps nobody has, or (without @address) a whole subnet */
struct doubt {
	struct docker_pool pool;
	struct address address;
	bool in_use;
};

/** struct doubts - All of them; @settled: seconds after which Docker has asked for what it has */
struct doubts {
	const struct docker_driver *driver;
	const struct docker_pools *pools;
	int64_t now;
	int64_t settled;
	struct doubt *all;
	size_t n;
};

static void doubts_done(struct doubts *doubts)
{
	free(doubts->all);
}

/** add() - 0, -ENOMEM */
static int add(struct doubts *doubts, const struct docker_pool *pool, const struct address *address)
{
	struct doubt *all = reallocarray(doubts->all, doubts->n + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	doubts->all = all;
	all[doubts->n++] = (struct doubt){.pool = *pool, .address = *address};
	return 0;
}

/** docker_uptime() - Seconds since the boot, whatever becomes of the clock */
int64_t docker_uptime(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

/** is_left_behind() - Whether the Docker that held something has ended, and its successor did not ask for it */
static bool is_left_behind(const struct doubts *doubts, const struct process *holder)
{
	const struct docker_driver *driver = doubts->driver;

	return !process_runs(holder) && driver->docker.pid && process_runs(&driver->docker) &&
	       docker_uptime() - driver->docker_since > doubts->settled;
}

/** is_doubtful() - Whether perhaps nobody has an address */
static bool is_doubtful(const struct doubts *doubts, const struct docker_claim *claim, int64_t since)
{
	if (doubts->now - since <= doubts->settled)
		return false;
	return claim->pending || is_left_behind(doubts, &claim->docker);
}

/** judge_lease() - ipam_each_fn: collect what is doubtful among addresses */
static int judge_lease(void *userdata, const struct lease *lease)
{
	struct doubts *doubts = userdata;
	struct docker_claim claim;

	if (docker_lease_kind(lease) != DOCKER_LEASE_ADDRESS || docker_claim_of_lease(lease, &claim) < 0 ||
	    !is_doubtful(doubts, &claim, lease->since))
		return 0;
	for (size_t i = 0; i < doubts->pools->n; i++) {
		const struct docker_pool *pool = &doubts->pools->all[i];
		struct span span = prefix_span(&pool->subnet);

		if (lease->n_addresses && span_contains(&span, &lease->addresses[0]))
			return add(doubts, pool, &lease->addresses[0]);
	}
	return 0;
}

/** judge_pools() - Collect what is doubtful among subnets: 0, REFUSED */
static int judge_pools(struct doubts *doubts, struct docker_store *store, struct error *reterr)
{
	for (size_t i = 0; i < doubts->pools->n; i++) {
		const struct docker_pool *pool = &doubts->pools->all[i];
		bool used = true;

		if (doubts->now - pool->since <= doubts->settled || doubts->now - pool->replayed <= doubts->settled)
			continue;
		/* What has addresses Docker has heard of. */
		if (docker_store_has_address(store, &pool->subnet, &used, reterr))
			return REFUSED;
		if (((!used && pool->claim.pending && process_runs(&pool->claim.docker)) ||
		     is_left_behind(doubts, &pool->claim.docker)) &&
		    add(doubts, pool, &(struct address){.family = FAMILY_NONE}) < 0)
			return error_no_memory(reterr);
	}
	return 0;
}

/** ask_kernel() - Mark what is in use: 0, negative errno when not everybody could be asked */
static int ask_kernel(struct doubts *doubts, struct port *rtnetlink)
{
	IN_USE_CLEANUP struct in_use in_use = {0};
	int r = in_use_read(rtnetlink, &in_use);

	if (r < 0)
		return r;
	if (in_use.n_closed)
		return -EACCES;
	for (size_t i = 0; i < doubts->n; i++) {
		struct doubt *doubt = &doubts->all[i];
		struct span span =
			doubt->address.family ? span_of_address(&doubt->address) : prefix_span(&doubt->pool.subnet);

		doubt->in_use = in_use_has(&in_use, &span);
	}
	return 0;
}

/** collect() - What is doubtful, as the store is now: 0, REFUSED */
static int collect(struct doubts *doubts, struct docker_store *store, struct docker_pools *pools, struct error *reterr)
{
	int r;

	if (docker_store_pools(store, pools, reterr))
		return REFUSED;
	doubts->pools = pools;
	r = ipam_each(store->store, NULL, judge_lease, doubts);
	if (r && r != IPAM_E_DAMAGED)
		return docker_store_error(store, r, reterr);
	return judge_pools(doubts, store, reterr);
}

/** give_back() - One that nobody has: 0, REFUSED */
static int give_back(struct docker_driver *driver, struct docker_store *store, const struct doubt *doubt,
		     struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX], subnet[PREFIX_TEXT_MAX];

	(void)prefix_format(&doubt->pool.subnet, subnet);
	if (!doubt->address.family) {
		agent_log(LOG_LEVEL_WARNING, "subnet %s is given back: Docker has no network with it any more", subnet);
		return docker_store_remove_pool(store, &doubt->pool, reterr);
	}
	agent_log(LOG_LEVEL_WARNING, "address %s of Docker's subnet %s is given back: Docker does not know of it",
		  address_format(&doubt->address, text), subnet);
	driver->swept++;
	return docker_store_release_address(store, &doubt->pool, &doubt->address, reterr);
}

/** sweep() - docker_sweep() with its error: 0, REFUSED */
static int sweep(struct docker_driver *driver, struct error *reterr)
{
	CLEANUP(doubts_done)
	struct doubts doubts = {.driver = driver, .now = time(NULL), .settled = driver->config->docker.forget_after};
	DOCKER_STORE_CLEANUP struct docker_store store = DOCKER_STORE_INIT;
	DOCKER_POOLS_CLEANUP struct docker_pools pools = {0};
	HOST_CLEANUP struct host host = {0};
	int r;

	if (host_open(driver->config->data_dir, &host, reterr) ||
	    docker_store_open(driver->config->data_dir, &driver->memory, host.rtnetlink, &store, reterr) ||
	    collect(&doubts, &store, &pools, reterr))
		return REFUSED;
	if (!doubts.n)
		return 0;
	r = ask_kernel(&doubts, host.rtnetlink);
	if (r < 0)
		return error_set_errno(reterr, ERROR_KERNEL, r, "not all namespaces can be asked for their addresses");
	for (size_t i = 0; i < doubts.n; i++)
		if (!doubts.all[i].in_use && give_back(driver, &store, &doubts.all[i], reterr))
			return REFUSED;
	return 0;
}

/** docker_sweep() - Give back what Docker has forgotten; what goes wrong is logged */
void docker_sweep(struct docker_driver *driver)
{
	struct error err = {0};

	if (sweep(driver, &err))
		agent_log(LOG_LEVEL_WARNING, "what Docker has forgotten can't be given back: %s", err.msg);
}
