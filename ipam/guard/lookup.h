/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_LOOKUP_H
#define IPAM_GUARD_LOOKUP_H

/*
 * The entries of a guard by address: those that hold an address of a span, in O(log n) each, whatever the others are.
 * Of these alone another guard can be made that decides about the span as the whole one would. Pure.
 */

#include "ipam/guard/guard.h"

/** struct lookup_item - An entry's addresses, and which entry it is */
struct lookup_item {
	u128 first;
	u128 last;
	uint32_t entry;
};

/**
 * struct lookup_side - The entries of one family, by first address
 * @items:	They
 * @n:		How many
 * @reach:	Heap-ordered tree over their last addresses: the greatest below each node; leaves begin at @n_leaves
 * @n_leaves:	A power of two, at least @n
 */
struct lookup_side {
	struct lookup_item *items;
	size_t n;
	u128 *reach;
	size_t n_leaves;
};

/** struct lookup - Both families */
struct lookup {
	struct lookup_side ipv4;
	struct lookup_side ipv6;
};

int lookup_init(const struct guard *guard, struct lookup *ret_lookup);
bool lookup_next(const struct lookup *lookup, const struct span *span, size_t *cursor, uint32_t *ret_entry);
void lookup_done(struct lookup *lookup);

#define LOOKUP_CLEANUP __attribute__((cleanup(lookup_done)))

#endif
