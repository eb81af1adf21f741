/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of a JSON pointer. Pure. */

#include "plugin/text/token.h"

#include <stdint.h>
#include <string.h>

/** token_next() - Take the step that *@pointer begins with ("/…"), and leave it at the next one */
struct token token_next(const char **pointer)
{
	struct token token = {.text = *pointer + 1, .size = strcspn(*pointer + 1, "/")};

	*pointer = token.text + token.size;
	return token;
}

/** token_byte() - Byte *@at of a token and step over it, "~0" and "~1" resolved (RFC 6901 section 4) */
char token_byte(const struct token *token, size_t *at)
{
	char c = token->text[(*at)++];

	if (c != '~' || *at >= token->size)
		return c;
	return token->text[(*at)++] == '1' ? '/' : '~';
}

/** token_is_text() - Whether a step is that key */
bool token_is_text(const struct token *token, const char *text)
{
	size_t at = 0;

	while (at < token->size && *text)
		if (token_byte(token, &at) != *text++)
			return false;
	return at == token->size && !*text;
}

/** token_text() - A step without its escapes, with a NUL, in @buffer of @size bytes; false: it has no room there */
bool token_text(const struct token *token, char *buffer, size_t size)
{
	size_t at = 0, n = 0;

	while (at < token->size && n + 1 < size)
		buffer[n++] = token_byte(token, &at);
	buffer[n] = '\0';
	return at == token->size;
}

/** token_index() - Array index that a token is; SIZE_MAX, which no array has, when it is none */
size_t token_index(const struct token *token)
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
