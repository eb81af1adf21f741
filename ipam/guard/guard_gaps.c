/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guard reserves is taken. */

#include "ipam/guard/guard_gaps.h"

/** guard_take_gaps() - Take what @guard reserves of the block of @gaps, not started yet: 0, -ENOMEM */
int guard_take_gaps(const struct guard *guard, struct gaps *gaps)
{
	struct span rest = gaps->within;
	struct span part;

	while (guard_next(guard, &rest, &part) == GUARD_E_RESERVED) {
		int r = gaps_take(gaps, &part);

		if (r < 0 || part.last == rest.last)
			return r;
		rest.first = part.last + 1;
	}
	return 0;
}
