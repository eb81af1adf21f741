/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of addresses as arrays of spans. Pure. */

#include "ipam/address/spans.h"

#include <stdlib.h>

/** last_of() - The highest address of a family */
static u128 last_of(enum family family)
{
	return family == FAMILY_IPV4 ? UINT32_MAX : ~(u128)0;
}

/** by_first() - qsort(3) order of spans of one family */
static int by_first(const void *a, const void *b)
{
	const struct span *left = a, *right = b;

	return (left->first > right->first) - (left->first < right->first);
}

/** join() - Join sorted spans that touch; returns how many are left */
static size_t join(struct span *spans, size_t n)
{
	size_t used = 0;

	for (size_t i = 1; i < n; i++) {
		struct span *span = &spans[used];

		if (span->last == last_of(span->family) || spans[i].first <= span->last + 1)
			span->last = spans[i].last > span->last ? spans[i].last : span->last;
		else
			spans[++used] = spans[i];
	}
	return used + 1;
}

/**
 * spans_merge() - Copy the spans of one family, merged
 * @family:	Family; others are left out
 * @spans:	Spans in any order, which may overlap
 * @n:		How many
 * @room:	Space for @n spans
 *
 * Return: how many spans that makes
 */
size_t spans_merge(enum family family, const struct span *spans, size_t n, struct span *room)
{
	size_t taken = 0;

	for (size_t i = 0; i < n; i++)
		if (spans[i].family == family)
			room[taken++] = spans[i];
	if (!taken)
		return 0;
	qsort(room, taken, sizeof(*room), by_first);
	return join(room, taken);
}

/**
 * spans_complement() - All other addresses of the family
 * @family:	Family
 * @merged:	Merged spans of it
 * @n:		How many
 * @room:	Space for one span more
 *
 * Return: how many spans that makes, merged
 */
size_t spans_complement(enum family family, const struct span *merged, size_t n, struct span *room)
{
	size_t gaps = 0;
	u128 next = 0;

	for (size_t i = 0; i < n; i++) {
		if (merged[i].first > next)
			room[gaps++] = (struct span){.family = family, .first = next, .last = merged[i].first - 1};
		if (merged[i].last == last_of(family))
			return gaps;
		next = merged[i].last + 1;
	}
	room[gaps++] = (struct span){.family = family, .first = next, .last = last_of(family)};
	return gaps;
}

/**
 * spans_find() - The span that holds an address
 * @merged:	Merged spans of the address' family
 * @n:		How many
 * @address:	Address
 *
 * Return: the span, NULL when none does
 */
const struct span *spans_find(const struct span *merged, size_t n, const struct address *address)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (merged[middle].last < address->value)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && span_contains(&merged[low], address) ? &merged[low] : NULL;
}

/** spans_link_scoped() - Addresses to which no router passes packets on: link-local, multicast, limited broadcast */
void spans_link_scoped(struct span room[static SPANS_LINK_SCOPED])
{
	/* RFC 3927, RFC 1112, RFC 919; RFC 4291 sections 2.5.6 and 2.7 */
	static const char *const texts[SPANS_LINK_SCOPED] = {"169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32",
							     "fe80::/10", "ff00::/8"};

	for (size_t i = 0; i < SPANS_LINK_SCOPED; i++) {
		struct prefix prefix = {0};

		(void)prefix_parse(texts[i], &prefix);
		room[i] = prefix_span(&prefix);
	}
}

/** spans_have() - Whether one of @n spans is of a family */
bool spans_have(const struct span *spans, size_t n, enum family family)
{
	for (size_t i = 0; i < n; i++)
		if (spans[i].family == family)
			return true;
	return false;
}
