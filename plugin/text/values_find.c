/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where values stand, also those in texts within the text. Pure. */

#include <stdlib.h>
#include <string.h>

#include "plugin/text/scalar.h"
#include "plugin/text/values_internal.h"
#include "rangeguard/limits.h"

/**
 * struct values_inner - A text within the text, that was looked into last
 * @at:		Offset of the scalar
 * @text:	Its text, owned; @offsets: where each byte of it stands, and one for its end
 * @values:	Its values
 */
struct values_inner {
	size_t at;
	char *text;
	size_t size;
	size_t *offsets;
	bool is_open;
	struct values values;
};

/** struct spot - A value that was found; @style SCALAR_NONE: not a text; @value NULL: not at hand */
struct spot {
	size_t at;
	size_t key_at;
	enum scalar_style style;
	const json_t *value;
	const char *rest;
};

/** values_inner_free() - Forget the text within the text; return NULL */
struct values_inner *values_inner_free(struct values_inner *inner)
{
	if (!inner)
		return NULL;
	if (inner->is_open)
		values_done(&inner->values);
	free(inner->text);
	free(inner->offsets);
	free(inner);
	return NULL;
}

/** seek() - The value that a pointer leads to, or the innermost one on its way; false when there is no document */
static bool seek(struct values *values, const char *pointer, struct spot *ret_spot)
{
	const struct tree_node *node;

	*ret_spot = (struct spot){.style = SCALAR_NONE};
	if (values->is_json) {
		locator_seek(&values->locator, pointer, &ret_spot->at, &ret_spot->key_at, &ret_spot->rest);
		if (ret_spot->at < values->size && values->text[ret_spot->at] == '"')
			ret_spot->style = SCALAR_JSON;
		return true;
	}
	node = tree_find(&values->tree, pointer, &ret_spot->rest, NULL);
	if (!node)
		return false;
	*ret_spot = (struct spot){.at = node->at,
				  .key_at = node->key_at,
				  .style = node->kind == TREE_SCALAR ? node->style : SCALAR_NONE,
				  .value = node->value,
				  .rest = ret_spot->rest};
	return true;
}

/** decode_json() - The text of the string of JSON at a spot; NULL without memory */
static char *decode_json(const struct values *values, size_t at, size_t *ret_size)
{
	struct scan scan = {.text = values->text, .size = values->size, .at = at};
	struct scan string = scan_string(&scan);
	char bytes[SCAN_CHARACTER_MAX];
	char *text = malloc(string.size + SCAN_CHARACTER_MAX);
	size_t n, size = 0;

	while (text && (n = scan_character(&string, bytes)) > 0) {
		memcpy(text + size, bytes, n);
		size += n;
	}
	*ret_size = size;
	return text;
}

/** decode() - The text of a scalar, owned; NULL without memory, or when it is not a text */
static char *decode(const struct values *values, const struct spot *spot, size_t *ret_size)
{
	const char *text = json_string_value(spot->value);
	char *copy;

	if (spot->style == SCALAR_JSON)
		return decode_json(values, spot->at, ret_size);
	if (!text)
		return NULL;
	*ret_size = json_string_length(spot->value);
	copy = malloc(*ret_size + 1);
	if (copy)
		memcpy(copy, text, *ret_size);
	return copy;
}

/** open_inner() - Look into the text of a scalar; NULL when that leads nowhere */
static struct values_inner *open_inner(struct values *values, const struct spot *spot)
{
	struct values_inner *inner = values->inner;
	struct scalar scalar = {.text = values->text, .size = values->size, .at = spot->at, .style = spot->style};

	if (inner && inner->at == spot->at)
		return inner;
	values->inner = values_inner_free(inner);
	inner = calloc(1, sizeof(*inner));
	if (!inner)
		return NULL;
	inner->at = spot->at;
	inner->text = decode(values, spot, &inner->size);
	inner->offsets = inner->text ? reallocarray(NULL, inner->size + 1, sizeof(*inner->offsets)) : NULL;
	scalar.value = inner->text;
	scalar.n_value = inner->size;
	if (!inner->offsets || scalar_map(&scalar, inner->offsets)) {
		values_inner_free(inner);
		return NULL;
	}
	inner->offsets[inner->size] = inner->size ? inner->offsets[inner->size - 1] : spot->at;
	values->inner = inner;
	return inner;
}

static size_t find(struct values *values, const struct values_place *place);

/** take_number() - The number of a document that a pointer begins with, 1: none; @pointer: gets what follows */
static unsigned take_number(const char **pointer)
{
	const char *at = *pointer + 2;
	unsigned number = 0;

	if (strncmp(*pointer, "/#", 2) != 0)
		return 1;
	for (; *at >= '0' && *at <= '9' && number <= LIMIT_YAML_DOCUMENTS; at++)
		number = number * 10 + (unsigned)(*at - '0');
	if (number < 2 || (*at && *at != '/'))
		return 1;
	*pointer = at;
	return number;
}

/** open_document() - Have a document of the text within @inner at hand; false when there is none of that number */
static bool open_document(struct values_inner *inner, unsigned number, unsigned depth)
{
	if (inner->is_open && inner->values.number > number) {
		values_done(&inner->values);
		inner->is_open = false;
	}
	if (!inner->is_open) {
		inner->is_open = true;
		if (values_start(&inner->values, inner->text, inner->size, VALUES_EITHER) != 0)
			return false;
		inner->values.depth = depth;
	}
	while (inner->values.number < number)
		if (values_next(&inner->values) != 0)
			return false;
	return inner->values.root;
}

/** find_inner() - Where in the text within @inner a place is; its beginning, when that can't be told */
static size_t find_inner(struct values_inner *inner, const struct values_place *place, unsigned depth)
{
	struct values_place rest = *place;
	unsigned number = take_number(&rest.pointer);

	return open_document(inner, number, depth) ? find(&inner->values, &rest) : 0;
}

/** find() - Offset in the text of a place */
static size_t find(struct values *values, const struct values_place *place)
{
	struct values_place rest = *place;
	struct values_inner *inner;
	struct spot spot;
	size_t at;

	if (!seek(values, place->pointer, &spot))
		return 0;
	if (!*spot.rest && place->on_key)
		return spot.key_at;
	if ((!*spot.rest && !place->offset) || spot.style == SCALAR_NONE || values->depth >= VALUES_DEPTH_MAX)
		return spot.at;
	inner = open_inner(values, &spot);
	if (!inner)
		return spot.at;
	rest.pointer = spot.rest;
	at = *spot.rest ? find_inner(inner, &rest, values->depth + 1) : place->offset;
	return inner->offsets[at < inner->size ? at : inner->size];
}

/**
 * values_find() - Line and column of a place in the document at hand
 * @values:		Values
 * @place:		What is looked for
 * @ret_line:		Line, from 1
 * @ret_column:		Column in characters, from 1
 *
 * Return: true; false when there is no document. Of a value that is not there, the innermost one on its way is found.
 */
bool values_find(struct values *values, const struct values_place *place, unsigned *ret_line, unsigned *ret_column)
{
	struct position position;

	if (!values->root)
		return false;
	position = positions_at(&values->positions, find(values, place));
	*ret_line = position.line;
	*ret_column = position.column;
	return true;
}

/**
 * values_find_alias() - Line and column of the alias of YAML through which a pointer leads to its value
 * @values:		Values
 * @pointer:		JSON pointer
 * @ret_line:		Line of the outermost of them, from 1
 * @ret_column:		Column in characters, from 1
 *
 * Return: whether there is one
 */
bool values_find_alias(struct values *values, const char *pointer, unsigned *ret_line, unsigned *ret_column)
{
	const struct tree_node *alias = NULL;
	struct position position;
	const char *rest;

	if (values->is_json || !tree_find(&values->tree, pointer, &rest, &alias) || !alias)
		return false;
	position = positions_at(&values->positions, alias->at);
	*ret_line = position.line;
	*ret_column = position.column;
	return true;
}
