/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CSV as rows with their lines. Pure. */

#include "plugin/text/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS (CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL)

static const char byte_order_mark[] = {'\xef', '\xbb', '\xbf'};

/**
 * table_init() - Begin to read
 * @table:	Table, to be released by table_done()
 * @row:	Called for each row
 * @userdata:	For it
 *
 * Return: 0, -ENOMEM
 */
int table_init(struct table *table, table_row_fn row, void *userdata)
{
	*table = (struct table){.row = row, .userdata = userdata, .line = 1, .bytes = malloc(LIMIT_IMPORT_ROW)};
	if (!table->bytes)
		return -ENOMEM;
	/* Fails for options that don't exist only. */
	(void)csv_init(&table->parser, OPTIONS);
	return 0;
}

/** table_separate() - Cells are separated by @separator, and blanks around their texts are left out */
void table_separate(struct table *table, char separator)
{
	csv_set_delim(&table->parser, (unsigned char)separator);
	table->trims = true;
}

/** table_done() - Release all */
void table_done(struct table *table)
{
	if (table->bytes)
		csv_free(&table->parser);
	free(table->bytes);
	*table = (struct table){0};
}

/** count_lines() - Line ends in a text: line feeds, and carriage returns that none follows */
static unsigned count_lines(const char *text, size_t size)
{
	unsigned lines = 0;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n' || (text[i] == '\r' && (i + 1 == size || text[i + 1] != '\n'));
	return lines;
}

/** trim() - A text without the blanks around it */
static char *trim(char *text)
{
	size_t size;

	text += strspn(text, " \t\r\n");
	for (size = strlen(text); size > 0 && strchr(" \t\r\n", text[size - 1]);)
		text[--size] = '\0';
	return text;
}

/** take_cell() - libcsv's callback for a cell */
static void take_cell(void *text, size_t size, void *userdata)
{
	struct table *table = userdata;
	char *cell = table->bytes + table->size;

	if (table->outcome)
		return;
	if (!table->n_cells)
		table->row_line = table->line;
	if (table->n_cells == LIMIT_IMPORT_COLUMNS || size >= LIMIT_IMPORT_ROW - table->size) {
		table->outcome = TABLE_E_TOO_LONG;
		return;
	}
	if (size)
		memcpy(cell, text, size);
	cell[size] = '\0';
	if (memchr(cell, '\0', size)) {
		table->outcome = TABLE_E_NUL;
		return;
	}
	table->size += size + 1;
	table->line += count_lines(cell, size);
	table->cells[table->n_cells++] = table->trims ? trim(cell) : cell;
}

/** take_row() - libcsv's callback for the end of a row, or of a blank line; @end is its last byte, -1 none */
static void take_row(int end, void *userdata)
{
	struct table *table = userdata;
	struct table_row row = {.cells = table->cells, .n_cells = table->n_cells, .line = table->row_line};

	if (table->outcome)
		return;
	if (row.n_cells)
		table->outcome = table->row(table->userdata, &row);
	if (end >= 0 && !(end == '\n' && table->after_return && !row.n_cells))
		table->line++;
	table->after_return = end == '\r';
	table->size = 0;
	table->n_cells = 0;
}

/** parse_failed() - Why csv_parse() has stopped, as an outcome */
static int parse_failed(struct table *table)
{
	if (csv_error(&table->parser) == CSV_ENOMEM)
		return -ENOMEM;
	table->line += count_lines((const char *)table->parser.entry_buf, table->parser.entry_pos);
	return TABLE_E_QUOTES;
}

/**
 * table_feed() - Read on
 * @table:	Table
 * @bytes:	The next piece
 * @size:	Its size
 *
 * Return: 0, what the callback returned, -ENOMEM, TABLE_E_QUOTES, TABLE_E_TOO_LONG, TABLE_E_NUL
 */
int table_feed(struct table *table, const void *bytes, size_t size)
{
	const char *text = bytes;

	if (table->outcome)
		return table->outcome;
	if (!table->begun && size >= sizeof(byte_order_mark) &&
	    memcmp(text, byte_order_mark, sizeof(byte_order_mark)) == 0) {
		text += sizeof(byte_order_mark);
		size -= sizeof(byte_order_mark);
	}
	table->begun = true;
	if (csv_parse(&table->parser, text, size, take_cell, take_row, table) < size && !table->outcome)
		table->outcome = parse_failed(table);
	/* A quote that nobody closes must not fill the memory. */
	if (!table->outcome && table->parser.entry_pos >= LIMIT_IMPORT_ROW)
		table->outcome = TABLE_E_TOO_LONG;
	return table->outcome;
}

/**
 * table_finish() - The text has ended
 * @table:	Table
 *
 * Return: 0, what the callback returned, TABLE_E_UNCLOSED, or why reading had ended before
 */
int table_finish(struct table *table)
{
	if (!table->outcome && csv_fini(&table->parser, take_cell, take_row, table) && !table->outcome)
		table->outcome = TABLE_E_UNCLOSED;
	return table->outcome;
}
