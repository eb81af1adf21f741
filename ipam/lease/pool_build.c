/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Building a pool: all of its spans, less what is reserved, held, excluded or for no host; what rests in another pool rests here.
 * The one place that looks at every reservation and every address held in the spans, once per range set and policy.
 */

#include <errno.h>
#include <stdlib.h>

#include "ipam/address/spans.h"
#include "ipam/lease/extent.h"
#include "ipam/lease/lease_table.h"
#include "ipam/lease/pool.h"
#include "ipam/lease/resting.h"
#include "rangeguard/cleanup.h"

/**
 * struct build - A pool being built
 * @store:	Store, in a writing transaction
 * @pool:	Pool
 * @spans:	What its range set may give
 * @n_spans:	How many
 * @guard:	Sealed guard
 */
struct build {
	struct store *store;
	const struct pool_id *pool;
	const struct span *spans;
	size_t n_spans;
	const struct guard *guard;
};

/**
 * add_before() - Make the addresses of a span free that lie before a hole in it, and go on behind the hole
 * @build:	Pool
 * @rest:	Span; what is left of it afterwards
 * @hole:	Part of the span
 * @add:	How to add
 *
 * Return: 0, STORE_E_NOT_FOUND when nothing is left, negative errno
 */
static int add_before(const struct build *build, struct span *rest, const struct span *hole,
		      int (*add)(const struct build *build, const struct span *span))
{
	struct span before = *rest;
	int r = 0;

	if (hole->first > rest->first) {
		before.last = hole->first - 1;
		r = add(build, &before);
	}
	if (r == 0 && hole->last == rest->last)
		return STORE_E_NOT_FOUND;
	rest->first = hole->last + 1;
	return r;
}

/** add_all() - Make all of @span free; returns 0 or negative errno */
static int add_all(const struct build *build, const struct span *span)
{
	return extent_add(build->store, build->pool, span);
}

/** add_unreserved() - Make the addresses of @span free that are not reserved; returns 0 or negative errno */
static int add_unreserved(const struct build *build, const struct span *span)
{
	struct span rest = *span, hole;
	int r;

	while ((r = guard_next(build->guard, &rest, &hole)) == GUARD_E_RESERVED) {
		r = add_before(build, &rest, &hole, add_all);
		if (r)
			return r < 0 ? r : 0;
	}
	return r < 0 ? r : add_all(build, &rest);
}

/** add_unheld() - Make the addresses of @span free that are neither held nor reserved; returns 0 or negative errno */
static int add_unheld(const struct build *build, const struct span *span)
{
	struct span rest = *span, hole;
	struct address held;
	struct bytes key;
	int r;

	while ((r = lease_table_next(build->store, &rest, &held, &key)) == 0) {
		hole = span_of_address(&held);
		r = add_before(build, &rest, &hole, add_unreserved);
		if (r)
			return r < 0 ? r : 0;
	}
	return r < 0 ? r : add_unreserved(build, &rest);
}

/** add_for_hosts() - Make the addresses of @span free that a host can have, too; returns 0 or negative errno */
static int add_for_hosts(const struct build *build, const struct span *span)
{
	struct span rest = *span, special;

	while (range_next_special(&rest, &special)) {
		int r = add_before(build, &rest, &special, add_unheld);

		if (r)
			return r < 0 ? r : 0;
	}
	return add_unheld(build, &rest);
}

/**
 * adopt_resting() - Let addresses rest that are free here and rest in another pool
 * @build:	Pool
 * @other:	Other pool
 * @span:	Where
 *
 * Return: 0, negative errno
 */
static int adopt_resting(const struct build *build, const struct pool_id *other, const struct span *span)
{
	struct span rest = *span;
	struct resting resting;
	int r;

	while ((r = resting_find(build->store, other, &rest, &resting)) == 0) {
		r = extent_take(build->store, build->pool, &resting.address);
		if (r == 0)
			r = resting_put(build->store, build->pool, &resting);
		if (r < 0 || resting.address.value == rest.last)
			return r < 0 ? r : 0;
		rest.first = resting.address.value + 1;
	}
	return r < 0 ? r : 0;
}

/** adopt_all() - adopt_resting() from each other pool for each span; returns 0 or negative errno */
static int adopt_all(const struct build *build)
{
	struct pool_id other;
	int r;

	for (r = pool_next(build->store, NULL, &other); r == 0; r = pool_next(build->store, &other, &other)) {
		for (size_t i = 0; i < build->n_spans; i++) {
			r = adopt_resting(build, &other, &build->spans[i]);
			if (r < 0)
				return r;
		}
	}
	return r < 0 ? r : 0;
}

/**
 * put_pool() - Write the pool's own row: when last used, then its spans
 * @build:	Pool
 * @now:	Seconds since the epoch
 *
 * Return: 0, negative errno
 */
static int put_pool(const struct build *build, uint64_t now)
{
	size_t size = ROW_NUMBER_BYTES + build->n_spans * 2 * ROW_ADDRESS_BYTES;
	CLEANUP_FREE uint8_t *row = malloc(size);
	uint8_t *at = row;

	if (!row)
		return -ENOMEM;
	at = row_write_number(at, now);
	for (size_t i = 0; i < build->n_spans; i++) {
		const struct span *span = &build->spans[i];
		struct address first = {.family = span->family, .value = span->first};
		struct address last = {.family = span->family, .value = span->last};

		at = row_write_address(at, &first);
		at = row_write_address(at, &last);
	}
	return build->store->ops->put(build->store, STORE_POOLS,
				      bytes_of(build->pool->bytes, sizeof(build->pool->bytes)), bytes_of(row, size));
}

/** note_hole() - Have an address left out, if there is one; returns the place for the next */
static struct span *note_hole(struct span *at, const struct address *address)
{
	if (address->family != FAMILY_NONE)
		*at++ = span_of_address(address);
	return at;
}

/**
 * find_spans() - The addresses that a range set may give: its ranges, less gateways and what is excluded
 * @set:	Range set
 * @ret_spans:	Merged spans; owned by the caller
 * @ret_n:	How many
 *
 * Nothing that is released elsewhere comes into the pool unless it is one of these.
 *
 * Return: 0, -ENOMEM
 */
static int find_spans(const struct range_set *set, struct span **ret_spans, size_t *ret_n)
{
	size_t most = 2 * set->n_ranges + set->n_excluded + 1;
	enum family family = set->n_ranges ? set->ranges[0].span.family : FAMILY_IPV4;
	CLEANUP_FREE struct span *holes = calloc(most, sizeof(*holes));
	CLEANUP_FREE struct span *merged = calloc(most, sizeof(*merged));
	struct span *spans = calloc(most + 1, sizeof(*spans)), *at;

	if (!holes || !merged || !spans) {
		free(spans);
		return -ENOMEM;
	}
	for (size_t i = 0; i < set->n_ranges; i++)
		spans[i] = set->ranges[i].span;
	at = holes + spans_complement(family, merged, spans_merge(family, spans, set->n_ranges, merged), holes);
	for (size_t i = 0; i < set->n_ranges; i++)
		at = note_hole(at, &set->ranges[i].gateway);
	for (size_t i = 0; i < set->n_excluded; i++)
		at = note_hole(at, &set->excluded[i]);
	*ret_n = spans_complement(family, merged, spans_merge(family, holes, (size_t)(at - holes), merged), spans);
	*ret_spans = spans;
	return 0;
}

/**
 * pool_build() - Build a pool that is not there yet
 * @store:	Store, in a writing transaction
 * @pool:	Pool
 * @set:	Range set; its ranges do not overlap
 * @guard:	Sealed guard
 * @now:	Seconds since the epoch
 *
 * Return: 0, negative errno
 */
int pool_build(struct store *store, const struct pool_id *pool, const struct range_set *set, const struct guard *guard,
	       uint64_t now)
{
	CLEANUP_FREE struct span *spans = NULL;
	struct build build = {.store = store, .pool = pool, .guard = guard};
	int r = find_spans(set, &spans, &build.n_spans);

	build.spans = spans;
	for (size_t i = 0; i < build.n_spans && r >= 0; i++)
		r = add_for_hosts(&build, &spans[i]);
	if (r >= 0)
		r = adopt_all(&build);
	return r < 0 ? r : put_pool(&build, now);
}
