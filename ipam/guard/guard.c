/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard: which addresses the organisation has reserved, and for whom. Pure. */

#include "ipam/guard/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/guard/guard_internal.h"
#include "rangeguard/array.h"

/** Most entries: each begins and ends an interval at most, and those are counted in 32 bits */
#define ROWS_MAX (UINT32_MAX / 2 - 1)

_Static_assert(GUARD_DIGEST_BYTES == INTERVALS_DIGEST_BYTES, "the fingerprint is the intervals' digest");

/**
 * guard_new() - Make an empty guard
 * @ret_guard:	The guard, to be freed with guard_free()
 *
 * Return: 0, -ENOMEM
 */
int guard_new(struct guard **ret_guard)
{
	struct guard *guard = calloc(1, sizeof(*guard));

	if (!guard)
		return -ENOMEM;
	*ret_guard = guard;
	return 0;
}

/** guard_free() - Free a guard, NULL too; return NULL */
struct guard *guard_free(struct guard *guard)
{
	if (!guard)
		return NULL;
	guard->image = guard_image_free(guard->image);
	free(guard->rows);
	intervals_done(&guard->intervals);
	strings_done(&guard->texts);
	free(guard);
	return NULL;
}

/** guard_cleanup() - guard_free() for GUARD_CLEANUP */
void guard_cleanup(struct guard **guard)
{
	*guard = guard_free(*guard);
}

/** span_is_valid() - Whether @span has a family and an order, and fits that family */
static bool span_is_valid(const struct span *span)
{
	if (span->first > span->last)
		return false;
	return span->family == FAMILY_IPV6 || (span->family == FAMILY_IPV4 && span->last <= UINT32_MAX);
}

/** grow_rows() - Make room for one more entry; return 0 or -ENOMEM */
static int grow_rows(struct guard *guard)
{
	struct guard_row *rows = array_room(guard->rows, guard->n_rows, &guard->capacity, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	guard->rows = rows;
	return 0;
}

/** add_texts() - Keep the texts of @entry in @row; return 0, -ENOMEM or -E2BIG */
static int add_texts(struct strings *texts, const struct guard_entry *entry, struct guard_row *row)
{
	const struct {
		const char *text;
		uint32_t *offset;
	} shared[] = {
		{entry->owner, &row->owner},	 {entry->reason, &row->reason}, {entry->ref, &row->ref},
		{entry->network, &row->network}, {entry->file, &row->file},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(shared); i++) {
		int r = strings_intern(texts, shared[i].text ? shared[i].text : "", shared[i].offset);

		if (r < 0)
			return r;
	}
	/* No two entries have the same pointer. */
	return strings_append(texts, entry->pointer ? entry->pointer : "", &row->pointer);
}

/**
 * guard_add() - Add an entry
 * @guard:	Guard, not sealed yet
 * @entry:	Entry; its texts are copied
 *
 * Return: 0, -EINVAL for a span that is none or a sealed guard, -ENOMEM, -E2BIG when there are too many
 */
int guard_add(struct guard *guard, const struct guard_entry *entry)
{
	struct guard_row row = {
		.first = entry->span.first,
		.last = entry->span.last,
		.family = (uint8_t)entry->span.family,
		.kind = (uint8_t)entry->kind,
	};
	int r;

	if (guard->sealed || !span_is_valid(&entry->span))
		return -EINVAL;
	if (guard->n_rows >= ROWS_MAX)
		return -E2BIG;
	r = grow_rows(guard);
	if (r < 0)
		return r;
	r = add_texts(&guard->texts, entry, &row);
	if (r < 0)
		return r;
	guard->rows[guard->n_rows++] = row;
	return 0;
}

/** guard_rewind() - Forget what was added behind the first @n_entries, no more than there are; not sealed yet */
void guard_rewind(struct guard *guard, size_t n_entries)
{
	guard->n_rows = n_entries;
}

/**
 * resolve() - Fill the intervals from the entries
 * @guard:	Guard
 *
 * Return: 0, -ENOMEM
 */
static int resolve(struct guard *guard)
{
	SWEEP_CLEANUP struct sweep sweep = {0};
	int r;

	r = sweep_init(&sweep, guard->rows, guard->n_rows);
	if (r < 0)
		return r;
	/* A segment ends where an entry begins or ends, so there are fewer than twice as many. */
	r = intervals_init(&guard->intervals, 2 * guard->n_rows);
	if (r < 0)
		return r;
	while (sweep_next(&sweep))
		if (sweep_reserved_wins(&sweep))
			intervals_append(&guard->intervals, &sweep.segment.span, sweep.segment.reserved);
	intervals_finish(&guard->intervals);
	return 0;
}

/**
 * guard_seal() - Resolve the entries; from now on the guard can be asked, and no entry added
 * @guard:	Guard; when this fails it refuses everything
 *
 * Return: 0 (also when it is sealed already), -ENOMEM
 */
int guard_seal(struct guard *guard)
{
	int r;

	if (guard->sealed)
		return 0;
	intervals_done(&guard->intervals);
	r = resolve(guard);
	if (r < 0)
		return r;
	r = intervals_digest(&guard->intervals, guard->fingerprint);
	if (r < 0)
		return r;
	strings_seal(&guard->texts);
	guard->sealed = true;
	return 0;
}

/** guard_n_entries() - Entries that were added to a guard in memory */
size_t guard_n_entries(const struct guard *guard)
{
	return guard->n_rows;
}

/** row_entry() - Entry of a row in memory; its texts are borrowed */
static struct guard_entry row_entry(const struct guard *guard, size_t index)
{
	const struct guard_row *row = &guard->rows[index];

	return (struct guard_entry){
		.kind = (enum guard_kind)row->kind,
		.span = {.first = row->first, .last = row->last, .family = (enum family)row->family},
		.owner = strings_get(&guard->texts, row->owner),
		.reason = strings_get(&guard->texts, row->reason),
		.ref = strings_get(&guard->texts, row->ref),
		.network = strings_get(&guard->texts, row->network),
		.file = strings_get(&guard->texts, row->file),
		.pointer = strings_get(&guard->texts, row->pointer),
	};
}

/** unknown() - What a guard says that can't tell: all of @span is reserved, nobody knows for whom */
static struct guard_entry unknown(const struct span *span)
{
	return (struct guard_entry){
		.span = *span, .owner = "", .reason = "", .ref = "", .network = "", .file = "", .pointer = ""};
}

/** entry_of() - Entry of row @index, wherever it is: 0, negative errno when the file can't be read */
static int entry_of(const struct guard *guard, uint32_t index, struct guard_entry *ret_entry)
{
	if (guard->image)
		return guard_image_entry(guard->image, index, ret_entry);
	*ret_entry = row_entry(guard, index);
	return 0;
}

/** guard_entry() - Entry @index of a guard in memory; its texts are borrowed until the next guard_add() */
struct guard_entry guard_entry(const struct guard *guard, size_t index)
{
	return row_entry(guard, index);
}

/** clip() - The part of @first to @last that lies in @within */
static struct span clip(u128 first, u128 last, const struct span *within)
{
	return (struct span){
		.family = within->family,
		.first = first > within->first ? first : within->first,
		.last = last < within->last ? last : within->last,
	};
}

/**
 * look_up() - Ask a sealed guard
 * @guard:	Guard, in memory or in a file
 * @span:	Addresses
 * @ret_answer:	Only when some are reserved
 * @ret_entry:	NULL, or the entry; only when some are reserved
 *
 * Return: 0, GUARD_E_RESERVED, negative errno when the file can't be read
 */
static int look_up(const struct guard *guard, const struct span *span, struct guard_answer *ret_answer,
		   struct guard_entry *ret_entry)
{
	struct interval interval;
	u128 run_last;
	int r;

	r = intervals_find(&guard->intervals, span, &interval);
	if (r)
		return r < 0 ? r : 0;
	r = intervals_run_last(&guard->intervals, &interval, &run_last);
	if (r == 0 && ret_entry)
		r = entry_of(guard, interval.row, ret_entry);
	if (r < 0)
		return r;
	ret_answer->part = clip(interval.first, interval.last, span);
	ret_answer->run = clip(interval.first, run_last, span);
	return GUARD_E_RESERVED;
}

/**
 * guard_ask() - Ask a guard in whatever state it is, about the addresses as they are
 * @guard:	Guard
 * @span:	Addresses
 * @ret_answer:	Only when some are reserved
 * @ret_entry:	NULL, or the entry; only when some are reserved
 *
 * Return: 0, GUARD_E_RESERVED, -ESTALE (see guard_image_hold()), another negative errno when a damaged file could not be
 *	replaced
 */
int guard_ask(const struct guard *guard, const struct span *span, struct guard_answer *ret_answer,
	      struct guard_entry *ret_entry)
{
	const struct guard *healed = guard_image_healed(guard->image);
	int r;

	if (!guard->sealed) {
		*ret_answer = (struct guard_answer){.part = *span, .run = *span};
		if (ret_entry)
			*ret_entry = unknown(span);
		return GUARD_E_RESERVED;
	}
	r = look_up(healed ? healed : guard, span, ret_answer, ret_entry);
	if (r < 0 && !healed && guard_image_is_held(guard->image))
		return -ESTALE;
	if (r < 0 && guard->image && !healed && (healed = guard_image_heal(guard)))
		r = look_up(healed, span, ret_answer, ret_entry);
	return r;
}

/**
 * guard_touch() - Whether an address of @span is reserved
 * @guard:		Guard
 * @span:		Addresses
 * @reterr_part:	NULL, or the first part of @span that is reserved, all of it by the same entry
 * @reterr_entry:	NULL, or that entry; its texts are borrowed
 *
 * Return: 0 when none is, GUARD_E_RESERVED also when the guard can't tell, -ESTALE (see guard_image_hold())
 */
int guard_touch(const struct guard *guard, const struct span *span, struct span *reterr_part,
		struct guard_entry *reterr_entry)
{
	struct guard_answer answer = {.part = *span};
	int r = guard_ask_all(guard, span, &answer, reterr_entry);

	if (r < 0 && reterr_entry)
		*reterr_entry = unknown(span);
	if (r && reterr_part)
		*reterr_part = answer.part;
	return r == -ESTALE ? r : r ? (int)GUARD_E_RESERVED : 0;
}

/**
 * guard_decide() - Whether an address is reserved
 * @guard:		Guard
 * @address:		Address
 * @reterr_entry:	NULL, or the entry that reserves it; its texts are borrowed
 *
 * Return: as guard_touch()
 */
int guard_decide(const struct guard *guard, const struct address *address, struct guard_entry *reterr_entry)
{
	struct span span = span_of_address(address);

	return guard_touch(guard, &span, NULL, reterr_entry);
}

/** guard_reserves_any() - Whether a guard reserves anything, or can't tell */
bool guard_reserves_any(const struct guard *guard)
{
	static const struct span all[] = {
		{.family = FAMILY_IPV4, .last = UINT32_MAX},
		{.family = FAMILY_IPV6, .last = ~(u128)0},
	};

	return guard_touch(guard, &all[0], NULL, NULL) || guard_touch(guard, &all[1], NULL, NULL);
}

/**
 * guard_next() - The first run of reserved addresses, whatever entries reserve them
 * @guard:	Guard
 * @within:	Where to look
 * @ret_part:	The part of the run that lies in @within; what follows it there is not reserved
 *
 * Return: 0 when there is none, GUARD_E_RESERVED, negative errno when the guard can't tell
 */
int guard_next(const struct guard *guard, const struct span *within, struct span *ret_part)
{
	struct guard_answer answer;
	int r = guard_ask_all(guard, within, &answer, NULL);

	if (r == GUARD_E_RESERVED)
		*ret_part = answer.run;
	return r;
}

/**
 * guard_fingerprint() - Digest of the set of reserved addresses
 * @guard:	Sealed guard
 * @ret_digest:	XXH3-128; the same for guards that reserve the same addresses, whatever their entries
 */
void guard_fingerprint(const struct guard *guard, uint8_t ret_digest[static GUARD_DIGEST_BYTES])
{
	memcpy(ret_digest, guard->fingerprint, GUARD_DIGEST_BYTES);
}
