/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_TABLE_H
#define PLUGIN_TEXT_TABLE_H

/*
 * CSV (RFC 4180) as rows with their lines, read piece by piece in bounded memory. libcsv does the quoting; it gives no
 * positions, so lines are counted here, those inside quoted cells too. What is not clearly CSV is an error. Pure.
 */

#include <csv.h>
#include <stdbool.h>
#include <stddef.h>

#include "rangeguard/limits.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno; table.line is the line meant */
enum table_outcome {
	TABLE_E_QUOTES =
		OUTCOMES_TABLE, /* a quote inside an unquoted cell, or something between a closing quote and the comma */
	TABLE_E_UNCLOSED,	/* the text ends in a quoted cell that begins in that line */
	TABLE_E_TOO_LONG,	/* a row has more bytes or cells than the limits allow */
	TABLE_E_NUL,		/* a NUL byte: not text, or UTF-16 */
};

/** struct table_row - A row, blank lines are none; texts are borrowed for the length of the call. @place: JSON pointer of a
 * row that has no line, NULL: it has one */
struct table_row {
	const char *const *cells;
	size_t n_cells;
	unsigned line;
	const char *place;
};

/** table_row_fn - Takes a row. Return: 0, anything else ends the reading and is passed on */
typedef int (*table_row_fn)(void *userdata, const struct table_row *row);

/**
 * struct table - A table being read
 * @parser:	libcsv's state
 * @row:	Called for each row
 * @userdata:	For it
 * @bytes:	Cells of the row so far, each with a NUL; LIMIT_IMPORT_ROW bytes, owned
 * @size:	Bytes used
 * @cells:	Where in @bytes each cell begins
 * @n_cells:	How many
 * @trims:	Blanks around the texts of cells are left out, in quotes, too
 * @begun:	Bytes have been fed
 * @after_return:	The last row ended with a carriage return: a line feed that follows is part of that
 * @line:	Line in which the cell that is being read begins, from 1
 * @row_line:	Line in which its row begins
 * @outcome:	Why reading has ended, 0: it has not
 */
struct table {
	struct csv_parser parser;
	table_row_fn row;
	void *userdata;
	char *bytes;
	size_t size;
	const char *cells[LIMIT_IMPORT_COLUMNS];
	size_t n_cells;
	bool begun;
	bool trims;
	bool after_return;
	unsigned line;
	unsigned row_line;
	int outcome;
};

void table_separate(struct table *table, char separator);
int table_init(struct table *table, table_row_fn row, void *userdata);
void table_done(struct table *table);
/* The first piece must hold a byte order mark (which is skipped) whole, if there is one. */
int table_feed(struct table *table, const void *bytes, size_t size);
int table_finish(struct table *table);

#endif
