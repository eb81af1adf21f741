/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries of a guard by address. Pure. */

#include "ipam/guard/lookup.h"

#include <errno.h>
#include <stdlib.h>

/** by_first() - qsort(3) order: first address, then as they were added */
static int by_first(const void *a, const void *b)
{
	const struct lookup_item *left = a, *right = b;

	if (left->first != right->first)
		return left->first < right->first ? -1 : 1;
	return left->entry < right->entry ? -1 : left->entry > right->entry;
}

/** fill_side() - The entries of @family, sorted; 0 or -ENOMEM */
static int fill_side(const struct guard *guard, enum family family, struct lookup_side *side)
{
	size_t n_entries = guard_n_entries(guard);

	side->items = calloc(n_entries + 1, sizeof(*side->items));
	if (!side->items)
		return -ENOMEM;
	for (size_t i = 0; i < n_entries; i++) {
		struct span span = guard_entry(guard, i).span;

		if (span.family == family)
			side->items[side->n++] =
				(struct lookup_item){.first = span.first, .last = span.last, .entry = (uint32_t)i};
	}
	qsort(side->items, side->n, sizeof(*side->items), by_first);
	return 0;
}

/** grow_tree() - The tree over the items of a side; 0 or -ENOMEM */
static int grow_tree(struct lookup_side *side)
{
	side->n_leaves = 1;
	while (side->n_leaves < side->n)
		side->n_leaves *= 2;
	side->reach = calloc(2 * side->n_leaves, sizeof(*side->reach));
	if (!side->reach)
		return -ENOMEM;
	for (size_t i = 0; i < side->n; i++)
		side->reach[side->n_leaves + i] = side->items[i].last;
	for (size_t node = side->n_leaves - 1; node > 0; node--) {
		const u128 *children = &side->reach[2 * node];

		side->reach[node] = children[0] > children[1] ? children[0] : children[1];
	}
	return 0;
}

/**
 * lookup_init() - Sort the entries of a guard
 * @guard:	Guard, sealed or not; entries that are added later are not known
 * @ret_lookup:	They, released by lookup_done()
 *
 * Return: 0, -ENOMEM
 */
int lookup_init(const struct guard *guard, struct lookup *ret_lookup)
{
	LOOKUP_CLEANUP struct lookup lookup = {0};

	if (fill_side(guard, FAMILY_IPV4, &lookup.ipv4) < 0 || grow_tree(&lookup.ipv4) < 0 ||
	    fill_side(guard, FAMILY_IPV6, &lookup.ipv6) < 0 || grow_tree(&lookup.ipv6) < 0)
		return -ENOMEM;
	*ret_lookup = lookup;
	lookup = (struct lookup){0};
	return 0;
}

/** next_reaching() - Index of the first item from @index on whose last address is not below @first; n when none is */
static size_t next_reaching(const struct lookup_side *side, size_t index, u128 first)
{
	size_t node = side->n_leaves + index;

	if (index >= side->n)
		return side->n;
	while (side->reach[node] < first) {
		/* A right child: all below its parent has been looked at. */
		while (node & 1)
			node /= 2;
		if (!node)
			return side->n;
		node++;
	}
	while (node < side->n_leaves)
		node = 2 * node + (side->reach[2 * node] < first);
	return node - side->n_leaves < side->n ? node - side->n_leaves : side->n;
}

/**
 * lookup_next() - The next entry that holds an address of a span, by first address
 * @lookup:	Entries
 * @span:	Addresses, the same in each call
 * @cursor:	0 in the first call, then left alone
 * @ret_entry:	Entry, for guard_entry()
 *
 * Return: whether there is one
 */
bool lookup_next(const struct lookup *lookup, const struct span *span, size_t *cursor, uint32_t *ret_entry)
{
	const struct lookup_side *side = span->family == FAMILY_IPV4 ? &lookup->ipv4 : &lookup->ipv6;
	size_t index = next_reaching(side, *cursor, span->first);

	if (index == side->n || side->items[index].first > span->last) {
		*cursor = side->n;
		return false;
	}
	*cursor = index + 1;
	*ret_entry = side->items[index].entry;
	return true;
}

/** lookup_done() - Free what lookup_init() took */
void lookup_done(struct lookup *lookup)
{
	free(lookup->ipv4.items);
	free(lookup->ipv4.reach);
	free(lookup->ipv6.items);
	free(lookup->ipv6.reach);
	*lookup = (struct lookup){0};
}
