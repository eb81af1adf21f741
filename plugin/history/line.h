/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HISTORY_LINE_H
#define PLUGIN_HISTORY_LINE_H

/*
 * A record of bounded size in the making: one line of JSON, or the fields of a journal entry. What does not fit is
 * left out, and the record says so; it is whole in any case. jansson would make a tree first, which costs an ADD
 * more than the record is worth. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes of a record: each text is cut to LINE_TEXT_MAX before it is escaped */
#define LINE_MAX_BYTES 16384U
#define LINE_TEXT_MAX 1024U
/** Kept free for what ends the record */
#define LINE_TAIL 32U

/** struct line - A record; @cut: something did not fit */
struct line {
	size_t size;
	bool cut;
	bool filled;
	char data[LINE_MAX_BYTES];
};

void line_begin(struct line *line);
void line_text(struct line *line, const char *key, const char *text);
void line_number(struct line *line, const char *key, uint64_t number);
bool line_list_begin(struct line *line, const char *key);
void line_list_text(struct line *line, const char *text, size_t length);
void line_list_end(struct line *line);
void line_end(struct line *line);

void line_raw(struct line *line, const char *data, size_t size);
void line_field(struct line *line, const char *key, const char *text, size_t length);

#endif
