/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How full the ranges of networks are. */

#include "plugin/overview/pool_usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ipam/lease/pool.h"
#include "ipam/lease/resting.h"
#include "ipam/store/state.h"
#include "ipam/store/store_lmdb.h"

/** Of an owner's name so many bytes are told */
#define OWNER_TEXT_MAX 64

/** compare_addresses() - qsort(3) order: family, value */
static int compare_addresses(const void *a, const void *b)
{
	const struct address *left = a, *right = b;

	if (left->family != right->family)
		return left->family < right->family ? -1 : 1;
	return (left->value > right->value) - (left->value < right->value);
}

/** add() - Append an address; 0 or -ENOMEM */
static int add(struct held_addresses *held, const struct address *address)
{
	/* Doubles at each power of two. */
	if (!(held->n & (held->n - 1))) {
		struct address *all = reallocarray(held->all, 2 * held->n + 1, sizeof(*all));

		if (!all)
			return -ENOMEM;
		held->all = all;
	}
	held->all[held->n++] = *address;
	return 0;
}

/** sort() - Put addresses in order, each once */
static void sort(struct held_addresses *held)
{
	size_t n = 0;

	if (held->n)
		qsort(held->all, held->n, sizeof(*held->all), compare_addresses);
	for (size_t i = 0; i < held->n; i++)
		if (!n || !address_equal(&held->all[n - 1], &held->all[i]))
			held->all[n++] = held->all[i];
	held->n = n;
}

/** held_addresses_of() - The addresses that leases hold; those of the chained role are others'. 0, -ENOMEM */
int held_addresses_of(const struct lease_set *leases, struct held_addresses *ret_held)
{
	int r = 0;

	*ret_held = (struct held_addresses){.n = 0};
	for (size_t i = 0; i < leases->n && !r; i++) {
		struct lease lease = lease_set_get(leases, i);

		for (size_t j = 0; j < lease.n_addresses && !lease.attachment.chained && !r; j++)
			r = add(ret_held, &lease.addresses[j]);
	}
	sort(ret_held);
	return r;
}

/** add_resting() - Append what rests in a pool since @after: 0, negative errno */
static int add_resting(struct store *store, const struct pool_id *pool, uint64_t after, struct held_addresses *resting)
{
	struct resting begin = {.since = after}, next;
	int r;

	while ((r = resting_next(store, pool, &begin, &next)) == 0) {
		r = add(resting, &next.address);
		if (r)
			return r;
		begin = next;
	}
	return r == STORE_E_NOT_FOUND ? 0 : r;
}

/** add_pools() - Append what rests in all pools: 0, negative errno */
static int add_pools(struct store *store, uint64_t after, struct held_addresses *resting)
{
	struct pool_id pool, last;
	bool begun = false;
	int r;

	while ((r = pool_next(store, begun ? &last : NULL, &pool)) == 0) {
		r = add_resting(store, &pool, after, resting);
		if (r)
			return r;
		last = pool;
		begun = true;
	}
	return r == STORE_E_NOT_FOUND ? 0 : r;
}

/**
 * held_addresses_resting() - The addresses that were released lately
 * @data_dir:		State directory
 * @reuse_delay:	How long ago at most, in seconds
 * @ret_resting:	Always written
 *
 * Return: 0, also when there is no store; an outcome of the state or the store, negative errno
 */
int held_addresses_resting(const char *data_dir, uint32_t reuse_delay, struct held_addresses *ret_resting)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	char boot_id[BOOT_ID_MAX];
	int r = state_boot_id(boot_id);

	*ret_resting = (struct held_addresses){.n = 0};
	if (!r)
		r = state_open(data_dir, STATE_READ, &state);
	if (!r)
		r = store_lmdb_open(&state, STATE_READ, LIMIT_LOCK_WAIT_MS, boot_id, NULL, &store);
	if (!r)
		r = store->ops->begin(store, false);
	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	r = add_pools(store, (uint64_t)time(NULL) - reuse_delay, ret_resting);
	store->ops->abort(store);
	sort(ret_resting);
	return r;
}

/** held_addresses_done() - Release what is owned */
void held_addresses_done(struct held_addresses *held)
{
	free(held->all);
	*held = (struct held_addresses){.n = 0};
}

/** below() - How many addresses are before @address */
static size_t below(const struct held_addresses *held, const struct address *address)
{
	size_t low = 0, high = held->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_addresses(&held->all[middle], address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/** held_addresses_count() - How many addresses are in a span */
size_t held_addresses_count(const struct held_addresses *held, const struct span *span)
{
	struct address first = {.family = span->family, .value = span->first};
	struct address last = {.family = span->family, .value = span->last};
	size_t end = below(held, &last);

	return end - below(held, &first) + (end < held->n && address_equal(&held->all[end], &last));
}

/** is_listed() - Whether an owner is one of "dba, voice" */
static bool is_listed(const char *owners, const char *owner)
{
	size_t length = strnlen(owner, OWNER_TEXT_MAX);
	const char *at = owners;

	while ((at = strstr(at, owner))) {
		if ((at == owners || at[-1] == ' ') && (!at[length] || at[length] == ','))
			return true;
		at += length;
	}
	return false;
}

/** note_owner() - Append an owner that is not listed yet */
static void note_owner(struct pool_usage *usage, const char *name)
{
	size_t length = strlen(usage->owners);
	char owner[OWNER_TEXT_MAX + 1];

	(void)snprintf(owner, sizeof(owner), "%.*s", OWNER_TEXT_MAX, name);
	if (!*owner || is_listed(usage->owners, owner))
		return;
	(void)snprintf(usage->owners + length, sizeof(usage->owners) - length, "%s%s", length ? ", " : "", owner);
}

/** count_reserved() - How much of a range is reserved, and by whom */
static void count_reserved(const struct guard *guard, struct pool_usage *usage)
{
	struct span left = usage->span, part;
	struct guard_entry entry;

	while (guard_touch(guard, &left, &part, &entry) == GUARD_E_RESERVED) {
		usage->reserved += part.last - part.first + 1;
		note_owner(usage, entry.owner);
		if (part.last >= usage->span.last)
			break;
		left.first = part.last + 1;
	}
}

/** count_excluded() - Gateway, next hops and the like that a range has, as far as they are not reserved */
static u128 count_excluded(const struct range_set *set, const struct ip_range *range, const struct guard *guard)
{
	struct guard_entry entry;
	u128 n = 0;

	if (range->gateway.family != FAMILY_NONE && span_contains(&range->span, &range->gateway) &&
	    guard_decide(guard, &range->gateway, &entry) != GUARD_E_RESERVED)
		n++;
	for (size_t i = 0; i < set->n_excluded; i++)
		n += span_contains(&range->span, &set->excluded[i]) &&
		     !address_equal(&set->excluded[i], &range->gateway) &&
		     guard_decide(guard, &set->excluded[i], &entry) != GUARD_E_RESERVED;
	return n;
}

/** measure() - How full one range is */
static void measure(const struct pool_measure *measure, const struct range_set *set, const struct ip_range *range,
		    struct pool_usage *usage)
{
	u128 taken;

	usage->span = range->span;
	usage->size = range->span.last - range->span.first + 1;
	count_reserved(measure->guard, usage);
	usage->held = held_addresses_count(measure->held, &range->span);
	usage->resting = held_addresses_count(measure->resting, &range->span);
	taken = usage->reserved + usage->held + count_excluded(set, range, measure->guard);
	usage->free = taken < usage->size ? usage->size - taken : 0;
}

/**
 * pool_usage_each() - Measure each range of a network
 * @netconf:	Network
 * @with:	What it is measured with
 * @each:	Called for each range
 * @userdata:	For it
 *
 * Return: 0, what @each returned
 */
int pool_usage_each(const struct netconf *netconf, const struct pool_measure *with, pool_usage_fn each, void *userdata)
{
	int r = 0;

	for (size_t i = 0; i < netconf->n_sets && !r; i++) {
		for (size_t j = 0; j < netconf->sets[i].n_ranges && !r; j++) {
			struct pool_usage usage = {.network = netconf->name, .set = i};

			measure(with, &netconf->sets[i], &netconf->sets[i].ranges[j], &usage);
			r = each(userdata, &usage);
		}
	}
	return r;
}

/** pool_number() - A number of addresses in decimal. Return: its place in @buffer */
const char *pool_number(u128 number, char buffer[static POOL_NUMBER_MAX])
{
	char *at = buffer + POOL_NUMBER_MAX;

	*--at = '\0';
	do {
		*--at = (char)('0' + (int)(number % 10));
		number /= 10;
	} while (number);
	return at;
}
