/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_GUARD_INTERNAL_H
#define IPAM_GUARD_GUARD_INTERNAL_H

/* What a guard is made of: for guard.c, and for guard_image.c, which writes one to a file and reads it from there. */

#include "ipam/guard/guard.h"
#include "ipam/guard/guard_image.h"
#include "ipam/guard/intervals.h"
#include "ipam/guard/strings.h"
#include "ipam/guard/sweep.h"

struct guard_image;

/**
 * struct guard - Entries and, once sealed, what they come to
 * @rows:		Entries in the order they were added
 * @n_rows:		How many
 * @capacity:		How many there is room for
 * @texts:		Their texts
 * @intervals:		What is reserved
 * @fingerprint:	Digest of what is reserved
 * @sealed:		The last two members count
 * @image:		NULL, or the file that rows, texts and intervals are read from; there are none in memory then
 */
struct guard {
	struct guard_row *rows;
	size_t n_rows;
	size_t capacity;
	struct strings texts;
	struct intervals intervals;
	uint8_t fingerprint[GUARD_DIGEST_BYTES];
	bool sealed;
	struct guard_image *image;
};

struct guard_image *guard_image_free(struct guard_image *image);
int guard_image_entry(struct guard_image *image, uint32_t index, struct guard_entry *ret_entry);
const struct guard *guard_image_heal(const struct guard *guard);
bool guard_image_is_held(const struct guard_image *image);
const struct guard *guard_image_healed(const struct guard_image *image);

/**
 * struct guard_answer - What reserves the first reserved address of a span
 * @part:	First part of the span that is reserved, all of it by the same entry
 * @run:	First run of reserved addresses in the span
 */
struct guard_answer {
	struct span part;
	struct span run;
};

int guard_ask(const struct guard *guard, const struct span *span, struct guard_answer *ret_answer,
	      struct guard_entry *ret_entry);
int guard_ask_all(const struct guard *guard, const struct span *span, struct guard_answer *ret_answer,
		  struct guard_entry *ret_entry);

#endif
