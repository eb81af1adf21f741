/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where in a JSON text something stands. Pure. */

#include "plugin/text/locate.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/report/report.h"
#include "plugin/text/scan.h"
#include "rangeguard/cleanup.h"

/** Containers inside each other, at most: what jansson takes (JSON_PARSER_MAX_DEPTH) */
#define DEPTH_MAX 2048U
/** Keys of the first allocation; it doubles from there */
#define KEYS_FIRST 64U

/** struct token - One step of a JSON pointer, still escaped */
struct token {
	const char *text;
	size_t size;
};

/** next_token() - Take the step that *@pointer begins with ("/…"), and leave it at the next one */
static struct token next_token(const char **pointer)
{
	struct token token = {.text = *pointer + 1, .size = strcspn(*pointer + 1, "/")};

	*pointer = token.text + token.size;
	return token;
}

/** token_byte() - Byte *@at of a token and step over it, "~0" and "~1" resolved (RFC 6901 section 4) */
static char token_byte(const struct token *token, size_t *at)
{
	char c = token->text[(*at)++];

	if (c != '~' || *at >= token->size)
		return c;
	return token->text[(*at)++] == '1' ? '/' : '~';
}

/** is_key() - Whether a key, from scan_string(), is the one that @token names */
static bool is_key(struct scan key, const struct token *token)
{
	char bytes[SCAN_CHARACTER_MAX];
	size_t at = 0, n;

	while ((n = scan_character(&key, bytes)) > 0)
		for (size_t i = 0; i < n; i++)
			if (at >= token->size || token_byte(token, &at) != bytes[i])
				return false;
	return at == token->size;
}

/** token_index() - Array index that a token is; SIZE_MAX, which no array has, when it is none */
static size_t token_index(const struct token *token)
{
	size_t index = 0;

	if (!token->size || (token->size > 1 && token->text[0] == '0'))
		return SIZE_MAX;
	for (size_t i = 0; i < token->size; i++) {
		if (token->text[i] < '0' || token->text[i] > '9' || __builtin_mul_overflow(index, 10, &index) ||
		    __builtin_add_overflow(index, (size_t)(token->text[i] - '0'), &index))
			return SIZE_MAX;
	}
	return index;
}

/** struct step - A child that was found: offsets of its value and of its key (of its value in an array) */
struct step {
	size_t value;
	size_t key;
};

/** find_member() - Look for @token in the object at @scan; of equal keys the last one counts, as for the parser */
static bool find_member(struct scan scan, const struct token *token, struct step *ret_step)
{
	bool found = false;

	scan.at++;
	do {
		struct step step;
		struct scan key;

		if (scan_peek(&scan) != '"')
			break;
		step.key = scan.at;
		key = scan_string(&scan);
		(void)scan_skip(&scan, ':');
		(void)scan_peek(&scan);
		step.value = scan.at;
		scan_value(&scan);
		if (is_key(key, token)) {
			*ret_step = step;
			found = true;
		}
	} while (scan_skip(&scan, ','));
	return found;
}

/** find_element() - Look for element @wanted of an array, from the one with index @from, at which @scan is, on */
static bool find_element(struct scan scan, size_t wanted, size_t from, struct step *ret_step)
{
	for (size_t index = from;; index++) {
		int c = scan_peek(&scan);

		if (c == SCAN_END || c == ']')
			return false;
		if (index == wanted) {
			*ret_step = (struct step){.value = scan.at, .key = scan.at};
			return true;
		}
		scan_value(&scan);
		if (!scan_skip(&scan, ','))
			return false;
	}
}

/** locator_init() - Nothing looked for yet */
void locator_init(struct locator *locator, const char *text, size_t size)
{
	*locator = (struct locator){.text = text, .size = size, .line = 1, .column = 1};
}

/** descend() - Look for @token in the value at @scan; @known: what was found there last, NULL: nothing */
static bool descend(struct scan scan, const struct token *token, const struct locator_level *known,
		    struct locator_level *ret_level)
{
	size_t wanted = token_index(token), from = 0;
	int c = scan_peek(&scan);
	struct step step;

	if (c == '{' && find_member(scan, token, &step)) {
		*ret_level = (struct locator_level){.index = SIZE_MAX, .value = step.value, .key = step.key};
		return true;
	}
	if (c != '[')
		return false;
	scan.at++;
	if (known && known->index != SIZE_MAX && known->index <= wanted) {
		scan.at = known->value;
		from = known->index;
	}
	if (!find_element(scan, wanted, from, &step))
		return false;
	*ret_level = (struct locator_level){.index = wanted, .value = step.value, .key = step.key};
	return true;
}

/** shared_levels() - How many steps the pointer that was looked for last shares with @pointer */
static size_t shared_levels(const struct locator *locator, const char *pointer)
{
	size_t n = 0;

	while (n < locator->n_levels && strncmp(locator->last, pointer, locator->levels[n].end) == 0 &&
	       (pointer[locator->levels[n].end] == '/' || pointer[locator->levels[n].end] == '\0'))
		n++;
	return n;
}

/** remember() - Keep a step that was found */
static void remember(struct locator *locator, size_t depth, const struct locator_level *level, size_t end)
{
	if (depth >= LOCATOR_LEVELS_MAX)
		return;
	locator->levels[depth] = *level;
	locator->levels[depth].end = end;
	locator->n_levels = depth + 1;
}

/**
 * walk() - Follow a pointer
 * @locator:	Locator; remembers the steps
 * @pointer:	Pointer
 * @ret_step:	Where it leads, or the innermost value on its way
 *
 * Return: 0, LOCATE_E_ANCESTOR
 */
static int walk(struct locator *locator, const char *pointer, struct step *ret_step)
{
	struct scan scan = {.text = locator->text, .size = locator->size};
	size_t depth = shared_levels(locator, pointer), n_known = locator->n_levels;
	const char *rest = pointer + (depth ? locator->levels[depth - 1].end : 0);
	struct locator_level level = {0};

	(void)scan_peek(&scan);
	level.value = level.key = scan.at;
	if (depth)
		level = locator->levels[depth - 1];
	locator->n_levels = depth;
	(void)snprintf(locator->last, sizeof(locator->last), "%s", pointer);
	for (bool first = true; *rest == '/'; first = false, depth++) {
		const struct locator_level *known = first && depth < n_known ? &locator->levels[depth] : NULL;
		struct token token = next_token(&rest);

		scan.at = level.value;
		*ret_step = (struct step){.value = level.value, .key = level.key};
		if (!descend(scan, &token, known, &level))
			return LOCATE_E_ANCESTOR;
		remember(locator, depth, &level, (size_t)(rest - pointer));
	}
	*ret_step = (struct step){.value = level.value, .key = level.key};
	return 0;
}

/**
 * locator_find() - Find the value or key that a JSON pointer leads to
 * @locator:	Locator
 * @pointer:	JSON pointer (RFC 6901)
 * @on_key:	Wanted is the key of the member, not its value (elements of arrays have none)
 * @ret_line:	Line, from 1
 * @ret_column:	Column in characters, from 1
 *
 * Return: 0, LOCATE_E_ANCESTOR when there is no such value (the position of the innermost one on its way is written)
 */
int locator_find(struct locator *locator, const char *pointer, bool on_key, unsigned *ret_line, unsigned *ret_column)
{
	struct position position = {.at = locator->at, .line = locator->line, .column = locator->column};
	struct step step;
	int r = walk(locator, pointer, &step);
	size_t target = on_key && r == 0 ? step.key : step.value;

	if (target < position.at)
		position = (struct position)POSITION_START;
	position_advance(&position, locator->text, target);
	locator->at = position.at;
	locator->line = position.line;
	locator->column = position.column;
	*ret_line = position.line;
	*ret_column = position.column;
	return r;
}

/** locate() - locator_find() of one place in a text of @size bytes */
int locate(const char *text, size_t size, const char *pointer, bool on_key, unsigned *ret_line, unsigned *ret_column)
{
	struct locator locator;

	locator_init(&locator, text, size);
	return locator_find(&locator, pointer, on_key, ret_line, ret_column);
}

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

/** struct search - State of locate_duplicates(); @arena holds all keys of the text, each with a NUL */
struct search {
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
static void search_done(struct search *search)
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
static int open_frame(struct search *search, bool is_object)
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
static void tell(const struct search *search, const struct key *key)
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
static void close_frame(struct search *search)
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
static int grow_keys(struct search *search)
{
	size_t capacity = search->capacity ? search->capacity * 2 : KEYS_FIRST;
	struct key *keys;

	if (search->n_keys < search->capacity)
		return 0;
	keys = reallocarray(search->keys, capacity, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	search->keys = keys;
	search->capacity = capacity;
	return 0;
}

/** read_key() - Remember a key of the innermost object; return 0 or -ENOMEM */
static int read_key(struct search *search, struct frame *frame)
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
static int search_string(struct search *search)
{
	struct frame *frame = search->n_frames > 0 ? &search->frames[search->n_frames - 1] : NULL;

	if (frame && frame->key_next)
		return read_key(search, frame);
	(void)scan_string(&search->scan);
	return 0;
}

/** search_comma() - The next member or element begins */
static void search_comma(struct search *search)
{
	struct frame *frame = search->n_frames > 0 ? &search->frames[search->n_frames - 1] : NULL;

	search->scan.at++;
	if (!frame)
		return;
	frame->key_next = frame->is_object;
	frame->index++;
}

/** search_step() - One step of the walk, at the byte @c; return 0, -ENOMEM or -E2BIG */
static int search_step(struct search *search, int c)
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
	struct search search = {
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
