/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who claims addresses, and who wins. Pure. */

#include "ipam/guard/claims.h"

#include <errno.h>
#include <stdlib.h>

#include "rangeguard/cleanup.h"

/** row_of() - What the order of claims needs of an entry */
static struct guard_row row_of(const struct guard_entry *entry)
{
	return (struct guard_row){
		.first = entry->span.first,
		.last = entry->span.last,
		.family = (uint8_t)entry->span.family,
		.kind = (uint8_t)entry->kind,
	};
}

/** span_of_row() - Addresses of a row */
static struct span span_of_row(const struct guard_row *row)
{
	return (struct span){.first = row->first, .last = row->last, .family = (enum family)row->family};
}

/** count_touching() - How many entries hold an address of @within */
static size_t count_touching(const struct guard *guard, const struct span *within)
{
	size_t n = 0;

	for (size_t i = 0; i < guard_n_entries(guard); i++) {
		struct guard_entry entry = guard_entry(guard, i);

		n += span_overlaps(&entry.span, within);
	}
	return n;
}

/** collect() - Fill the rows with the entries that hold an address of @within */
static void collect(struct claims *claims, const struct guard *guard)
{
	for (size_t i = 0; i < guard_n_entries(guard); i++) {
		struct guard_entry entry = guard_entry(guard, i);

		if (!span_overlaps(&entry.span, &claims->within))
			continue;
		claims->rows[claims->n_rows] = row_of(&entry);
		claims->entries[claims->n_rows++] = (uint32_t)i;
	}
}

/**
 * claims_init() - Find the entries that hold an address of a span
 * @guard:	Guard, sealed or not
 * @within:	The span
 * @ret_claims:	They, released by claims_done()
 *
 * Return: 0, -ENOMEM
 */
int claims_init(const struct guard *guard, const struct span *within, struct claims *ret_claims)
{
	CLAIMS_CLEANUP struct claims claims = {.within = *within};
	size_t n = count_touching(guard, within);

	claims.rows = calloc(n + 1, sizeof(*claims.rows));
	claims.entries = calloc(n + 1, sizeof(*claims.entries));
	if (!claims.rows || !claims.entries)
		return -ENOMEM;
	collect(&claims, guard);
	if (sweep_init(&claims.sweep, claims.rows, claims.n_rows) < 0)
		return -ENOMEM;
	*ret_claims = claims;
	claims = (struct claims){0};
	return 0;
}

/** claims_done() - Free what claims_init() took */
void claims_done(struct claims *claims)
{
	sweep_done(&claims->sweep);
	free(claims->rows);
	free(claims->entries);
	*claims = (struct claims){0};
}

/** next_segment() - The next segment of the walk that lies in the span, cut to it; false behind the last one */
static bool next_segment(struct claims *claims, struct claim_part *ret_part)
{
	const struct segment *segment = &claims->sweep.segment;
	const struct span *within = &claims->within;

	while (sweep_next(&claims->sweep)) {
		struct claim_part part = {.span = segment->span};

		if (!span_overlaps(&segment->span, within))
			continue;
		if (part.span.first < within->first)
			part.span.first = within->first;
		if (part.span.last > within->last)
			part.span.last = within->last;
		part.entry =
			claims->entries[sweep_reserved_wins(&claims->sweep) ? segment->reserved : segment->granted];
		*ret_part = part;
		return true;
	}
	return false;
}

/** continues() - Whether @next goes on where @part ends, by the same entry */
static bool continues(const struct claim_part *part, const struct claim_part *next)
{
	return part->entry == next->entry && part->span.last + 1 == next->span.first;
}

/**
 * claims_next() - The next part of the span for which one entry decides, by address
 * @claims:	Claims
 * @ret_part:	The part, as long as it gets; between parts are addresses that no entry holds
 *
 * Return: true, false behind the last one
 */
bool claims_next(struct claims *claims, struct claim_part *ret_part)
{
	struct claim_part part;

	if (claims->has_ahead)
		part = claims->ahead;
	else if (!next_segment(claims, &part))
		return false;
	while ((claims->has_ahead = next_segment(claims, &claims->ahead)) && continues(&part, &claims->ahead))
		part.span.last = claims->ahead.span.last;
	*ret_part = part;
	return true;
}

/** compare_rank() - Order in which entries win, for qsort_r(3): fewer addresses, reservations, then the earlier one */
static int compare_rank(const void *a, const void *b, void *userdata)
{
	uint32_t index_a = *(const uint32_t *)a, index_b = *(const uint32_t *)b;
	const struct guard_row *rows = userdata, *row_a = &rows[index_a], *row_b = &rows[index_b];
	u128 extent_a = row_a->last - row_a->first, extent_b = row_b->last - row_b->first;

	if (extent_a != extent_b)
		return extent_a < extent_b ? -1 : 1;
	if (row_a->kind != row_b->kind)
		return row_a->kind == GUARD_RESERVED ? -1 : 1;
	return (index_a > index_b) - (index_a < index_b);
}

/**
 * claims_list() - All entries that hold an address of @span, in the order in which they win
 * @claims:		Claims
 * @span:		Addresses within; of a part that claims_next() told the first entry is the one that decides
 * @ret_entries:	Entries, for guard_entry(); to be freed
 * @ret_n_entries:	How many
 *
 * Return: 0, -ENOMEM
 */
int claims_list(const struct claims *claims, const struct span *span, uint32_t **ret_entries, size_t *ret_n_entries)
{
	uint32_t *list = calloc(claims->n_rows + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < claims->n_rows; i++) {
		struct span row = span_of_row(&claims->rows[i]);

		if (span_overlaps(&row, span))
			list[n++] = (uint32_t)i;
	}
	/* qsort_r(3) wants a userdata that it may write to; compare_rank() does not. */
	qsort_r(list, n, sizeof(*list), compare_rank, claims->rows);
	for (size_t i = 0; i < n; i++)
		list[i] = claims->entries[list[i]];
	*ret_entries = list;
	*ret_n_entries = n;
	return 0;
}
