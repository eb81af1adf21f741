/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_CLAIMS_H
#define IPAM_GUARD_CLAIMS_H

/*
 * Who claims addresses, and who wins: the guard's decision told in full, for people. Where the guard answers in
 * O(log n) from what it has resolved, this goes through all entries again, and so also knows those that lost. Pure.
 */

#include "ipam/guard/guard.h"
#include "ipam/guard/sweep.h"

/**
 * struct claim_part - Addresses for which one entry decides
 * @span:	Addresses
 * @entry:	The entry that decides, for guard_entry(); reserved refuses, granted allows
 */
struct claim_part {
	struct span span;
	uint32_t entry;
};

/**
 * struct claims - The entries that hold an address of a span
 * @within:	The span
 * @rows:	Their spans and kinds, in the order they were added
 * @entries:	Which entry each row is
 * @n_rows:	How many
 * @sweep:	Walk of claims_next()
 * @ahead:	Part that the walk has met and not told yet, while @has_ahead
 */
struct claims {
	struct span within;
	struct guard_row *rows;
	uint32_t *entries;
	size_t n_rows;
	struct sweep sweep;
	struct claim_part ahead;
	bool has_ahead;
};

int claims_init(const struct guard *guard, const struct span *within, struct claims *ret_claims);
void claims_done(struct claims *claims);
bool claims_next(struct claims *claims, struct claim_part *ret_part);
int claims_list(const struct claims *claims, const struct span *span, uint32_t **ret_entries, size_t *ret_n_entries);

#define CLAIMS_CLEANUP __attribute__((cleanup(claims_done)))

#endif
