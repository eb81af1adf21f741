/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts of others on their way to a terminal. */

#include "plugin/text/printable.h"

#include <ctype.h>

/**
 * print_printable() - Print a text with '?' in place of its control characters
 * @text:	Text
 * @stream:	Stream
 *
 * Return: its bytes
 */
size_t print_printable(const char *text, FILE *stream)
{
	size_t n = 0;

	for (; text[n]; n++)
		(void)fputc(iscntrl((unsigned char)text[n]) ? '?' : text[n], stream);
	return n;
}
