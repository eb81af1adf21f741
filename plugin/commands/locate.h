/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_LOCATE_H
#define PLUGIN_COMMANDS_LOCATE_H

/*
 * Where in a JSON text something stands; the parser gives no positions. Lines and columns count from 1, columns in
 * characters (Unicode code points, as the parser's own error positions do), a tab being one. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

/** Named outcomes beside 0 and negative errno */
enum locate_outcome {
	LOCATE_E_ANCESTOR = 1, /* the pointer leads nowhere; the position is that of the innermost value on its way */
};

/**
 * locate_duplicate_fn - Called for each key that stands in its object already
 * @userdata:	Of the caller
 * @pointer:	JSON pointer (RFC 6901) to the member, cut at POINTER_MAX
 * @line:	Position of this key, not of its first occurrence
 * @column:	Likewise
 */
typedef void (*locate_duplicate_fn)(void *userdata, const char *pointer, unsigned line, unsigned column);

int locate(const char *text, size_t size, const char *pointer, bool on_key, unsigned *ret_line, unsigned *ret_column);
int locate_duplicates(const char *text, size_t size, locate_duplicate_fn found, void *userdata);

#endif
