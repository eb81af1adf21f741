/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What spreadsheets make of CSV: separators, a line "sep=;", titles before the header, encodings. Pure. */

#include <stdlib.h>
#include <string.h>

#include "plugin/policy/import.h"
#include "plugin/text/scan.h"

/** line_at() - Where line @line begins, counted from 1; @ret_size: its length; NULL: it has not been fed whole */
static const char *line_at(const char *text, size_t size, unsigned line, size_t *ret_size)
{
	const char *end = text + size;

	for (;;) {
		const char *stop = text ? memchr(text, '\n', (size_t)(end - text)) : NULL;

		if (!stop)
			return NULL;
		if (!--line) {
			*ret_size = (size_t)(stop - text);
			return text;
		}
		text = stop + 1;
	}
}

/** says_separator() - Whether the first line is Excel's "sep=;" */
static bool says_separator(const char *text, size_t size)
{
	return size >= 5 && strncmp(text, "sep=", 4) == 0;
}

/** header_line() - Line of the header */
static unsigned header_line(const struct import_spec *spec, const char *text, size_t size)
{
	return spec->header ? spec->header : says_separator(text, size) ? 2 : 1;
}

/** import_has_header() - Whether all of the header has been fed */
bool import_has_header(const struct import_spec *spec, const char *text, size_t size)
{
	size_t length;

	return line_at(text, size, header_line(spec, text, size), &length);
}

/** count() - How often a byte stands in a text, outside of quotes */
static size_t count(const char *text, size_t size, char wanted)
{
	bool quoted = false;
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		quoted ^= text[i] == '"';
		n += !quoted && text[i] == wanted;
	}
	return n;
}

/**
 * import_separator() - What separates the cells of a table
 * @spec:	Says it, or leaves it to the header
 * @text:	The table, at least its header, or all of it
 * @size:	Bytes of it
 *
 * Return: the separator: of comma, semicolon, tab and bar the one that the header has most of
 */
char import_separator(const struct import_spec *spec, const char *text, size_t size)
{
	static const char separators[] = {',', ';', '\t', '|'};
	size_t length = size, most = 0;
	char found = ',';
	const char *header;

	if (spec->separator)
		return spec->separator;
	if (text && says_separator(text, size))
		return text[4];
	header = text ? line_at(text, size, header_line(spec, text, size), &length) : NULL;
	for (size_t i = 0; text && i < sizeof(separators); i++) {
		size_t n = count(header ? header : text, header ? length : size, separators[i]);

		if (n > most) {
			most = n;
			found = separators[i];
		}
	}
	return found;
}

/** What the bytes 0x80 to 0x9f are in windows-1252 (Unicode's CP1252.TXT), 0: nothing */
static const uint16_t windows1252[] = {
	0x20ac, 0,	0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0,	0x017d, 0,	0,	0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,	0x017e, 0x0178,
};

/** import_decode() - A piece of a text as UTF-8, owned; NULL without memory */
char *import_decode(enum import_encoding encoding, const char *text, size_t size, size_t *ret_size)
{
	char *decoded = malloc(3 * size + 1);
	size_t n = 0;

	for (size_t i = 0; decoded && i < size; i++) {
		unsigned point = (unsigned char)text[i];
		char bytes[SCAN_CHARACTER_MAX];
		size_t length;

		if (encoding == IMPORT_WINDOWS1252 && point >= 0x80 && point < 0xa0)
			point = windows1252[point - 0x80] ? windows1252[point - 0x80] : 0xfffd;
		length = scan_encode(point, bytes);
		memcpy(decoded + n, bytes, length);
		n += length;
	}
	*ret_size = n;
	return decoded;
}
