/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a scalar's value back to the text that it was written as. Pure. */

#include "plugin/text/scalar.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "plugin/text/scan.h"
#include "rangeguard/array.h"

/**
 * struct mapping - How far the text and the value have been matched
 * @in:		Offset in the text
 * @out:	Bytes of the value that have an offset
 */
struct mapping {
	const struct scalar *scalar;
	size_t in;
	size_t out;
	size_t *offsets;
};

/** has() - Whether there is text left */
static bool has(const struct mapping *mapping)
{
	return mapping->in < mapping->scalar->size;
}

/** byte() - The next byte of the text, NUL at its end */
static char byte(const struct mapping *mapping)
{
	if (!has(mapping))
		return '\0';
	return mapping->scalar->text[mapping->in];
}

/** is_done() - Whether all of the value has an offset */
static bool is_done(const struct mapping *mapping)
{
	return mapping->out == mapping->scalar->n_value;
}

/** is_break() - Whether a byte ends a line */
static bool is_break(char c)
{
	return c == '\n' || c == '\r';
}

/** is_blank() - Whether a byte is a blank within a line */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/** give() - The next bytes of the value, if they are @bytes, come from @from; whether they are */
static bool give(struct mapping *mapping, const char *bytes, size_t n, size_t from)
{
	const struct scalar *scalar = mapping->scalar;

	if (n > scalar->n_value - mapping->out || memcmp(scalar->value + mapping->out, bytes, n) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		mapping->offsets[mapping->out++] = from;
	return true;
}

/** take_break() - Step over a line break: LF, CR, or both */
static void take_break(struct mapping *mapping)
{
	char c = byte(mapping);

	mapping->in++;
	if (c == '\r' && byte(mapping) == '\n')
		mapping->in++;
}

/** break_ahead() - Whether only blanks stand before the next line break */
static bool break_ahead(const struct mapping *mapping)
{
	struct mapping ahead = *mapping;

	while (is_blank(byte(&ahead)))
		ahead.in++;
	return has(&ahead) && is_break(byte(&ahead));
}

/**
 * fold() - A line break within a flow scalar, with the blanks around it and empty lines after it
 * @mapping:	At the blanks before the break
 * @escaped:	A backslash stands before it: the break itself is nothing
 *
 * One break is a blank; more are line feeds, less the first.
 */
static void fold(struct mapping *mapping, bool escaped)
{
	size_t breaks = 0, from = mapping->in;

	while (has(mapping) && break_ahead(mapping)) {
		while (is_blank(byte(mapping)))
			mapping->in++;
		if (breaks++)
			(void)give(mapping, "\n", 1, mapping->in);
		take_break(mapping);
	}
	while (is_blank(byte(mapping)))
		mapping->in++;
	if (breaks == 1 && !escaped)
		(void)give(mapping, " ", 1, from);
}

/** hex_value() - Value of @n hexadecimal digits at the mapping; steps over them */
static unsigned long hex_value(struct mapping *mapping, unsigned n)
{
	static const char digits[] = "0123456789abcdef";
	unsigned long value = 0;

	for (; n > 0 && has(mapping); n--, mapping->in++) {
		char c = byte(mapping);
		const char *digit = memchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c, sizeof(digits) - 1);

		value = value << 4 | (unsigned long)(digit ? digit - digits : 0);
	}
	return value;
}

/** struct escape - A letter after a backslash and what the two mean (YAML 1.1 section 5.6) */
struct escape {
	char letter;
	const char *bytes;
	size_t n_bytes;
};

static const struct escape escapes[] = {
	{'0', "\0", 1},
	{'a', "\a", 1},
	{'b', "\b", 1},
	{'t', "\t", 1},
	{'\t', "\t", 1},
	{'n', "\n", 1},
	{'v', "\v", 1},
	{'f', "\f", 1},
	{'r', "\r", 1},
	{'e', "\x1b", 1},
	{' ', " ", 1},
	{'"', "\"", 1},
	{'/', "/", 1},
	{'\\', "\\", 1},
	{'N', "\xc2\x85", 2},
	{'_', "\xc2\xa0", 2},
	{'L', "\xe2\x80\xa8", 3},
	{'P', "\xe2\x80\xa9", 3},
};

/** escape() - An escape of a double-quoted YAML scalar; whether it means what the value has there */
static bool escape(struct mapping *mapping)
{
	size_t from = mapping->in++;
	char bytes[SCAN_CHARACTER_MAX], letter = byte(mapping);

	if (is_break(letter)) {
		fold(mapping, true);
		return true;
	}
	mapping->in++;
	if (letter == 'x' || letter == 'u' || letter == 'U') {
		unsigned long point = hex_value(mapping, letter == 'x' ? 2 : letter == 'u' ? 4 : 8);

		return give(mapping, bytes, scan_encode((uint32_t)point, bytes), from);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(escapes); i++)
		if (escapes[i].letter == letter)
			return give(mapping, escapes[i].bytes, escapes[i].n_bytes, from);
	return false;
}

/** step_flow() - One step in a plain or quoted scalar; whether the value agrees */
static bool step_flow(struct mapping *mapping)
{
	enum scalar_style style = mapping->scalar->style;
	char c = byte(mapping);
	size_t from = mapping->in;

	if ((is_blank(c) && break_ahead(mapping)) || is_break(c)) {
		fold(mapping, false);
		return true;
	}
	if (style == SCALAR_DOUBLE && c == '\\')
		return escape(mapping);
	mapping->in += style == SCALAR_SINGLE && c == '\'' ? 2 : 1;
	return give(mapping, &c, 1, from);
}

/** map_flow() - A plain or quoted scalar of YAML */
static int map_flow(struct mapping *mapping)
{
	if (mapping->scalar->style != SCALAR_PLAIN)
		mapping->in++;
	while (!is_done(mapping))
		if (!has(mapping) || !step_flow(mapping))
			return SCALAR_E_DIFFERS;
	return 0;
}

/** spaces_at() - How many spaces stand at an offset */
static size_t spaces_at(const char *text, size_t size, size_t at)
{
	size_t n = 0;

	while (at + n < size && text[at + n] == ' ')
		n++;
	return n;
}

/** skip_line() - To the next line */
static void skip_line(struct mapping *mapping)
{
	while (has(mapping) && !is_break(byte(mapping)))
		mapping->in++;
	if (has(mapping))
		take_break(mapping);
}

/**
 * indentation() - What each line of a block is indented by: what the first line with a text has more of than the value's
 * @mapping:	At the block's first line
 */
static size_t indentation(const struct mapping *mapping)
{
	const struct scalar *scalar = mapping->scalar;
	struct mapping line = *mapping;
	size_t first = 0, spaces, meant;

	while (first < scalar->n_value && scalar->value[first] == '\n')
		first++;
	while (has(&line) && break_ahead(&line))
		skip_line(&line);
	spaces = spaces_at(scalar->text, scalar->size, line.in);
	meant = spaces_at(scalar->value, scalar->n_value, first);
	return spaces > meant ? spaces - meant : 0;
}

/** end_line() - A line of a block ends: a line feed of the value, a blank where it is folded, or the first of several
 * breaks that are, which is nothing */
static void end_line(struct mapping *mapping)
{
	size_t from = mapping->in;

	take_break(mapping);
	if (!is_done(mapping) && !give(mapping, "\n", 1, from))
		(void)give(mapping, " ", 1, from);
}

/** map_block() - A block scalar of YAML */
static int map_block(struct mapping *mapping)
{
	size_t indent;

	skip_line(mapping);
	indent = indentation(mapping);
	while (!is_done(mapping)) {
		size_t spaces = spaces_at(mapping->scalar->text, mapping->scalar->size, mapping->in);

		mapping->in += spaces < indent ? spaces : indent;
		while (has(mapping) && !is_break(byte(mapping)) && !is_done(mapping)) {
			char c = byte(mapping);

			if (!give(mapping, &c, 1, mapping->in))
				return SCALAR_E_DIFFERS;
			mapping->in++;
		}
		if (is_done(mapping))
			return 0;
		if (!has(mapping))
			return SCALAR_E_DIFFERS;
		end_line(mapping);
	}
	return 0;
}

/** map_json() - A string of JSON */
static int map_json(struct mapping *mapping)
{
	const struct scalar *scalar = mapping->scalar;
	struct scan scan = {.text = scalar->text, .size = scalar->size, .at = scalar->at};
	struct scan string = scan_string(&scan);
	char bytes[SCAN_CHARACTER_MAX];
	size_t n, from = 0;

	for (; (n = scan_character(&string, bytes)) > 0; from = string.at)
		if (!give(mapping, bytes, n, scalar->at + 1 + from))
			return SCALAR_E_DIFFERS;
	return is_done(mapping) ? 0 : SCALAR_E_DIFFERS;
}

/** map_raw() - A text as it is, or but for its comments */
static int map_raw(struct mapping *mapping, bool bare)
{
	for (; !is_done(mapping); mapping->in++) {
		char c = byte(mapping);

		if (bare && mapping->scalar->value[mapping->out] == ' ')
			c = ' ';
		if (!has(mapping) || !give(mapping, &c, 1, mapping->in))
			return SCALAR_E_DIFFERS;
	}
	return 0;
}

/**
 * scalar_map() - Tell where in the text each byte of a scalar's value comes from
 * @scalar:		Scalar
 * @ret_offsets:	For each byte of the value an offset in the text; written in part on failure
 *
 * Return: 0, SCALAR_E_DIFFERS when the text does not lead to the value
 */
/* NOLINTNEXTLINE(readability-non-const-parameter): written through the mapping */
int scalar_map(const struct scalar *scalar, size_t *ret_offsets)
{
	struct mapping mapping = {.scalar = scalar, .in = scalar->at, .offsets = ret_offsets};

	switch (scalar->style) {
	case SCALAR_JSON:
		return map_json(&mapping);
	case SCALAR_PLAIN:
	case SCALAR_SINGLE:
	case SCALAR_DOUBLE:
		return map_flow(&mapping);
	case SCALAR_BLOCK:
		return map_block(&mapping);
	case SCALAR_RAW:
	case SCALAR_BARE:
		return map_raw(&mapping, scalar->style == SCALAR_BARE);
	case SCALAR_NONE:
	default:
		return SCALAR_E_DIFFERS;
	}
}
