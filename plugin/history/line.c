/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record of bounded size in the making. Pure. */

#include "plugin/history/line.h"

#include <endian.h>
#include <string.h>

#include "plugin/report/utf8.h"

/** Digits of the largest number */
#define DIGITS_MAX 20U
/** Bytes of an escaped character at most: \u001f */
#define ESCAPE_MAX 6U

/** line_raw() - Append bytes as they are, or nothing when they do not fit */
void line_raw(struct line *line, const char *data, size_t size)
{
	if (size > LINE_MAX_BYTES - LINE_TAIL - line->size) {
		line->cut = true;
		return;
	}
	memcpy(line->data + line->size, data, size);
	line->size += size;
}

/** has_room() - Whether @size more bytes fit; otherwise the record is marked as cut */
static bool has_room(struct line *line, size_t size)
{
	if (size <= LINE_MAX_BYTES - LINE_TAIL - line->size)
		return true;
	line->cut = true;
	return false;
}

/** put() - Append one byte for which there is room */
static void put(struct line *line, char byte)
{
	line->data[line->size++] = byte;
}

/** put_control() - Append a control character, escaped (RFC 8259 section 7) */
static void put_control(struct line *line, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	memcpy(line->data + line->size, "\\u00", 4);
	line->size += 4;
	put(line, digits[byte >> 4]);
	put(line, digits[byte & 0xf]);
}

/**
 * put_character() - Append the first character of a text, escaped; what is not UTF-8 becomes a question mark
 * @line:	Record with room for ESCAPE_MAX bytes
 * @text:	Text, not empty
 * @left:	Bytes of it
 *
 * Return: bytes of the text that it was
 */
static size_t put_character(struct line *line, const char *text, size_t left)
{
	unsigned char byte = (unsigned char)*text;
	uint32_t character;
	size_t length = 1;

	if (byte < 0x20 || byte == 0x7f) {
		put_control(line, byte);
	} else if (byte < 0x80) {
		if (byte == '"' || byte == '\\')
			put(line, '\\');
		put(line, *text);
	} else {
		length = utf8_decode(text, &character);
		if (!length || length > left) {
			put(line, '?');
			return 1;
		}
		memcpy(line->data + line->size, text, length);
		line->size += length;
	}
	return length;
}

/** plain_run() - How many bytes at the beginning of a text stand for themselves in a JSON string */
static size_t plain_run(const char *text, size_t length)
{
	size_t run = 0;

	while (run < length && (unsigned char)(text[run] - ' ') < 0x7f - ' ' && text[run] != '"' && text[run] != '\\')
		run++;
	return run;
}

/** put_quoted() - Append a text as a JSON string, for which there is room */
static void put_quoted(struct line *line, const char *text, size_t length)
{
	size_t at = 0;

	put(line, '"');
	while (at < length) {
		size_t run = plain_run(text + at, length - at);

		memcpy(line->data + line->size, text + at, run);
		line->size += run;
		at += run;
		if (at < length)
			at += put_character(line, text + at, length - at);
	}
	put(line, '"');
}

/** put_key() - Append the separator and a key, which needs no escape, for which there is room */
static void put_key(struct line *line, const char *key)
{
	if (line->filled)
		put(line, ',');
	line->filled = true;
	put(line, '"');
	line->size = (size_t)((char *)mempcpy(line->data + line->size, key, strlen(key)) - line->data);
	put(line, '"');
	put(line, ':');
}

/** put_digits() - Append a number in decimal, for which there is room */
static void put_digits(struct line *line, uint64_t number)
{
	char digits[DIGITS_MAX], *at = digits + DIGITS_MAX;

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	line_raw(line, at, (size_t)(digits + DIGITS_MAX - at));
}

/** line_begin() - Begin a JSON object */
void line_begin(struct line *line)
{
	line->size = 0;
	line->cut = line->filled = false;
	put(line, '{');
}

/** line_text() - Append a member that is a text; NULL and "" are left out */
void line_text(struct line *line, const char *key, const char *text)
{
	size_t length = text ? strnlen(text, LINE_TEXT_MAX) : 0;

	if (!length || !has_room(line, strlen(key) + ESCAPE_MAX * (length + 1)))
		return;
	put_key(line, key);
	put_quoted(line, text, length);
}

/** line_number() - Append a member that is a number */
void line_number(struct line *line, const char *key, uint64_t number)
{
	if (!has_room(line, strlen(key) + ESCAPE_MAX + DIGITS_MAX))
		return;
	put_key(line, key);
	put_digits(line, number);
}

/** line_list_begin() - Begin a member that is an array of texts. Return: whether it fits; then line_list_end() follows */
bool line_list_begin(struct line *line, const char *key)
{
	if (!has_room(line, strlen(key) + ESCAPE_MAX))
		return false;
	put_key(line, key);
	put(line, '[');
	return true;
}

/** line_list_text() - Append a text to the array */
void line_list_text(struct line *line, const char *text, size_t length)
{
	if (length > LINE_TEXT_MAX || !has_room(line, ESCAPE_MAX * (length + 1)))
		return;
	if (line->data[line->size - 1] != '[')
		put(line, ',');
	put_quoted(line, text, length);
}

/** line_list_end() - End the array */
void line_list_end(struct line *line)
{
	put(line, ']');
}

/** line_end() - End the object and the line; there is always room for that */
void line_end(struct line *line)
{
	static const char cut[] = ",\"cut\":true";

	if (line->cut) {
		memcpy(line->data + line->size, cut, sizeof(cut) - 1);
		line->size += sizeof(cut) - 1;
	}
	put(line, '}');
	put(line, '\n');
}

/**
 * line_field() - Append a field of a journal entry (systemd, "Native Journal Protocol")
 * @line:	Record
 * @key:	Upper-case name
 * @text:	Value; with control characters it is sent with its length
 * @length:	Bytes of it, 0: left out
 */
void line_field(struct line *line, const char *key, const char *text, size_t length)
{
	uint64_t size = htole64(length);

	if (!length || !has_room(line, strlen(key) + length + sizeof(size) + 2))
		return;
	line_raw(line, key, strlen(key));
	if (memchr(text, '\n', length)) {
		put(line, '\n');
		line_raw(line, (const char *)&size, sizeof(size));
	} else {
		put(line, '=');
	}
	line_raw(line, text, length);
	put(line, '\n');
}
