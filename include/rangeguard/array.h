/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RANGEGUARD_ARRAY_H
#define RANGEGUARD_ARRAY_H

/* Arrays: how many elements they have, and room for more. */

#include <stddef.h>
#include <stdlib.h>

/** ARRAY_LENGTH() - Number of elements of @array; a pointer is refused by the compiler */
#define ARRAY_LENGTH(array)                                                                                            \
	(sizeof(array) / sizeof(*(array)) +                                                                            \
	 0 * sizeof(struct {                                                                                           \
		 _Static_assert(!__builtin_types_compatible_p(__typeof__(array), __typeof__(&(array)[0])),             \
				"a pointer has no length");                                                            \
		 int unused;                                                                                           \
	 }))

/** Elements of the first allocation of array_room(); it doubles from there */
#define ARRAY_FIRST ((size_t)16)

/**
 * array_room() - Have room for one more element
 * @array:	From malloc(3), or NULL
 * @n:		Elements in use
 * @room:	Elements there is room for; changed when it becomes more
 * @size:	Bytes of one element
 *
 * Return: @array or what takes its place; NULL when there is no memory, and @array is as it was
 */
static inline void *array_room(void *array, size_t n, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : ARRAY_FIRST;
	void *larger;

	if (n < *room)
		return array;
	larger = reallocarray(array, more, size);
	if (larger)
		*room = more;
	return larger;
}

#endif
