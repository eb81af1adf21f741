/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps over a JSON text without understanding its values. Pure. */

#include "plugin/text/scan.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/** Bytes between values, and those behind which a number, true, false or null ends (RFC 8259 section 2) */
static const char blanks[] = {' ', '\t', '\r', '\n'};
static const char ends[] = {' ', '\t', '\r', '\n', '"', ',', ':', '[', ']', '{', '}'};

/**
 * scan_peek() - Go on to the next byte that is no blank
 *
 * Return: that byte, which stays the next one, or SCAN_END
 */
int scan_peek(struct scan *scan)
{
	while (scan->at < scan->size && memchr(blanks, scan->text[scan->at], sizeof(blanks)))
		scan->at++;
	return scan->at < scan->size ? (unsigned char)scan->text[scan->at] : SCAN_END;
}

/** scan_skip() - Step over @wanted if it is the next byte that is no blank; return whether it was */
bool scan_skip(struct scan *scan, char wanted)
{
	if (scan_peek(scan) != wanted)
		return false;
	scan->at++;
	return true;
}

/**
 * scan_string() - Step over a string
 * @scan:	At its opening quote
 *
 * Return: what stands between the quotes, for scan_character()
 */
struct scan scan_string(struct scan *scan)
{
	struct scan string = {.text = scan->text + scan->at + 1};
	size_t from = ++scan->at;

	while (scan->at < scan->size && scan->text[scan->at] != '"')
		scan->at += scan->text[scan->at] == '\\' ? 2 : 1;
	if (scan->at > scan->size)
		scan->at = scan->size;
	string.size = scan->at - from;
	if (scan->at < scan->size)
		scan->at++;
	return string;
}

/** scan_scalar() - Step over a number, true, false or null */
static void scan_scalar(struct scan *scan)
{
	while (scan->at < scan->size && !memchr(ends, scan->text[scan->at], sizeof(ends)))
		scan->at++;
}

/** scan_value() - Step over a value with all that is in it; nothing is stepped over where a bracket closes */
void scan_value(struct scan *scan)
{
	size_t depth = 0;

	do {
		switch (scan_peek(scan)) {
		case SCAN_END:
			return;
		case '"':
			(void)scan_string(scan);
			break;
		case '{':
		case '[':
			depth++;
			scan->at++;
			break;
		case '}':
		case ']':
			if (!depth)
				return;
			depth--;
			scan->at++;
			break;
		case ',':
		case ':':
			scan->at++;
			break;
		default:
			scan_scalar(scan);
		}
	} while (depth);
}

/** hex_digit() - Value of a hexadecimal digit, 0 for anything else */
static unsigned hex_digit(char c)
{
	if (!isxdigit((unsigned char)c))
		return 0;
	return c <= '9' ? (unsigned)(c - '0') : ((unsigned)c | 0x20U) - 'a' + 10U;
}

/** code_unit() - Step over the "XXXX" of a "\uXXXX"; return its value, 0 when the string ends in it */
static uint32_t code_unit(struct scan *string)
{
	uint32_t unit = 0;

	if (string->size - string->at < 4) {
		string->at = string->size;
		return 0;
	}
	for (unsigned i = 0; i < 4; i++)
		unit = unit << 4 | hex_digit(string->text[string->at++]);
	return unit;
}

/** code_point() - Step over the rest of a "\u" escape, two of them for a surrogate pair; return the code point */
static uint32_t code_point(struct scan *string)
{
	uint32_t high = code_unit(string), low;
	struct scan ahead = *string;

	if (high >> 10 != 0xd800 >> 10 || ahead.size - ahead.at < 6 || memcmp(ahead.text + ahead.at, "\\u", 2) != 0)
		return high;
	ahead.at += 2;
	low = code_unit(&ahead);
	if (low >> 10 != 0xdc00 >> 10)
		return high;
	*string = ahead;
	return 0x10000 + ((high & 0x3ff) << 10 | (low & 0x3ff));
}

/** scan_encode() - UTF-8 of @point, as RFC 3629 section 3 has it; return the number of bytes */
size_t scan_encode(uint32_t point, char bytes[static SCAN_CHARACTER_MAX])
{
	size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};

	for (size_t i = n - 1; i > 0; i--, point >>= 6)
		bytes[i] = (char)(0x80 | (point & 0x3f));
	bytes[0] = (char)(lead[n] | point);
	return n;
}

/**
 * scan_character() - Read on in a string, its escapes resolved
 * @string:	From scan_string()
 * @bytes:	One byte as it stands there, or the UTF-8 of an escaped character
 *
 * Return: how many bytes, 0 at the end
 */
size_t scan_character(struct scan *string, char bytes[static SCAN_CHARACTER_MAX])
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *name;

	if (string->at >= string->size)
		return 0;
	bytes[0] = string->text[string->at++];
	if (bytes[0] != '\\' || string->at >= string->size)
		return 1;
	bytes[0] = string->text[string->at++];
	if (bytes[0] == 'u')
		return scan_encode(code_point(string), bytes);
	name = memchr(names, bytes[0], sizeof(names) - 1);
	if (name)
		bytes[0] = values[name - names];
	return 1;
}

/**
 * position_advance() - Move a position on
 * @position:	From POSITION_START on
 * @text:	Text
 * @to:		Offset to move to, not before the position's
 */
void position_advance(struct position *position, const char *text, size_t to)
{
	for (; position->at < to; position->at++) {
		unsigned char c = (unsigned char)text[position->at];

		if (c == '\n') {
			position->line++;
			position->column = 1;
		} else if ((c & 0xc0) != 0x80) {
			/* Bytes 10xxxxxx continue a character. */
			position->column++;
		}
	}
}
