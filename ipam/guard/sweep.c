/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A walk over the address line, from segment to segment of equal decision. Pure. */

#include "ipam/guard/sweep.h"

#include <errno.h>
#include <stdlib.h>

/** row_extent() - Addresses of a row, less one: those of all of IPv6 would not fit a u128 */
static u128 row_extent(const struct guard_row *row)
{
	return row->last - row->first;
}

/** more_specific() - Whether row @a wins over row @b of the same kind: fewer addresses, then the earlier one */
static bool more_specific(const struct guard_row *rows, uint32_t a, uint32_t b)
{
	u128 extent_a = row_extent(&rows[a]), extent_b = row_extent(&rows[b]);

	return extent_a != extent_b ? extent_a < extent_b : a < b;
}

/** heap_push() - Add a row; the heap has space for all of them */
static void heap_push(struct row_heap *heap, const struct guard_row *rows, uint32_t index)
{
	size_t at = heap->n++;

	while (at > 0) {
		size_t parent = (at - 1) / 2;

		if (!more_specific(rows, index, heap->indexes[parent]))
			break;
		heap->indexes[at] = heap->indexes[parent];
		at = parent;
	}
	heap->indexes[at] = index;
}

/** heap_pop() - Remove the top of a heap that is not empty */
static void heap_pop(struct row_heap *heap, const struct guard_row *rows)
{
	uint32_t moved = heap->indexes[--heap->n];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= heap->n)
			break;
		if (child + 1 < heap->n && more_specific(rows, heap->indexes[child + 1], heap->indexes[child]))
			child++;
		if (!more_specific(rows, heap->indexes[child], moved))
			break;
		heap->indexes[at] = heap->indexes[child];
		at = child;
	}
	heap->indexes[at] = moved;
}

/** heap_top() - The most specific row that reaches @position; rows that ended before it leave the heap */
static uint32_t heap_top(struct row_heap *heap, const struct guard_row *rows, u128 position)
{
	while (heap->n > 0 && rows[heap->indexes[0]].last < position)
		heap_pop(heap, rows);
	return heap->n > 0 ? heap->indexes[0] : SWEEP_NONE;
}

/** compare_u128() - Negative, 0 or positive, for qsort(3) */
static int compare_u128(u128 a, u128 b)
{
	return (a > b) - (a < b);
}

/** compare_claims() - Order of rows by family, span, kind and network */
static int compare_claims(const struct guard_row *a, const struct guard_row *b)
{
	int r;

	r = (a->family > b->family) - (a->family < b->family);
	if (r == 0)
		r = compare_u128(a->first, b->first);
	if (r == 0)
		r = compare_u128(a->last, b->last);
	if (r == 0)
		r = (a->kind > b->kind) - (a->kind < b->kind);
	if (r == 0)
		r = (a->network > b->network) - (a->network < b->network);
	return r;
}

/** sweep_same_claim() - Whether two rows say the same of the same addresses to the same networks */
bool sweep_same_claim(const struct guard_row *a, const struct guard_row *b)
{
	return compare_claims(a, b) == 0;
}

/** compare_indexes() - Order of the walk, for qsort_r(3) */
static int compare_indexes(const void *a, const void *b, void *userdata)
{
	uint32_t index_a = *(const uint32_t *)a, index_b = *(const uint32_t *)b;
	const struct guard_row *rows = userdata;
	int r = compare_claims(&rows[index_a], &rows[index_b]);

	return r != 0 ? r : (index_a > index_b) - (index_a < index_b);
}

/**
 * sweep_init() - Start before the first segment
 * @sweep:	Walk
 * @rows:	Rows, borrowed until sweep_done()
 * @n_rows:	How many, less than SWEEP_NONE
 *
 * Return: 0, -ENOMEM
 */
int sweep_init(struct sweep *sweep, const struct guard_row *rows, size_t n_rows)
{
	uint32_t *memory = calloc(n_rows + 1, 3 * sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	*sweep = (struct sweep){
		.rows = rows,
		.order = memory,
		.n_rows = n_rows,
		.reserved = {.indexes = memory + n_rows},
		.granted = {.indexes = memory + 2 * n_rows},
		.segment = {.reserved = SWEEP_NONE, .granted = SWEEP_NONE},
	};
	for (size_t i = 0; i < n_rows; i++)
		sweep->order[i] = (uint32_t)i;
	/* qsort_r(3) wants a userdata that it may write to; compare_indexes() does not. */
	qsort_r(sweep->order, n_rows, sizeof(*sweep->order), compare_indexes, (void *)(uintptr_t)rows);
	return 0;
}

/** sweep_done() - Free what sweep_init() took */
void sweep_done(struct sweep *sweep)
{
	free(sweep->order);
	*sweep = (struct sweep){0};
}

/** next_row() - The first row that has not begun, NULL when all have */
static const struct guard_row *next_row(const struct sweep *sweep)
{
	return sweep->next < sweep->n_rows ? &sweep->rows[sweep->order[sweep->next]] : NULL;
}

/** begin_rows() - Rows that begin where the segment does */
static void begin_rows(struct sweep *sweep)
{
	const struct span *span = &sweep->segment.span;
	const struct guard_row *row;

	while ((row = next_row(sweep)) && row->family == span->family && row->first == span->first) {
		struct row_heap *heap = row->kind == GUARD_RESERVED ? &sweep->reserved : &sweep->granted;

		heap_push(heap, sweep->rows, sweep->order[sweep->next++]);
	}
}

/** end_segment() - The segment ends with one of its two rows or before the next row begins */
static void end_segment(struct sweep *sweep)
{
	const struct guard_row *row = next_row(sweep);
	struct segment *segment = &sweep->segment;
	u128 last = ~(u128)0;

	if (row && row->family == segment->span.family)
		last = row->first - 1;
	if (segment->reserved != SWEEP_NONE && sweep->rows[segment->reserved].last < last)
		last = sweep->rows[segment->reserved].last;
	if (segment->granted != SWEEP_NONE && sweep->rows[segment->granted].last < last)
		last = sweep->rows[segment->granted].last;
	segment->span.last = last;
}

/**
 * step_over() - Put the start of the segment behind the end of the one before, or where the next row begins
 *
 * Return: true, false when no row is left
 */
static bool step_over(struct sweep *sweep)
{
	struct segment *segment = &sweep->segment;
	const struct guard_row *row = next_row(sweep);
	u128 position;

	/* Behind the last address of IPv6 there is nothing, and no number for it. */
	if (!__builtin_add_overflow(segment->span.last, 1, &position)) {
		segment->span.first = position;
		segment->reserved = heap_top(&sweep->reserved, sweep->rows, position);
		segment->granted = heap_top(&sweep->granted, sweep->rows, position);
		if (segment->reserved != SWEEP_NONE || segment->granted != SWEEP_NONE)
			return true;
	}
	if (!row)
		return false;
	segment->span.family = (enum family)row->family;
	segment->span.first = row->first;
	return true;
}

/**
 * sweep_next() - Go on to the next segment that a row covers
 * @sweep:	Walk; its @segment is where it is now
 *
 * Return: true, false behind the last one
 */
bool sweep_next(struct sweep *sweep)
{
	struct segment *segment = &sweep->segment;

	if (!step_over(sweep))
		return false;
	begin_rows(sweep);
	segment->reserved = heap_top(&sweep->reserved, sweep->rows, segment->span.first);
	segment->granted = heap_top(&sweep->granted, sweep->rows, segment->span.first);
	end_segment(sweep);
	return true;
}

/** sweep_drop_granted() - Forget the granted row of the segment for good; the next most specific one takes its place */
void sweep_drop_granted(struct sweep *sweep)
{
	heap_pop(&sweep->granted, sweep->rows);
	sweep->segment.granted = heap_top(&sweep->granted, sweep->rows, sweep->segment.span.first);
}

/** sweep_reserved_wins() - Whether the segment is reserved: its reserved row is at least as specific as the granted */
bool sweep_reserved_wins(const struct sweep *sweep)
{
	const struct segment *segment = &sweep->segment;

	if (segment->reserved == SWEEP_NONE || segment->granted == SWEEP_NONE)
		return segment->reserved != SWEEP_NONE;
	return row_extent(&sweep->rows[segment->reserved]) <= row_extent(&sweep->rows[segment->granted]);
}
