/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts in one block of bytes, named by offset. Pure. */

#include "ipam/guard/strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "rangeguard/bytes.h"

#define SLOTS_FIRST 256U

/**
 * reserve() - Make room for @more bytes
 * @texts:	Block
 * @more:	Bytes needed behind those in use
 *
 * Return: 0, -ENOMEM, -E2BIG when an offset would no longer fit 32 bits
 */
static int reserve(struct strings *texts, size_t more)
{
	size_t needed;
	char *bytes;

	if (__builtin_add_overflow(texts->size, more, &needed) || needed > UINT32_MAX)
		return -E2BIG;
	bytes = bytes_room(texts->bytes, texts->size, more, &texts->capacity);
	if (!bytes)
		return -ENOMEM;
	texts->bytes = bytes;
	return 0;
}

/**
 * strings_append() - Add a text without looking whether it is there already
 * @texts:	Block
 * @text:	Text, copied
 * @ret_offset:	Its offset
 *
 * Return: 0, -ENOMEM, -E2BIG when the block is full
 */
int strings_append(struct strings *texts, const char *text, uint32_t *ret_offset)
{
	size_t size = strlen(text) + 1;
	int r;

	if (size == 1) {
		*ret_offset = 0;
		return 0;
	}
	r = reserve(texts, size + 1);
	if (r < 0)
		return r;
	if (!texts->size)
		texts->bytes[texts->size++] = '\0';
	memcpy(texts->bytes + texts->size, text, size);
	*ret_offset = (uint32_t)texts->size;
	texts->size += size;
	return 0;
}

/** find_slot() - The slot of @slots that holds @text, or the empty one it would go to */
static uint32_t *find_slot(const struct strings *texts, uint32_t *slots, size_t n_slots, const char *text)
{
	size_t i = XXH3_64bits(text, strlen(text)) & (n_slots - 1);

	while (slots[i] && strcmp(texts->bytes + slots[i], text))
		i = (i + 1) & (n_slots - 1);
	return &slots[i];
}

/** grow_slots() - Keep at least half of the slots empty; return 0 or -ENOMEM */
static int grow_slots(struct strings *texts)
{
	size_t n_slots = texts->n_slots ? texts->n_slots * 2 : SLOTS_FIRST;
	uint32_t *slots;

	if (texts->n_used < texts->n_slots / 2)
		return 0;
	slots = calloc(n_slots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < texts->n_slots; i++)
		if (texts->slots[i])
			*find_slot(texts, slots, n_slots, texts->bytes + texts->slots[i]) = texts->slots[i];
	free(texts->slots);
	texts->slots = slots;
	texts->n_slots = n_slots;
	return 0;
}

/**
 * strings_intern() - Add a text, or find it where it was interned before
 * @texts:	Block
 * @text:	Text, copied
 * @ret_offset:	Its offset: equal texts that were interned have equal offsets
 *
 * Return: 0, -ENOMEM, -E2BIG when the block is full
 */
int strings_intern(struct strings *texts, const char *text, uint32_t *ret_offset)
{
	uint32_t *slot;
	int r;

	if (!*text) {
		*ret_offset = 0;
		return 0;
	}
	r = grow_slots(texts);
	if (r < 0)
		return r;
	slot = find_slot(texts, texts->slots, texts->n_slots, text);
	if (!*slot) {
		r = strings_append(texts, text, slot);
		if (r < 0)
			return r;
		texts->n_used++;
	}
	*ret_offset = *slot;
	return 0;
}

/** strings_get() - The text at @offset, borrowed until the next one is added */
const char *strings_get(const struct strings *texts, uint32_t offset)
{
	return offset ? texts->bytes + offset : "";
}

/** strings_seal() - Free what only adding needs; strings_intern() begins again if it is called again */
void strings_seal(struct strings *texts)
{
	free(texts->slots);
	texts->slots = NULL;
	texts->n_slots = 0;
	texts->n_used = 0;
}

/** strings_done() - Free the block */
void strings_done(struct strings *texts)
{
	strings_seal(texts);
	free(texts->bytes);
	*texts = (struct strings){0};
}
