/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts of others on their way to a terminal. */

#include "plugin/text/printable.h"

#include <ctype.h>
#include <stdint.h>

#include "plugin/report/utf8.h"

/** is_within() - Whether a byte lies between two others */
static bool is_within(char byte, unsigned first, unsigned last)
{
	return (unsigned char)byte >= first && (unsigned char)byte <= last;
}

/**
 * control_length() - Length of the control character that a text begins with
 * @text:	Text, not empty
 *
 * Beside ASCII's these are C1 (U+009B is what ESC [ is), line separators (U+2028, U+2029), and marks that turn the direction
 * of what follows (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), so that a line reads as another one. A byte that is
 * not UTF-8 counts, too: alone 0x9b is CSI to an 8-bit terminal, and who reads the output as UTF-8 (a log, GitHub) would fail.
 *
 * Return: its bytes, 0: it begins with none
 */
static size_t control_length(const char *text)
{
	uint32_t character;

	if (iscntrl((unsigned char)text[0]) || !utf8_decode(text, &character))
		return 1;
	if (text[0] == '\xc2' && is_within(text[1], 0x80, 0x9f))
		return 2;
	if (text[0] != '\xe2')
		return 0;
	if (text[1] == '\x80' && (is_within(text[2], 0x8e, 0x8f) || is_within(text[2], 0xa8, 0xae)))
		return 3;
	return text[1] == '\x81' && is_within(text[2], 0xa6, 0xa9) ? 3 : 0;
}

/**
 * printable_print() - Print the first character of a text, '?' in place of a control character
 * @text:	Text, not empty
 * @stream:	Stream
 *
 * Return: its bytes
 */
size_t printable_print(const char *text, FILE *stream)
{
	size_t length = control_length(text);
	uint32_t character;

	if (length) {
		(void)fputc('?', stream);
		return length;
	}
	length = utf8_decode(text, &character);
	(void)fwrite(text, 1, length, stream);
	return length;
}

/**
 * print_printable() - Print a text with '?' in place of each of its control characters
 * @text:	Text
 * @stream:	Stream
 *
 * Return: its bytes
 */
size_t print_printable(const char *text, FILE *stream)
{
	size_t n = 0;

	while (text[n])
		n += printable_print(text + n, stream);
	return n;
}

/**
 * print_complaint() - Print "rangeguard COMMAND: WHAT: WHY" as one line on standard error
 * @command:	Command
 * @what:	Text of others: a path that a directory has may be any bytes, of which a pipeline would take a line for its own
 * @why:	The same
 */
void print_complaint(const char *command, const char *what, const char *why)
{
	(void)fprintf(stderr, "rangeguard %s: ", command);
	(void)print_printable(what, stderr);
	(void)fputs(": ", stderr);
	(void)print_printable(why, stderr);
	(void)fputc('\n', stderr);
}
