/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys that stand twice in an object of a JSON text. Pure. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/text/locate.h"
#include "plugin/text/scan.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** Containers inside each other, at most: what jansson takes (JSON_PARSER_MAX_DEPTH) */
#define DEPTH_MAX 2048U

/** struct key - A key of an object that is still open: its text in the arena, and where it stands */
struct key {
	size_t offset;
	size_t size;
	struct position position;
};

/**
 * struct frame - An object or array that is still open
 * @is_object:	Which of them
 * @key_next:	A string that comes now is a key
 * @first_key:	Index of the object's first key
 * @last_key:	Index of the key whose value is being read
 * @index:	Index of the element being read
 */
struct frame {
	bool is_object;
	bool key_next;
	size_t first_key;
	size_t last_key;
	size_t index;
};

/** struct key_search - State of locate_duplicates(); @arena holds all keys of the text, each with a NUL */
struct key_search {
	struct scan scan;
	struct position position;
	struct frame *frames;
	size_t n_frames;
	struct key *keys;
	size_t n_keys;
	size_t capacity;
	char *arena;
	size_t arena_size;
	locate_duplicate_fn found;
	void *userdata;
};

/** search_done() - Free what the search took */
static void search_done(struct key_search *search)
{
	free(search->frames);
	free(search->keys);
	free(search->arena);
}

/** compare_texts() - Order of two keys by their text */
static int compare_texts(const struct key *a, const struct key *b, const char *arena)
{
	int r = memcmp(arena + a->offset, arena + b->offset, a->size < b->size ? a->size : b->size);

	return r != 0 ? r : (a->size > b->size) - (a->size < b->size);
}

/** compare_keys() - The same for qsort_r(3), and equal ones as they stand */
static int compare_keys(const void *a, const void *b, void *arena)
{
	const struct key *left = a, *right = b;
	int r = compare_texts(left, right, arena);

	return r != 0 ? r : (left->offset > right->offset) - (left->offset < right->offset);
}

/** open_frame() - An object or array begins; return 0 or -E2BIG */
static int open_frame(struct key_search *search, bool is_object)
{
	if (search->n_frames == DEPTH_MAX)
		return -E2BIG;
	search->frames[search->n_frames++] = (struct frame){
		.is_object = is_object,
		.key_next = is_object,
		.first_key = search->n_keys,
		.last_key = search->n_keys,
	};
	return 0;
}

/** tell() - Report a key of the innermost object */
static void tell(const struct key_search *search, const struct key *key)
{
	struct pointer pointer = {.length = 0};

	for (size_t i = 0; i + 1 < search->n_frames; i++) {
		const struct frame *frame = &search->frames[i];

		if (frame->is_object)
			(void)pointer_push_key(&pointer, search->arena + search->keys[frame->last_key].offset);
		else
			(void)pointer_push_index(&pointer, frame->index);
	}
	(void)pointer_push_key(&pointer, search->arena + key->offset);
	search->found(search->userdata, pointer.text, key->position.line, key->position.column);
}

/** close_frame() - An object or array ends: report its duplicates */
static void close_frame(struct key_search *search)
{
	const struct frame *frame = &search->frames[search->n_frames - 1];
	struct key *keys = search->keys;

	/* Arrays have no keys; qsort_r(3) must not be given NULL. */
	if (search->n_keys > frame->first_key)
		qsort_r(keys + frame->first_key, search->n_keys - frame->first_key, sizeof(*keys), compare_keys,
			search->arena);
	for (size_t i = frame->first_key + 1; i < search->n_keys; i++)
		if (compare_texts(&keys[i - 1], &keys[i], search->arena) == 0)
			tell(search, &keys[i]);
	search->n_keys = frame->first_key;
	search->n_frames--;
}

/** grow_keys() - Make room for one more key; return 0 or -ENOMEM */
static int grow_keys(struct key_search *search)
{
	struct key *keys = array_room(search->keys, search->n_keys, &search->capacity, sizeof(*keys));

	if (!keys)
		return -ENOMEM;
	search->keys = keys;
	return 0;
}

/** read_key() - Remember a key of the innermost object; return 0 or -ENOMEM */
static int read_key(struct key_search *search, struct frame *frame)
{
	struct key key = {.offset = search->arena_size};
	char bytes[SCAN_CHARACTER_MAX];
	struct scan string;
	size_t n;
	int r = grow_keys(search);

	if (r < 0)
		return r;
	position_advance(&search->position, search->scan.text, search->scan.at);
	key.position = search->position;
	string = scan_string(&search->scan);
	/* No escape is shorter than what it stands for, and the NUL takes the place of a quote. */
	while ((n = scan_character(&string, bytes)) > 0) {
		memcpy(search->arena + search->arena_size, bytes, n);
		search->arena_size += n;
	}
	key.size = search->arena_size - key.offset;
	search->arena[search->arena_size++] = '\0';
	frame->last_key = search->n_keys;
	frame->key_next = false;
	search->keys[search->n_keys++] = key;
	return 0;
}

/** search_string() - A string, which may be a key; return 0 or -ENOMEM */
static int search_string(struct key_search *search)
{
	struct frame *frame = search->n_frames > 0 ? &search->frames[search->n_frames - 1] : NULL;

	if (frame && frame->key_next)
		return read_key(search, frame);
	(void)scan_string(&search->scan);
	return 0;
}

/** search_comma() - The next member or element begins */
static void search_comma(struct key_search *search)
{
	struct frame *frame = search->n_frames > 0 ? &search->frames[search->n_frames - 1] : NULL;

	search->scan.at++;
	if (!frame)
		return;
	frame->key_next = frame->is_object;
	frame->index++;
}

/** search_step() - One step of the walk, at the byte @c; return 0, -ENOMEM or -E2BIG */
static int search_step(struct key_search *search, int c)
{
	switch (c) {
	case '"':
		return search_string(search);
	case '{':
	case '[':
		search->scan.at++;
		return open_frame(search, c == '{');
	case '}':
	case ']':
		search->scan.at++;
		if (search->n_frames > 0)
			close_frame(search);
		return 0;
	case ',':
		search_comma(search);
		return 0;
	default:
		/* A scalar, or the colon behind a key. */
		scan_value(&search->scan);
		return 0;
	}
}

/**
 * locate_duplicates() - Find the keys that stand in one object more than once, in O(n log n)
 * @text:	JSON text; well-formed, or what is found is a guess
 * @size:	Its length
 * @found:	Called for each but the first of equal keys; inner objects before outer ones
 * @userdata:	For it
 *
 * Return: 0, -ENOMEM, -E2BIG when containers are nested deeper than jansson takes them
 */
int locate_duplicates(const char *text, size_t size, locate_duplicate_fn found, void *userdata)
{
	CLEANUP(search_done)
	struct key_search search = {
		.scan = {.text = text, .size = size},
		.position = POSITION_START,
		.frames = calloc(DEPTH_MAX, sizeof(*search.frames)),
		.arena = malloc(size + 1),
		.found = found,
		.userdata = userdata,
	};
	int c, r = 0;

	if (!search.frames || !search.arena)
		return -ENOMEM;
	while (r == 0 && (c = scan_peek(&search.scan)) != SCAN_END)
		r = search_step(&search, c);
	return r;
}
