/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_TEXTS_H
#define IPAM_GUARD_TEXTS_H

/*
 * Texts in one block of bytes, named by offset: a million entries share a handful of owners and reasons, and the block
 * holds no pointer, so that it can be written to a file and mapped. Offset 0 is the empty text. Pure.
 */

#include <stddef.h>
#include <stdint.h>

/**
 * struct texts - A block of texts
 * @bytes:	The texts, each with its NUL
 * @size:	Bytes used
 * @capacity:	Bytes allocated
 * @slots:	Hash table of the offsets of interned texts, 0 where it is empty
 * @n_slots:	Its size, 0 or a power of two
 * @n_used:	Slots in use
 */
struct texts {
	char *bytes;
	size_t size;
	size_t capacity;
	uint32_t *slots;
	size_t n_slots;
	size_t n_used;
};

int texts_append(struct texts *texts, const char *text, uint32_t *ret_offset);
int texts_intern(struct texts *texts, const char *text, uint32_t *ret_offset);
const char *texts_get(const struct texts *texts, uint32_t offset);
void texts_seal(struct texts *texts);
void texts_done(struct texts *texts);

#endif
