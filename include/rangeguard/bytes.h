/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RANGEGUARD_BYTES_H
#define RANGEGUARD_BYTES_H

/* Bytes that grow. */

#include <stddef.h>
#include <stdlib.h>

/** Bytes of the first allocation of bytes_room(); it doubles from there */
#define BYTES_FIRST ((size_t)1024)

/**
 * bytes_room() - Have room for more bytes
 * @data:	From malloc(3), or NULL
 * @used:	Bytes in use
 * @more:	Bytes that are to follow
 * @room:	Bytes there is room for; changed when it becomes more
 *
 * Return: @data or what takes its place; NULL when there is no memory, and @data is as it was
 */
static inline void *bytes_room(void *data, size_t used, size_t more, size_t *room)
{
	size_t larger = *room ? *room : BYTES_FIRST, needed;
	void *grown;

	if (__builtin_add_overflow(used, more, &needed))
		return NULL;
	if (data && needed <= *room)
		return data;
	while (larger < needed)
		if (__builtin_mul_overflow(larger, (size_t)2, &larger))
			return NULL;
	grown = realloc(data, larger);
	if (grown)
		*room = larger;
	return grown;
}

#endif
