/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_STRINGS_H
#define IPAM_GUARD_STRINGS_H

/*
 * Texts in one block of bytes, named by offset: a million entries share a handful of owners and reasons, and the block
 * holds no pointer, so that it can be written to a file and mapped. Offset 0 is the empty text. Pure.
 */

#include <stddef.h>
#include <stdint.h>

/**
 * struct strings - A block of texts
 * @bytes:	The texts, each with its NUL
 * @size:	Bytes used
 * @capacity:	Bytes allocated
 * @slots:	Hash table of the offsets of interned texts, 0 where it is empty
 * @n_slots:	Its size, 0 or a power of two
 * @n_used:	Slots in use
 */
struct strings {
	char *bytes;
	size_t size;
	size_t capacity;
	uint32_t *slots;
	size_t n_slots;
	size_t n_used;
};

int strings_append(struct strings *texts, const char *text, uint32_t *ret_offset);
int strings_intern(struct strings *texts, const char *text, uint32_t *ret_offset);
const char *strings_get(const struct strings *texts, uint32_t offset);
void strings_seal(struct strings *texts);
void strings_done(struct strings *texts);

#endif
