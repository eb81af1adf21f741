/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a scalar of YAML is. Pure. */

#include "plugin/text/yaml_scalar.h"

#include <string.h>

#include "plugin/text/base64.h"
#include "rangeguard/cleanup.h"

/** U+FFFD */
#define NUL_MARK "\xef\xbf\xbd"

/** yaml_scalar_style() - How a scalar is written */
enum scalar_style yaml_scalar_style(const yaml_event_t *event)
{
	switch (event->data.scalar.style) {
	case YAML_PLAIN_SCALAR_STYLE:
		return SCALAR_PLAIN;
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return SCALAR_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return SCALAR_DOUBLE;
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE:
		return SCALAR_BLOCK;
	case YAML_ANY_SCALAR_STYLE:
	default:
		return SCALAR_NONE;
	}
}

/** is_one_of() - Whether a text is one of @words, which end with NULL */
static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

/** number_of() - The number that a text is as JSON has them, NULL: none */
static json_t *number_of(const char *text, size_t size)
{
	json_t *value;

	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): a set of characters */
	if (!memchr("-0123456789", text[0], 11) || strspn(text, "-+.0123456789eE") != size)
		return NULL;
	value = json_loadb(text, size, JSON_DECODE_ANY, NULL);
	return value;
}

/** text_value() - A text as a new reference; NULL without memory. In place of NUL, at which whoever reads an address would
 * stop, stands U+FFFD, which no address has */
static json_t *text_value(const char *text, size_t size)
{
	CLEANUP_FREE char *marked = NULL;
	size_t n = 0;

	if (!memchr(text, 0, size))
		return json_stringn_nocheck(text, size);
	marked = reallocarray(NULL, size, sizeof(NUL_MARK));
	if (!marked)
		return NULL;
	for (size_t i = 0; i < size; i++) {
		const char *from = text[i] ? &text[i] : NUL_MARK;
		size_t length = text[i] ? 1 : strlen(NUL_MARK);

		memcpy(marked + n, from, length);
		n += length;
	}
	return json_stringn_nocheck(marked, n);
}

/** text_of_binary() - The text that a scalar with the tag !!binary holds, as a new reference; NULL: it has another tag, or
 * holds no text */
static json_t *text_of_binary(const yaml_event_t *event)
{
	const char *tag = (const char *)event->data.scalar.tag;
	CLEANUP_FREE char *bytes = NULL;
	json_t *value;
	size_t size;

	if (!tag || strcmp(tag, "tag:yaml.org,2002:binary") != 0)
		return NULL;
	bytes = base64_decode_lines((const char *)event->data.scalar.value, &size);
	value = bytes ? json_stringn(bytes, size) : NULL;
	if (!value || !memchr(bytes, 0, size))
		return value;
	json_decref(value);
	return text_value(bytes, size);
}

/**
 * yaml_scalar_value() - The value of a scalar
 * @event:	Scalar event
 *
 * Words and numbers are what they look like when they have neither quotes nor a tag. What else YAML 1.1 takes for a
 * number (octal, sexagesimal) stays text, so that nobody has to guess what an address with zeros in front became.
 *
 * Return: a new reference, NULL without memory
 */
json_t *yaml_scalar_value(const yaml_event_t *event)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	const char *text = (const char *)event->data.scalar.value;
	size_t size = event->data.scalar.length;
	json_t *number, *binary = text_of_binary(event);

	if (binary)
		return binary;
	if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || event->data.scalar.tag || strlen(text) != size)
		return text_value(text, size);
	if (is_one_of(text, nulls))
		return json_null();
	if (is_one_of(text, trues) || is_one_of(text, falses))
		return json_boolean(is_one_of(text, trues));
	number = number_of(text, size);
	return number ? number : json_stringn_nocheck(text, size);
}
