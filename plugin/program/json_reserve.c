/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for jansson when there is none. jansson 2.14 does not survive that everywhere: an object whose table can't grow
 * is left without one (hashtable_do_rehash() in hashtable.c), and crashes when it is released. What is left of the reserve
 * is enough for a configuration and its answer; taken from it once, it is not given back.
 */

#include <jansson.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "plugin/program/program.h"

#define RESERVE_BYTES ((size_t)256 << 10)

/** Costs no memory before it is needed: nothing in it is initialised */
static alignas(max_align_t) uint8_t reserve[RESERVE_BYTES];
static size_t used;

/** take() - From the reserve; NULL when it is used up */
static void *take(size_t size)
{
	size_t at = used;

	if (size > RESERVE_BYTES - at)
		return NULL;
	size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	used = size > RESERVE_BYTES - at ? RESERVE_BYTES : at + size;
	return reserve + at;
}

/** allocate() - json_malloc_t */
static void *allocate(size_t size)
{
	void *memory = malloc(size);

	return memory ? memory : take(size);
}

/** release() - json_free_t */
static void release(void *memory)
{
	uintptr_t at = (uintptr_t)memory, first = (uintptr_t)reserve;

	if (at < first || at >= first + RESERVE_BYTES)
		free(memory);
}

/** program_keep_json_reserve() - Let jansson go on for a while without memory. For a process of one thread, which ends soon */
void program_keep_json_reserve(void)
{
	json_set_alloc_funcs(allocate, release);
}
