/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cuts the text of a policy into its entries. Pure. */

#include "plugin/text/policy_split.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rangeguard/array.h"
#include "rangeguard/bytes.h"

/** append() - Add bytes to a text: 0, -ENOMEM */
static int append(struct split_text *text, const char *bytes, size_t size)
{
	char *grown = bytes_room(text->bytes, text->size, size, &text->capacity);

	if (!grown)
		return -ENOMEM;
	text->bytes = grown;
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
	return 0;
}

/** is_blank() - Whether JSON has no meaning for @c between values */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/** count() - Keep strings and brackets in mind; return whether @c was the end of a string */
static bool count(struct splitter *splitter, char c)
{
	if (splitter->in_string) {
		bool ends = c == '"' && !splitter->escaped;

		splitter->escaped = c == '\\' && !splitter->escaped;
		splitter->in_string = !ends;
		return ends;
	}
	splitter->in_string = c == '"';
	if (c == '{' || c == '[')
		splitter->depth++;
	if ((c == '}' || c == ']') && splitter->depth)
		splitter->depth--;
	return false;
}

/** is_list_key() - Whether the string that has just ended is the key of a list; then the list's kind is set */
static bool is_list_key(struct splitter *splitter)
{
	static const char *const keys[] = {[GUARD_RESERVED] = "\"reserved\"", [GUARD_GRANTED] = "\"granted\""};
	const char *string = splitter->rest.bytes + splitter->string_at;
	size_t size = splitter->rest.size - splitter->string_at;

	for (unsigned i = 0; i < ARRAY_LENGTH(keys); i++) {
		splitter->kind = (enum guard_kind)i;
		if (size == strlen(keys[i]) && !memcmp(string, keys[i], size))
			return true;
	}
	return false;
}

/** take_rest() - One character outside of the lists: 0, -ENOMEM */
static int take_rest(struct splitter *splitter, char c)
{
	bool was_in_string = splitter->in_string;
	int r;

	if (!was_in_string && c == '"')
		splitter->string_at = splitter->rest.size;
	r = append(&splitter->rest, &c, 1);
	if (r < 0)
		return r;
	if (count(splitter, c)) {
		splitter->state = splitter->depth == 1 && is_list_key(splitter) ? SPLIT_KEY : SPLIT_REST;
		return 0;
	}
	if (was_in_string || is_blank(c))
		return 0;
	if (splitter->state == SPLIT_COLON && c == '[')
		splitter->state = SPLIT_FIRST;
	else
		splitter->state = splitter->state == SPLIT_KEY && c == ':' ? SPLIT_COLON : SPLIT_REST;
	return 0;
}

/**
 * take_entry() - Take in an entry as far as the piece of text goes
 * @splitter:	Splitter
 * @text:	What there is
 * @size:	Bytes of it, at least one
 * @ret_taken:	How many belong to the entry
 *
 * Return: 0, -ENOMEM, what the callback returned at the entry's end
 */
static int take_entry(struct splitter *splitter, const char *text, size_t size, size_t *ret_taken)
{
	size_t n = 0;
	int r;

	do
		(void)count(splitter, text[n++]);
	while (n < size && splitter->depth > 2);
	*ret_taken = n;
	r = append(&splitter->entry, text, n);
	if (r < 0 || splitter->depth > 2)
		return r;
	splitter->state = SPLIT_BETWEEN;
	r = splitter->entry_fn(splitter->userdata, splitter->kind, splitter->entry.bytes, splitter->entry.size);
	splitter->entry.size = 0;
	return r;
}

/**
 * take_between() - One character in a list, outside of its entries
 * @splitter:	Splitter
 * @c:		Character
 * @ret_taken:	0 when it is the first one of an entry, else 1
 *
 * Return: 0, -ENOMEM, SPLIT_E_ODD
 */
static int take_between(struct splitter *splitter, char c, size_t *ret_taken)
{
	bool may_end = splitter->state != SPLIT_NEXT, may_begin = splitter->state != SPLIT_BETWEEN;

	*ret_taken = 1;
	if (is_blank(c))
		return 0;
	if (c == '{' && may_begin) {
		splitter->state = SPLIT_ENTRY;
		*ret_taken = 0;
		return 0;
	}
	if (c == ',' && !may_begin) {
		splitter->state = SPLIT_NEXT;
		return 0;
	}
	if (c != ']' || !may_end)
		return SPLIT_E_ODD;
	splitter->state = SPLIT_REST;
	return take_rest(splitter, c);
}

/**
 * split_feed() - Take in the next piece of the text
 * @splitter:	Splitter, all zero before the first piece but for its callback
 * @text:	Piece
 * @size:	Bytes of it
 *
 * Return: 0, SPLIT_E_ODD, -ENOMEM, what the callback returned
 */
int split_feed(struct splitter *splitter, const char *text, size_t size)
{
	size_t taken = 1;
	int r = 0;

	for (size_t i = 0; i < size && r == 0; i += taken) {
		switch (splitter->state) {
		case SPLIT_ENTRY:
			r = take_entry(splitter, text + i, size - i, &taken);
			break;
		case SPLIT_FIRST:
		case SPLIT_NEXT:
		case SPLIT_BETWEEN:
			r = take_between(splitter, text[i], &taken);
			break;
		case SPLIT_REST:
		case SPLIT_KEY:
		case SPLIT_COLON:
		default:
			taken = 1;
			r = take_rest(splitter, text[i]);
			break;
		}
	}
	return r;
}

/** split_done() - Free the texts */
void split_done(struct splitter *splitter)
{
	free(splitter->entry.bytes);
	free(splitter->rest.bytes);
	splitter->entry = (struct split_text){0};
	splitter->rest = (struct split_text){0};
}
