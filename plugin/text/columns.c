/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables for people, on standard output. */

#include "plugin/text/columns.h"

#include <stdio.h>

#include "plugin/text/printable.h"

/** characters() - How many characters a text in UTF-8 has */
static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/** columns_measure() - Let the columns be wide enough for the texts of a row */
void columns_measure(struct columns *columns, const char *const *texts)
{
	for (size_t i = 0; i < columns->n; i++) {
		size_t width = characters(texts[i]);

		if (width > columns->widths[i])
			columns->widths[i] = width;
	}
}

/** pad() - Print blanks */
static void pad(size_t n)
{
	(void)printf("%*s", (int)n, "");
}

/** columns_print() - Print a row whose texts have been measured; nothing follows the last text of a line */
void columns_print(struct columns *columns, const char *const *texts)
{
	size_t n = columns->n, blanks = 0;

	while (n > 1 && !*texts[n - 1])
		n--;
	for (size_t i = 0; i < n; i++) {
		size_t left = columns->widths[i] - characters(texts[i]);
		bool right = columns->right >> i & 1;

		pad(blanks + (right ? left : 0));
		(void)print_printable(texts[i], stdout);
		blanks = 2 + (right ? 0 : left);
	}
	(void)putchar('\n');
}
