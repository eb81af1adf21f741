/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where in a JSON text something stands. Pure. */

#include "plugin/text/locate.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "plugin/report/report.h"
#include "plugin/text/scan.h"
#include "plugin/text/token.h"

/** struct step - A child that was found: offsets of its value and of its key (of its value in an array) */
struct step {
	size_t value;
	size_t key;
};

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
	for (size_t i = 0; i < LOCATOR_LEVELS_MAX; i++)
		key_index_done(&locator->members[i]);
}

/** locator_done() - Free what has been put in order */
void locator_done(struct locator *locator)
{
	for (size_t i = 0; i < LOCATOR_LEVELS_MAX; i++)
		key_index_done(&locator->members[i]);
}

/** enter_object() - Look for the member of a name in the object at @scan */
static bool enter_object(struct locator *locator, size_t depth, struct scan scan, const struct token *token,
			 struct locator_level *ret_level)
{
	struct key_index deep = {.object = SIZE_MAX};
	struct indexed_key member;

	if (!key_index_find(depth < LOCATOR_LEVELS_MAX ? &locator->members[depth] : &deep, scan, token, &member))
		return false;
	*ret_level = (struct locator_level){.index = SIZE_MAX, .value = member.value, .key = member.key};
	return true;
}

/** enter_array() - Look for an element of the array at @scan; @known: what was found there last, NULL: nothing */
static bool enter_array(struct scan scan, const struct token *token, const struct locator_level *known,
			struct locator_level *ret_level)
{
	size_t wanted = token_index(token), from = 0;
	struct step step;

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

/** descend() - Look for @token in the value at @scan, @depth steps deep; @known as in enter_array() */
static bool descend(struct locator *locator, size_t depth, struct scan scan, const struct token *token,
		    const struct locator_level *known, struct locator_level *ret_level)
{
	switch (scan_peek(&scan)) {
	case '{':
		return enter_object(locator, depth, scan, token, ret_level);
	case '[':
		return enter_array(scan, token, known, ret_level);
	default:
		return false;
	}
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
 * @ret_rest:	What of the pointer leads on from there
 *
 * Return: 0, LOCATE_E_ANCESTOR
 */
static int walk(struct locator *locator, const char *pointer, struct step *ret_step, const char **ret_rest)
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
		struct token token = token_next(&rest);

		scan.at = level.value;
		*ret_step = (struct step){.value = level.value, .key = level.key};
		*ret_rest = token.text - 1;
		if (!descend(locator, depth, scan, &token, known, &level))
			return LOCATE_E_ANCESTOR;
		remember(locator, depth, &level, (size_t)(rest - pointer));
	}
	*ret_step = (struct step){.value = level.value, .key = level.key};
	*ret_rest = rest;
	return 0;
}

/**
 * locator_seek() - Find the value that a JSON pointer leads to, as offsets in the text
 * @locator:	Locator
 * @pointer:	JSON pointer (RFC 6901)
 * @ret_value:	Offset of the value, or of the innermost one on its way
 * @ret_key:	Offset of its key; in an array, that of the value
 * @ret_rest:	What of the pointer leads on from there, "" when it leads to a value
 */
void locator_seek(struct locator *locator, const char *pointer, size_t *ret_value, size_t *ret_key,
		  const char **ret_rest)
{
	struct step step;

	(void)walk(locator, pointer, &step, ret_rest);
	*ret_value = step.value;
	*ret_key = step.key;
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
	const char *rest;
	struct step step;
	int r = walk(locator, pointer, &step, &rest);
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

	int r;

	locator_init(&locator, text, size);
	r = locator_find(&locator, pointer, on_key, ret_line, ret_column);
	locator_done(&locator);
	return r;
}
