/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Free subnets of one size between addresses that are taken. Pure. */

#include "ipam/address/gaps.h"

#include <errno.h>
#include <stdlib.h>

#include "rangeguard/array.h"

/**
 * gaps_init() - Start with a block of which nothing is taken
 * @gaps:	Written also on failure; gaps_done() releases it
 * @within:	The block
 * @length:	Prefix length of the subnets that are looked for
 *
 * Return: 0, -EINVAL when no subnet of that length fits into the block
 */
int gaps_init(struct gaps *gaps, const struct prefix *within, uint8_t length)
{
	*gaps = (struct gaps){.within = prefix_span(within), .length = length};
	if (length < within->length || length > family_bits(within->address.family))
		return -EINVAL;
	return 0;
}

/** gaps_done() - Free what gaps_take() took */
void gaps_done(struct gaps *gaps)
{
	free(gaps->taken);
	*gaps = (struct gaps){0};
}

/**
 * gaps_take() - Tell addresses that are taken
 * @gaps:	Gaps, not started yet
 * @taken:	Addresses, of any family and place
 *
 * Return: 0, -ENOMEM
 */
int gaps_take(struct gaps *gaps, const struct span *taken)
{
	if (!span_overlaps(taken, &gaps->within))
		return 0;
	struct span *larger = array_room(gaps->taken, gaps->n_taken, &gaps->capacity, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	gaps->taken = larger;
	gaps->taken[gaps->n_taken++] = *taken;
	return 0;
}

/** by_first() - qsort(3) order of spans of one family */
static int by_first(const void *a, const void *b)
{
	const struct span *left = a, *right = b;

	return (left->first > right->first) - (left->first < right->first);
}

/** gaps_start() - To be called behind the last gaps_take(), before gaps_next() */
void gaps_start(struct gaps *gaps)
{
	if (gaps->n_taken)
		qsort(gaps->taken, gaps->n_taken, sizeof(*gaps->taken), by_first);
	gaps->position = gaps->within.first;
}

/** candidate_at() - The subnet of the wanted size that holds @value */
static struct prefix candidate_at(const struct gaps *gaps, u128 value)
{
	struct prefix candidate = {.address = {.family = gaps->within.family, .value = value}, .length = gaps->length};

	candidate.address.value = prefix_span(&candidate).first;
	return candidate;
}

/** go_behind() - Go on behind the candidate that holds @last */
static void go_behind(struct gaps *gaps, u128 last)
{
	struct prefix candidate = candidate_at(gaps, last);
	struct span span = prefix_span(&candidate);

	/* Compared before adding one: behind the last address of a family there may be no number. */
	gaps->ended = span.last >= gaps->within.last;
	if (!gaps->ended)
		gaps->position = span.last + 1;
}

/** taken_in() - The first taken span that touches @candidate, NULL when it is free; never looks back */
static const struct span *taken_in(struct gaps *gaps, const struct span *candidate)
{
	while (gaps->next < gaps->n_taken && gaps->taken[gaps->next].last < candidate->first)
		gaps->next++;
	if (gaps->next == gaps->n_taken || gaps->taken[gaps->next].first > candidate->last)
		return NULL;
	return &gaps->taken[gaps->next];
}

/**
 * gaps_next() - The next free subnet, lowest first
 * @gaps:	Gaps, started
 * @ret_subnet:	Subnet of the block, no address of which is taken
 *
 * Return: true, false when there is none left
 */
bool gaps_next(struct gaps *gaps, struct prefix *ret_subnet)
{
	while (!gaps->ended) {
		struct prefix candidate = candidate_at(gaps, gaps->position);
		struct span span = prefix_span(&candidate);
		const struct span *taken = taken_in(gaps, &span);

		go_behind(gaps, taken && taken->last > span.last ? taken->last : span.last);
		if (taken)
			continue;
		*ret_subnet = candidate;
		return true;
	}
	return false;
}
