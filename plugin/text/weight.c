/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a parser would build of a text. Pure. */

#include "plugin/text/weight.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "rangeguard/limits.h"

/** Objects and arrays inside each other: jansson reads no deeper (JSON_PARSER_MAX_DEPTH) */
#define DEPTH_MAX 2048U

/** struct weighing - A text of JSON being weighed; @members: of each object that is open */
struct weighing {
	const char *text;
	size_t size;
	size_t at;
	size_t values;
	unsigned depth;
	uint32_t members[DEPTH_MAX];
};

/** values_max() - How many values are read of a text: real ones have eight bytes and more for each */
static size_t values_max(size_t size)
{
	return size / LIMIT_JSON_VALUE_BYTES > LIMIT_JSON_VALUES ? size / LIMIT_JSON_VALUE_BYTES : LIMIT_JSON_VALUES;
}

/** step_over_string() - To the closing quote of the string that begins here, or to the end */
static void step_over_string(struct weighing *weighing)
{
	while (++weighing->at < weighing->size && weighing->text[weighing->at] != '"')
		weighing->at += weighing->text[weighing->at] == '\\';
}

/** open_container() - An object or array begins; false: deeper than anybody reads, which the parser tells */
static bool open_container(struct weighing *weighing)
{
	if (weighing->depth == DEPTH_MAX)
		return false;
	weighing->members[weighing->depth++] = 0;
	weighing->values++;
	return true;
}

/** take() - One byte outside of strings; false: there is nothing more to weigh, for the text is no JSON */
static bool take(struct weighing *weighing, char c)
{
	switch (c) {
	case '"':
		step_over_string(weighing);
		return true;
	case '{':
	case '[':
		return open_container(weighing);
	case '}':
	case ']':
		return weighing->depth && --weighing->depth;
	case ':':
		return weighing->depth && ++weighing->members[weighing->depth - 1];
	case ',':
		weighing->values++;
		return true;
	default:
		return true;
	}
}

/**
 * weight_flaw_json() - What is too much of a text of JSON
 * @text:	Text; need not be JSON
 * @size:	Its bytes
 * @ret_at:	Where it becomes too much
 *
 * Return: what, and what to do; NULL: nothing
 */
const char *weight_flaw_json(const char *text, size_t size, size_t *ret_at)
{
	struct weighing weighing = {.text = text, .size = size};
	size_t most = values_max(size);

	for (; weighing.at < size && take(&weighing, text[weighing.at]); weighing.at++) {
		*ret_at = weighing.at;
		if (weighing.values > most)
			return "more values than are read; split the file";
		if (weighing.depth && weighing.members[weighing.depth - 1] > LIMIT_MEMBERS)
			return "an object with more members than are read; split the file";
	}
	return NULL;
}

/** tag_end() - Where the tag that begins at byte @at ends: a `>` outside of quotes */
static size_t tag_end(const char *text, size_t size, size_t at)
{
	char quote = 0;

	for (; at < size && (quote || text[at] != '>'); at++) {
		if (quote == text[at])
			quote = 0;
		else if (!quote && (text[at] == '"' || text[at] == '\''))
			quote = text[at];
	}
	return at;
}

/**
 * weight_flaw_xml() - What is too much of a text of XML: expat reads a tag with all its attributes before it tells of it
 * @text:	Text; need not be XML
 * @size:	Its bytes
 * @ret_at:	Where it becomes too much
 *
 * Return: what; NULL: nothing
 */
const char *weight_flaw_xml(const char *text, size_t size, size_t *ret_at)
{
	const char *begin = text, *end = text + size;

	while (begin < end && (begin = memchr(begin, '<', (size_t)(end - begin)))) {
		size_t at = (size_t)(begin - text), behind;

		begin++;
		/* Comments and the like have no attributes. */
		if (at + 1 < size && strchr("!?", text[at + 1]))
			continue;
		behind = tag_end(text, size, at);
		*ret_at = at;
		if (behind - at > LIMIT_XML_TAG)
			return "a tag longer than is read";
		begin = text + behind;
	}
	return NULL;
}
