/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_COLUMNS_H
#define PLUGIN_TEXT_COLUMNS_H

/* Tables for people: each column as wide as its widest text, whatever stands in it. */

#include <stdbool.h>
#include <stddef.h>

#define COLUMNS_MAX 16U

/**
 * struct columns - A table
 * @n:		How many columns
 * @terminal:	It goes to a terminal
 * @right:	Columns that are aligned at their right, a bit each
 * @widths:	Of the columns, in characters
 */
struct columns {
	size_t n;
	bool terminal;
	unsigned right;
	size_t widths[COLUMNS_MAX];
};

void columns_measure(struct columns *columns, const char *const *texts);
void columns_print(struct columns *columns, const char *const *texts);

#endif
