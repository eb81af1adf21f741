/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugin/text/base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rangeguard/cleanup.h"

/** The digits, and after them what fills the last group up */
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
#define PADDING 64U

/**
 * base64_encode() - Bytes as text
 * @bytes:	Bytes
 * @size:	Their number
 *
 * Return: for free(); NULL: out of memory
 */
char *base64_encode(const char *bytes, size_t size)
{
	char *text = size <= SIZE_MAX / 2 ? malloc(4 * (size / 3 + 1) + 1) : NULL, *at = text;

	for (size_t i = 0; text && i < size; i += 3) {
		uint32_t group = (uint32_t)(unsigned char)bytes[i] << 16;

		if (i + 1 < size)
			group |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
		if (i + 2 < size)
			group |= (uint32_t)(unsigned char)bytes[i + 2];
		*at++ = digits[group >> 18];
		*at++ = digits[group >> 12 & 63];
		*at++ = digits[i + 1 < size ? group >> 6 & 63 : PADDING];
		*at++ = digits[i + 2 < size ? group & 63 : PADDING];
	}
	if (text)
		*at = '\0';
	return text;
}

/** value_of() - Value of a digit, -1: it is none */
static int value_of(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at && *at != '=' ? (int)(at - digits) : -1;
}

/** decode_group() - Four digits to three bytes; @padding of them are '='. Return: whether they are digits */
static int decode_group(const char *text, unsigned padding, char bytes[3])
{
	uint32_t group = 0;

	for (unsigned i = 0; i < 4; i++) {
		int value = i >= 4 - padding ? 0 : value_of(text[i]);

		if (value < 0)
			return 0;
		group = group << 6 | (uint32_t)value;
	}
	bytes[0] = (char)(group >> 16);
	bytes[1] = (char)(group >> 8 & 255);
	bytes[2] = (char)(group & 255);
	return 1;
}

/**
 * base64_decode() - Text as bytes, with a NUL after them
 * @text:	Text
 * @ret_size:	Number of bytes
 *
 * Return: for free(); NULL: the text is not base64, or out of memory
 */
char *base64_decode(const char *text, size_t *ret_size)
{
	size_t n = strlen(text), size = n / 4 * 3;
	unsigned padding = n > 0 && text[n - 1] == '=' ? (n > 1 && text[n - 2] == '=' ? 2U : 1U) : 0U;
	char *bytes = n % 4 == 0 ? malloc(size + 1) : NULL;

	for (size_t i = 0; bytes && i < n; i += 4) {
		if (!decode_group(text + i, i + 4 == n ? padding : 0, bytes + i / 4 * 3)) {
			free(bytes);
			return NULL;
		}
	}
	if (bytes) {
		bytes[size - padding] = '\0';
		*ret_size = size - padding;
	}
	return bytes;
}

/**
 * base64_decode_lines() - The same of a text with blanks and line breaks in it
 * @text:	Text
 * @ret_size:	Number of bytes
 *
 * Return: for free(); NULL: the text is not base64, or out of memory
 */
char *base64_decode_lines(const char *text, size_t *ret_size)
{
	CLEANUP_FREE char *bare = malloc(strlen(text) + 1);
	size_t n = 0;

	if (!bare)
		return NULL;
	for (; *text; text++)
		if (!strchr(" \t\r\n", *text))
			bare[n++] = *text;
	bare[n] = '\0';
	return base64_decode(bare, ret_size);
}
