/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The published policy on this host: a file in the state directory, which each ADD reads as one more policy, and a guard
 * per network, by which blocks and shared sources are chosen.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugin/agent/cluster_internal.h"
#include "plugin/agent/log.h"
#include "plugin/policy/policy.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/day.h"

/** The host's own policies may change at any time */
#define GUARD_KEPT_NS (30 * MACHINE_SECOND)

/** write_file() - Replace the file: 0, negative errno */
static int write_file(int dir_fd, const char *text)
{
	CLEANUP_CLOSE int fd =
		openat(dir_fd, NETCONF_PUBLISHED ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t size = strlen(text);

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, text + done, size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return renameat(dir_fd, NETCONF_PUBLISHED ".new", dir_fd, NETCONF_PUBLISHED) < 0 ? -errno : 0;
}

/** remove_file() - Nothing is published: 0, negative errno */
static int remove_file(int dir_fd)
{
	return unlinkat(dir_fd, NETCONF_PUBLISHED, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/** drop_guards() - They are read again when they are needed */
static void drop_guards(struct cluster *cluster)
{
	for (size_t i = 0; i < POOLS_MAX; i++)
		cluster->guards[i].guard = guard_free(cluster->guards[i].guard);
}

/** read_guard() - What counts for a network on this host: NULL: it can't be read (told in the journal) */
static struct guard *read_guard(struct cluster *cluster, const char *network)
{
	struct netconf netconf = cluster->agent->config->policy;
	struct error err = {0};
	struct first_error listener;
	struct guard *guard = NULL;

	netconf.name = network;
	first_error_init(&listener, &err, ERROR_POLICY);
	if (policy_read_netconf(&netconf, day_of(time(NULL)), NULL, &guard, &listener.report) == 0)
		return guard;
	(void)snprintf(
		cluster->problem, sizeof(cluster->problem), "the policies can't be read: %.200s%s", err.msg,
		strstr(err.msg, NETCONF_PUBLISHED)
			? "; that file is etcd's record: `rangeguard cluster publish` puts another one in its place"
			: "");
	return NULL;
}

/** place_of() - Where the guard of a network is, or can be: with more networks than places they take turns */
static struct named_guard *place_of(struct cluster *cluster, const char *network)
{
	struct named_guard *place = &cluster->guards[0];

	for (size_t i = POOLS_MAX; i-- > 0;) {
		if (!cluster->guards[i].guard)
			place = &cluster->guards[i];
		else if (strcmp(cluster->guards[i].network, network) == 0)
			return &cluster->guards[i];
	}
	return place;
}

/** guard_of() - The guard of a network, not older than half a minute; NULL: it can't be read */
static const struct guard *guard_of(struct cluster *cluster, const char *network)
{
	struct named_guard *place;
	int64_t now = cluster_now();

	if (now - cluster->guards_at > GUARD_KEPT_NS) {
		drop_guards(cluster);
		cluster->problem[0] = '\0'; /* which it has, if what was wrong still is */
		cluster->guards_at = now;
	}
	place = place_of(cluster, network);
	if (place->guard && strcmp(place->network, network) != 0)
		place->guard = guard_free(place->guard);
	if (!place->guard)
		place->guard = read_guard(cluster, network);
	(void)snprintf(place->network, sizeof(place->network), "%s", network);
	return place->guard;
}

/** find_pool() - Index of the pool that a block lies in; the number of pools: none */
static size_t find_pool(const struct cluster *cluster, const struct prefix *block)
{
	struct span inner = prefix_span(block), outer;
	size_t i;

	for (i = 0; i < cluster->n_pools; i++) {
		outer = prefix_span(&cluster->pools[i].prefix);
		if (span_covers(&outer, &inner))
			break;
	}
	return i;
}

/** policy_next_reserved() - The first part of a range that is reserved for a network; false: none, or that can't be told */
bool policy_next_reserved(struct cluster *cluster, const char *network, const struct span *within,
			  struct span *ret_part)
{
	const struct guard *guard = guard_of(cluster, network);

	return guard && guard_next(guard, within, ret_part) == (int)GUARD_E_RESERVED;
}

/** policy_reserves() - Whether a block is reserved as a whole; also when that can't be told */
bool policy_reserves(struct cluster *cluster, const struct prefix *block)
{
	size_t pool = find_pool(cluster, block);
	struct span span = prefix_span(block), part = {0};
	const struct guard *guard = pool < cluster->n_pools ? guard_of(cluster, cluster->pools[pool].network) : NULL;

	if (!guard)
		return true;
	return guard_next(guard, &span, &part) == (int)GUARD_E_RESERVED && part.first <= span.first &&
	       part.last >= span.last;
}

/** guard_of_block() - What counts for the network of a block, which may be one of other hosts; NULL: it can't be read */
static const struct guard *guard_of_block(struct cluster *cluster, const struct prefix *block)
{
	struct cluster_pool asked = {.prefix = *block, .block_length = block->length}, other;
	const struct seen *pools = cache_find(machine_cache(cluster->machine), "pools");
	size_t pool = find_pool(cluster, block);

	if (pool < cluster->n_pools)
		return guard_of(cluster, cluster->pools[pool].network);
	return guard_of(cluster, pools_judge(pools ? pools->record.text : NULL, &asked, &other) == POOLS_CONFLICT
					 ? other.network
					 : "");
}

/**
 * policy_touches() - Whether anything of a block is reserved
 *
 * Return: "part", the first reserved range in it, and "owner", whose that is; NULL: nothing is, or there is no memory
 */
json_t *policy_touches(struct cluster *cluster, const struct prefix *block)
{
	const struct guard *guard = guard_of_block(cluster, block);
	struct span span = prefix_span(block), part = {0};
	struct guard_entry entry = {.owner = ""};
	char text[SPAN_TEXT_MAX];

	if (!guard || guard_touch(guard, &span, &part, &entry) != GUARD_E_RESERVED)
		return NULL;
	return json_pack("{s:s, s:s}", "part", span_format(&part, text), "owner", entry.owner);
}

/** policy_reserves_address() - Whether a network may not send with an address; also when that can't be told */
bool policy_reserves_address(struct cluster *cluster, const char *network, const struct address *address)
{
	const struct guard *guard = guard_of(cluster, network);
	struct guard_entry entry;

	return !guard || guard_decide(guard, address, &entry) == GUARD_E_RESERVED;
}

/** policy_reserves_source() - As policy_touches(), of a shared source */
json_t *policy_reserves_source(struct cluster *cluster, const char *network, const struct address *address)
{
	const struct guard *guard = guard_of(cluster, network);
	struct guard_entry entry = {.owner = ""};

	if (!guard || guard_decide(guard, address, &entry) != GUARD_E_RESERVED)
		return NULL;
	return json_pack("{s:s}", "owner", entry.owner);
}

/** refuse_policy() - It can't count here: tried again each second, told when that is news */
static enum done refuse_policy(const struct cluster *cluster, const char *before)
{
	if (strcmp(before, cluster->problem) != 0)
		agent_log(LOG_LEVEL_ERROR, "nothing is claimed: %s", cluster->problem);
	return DONE_FAILED;
}

/** policy_apply() - ACTION_POLICY: from now on it counts for each ADD on this host */
enum done policy_apply(struct cluster *cluster, const struct action *action)
{
	int r = action->text ? write_file(cluster->state.dir_fd, action->text) : remove_file(cluster->state.dir_fd);
	char before[sizeof(cluster->problem)];
	struct guard *guard;

	memcpy(before, cluster->problem, sizeof(before));
	drop_guards(cluster);
	if (r < 0) {
		(void)snprintf(cluster->problem, sizeof(cluster->problem), "the published policy can't be kept: %s",
			       strerror(-r));
		return refuse_policy(cluster, before);
	}
	cluster->problem[0] = '\0';
	guard = read_guard(cluster, "");
	if (!guard)
		return refuse_policy(cluster, before);
	(void)guard_free(guard);
	if (action->revision > 0)
		agent_log(LOG_LEVEL_INFO, "policy of revision %lld counts here", (long long)action->revision);
	return DONE_OK;
}

/** policy_tick() - What was wrong with the policies is looked at again, also when nothing is to be claimed */
void policy_tick(struct cluster *cluster)
{
	if (*cluster->problem)
		(void)guard_of(cluster, "");
}

/** policy_stop() - Release the guards; the file stays */
void policy_stop(struct cluster *cluster)
{
	drop_guards(cluster);
}
