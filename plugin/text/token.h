/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_TOKEN_H
#define PLUGIN_TEXT_TOKEN_H

/* The steps of a JSON pointer (RFC 6901). Pure. */

#include <stdbool.h>
#include <stddef.h>

/** struct token - One step of a JSON pointer, still escaped */
struct token {
	const char *text;
	size_t size;
};

struct token token_next(const char **pointer);
char token_byte(const struct token *token, size_t *at);
bool token_is_text(const struct token *token, const char *text);
bool token_text(const struct token *token, char *buffer, size_t size);
size_t token_index(const struct token *token);

#endif
