/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 as RFC 3629 has it. Pure. */

#include "plugin/report/utf8.h"

#include <string.h>

#define LONGEST_CHARACTER 4U

/** announced_length() - Bytes that a character takes whose first byte is @lead, 0 when none may begin with it */
static size_t announced_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2) /* a continuation, or an overlong form of ASCII */
		return 0;
	if (lead < 0xe0)
		return 2;
	if (lead < 0xf0)
		return 3;
	return lead < 0xf5 ? LONGEST_CHARACTER : 0;
}

/**
 * utf8_decode() - Read the first character of a text
 * @text:		NUL-terminated text, not empty
 * @ret_character:	Its code point
 *
 * Return: bytes it takes; 0 when it is none: stray, cut or overlong bytes, a surrogate, more than U+10FFFF
 */
size_t utf8_decode(const char *text, uint32_t *ret_character)
{
	static const uint32_t least[LONGEST_CHARACTER + 1] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char lead = (unsigned char)text[0];
	size_t length = announced_length(lead);
	uint32_t character = length > 1 ? lead & (0x7fU >> length) : lead;

	for (size_t i = 1; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (byte & 0x3f);
	}
	if (length == 0 || character < least[length] || character > 0x10ffff)
		return 0;
	if (character >= 0xd800 && character <= 0xdfff)
		return 0;
	*ret_character = character;
	return length;
}

/** utf8_valid() - Whether all of @text is UTF-8 */
bool utf8_valid(const char *text)
{
	uint32_t character;

	while (*text) {
		size_t length = utf8_decode(text, &character);

		if (length == 0)
			return false;
		text += length;
	}
	return true;
}

/**
 * utf8_mend() - Make a text UTF-8
 * @text:	Each byte of it that belongs to no character becomes a question mark
 */
void utf8_mend(char *text)
{
	uint32_t character;

	while (*text) {
		size_t length = utf8_decode(text, &character);

		if (length == 0) {
			*text = '?';
			length = 1;
		}
		text += length;
	}
}

/**
 * utf8_drop_cut_character() - Remove what is left of a character that a full buffer cut
 * @text:	Text whose last character may lack its last bytes; it ends before that one
 */
void utf8_drop_cut_character(char *text)
{
	size_t end = strlen(text);

	for (size_t seen = 1; seen < LONGEST_CHARACTER && seen <= end; seen++) {
		size_t announced = announced_length((unsigned char)text[end - seen]);

		if (announced > seen)
			text[end - seen] = '\0';
		if (announced > 0)
			return;
	}
}
