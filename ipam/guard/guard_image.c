/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sealed guard as a file of blocks:
 *
 *	head │ origin │ intervals │ rows │ texts
 *
 * The checksums say that it is what was written. That it was written by a program that agrees on the structures is for
 * the tag to say; all the same no offset in it is used without a look at its bounds.
 */

#include "ipam/guard/guard_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/guard/guard_internal.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** Bytes in which the end of a text is looked for at once */
#define TEXT_CHUNK 128U

/**
 * struct image_head - What stands first
 * @interval_size:	sizeof(struct interval), as it was when the file was written
 * @row_size:		sizeof(struct guard_row)
 * @origin_size:	Bytes of the origin
 * @n_intervals:	Intervals
 * @n_ipv4:		How many of them are IPv4
 * @n_rows:		Rows
 * @strings_size:		Bytes of the texts
 * @fingerprint:	guard_fingerprint()
 */
struct image_head {
	uint64_t interval_size;
	uint64_t row_size;
	uint64_t origin_size;
	uint64_t n_intervals;
	uint64_t n_ipv4;
	uint64_t n_rows;
	uint64_t strings_size;
	uint8_t fingerprint[GUARD_DIGEST_BYTES];
};

/** struct text_copy - A text that was read, kept until the guard is freed */
struct text_copy {
	struct text_copy *next;
	char text[];
};

/**
 * struct guard_image - The file behind a guard
 * @blocks:		File
 * @head:		Its head
 * @intervals_at:	Where the intervals are
 * @rows_at:		Where the rows are
 * @strings_at:		Where the texts are
 * @copies:		Texts handed out
 * @origin:		The origin
 * @heal:		NULL, or rebuilds the guard
 * @userdata:		For it
 * @healed:		NULL, or the guard rebuilt
 * @held:		It must not be rebuilt now
 * @failed:		The file is damaged, and the guard can't be rebuilt
 */
struct guard_image {
	struct blocks *blocks;
	struct image_head head;
	uint64_t intervals_at;
	uint64_t rows_at;
	uint64_t strings_at;
	struct text_copy *copies;
	void *origin;
	guard_heal_fn heal;
	void *userdata;
	struct guard *healed;
	bool held;
	bool failed;
};

/**
 * guard_image_write() - Write a guard to a file
 * @guard:	Sealed guard, not one that was opened from a file
 * @origin:	What it was made of, handed back by guard_image_open()
 * @tag:	Tells it from other guards
 * @fd:		Empty file
 *
 * Return: 0, negative errno
 */
int guard_image_write(const struct guard *guard, struct guard_origin origin, const struct blocks_tag *tag, int fd)
{
	BLOCKS_WRITER_CLEANUP struct blocks_writer *writer = NULL;
	const struct intervals *intervals = &guard->intervals;
	struct image_head head = {
		.interval_size = sizeof(*intervals->all),
		.row_size = sizeof(*guard->rows),
		.origin_size = origin.size,
		.n_intervals = intervals->n,
		.n_ipv4 = intervals->n_ipv4,
		.n_rows = guard->n_rows,
		.strings_size = guard->texts.size,
	};
	int r;

	if (!guard->sealed || guard->image)
		return -EINVAL;
	memcpy(head.fingerprint, guard->fingerprint, sizeof(head.fingerprint));
	r = blocks_writer_new(fd, &writer);
	if (r == 0)
		r = blocks_write(writer, &head, sizeof(head));
	if (r == 0)
		r = blocks_write(writer, origin.data, origin.size);
	if (r == 0)
		r = blocks_write(writer, intervals->all, intervals->n * sizeof(*intervals->all));
	if (r == 0)
		r = blocks_write(writer, guard->rows, guard->n_rows * sizeof(*guard->rows));
	if (r == 0)
		r = blocks_write(writer, guard->texts.bytes, guard->texts.size);
	return r == 0 ? blocks_writer_finish(writer, tag) : r;
}

/** damaged() - An outcome of blocks.h as errno: 0, -EUCLEAN, another negative errno */
static int damaged(int outcome)
{
	return outcome == BLOCKS_E_DAMAGED ? -EUCLEAN : outcome;
}

/**
 * lay_out() - Compute where everything is, and check it against the size of the file
 * @image:	Its head has been read
 *
 * Return: 0, -EUCLEAN
 */
static int lay_out(struct guard_image *image)
{
	const struct image_head *head = &image->head;
	uint64_t end;

	if (head->interval_size != sizeof(struct interval) || head->row_size != sizeof(struct guard_row))
		return -EUCLEAN;
	if (head->n_rows >= SWEEP_NONE || head->n_intervals > UINT32_MAX || head->n_ipv4 > head->n_intervals ||
	    head->strings_size > UINT32_MAX || head->origin_size > blocks_size(image->blocks))
		return -EUCLEAN;
	image->intervals_at = sizeof(*head) + head->origin_size;
	image->rows_at = image->intervals_at + head->n_intervals * head->interval_size;
	image->strings_at = image->rows_at + head->n_rows * head->row_size;
	end = image->strings_at + head->strings_size;
	return end == blocks_size(image->blocks) ? 0 : -EUCLEAN;
}

/**
 * read_origin() - Read head and origin
 * @image:	Its file is open
 *
 * Return: 0, -EUCLEAN, another negative errno
 */
static int read_origin(struct guard_image *image)
{
	int r = damaged(blocks_read(image->blocks, 0, &image->head, sizeof(image->head)));

	if (r == 0)
		r = lay_out(image);
	if (r < 0)
		return r;
	image->origin = malloc(image->head.origin_size + 1);
	if (!image->origin)
		return -ENOMEM;
	return damaged(blocks_read(image->blocks, sizeof(image->head), image->origin, image->head.origin_size));
}

/** fetch_interval() - intervals_fetch_fn: interval @index of the file */
static int fetch_interval(void *userdata, size_t index, struct interval *ret_interval)
{
	const struct guard_image *image = userdata;
	struct interval interval;
	int r;

	r = damaged(blocks_read(image->blocks, image->intervals_at + index * sizeof(interval), &interval,
				sizeof(interval)));
	if (r < 0)
		return r;
	if (interval.row >= image->head.n_rows || interval.run_end >= image->head.n_intervals ||
	    interval.run_end < index || interval.first > interval.last)
		return -EUCLEAN;
	*ret_interval = interval;
	return 0;
}

/**
 * guard_image_open() - Open a guard from a file
 * @consume_fd:	File; closed also when this fails
 * @tag:	The one it was written with
 * @ret_guard:	Sealed guard, to be freed with guard_free()
 * @ret_origin:	What it was made of, until it is freed
 *
 * Return: 0, -EUCLEAN when the file is damaged or another guard's, another negative errno
 */
int guard_image_open(int consume_fd, const struct blocks_tag *tag, struct guard **ret_guard,
		     struct guard_origin *ret_origin)
{
	CLEANUP_CLOSE int fd = consume_fd;
	GUARD_CLEANUP struct guard *guard = NULL;
	struct guard_image *image;
	int r;

	r = guard_new(&guard);
	if (r < 0)
		return r;
	image = calloc(1, sizeof(*image));
	if (!image)
		return -ENOMEM;
	guard->image = image;
	r = damaged(blocks_open(TAKE_FD(fd), tag, &image->blocks));
	if (r == 0)
		r = read_origin(image);
	if (r < 0)
		return r;
	guard->intervals = (struct intervals){
		.n = image->head.n_intervals,
		.n_ipv4 = image->head.n_ipv4,
		.fetch = fetch_interval,
		.userdata = image,
	};
	memcpy(guard->fingerprint, image->head.fingerprint, sizeof(guard->fingerprint));
	guard->sealed = true;
	*ret_origin = (struct guard_origin){.data = image->origin, .size = image->head.origin_size};
	*ret_guard = TAKE_PTR(guard);
	return 0;
}

/** guard_image_free() - Close the file behind a guard, NULL too; return NULL */
struct guard_image *guard_image_free(struct guard_image *image)
{
	if (!image)
		return NULL;
	while (image->copies) {
		struct text_copy *copy = image->copies;

		image->copies = copy->next;
		free(copy);
	}
	free(image->origin);
	(void)blocks_free(image->blocks);
	(void)guard_free(image->healed);
	free(image);
	return NULL;
}

/**
 * measure_text() - Look for the end of a text
 * @image:	File
 * @offset:	Where the text begins
 * @ret_size:	Its bytes, with the NUL
 *
 * Return: 0, -EUCLEAN, another negative errno
 */
static int measure_text(struct guard_image *image, uint32_t offset, size_t *ret_size)
{
	for (uint64_t at = offset; at < image->head.strings_size;) {
		uint64_t left = image->head.strings_size - at;
		char chunk[TEXT_CHUNK];
		size_t n = left < sizeof(chunk) ? left : sizeof(chunk);
		const char *nul;
		int r = damaged(blocks_read(image->blocks, image->strings_at + at, chunk, n));

		if (r < 0)
			return r;
		nul = memchr(chunk, '\0', n);
		if (nul) {
			*ret_size = at + (size_t)(nul - chunk) + 1 - offset;
			return 0;
		}
		at += n;
	}
	return -EUCLEAN;
}

/**
 * read_text() - Read a text
 * @image:	File
 * @offset:	Of the text; 0 is the empty one
 * @ret_text:	Text, until the guard is freed
 *
 * Return: 0, -EUCLEAN, another negative errno
 */
static int read_text(struct guard_image *image, uint32_t offset, const char **ret_text)
{
	struct text_copy *copy;
	size_t size;
	int r;

	*ret_text = "";
	if (!offset)
		return 0;
	r = measure_text(image, offset, &size);
	if (r < 0)
		return r;
	copy = malloc(sizeof(*copy) + size);
	if (!copy)
		return -ENOMEM;
	copy->next = image->copies;
	image->copies = copy;
	*ret_text = copy->text;
	return damaged(blocks_read(image->blocks, image->strings_at + offset, copy->text, size));
}

/**
 * read_texts() - Read the texts of an entry
 * @image:	File
 * @row:	The entry's row
 * @entry:	Entry
 *
 * Return: 0, -EUCLEAN, another negative errno
 */
static int read_texts(struct guard_image *image, const struct guard_row *row, struct guard_entry *entry)
{
	const struct {
		uint32_t offset;
		const char **text;
	} texts[] = {
		{row->owner, &entry->owner},	 {row->reason, &entry->reason}, {row->ref, &entry->ref},
		{row->network, &entry->network}, {row->file, &entry->file},	{row->pointer, &entry->pointer},
	};

	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		int r = read_text(image, texts[i].offset, texts[i].text);

		if (r < 0)
			return r;
	}
	return 0;
}

/**
 * guard_image_entry() - Read an entry
 * @image:	File
 * @index:	Which one
 * @ret_entry:	Entry; its texts live as long as the guard
 *
 * Return: 0, -EUCLEAN, another negative errno
 */
int guard_image_entry(struct guard_image *image, uint32_t index, struct guard_entry *ret_entry)
{
	struct guard_entry entry;
	struct guard_row row;
	int r;

	if (index >= image->head.n_rows)
		return -EUCLEAN;
	r = damaged(blocks_read(image->blocks, image->rows_at + index * sizeof(row), &row, sizeof(row)));
	if (r < 0)
		return r;
	if (row.kind > GUARD_GRANTED || (row.family != FAMILY_IPV4 && row.family != FAMILY_IPV6))
		return -EUCLEAN;
	entry.kind = (enum guard_kind)row.kind;
	entry.span = (struct span){.first = row.first, .last = row.last, .family = (enum family)row.family};
	r = read_texts(image, &row, &entry);
	if (r == 0)
		*ret_entry = entry;
	return r;
}

/**
 * guard_image_on_damage() - Say how to rebuild a guard whose file turns out to be damaged
 * @guard:	Guard from guard_image_open()
 * @heal:	Makes it
 * @userdata:	For it
 */
void guard_image_on_damage(struct guard *guard, guard_heal_fn heal, void *userdata)
{
	guard->image->heal = heal;
	guard->image->userdata = userdata;
}

/** guard_image_hold() - From now on, until it is called with false, say -ESTALE where the guard would have to be rebuilt */
void guard_image_hold(const struct guard *guard, bool hold)
{
	if (guard->image)
		guard->image->held = hold;
}

/** guard_image_is_held() - Whether a guard whose file is damaged has to say so, since it could be rebuilt, but not now */
bool guard_image_is_held(const struct guard_image *image)
{
	return image && image->held && image->heal && !image->failed;
}

/** guard_image_rebuild() - Rebuild a guard that said -ESTALE; where that fails, it refuses everything */
void guard_image_rebuild(const struct guard *guard)
{
	if (guard->image && !guard->image->healed)
		(void)guard_image_heal(guard);
}

/** guard_image_failed() - Whether a guard refuses everything because its file is damaged and nothing could replace it */
bool guard_image_failed(const struct guard *guard)
{
	return guard->image && guard->image->failed;
}

/** guard_image_healed() - The guard that has taken the place of a damaged file, NULL: none */
const struct guard *guard_image_healed(const struct guard_image *image)
{
	return image ? image->healed : NULL;
}

/**
 * guard_image_heal() - Rebuild the guard; what it reserves must be what the file said when it was opened
 * @guard:	Guard with a file that is damaged
 *
 * Return: the guard that takes its place from now on, NULL: there is none
 */
const struct guard *guard_image_heal(const struct guard *guard)
{
	struct guard_image *image = guard->image;
	GUARD_CLEANUP struct guard *healed = NULL;

	if (!image->failed && image->heal && image->heal(image->userdata, &healed) == 0 &&
	    memcmp(healed->fingerprint, guard->fingerprint, sizeof(guard->fingerprint)) == 0)
		image->healed = TAKE_PTR(healed);
	image->failed = !image->healed;
	return image->healed;
}
