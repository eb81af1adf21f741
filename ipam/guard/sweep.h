/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_SWEEP_H
#define IPAM_GUARD_SWEEP_H

/*
 * A walk over the address line, from segment to segment on which the same entries are the most specific ones. It is
 * how the guard resolves overlapping entries into disjoint intervals in O(n log n). Pure.
 *
 *	10.0.0.0/8   reserved   ├───────────────────────────┤
 *	10.1.0.0/16  granted         ├───────────┤
 *	10.1.2.0/24  reserved             ├──┤
 *	segments                ├────┼────┼──┼───┼──────────┤
 */

#include "ipam/address/address.h"
#include "ipam/guard/guard.h"

/**
 * struct guard_row - An entry as it is kept: without pointers, so that it can be written to a file and mapped
 * @first:	First address of its span
 * @last:	Last address
 * @owner:	Offset into the texts, as are the members that follow
 * @family:	enum family
 * @kind:	enum guard_kind
 * @zero:	Always 0
 */
struct guard_row {
	u128 first;
	u128 last;
	uint32_t owner;
	uint32_t reason;
	uint32_t ref;
	uint32_t network;
	uint32_t file;
	uint32_t pointer;
	uint8_t family;
	uint8_t kind;
	uint8_t zero[6];
};

/** No row */
#define SWEEP_NONE UINT32_MAX

/**
 * struct segment - A part of the line on which the same rows are the most specific ones
 * @span:	Addresses
 * @reserved:	Index of the most specific reserved row, SWEEP_NONE: none
 * @granted:	Index of the most specific granted row, SWEEP_NONE: none
 */
struct segment {
	struct span span;
	uint32_t reserved;
	uint32_t granted;
};

/** struct row_heap - Rows that have begun, the most specific one on top; ended ones leave when they get there */
struct row_heap {
	uint32_t *indexes;
	size_t n;
};

/**
 * struct sweep - State of the walk
 * @rows:	Rows, borrowed
 * @order:	Indexes of the rows by family, span, kind, network and index
 * @n_rows:	How many
 * @next:	Place in @order of the first row that has not begun
 * @reserved:	Reserved rows that have begun
 * @granted:	Granted rows that have begun
 * @segment:	Where the walk is
 */
struct sweep {
	const struct guard_row *rows;
	uint32_t *order;
	size_t n_rows;
	size_t next;
	struct row_heap reserved;
	struct row_heap granted;
	struct segment segment;
};

int sweep_init(struct sweep *sweep, const struct guard_row *rows, size_t n_rows);
void sweep_done(struct sweep *sweep);
bool sweep_next(struct sweep *sweep);
void sweep_drop_granted(struct sweep *sweep);
bool sweep_reserved_wins(const struct sweep *sweep);
bool sweep_same_claim(const struct guard_row *a, const struct guard_row *b);

#define SWEEP_CLEANUP __attribute__((cleanup(sweep_done)))

#endif
