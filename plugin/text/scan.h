/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_SCAN_H
#define PLUGIN_TEXT_SCAN_H

/*
 * Steps over a JSON text without understanding its values. It is meant for well-formed text; in any other it stays
 * inside the text and comes to an end, without recursion. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct scan - A text of @size bytes (no NUL needed), and the offset of the next byte */
struct scan {
	const char *text;
	size_t size;
	size_t at;
};

/** What scan_peek() returns at the end of the text */
#define SCAN_END (-1)
/** Most bytes of scan_character() */
#define SCAN_CHARACTER_MAX 4U

int scan_peek(struct scan *scan);
bool scan_skip(struct scan *scan, char wanted);
struct scan scan_string(struct scan *scan);
void scan_value(struct scan *scan);
size_t scan_character(struct scan *string, char bytes[static SCAN_CHARACTER_MAX]);

size_t scan_encode(uint32_t point, char bytes[static SCAN_CHARACTER_MAX]);

/** struct position - Line and column of the byte at offset @at */
struct position {
	size_t at;
	unsigned line;
	unsigned column;
};

#define POSITION_START                                                                                                 \
	{                                                                                                              \
		.line = 1, .column = 1                                                                                 \
	}

void position_advance(struct position *position, const char *text, size_t to);

#endif
