/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_ADDRESS_GAPS_H
#define IPAM_ADDRESS_GAPS_H

/*
 * Free subnets of one size between addresses that are taken. The search goes from taken span to taken span, never
 * over the candidates inside them: O(n log n) for n spans, whatever the size of the block. Pure.
 */

#include "ipam/address/address.h"

/**
 * struct gaps - A block, what is taken of it, and how far the search has come
 * @within:	The block
 * @length:	Prefix length of the subnets
 * @taken:	Taken spans that touch the block; they may overlap
 * @n_taken:	How many
 * @capacity:	How many there is room for
 * @next:	First taken span that may matter further on
 * @position:	First address of the next candidate
 * @ended:	There is no next candidate
 */
struct gaps {
	struct span within;
	uint8_t length;
	struct span *taken;
	size_t n_taken;
	size_t capacity;
	size_t next;
	u128 position;
	bool ended;
};

int gaps_init(struct gaps *gaps, const struct prefix *within, uint8_t length);
void gaps_done(struct gaps *gaps);
int gaps_take(struct gaps *gaps, const struct span *taken);
void gaps_start(struct gaps *gaps);
bool gaps_next(struct gaps *gaps, struct prefix *ret_subnet);

#define GAPS_CLEANUP __attribute__((cleanup(gaps_done)))

#endif
