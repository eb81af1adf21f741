/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reserved addresses as a sorted array of disjoint intervals. Pure. */

#include "ipam/guard/intervals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/** Bytes of a run in the digest: family, first and last address */
#define RUN_BYTES (1 + 2 * ADDRESS_BYTES_MAX)

/**
 * intervals_init() - Make room; what is never written costs no memory
 * @intervals:	Intervals
 * @capacity:	The most that will be appended
 *
 * Return: 0, -ENOMEM
 */
int intervals_init(struct intervals *intervals, size_t capacity)
{
	struct interval *all = reallocarray(NULL, capacity + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	*intervals = (struct intervals){.all = all};
	return 0;
}

/** intervals_done() - Free what intervals_init() took */
void intervals_done(struct intervals *intervals)
{
	free(intervals->all);
	*intervals = (struct intervals){0};
}

/**
 * intervals_append() - Add an interval
 * @intervals:	Intervals, with room for one more
 * @span:	Addresses behind all those there are; all of IPv4 come first
 * @row:	Index of the entry that reserves them
 */
void intervals_append(struct intervals *intervals, const struct span *span, uint32_t row)
{
	struct interval *next = &intervals->all[intervals->n];

	if (intervals->n > 0 && next[-1].row == row && next[-1].last + 1 == span->first) {
		next[-1].last = span->last;
		return;
	}
	*next = (struct interval){.first = span->first, .last = span->last, .row = row};
	intervals->n++;
	if (span->family == FAMILY_IPV4)
		intervals->n_ipv4++;
}

/**
 * slice() - Intervals of @family
 * @intervals:	Intervals
 * @family:	Family
 * @ret_end:	Index behind the last one
 *
 * Return: index of the first one
 */
static size_t slice(const struct intervals *intervals, enum family family, size_t *ret_end)
{
	switch (family) {
	case FAMILY_IPV4:
		*ret_end = intervals->n_ipv4;
		return 0;
	case FAMILY_IPV6:
		*ret_end = intervals->n;
		return intervals->n_ipv4;
	case FAMILY_NONE:
	default:
		*ret_end = 0;
		return 0;
	}
}

/** link_runs() - Tell each interval of @family where its run ends */
static void link_runs(struct intervals *intervals, enum family family)
{
	size_t end, first = slice(intervals, family, &end);

	for (size_t i = end; i > first; i--) {
		struct interval *interval = &intervals->all[i - 1];
		bool joined = i < end && interval->last + 1 == interval[1].first;

		interval->run_end = joined ? interval[1].run_end : (uint32_t)(i - 1);
	}
}

/** intervals_finish() - To be called behind the last intervals_append(), before anything is asked */
void intervals_finish(struct intervals *intervals)
{
	struct interval *fitting = reallocarray(intervals->all, intervals->n + 1, sizeof(*fitting));

	if (fitting)
		intervals->all = fitting;
	link_runs(intervals, FAMILY_IPV4);
	link_runs(intervals, FAMILY_IPV6);
}

/** fetch() - Get interval @index, wherever it is: 0, negative errno */
static int fetch(const struct intervals *intervals, size_t index, struct interval *ret_interval)
{
	if (!intervals->all)
		return intervals->fetch(intervals->userdata, index, ret_interval);
	*ret_interval = intervals->all[index];
	return 0;
}

/**
 * intervals_find() - The first interval that shares an address with @span
 * @intervals:		Intervals
 * @span:		Addresses
 * @ret_interval:	The interval
 *
 * Return: 0, INTERVALS_E_NONE, negative errno
 */
int intervals_find(const struct intervals *intervals, const struct span *span, struct interval *ret_interval)
{
	size_t end, first = slice(intervals, span->family, &end);
	struct interval found = {0};
	bool any = false;

	while (first < end) {
		size_t middle = first + (end - first) / 2;
		struct interval interval;
		int r = fetch(intervals, middle, &interval);

		if (r < 0)
			return r;
		if (interval.last < span->first) {
			first = middle + 1;
		} else {
			end = middle;
			found = interval;
			any = true;
		}
	}
	if (!any || found.first > span->last)
		return INTERVALS_E_NONE;
	*ret_interval = found;
	return 0;
}

/**
 * intervals_run_last() - Where the run of an interval ends
 * @intervals:	Intervals
 * @interval:	One of them
 * @ret_last:	Last address of the last interval of the run
 *
 * Return: 0, negative errno
 */
int intervals_run_last(const struct intervals *intervals, const struct interval *interval, u128 *ret_last)
{
	struct interval last;
	int r = fetch(intervals, interval->run_end, &last);

	if (r == 0)
		*ret_last = last.last;
	return r;
}

/** hash_runs() - Take the runs of @family into the digest, in network byte order whatever the machine */
static void hash_runs(const struct intervals *intervals, enum family family, XXH3_state_t *hash)
{
	size_t end, first = slice(intervals, family, &end);

	for (size_t i = first; i < end; i = intervals->all[i].run_end + 1U) {
		const struct interval *run_end = &intervals->all[intervals->all[i].run_end];
		uint8_t bytes[RUN_BYTES] = {(uint8_t)family};

		/* 16 bytes for each address, those of IPv4 too. */
		address_to_bytes(&(struct address){.family = FAMILY_IPV6, .value = intervals->all[i].first}, bytes + 1);
		address_to_bytes(&(struct address){.family = FAMILY_IPV6, .value = run_end->last},
				 bytes + 1 + ADDRESS_BYTES_MAX);
		(void)XXH3_128bits_update(hash, bytes, sizeof(bytes));
	}
}

/**
 * intervals_digest() - Digest of the addresses in the intervals, whatever entries they are from
 * @intervals:	Intervals
 * @ret_digest:	XXH3-128 in its canonical byte order
 *
 * Return: 0, -ENOMEM
 */
int intervals_digest(const struct intervals *intervals, uint8_t ret_digest[static INTERVALS_DIGEST_BYTES])
{
	XXH3_state_t *hash = XXH3_createState();
	XXH128_canonical_t canonical;

	if (!hash)
		return -ENOMEM;
	(void)XXH3_128bits_reset(hash);
	hash_runs(intervals, FAMILY_IPV4, hash);
	hash_runs(intervals, FAMILY_IPV6, hash);
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(hash));
	(void)XXH3_freeState(hash);
	memcpy(ret_digest, canonical.digest, INTERVALS_DIGEST_BYTES);
	return 0;
}
