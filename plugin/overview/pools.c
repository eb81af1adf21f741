/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All ranges of this host's networks. */

#include "plugin/overview/pools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipam/store/state.h"
#include "plugin/host/own_ranges.h"
#include "plugin/overview/docker_networks.h"
#include "plugin/policy/policy.h"
#include "plugin/policy/policy_record.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/day.h"

/** struct pools_reading - What is being read: leases of the state directory that was met last are kept for the next network */
struct pools_reading {
	struct pools *pools;
	const char *network;
	struct report *report;
	char *data_dir;
	struct held_addresses held;
};

/** reading_done() - Release what is owned, but for the pools */
static void reading_done(struct pools_reading *reading)
{
	free(reading->data_dir);
	held_addresses_done(&reading->held);
}

/** add_network() - Remember a network; NULL without memory */
static struct network_state *add_network(struct pools *pools, const struct netconf *netconf, const char *name)
{
	struct network_state *networks = reallocarray(pools->networks, pools->n_networks + 1, sizeof(*networks));
	struct network_state *network;

	if (!networks)
		return NULL;
	pools->networks = networks;
	network = &networks[pools->n_networks];
	*network = (struct network_state){.name = strdup(name), .data_dir = strdup(netconf->data_dir)};
	if (network->name && network->data_dir) {
		pools->n_networks++;
		return network;
	}
	free(network->name);
	free(network->data_dir);
	return NULL;
}

/** add_usage() - pool_usage_fn: remember a range */
static int add_usage(void *userdata, const struct pool_usage *usage)
{
	struct pools *pools = userdata;
	struct pool_usage *usages = reallocarray(pools->usages, pools->n_usages + 1, sizeof(*usages));

	if (!usages)
		return -ENOMEM;
	pools->usages = usages;
	usages[pools->n_usages] = *usage;
	usages[pools->n_usages++].network = pools->networks[pools->n_networks - 1].name;
	return 0;
}

/** read_held() - What is held in a state directory: 0, an outcome of the state or the store, negative errno */
static int read_held(struct pools_reading *reading, const char *data_dir)
{
	LEASE_SET_CLEANUP struct lease_set leases = {0};
	int r;

	if (reading->data_dir && !strcmp(reading->data_dir, data_dir))
		return 0;
	reading_done(reading);
	reading->held = (struct held_addresses){.n = 0};
	reading->data_dir = strdup(data_dir);
	r = reading->data_dir ? lease_set_read(data_dir, NULL, &leases) : -ENOMEM;
	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	return held_addresses_of(&leases, &reading->held);
}

/** own_part() - The ranges of a network that are this host's: 0, -EUCLEAN, -EACCES …; without state there are none */
static int own_part(const struct netconf *netconf, struct own_ranges *ret_own)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	int r = state_open(netconf->data_dir, STATE_READ, &state);

	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	return own_ranges_read(netconf, netconf->sets, state.dir_fd, ret_own);
}

/** measure_blocks() - The blocks that this host holds of a network's ranges: 0, negative errno, an outcome of the state */
static int measure_blocks(struct pools_reading *reading, const struct netconf *netconf, const struct pool_measure *with)
{
	OWN_RANGES_CLEANUP struct own_ranges own = {0};
	struct netconf part = *netconf;
	int r = own_part(netconf, &own);
	size_t empty = own_ranges_first_empty(&own);

	if (r)
		return r;
	if (empty < netconf->n_sets)
		report_warning(
			reading->report, RULE_INVALID_VALUE, netconf->file, "/ipam/ranges",
			"network %.64s: this host holds no block of its range set %zu; the agent gets one when an "
			"ADD asks for it",
			netconf->name, empty);
	part.sets = own.sets;
	part.n_sets = own.n_sets;
	return pool_usage_each(&part, with, add_usage, reading->pools);
}

/** measure() - The ranges of a network: 0, negative errno; a store that can't be read is reported */
static int measure(struct pools_reading *reading, const struct netconf *netconf, const struct guard *guard)
{
	HELD_ADDRESSES_CLEANUP struct held_addresses resting = {0};
	struct pool_measure with = {.guard = guard, .held = &reading->held, .resting = &resting};
	int r = read_held(reading, netconf->data_dir);

	if (!r)
		r = held_addresses_resting(netconf->data_dir, netconf->reuse_delay, &resting);
	if (!r)
		r = own_ranges_wanted(netconf) ? measure_blocks(reading, netconf, &with)
					       : pool_usage_each(netconf, &with, add_usage, reading->pools);
	if (r) {
		report_error(reading->report, RULE_INVALID_VALUE, netconf->data_dir, "", "%s", lease_set_outcome(r));
		return r == -ENOMEM ? r : 0;
	}
	return 0;
}

/** struct noting - Files of a network's policies on their way into the list */
struct noting {
	struct pools *pools;
	struct network_state *network;
	int outcome;
};

/** is_noted() - Whether a file is in the list */
static bool is_noted(const struct pools *pools, const char *path)
{
	for (size_t i = 0; i < pools->n_files; i++)
		if (!strcmp(pools->files[i].path, path))
			return true;
	return false;
}

/** note_file() - policy_file_fn */
static void note_file(void *userdata, const char *path, int64_t changed)
{
	struct noting *noting = userdata;
	struct pools *pools = noting->pools;
	struct policy_file *files;

	if (changed > noting->network->policy_changed)
		noting->network->policy_changed = changed;
	if (noting->outcome || is_noted(pools, path))
		return;
	files = array_room(pools->files, pools->n_files, &pools->files_room, sizeof(*files));
	if (files)
		pools->files = files;
	if (!files || !(files[pools->n_files].path = strdup(path)))
		noting->outcome = -ENOMEM;
	else
		files[pools->n_files++].changed = changed;
}

/** read_policy() - The policy of a network, and what it was read from: 0, REFUSED when it is broken, negative errno */
static int read_policy(struct pools_reading *reading, const struct netconf *netconf, long today,
		       struct network_state *network, struct guard **ret_guard)
{
	POLICY_RECORD_CLEANUP struct policy_record record = {.read_max = UINT64_MAX};
	struct noting noting = {.pools = reading->pools, .network = network};
	int r = policy_record_begin(&record, today);

	if (r)
		return r;
	r = policy_read_netconf(netconf, today, &record, ret_guard, reading->report);
	policy_record_files(&record, note_file, &noting);
	return noting.outcome ? noting.outcome : r;
}

/** hear_nothing() - Listener: the same was heard of today's policy */
static void hear_nothing(struct report *report, const struct finding *finding)
{
	(void)report;
	(void)finding;
}

/** count_expiring() - How many entries that count on a day do not POOLS_EXPIRING_DAYS later */
static size_t count_expiring(const struct netconf *netconf, long today, size_t n_entries)
{
	struct report report = {.heard = hear_nothing};
	GUARD_CLEANUP struct guard *guard = NULL;
	size_t n;

	if (policy_read_netconf(netconf, today + POOLS_EXPIRING_DAYS, NULL, &guard, &report))
		return 0;
	n = guard_n_entries(guard);
	return n < n_entries ? n_entries - n : 0;
}

/** read_named() - A network, as it is shown: 0, negative errno */
static int read_named(struct pools_reading *reading, const struct netconf *netconf, const char *name)
{
	GUARD_CLEANUP struct guard *guard = NULL;
	long today = day_of(time(NULL));
	struct network_state *network;
	int r;

	if (reading->network && strcmp(reading->network, name) != 0)
		return 0;
	network = add_network(reading->pools, netconf, name);
	if (!network)
		return -ENOMEM;
	r = read_policy(reading, netconf, today, network, &guard);
	network->policy_broken = r != 0;
	if (r)
		return r == -ENOMEM ? r : 0;
	network->n_entries = guard_n_entries(guard);
	network->n_expiring = count_expiring(netconf, today, network->n_entries);
	return measure(reading, netconf, guard);
}

/** read_network() - host_network_fn */
static int read_network(void *userdata, struct netconf *netconf)
{
	return read_named(userdata, netconf, netconf->name);
}

/** read_docker_network() - docker_network_fn */
static int read_docker_network(void *userdata, const struct docker_network *network)
{
	return read_named(userdata, &network->netconf, network->name);
}

/** read_docker() - Docker's networks: 0, negative errno */
static int read_docker(struct pools_reading *reading, const char *data_dir)
{
	LEASE_SET_CLEANUP struct lease_set leases = {0};
	int r = lease_set_read(data_dir, NULL, &leases);

	/* A store that can't be read is told of with the networks that use it. */
	if (!r)
		r = docker_networks_each(&leases, data_dir, read_docker_network, reading);
	return r < 0 ? r : 0;
}

/**
 * pools_read() - Read networks, their policies and what is held in their ranges
 * @paths:	Configurations
 * @network:	Only this network, NULL: all
 * @report:	Hears what is wrong with configurations, policies and stores
 * @ret_pools:	Always written; pools_done() releases it
 *
 * Return: 0, negative errno: -ENOENT when a path is not there
 */
int pools_read(const struct path_list *paths, const char *network, struct report *report, struct pools *ret_pools)
{
	__attribute__((cleanup(reading_done))) struct pools_reading reading = {
		.pools = ret_pools, .network = network, .report = report};
	int r;

	*ret_pools = (struct pools){.n_usages = 0};
	r = host_networks_each(paths, read_network, &reading, report);
	return r ? r : read_docker(&reading, NETCONF_DATA_DIR);
}

/** pools_done() - Release what is owned */
void pools_done(struct pools *pools)
{
	for (size_t i = 0; i < pools->n_networks; i++) {
		free(pools->networks[i].name);
		free(pools->networks[i].data_dir);
	}
	for (size_t i = 0; i < pools->n_files; i++)
		free(pools->files[i].path);
	free(pools->files);
	free(pools->networks);
	free(pools->usages);
	*pools = (struct pools){.n_usages = 0};
}
