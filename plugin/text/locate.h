/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_LOCATE_H
#define PLUGIN_TEXT_LOCATE_H

/*
 * Where in a JSON text something stands; the parser gives no positions. Lines and columns count from 1, columns in
 * characters (Unicode code points, as the parser's own error positions do), a tab being one. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "plugin/report/report.h"
#include "plugin/text/key_index.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno */
enum locate_outcome {
	/* the pointer leads nowhere; the position is that of the innermost value on its way */
	LOCATE_E_ANCESTOR = OUTCOMES_LOCATE,
};

/**
 * locate_duplicate_fn - Called for each key that stands in its object already
 * @userdata:	Of the caller
 * @pointer:	JSON pointer (RFC 6901) to the member, cut at POINTER_MAX
 * @line:	Position of this key, not of its first occurrence
 * @column:	Likewise
 */
typedef void (*locate_duplicate_fn)(void *userdata, const char *pointer, unsigned line, unsigned column);

/** Steps of a pointer that a locator remembers; the rest of a longer one is looked for again */
#define LOCATOR_LEVELS_MAX 16U

/**
 * struct locator_level - A step of the pointer that was looked for last
 * @end:	Where the step ends in the pointer's text
 * @index:	Element that it leads to, SIZE_MAX: a member
 * @value:	Offset of the value that it leads to
 * @key:	Offset of the key
 */
struct locator_level {
	size_t end;
	size_t index;
	size_t value;
	size_t key;
};

/**
 * struct locator - Finds many places in one text: it goes on where the last one was found, so that pointers in the order
 * of the document cost one walk over it
 * @text:	JSON text; well-formed, or the positions are some inside the text
 * @size:	Its length
 * @line:	Position of @at
 * @column:	Likewise
 * @last:	Pointer that was looked for last
 * @levels:	Its steps, as far as they were found
 * @members:	By step, of the object that was looked into there last; owned
 */
struct locator {
	const char *text;
	size_t size;
	size_t at;
	unsigned line;
	unsigned column;
	char last[POINTER_MAX];
	struct locator_level levels[LOCATOR_LEVELS_MAX];
	size_t n_levels;
	struct key_index members[LOCATOR_LEVELS_MAX];
};

void locator_init(struct locator *locator, const char *text, size_t size);
void locator_done(struct locator *locator);
void locator_seek(struct locator *locator, const char *pointer, size_t *ret_value, size_t *ret_key,
		  const char **ret_rest);
int locator_find(struct locator *locator, const char *pointer, bool on_key, unsigned *ret_line, unsigned *ret_column);
int locate(const char *text, size_t size, const char *pointer, bool on_key, unsigned *ret_line, unsigned *ret_column);
int locate_duplicates(const char *text, size_t size, locate_duplicate_fn found, void *userdata);

#endif
