/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy can do without. Pure. */

#include <errno.h>
#include <stdlib.h>

#include "ipam/guard/guard_internal.h"
#include "rangeguard/cleanup.h"

/** tell_flaw() - Call @found for row @index, and @other unless it is SWEEP_NONE */
static void tell_flaw(const struct guard *guard, enum guard_flaw flaw, uint32_t index, uint32_t other,
		      guard_flaw_fn found, void *userdata)
{
	struct guard_entry entry = guard_entry(guard, index), other_entry;

	if (other != SWEEP_NONE)
		other_entry = guard_entry(guard, other);
	found(userdata, flaw, &entry, other != SWEEP_NONE ? &other_entry : NULL);
}

/** lint_duplicates() - Rows that differ from the one before, in the order of the sweep, in nothing but their texts */
static void lint_duplicates(const struct guard *guard, const struct sweep *sweep, guard_flaw_fn found, void *userdata)
{
	uint32_t earliest = SWEEP_NONE;

	for (size_t i = 0; i < guard->n_rows; i++) {
		uint32_t index = sweep->order[i];

		if (earliest != SWEEP_NONE && sweep_same_claim(&guard->rows[earliest], &guard->rows[index]))
			tell_flaw(guard, GUARD_FLAW_DUPLICATE, index, earliest, found, userdata);
		else
			earliest = index;
	}
}

/** mark_granting() - Set @granting of each grant that is more specific than what is reserved where it lies */
static void mark_granting(struct sweep *sweep, bool *granting)
{
	while (sweep_next(sweep)) {
		while (sweep->segment.reserved != SWEEP_NONE && sweep->segment.granted != SWEEP_NONE &&
		       !sweep_reserved_wins(sweep)) {
			granting[sweep->segment.granted] = true;
			sweep_drop_granted(sweep);
		}
	}
}

/**
 * guard_lint() - Find what a policy can do without
 * @guard:	Guard, sealed or not
 * @found:	Called for each flaw: duplicates by address, then grants in the order they were added
 * @userdata:	For it
 *
 * Return: 0, -ENOMEM
 */
int guard_lint(const struct guard *guard, guard_flaw_fn found, void *userdata)
{
	CLEANUP_FREE bool *granting = calloc(guard->n_rows + 1, sizeof(*granting));
	SWEEP_CLEANUP struct sweep sweep = {0};
	int r;

	if (!granting)
		return -ENOMEM;
	r = sweep_init(&sweep, guard->rows, guard->n_rows);
	if (r < 0)
		return r;
	lint_duplicates(guard, &sweep, found, userdata);
	mark_granting(&sweep, granting);
	for (uint32_t i = 0; i < guard->n_rows; i++)
		if (guard->rows[i].kind == GUARD_GRANTED && !granting[i])
			tell_flaw(guard, GUARD_FLAW_GRANTS_NOTHING, i, SWEEP_NONE, found, userdata);
	return 0;
}
