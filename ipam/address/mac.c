/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MAC addresses as text, and the hexadecimal digits they are written in. Pure. */

#include "ipam/address/mac.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/** hex_digit() - Value of a hexadecimal digit, -1 for anything else */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/** hex_byte() - Value of the two hexadecimal digits that @text begins with, -1 for anything else */
int hex_byte(const char *text)
{
	int high = hex_digit(text[0]);
	int low = high < 0 ? -1 : hex_digit(text[1]);

	return low < 0 ? -1 : high << 4 | low;
}

/**
 * mac_parse() - Read a MAC address "00:11:22:aa:bb:cc"; dashes will do for colons
 * @text:	Text
 * @mac:	Written on success
 *
 * Return: 0, -EINVAL for anything else, a group address or all zeros, which no interface can have
 */
int mac_parse(const char *text, uint8_t mac[static ETH_ALEN])
{
	static const uint8_t zeros[ETH_ALEN];
	uint8_t bytes[ETH_ALEN];
	char separator;

	if (strlen(text) != MAC_TEXT_MAX - 1 || (text[2] != ':' && text[2] != '-'))
		return -EINVAL;
	separator = text[2];
	for (size_t i = 0; i < ETH_ALEN; i++) {
		int byte = hex_byte(text + 3 * i);

		if (byte < 0 || (i + 1 < ETH_ALEN && text[3 * i + 2] != separator))
			return -EINVAL;
		bytes[i] = (uint8_t)byte;
	}
	if (bytes[0] & 1 || memcmp(bytes, zeros, sizeof(zeros)) == 0)
		return -EINVAL;
	memcpy(mac, bytes, sizeof(bytes));
	return 0;
}

/**
 * mac_format() - Text of a MAC address
 * @mac:	Address
 * @buffer:	Space for it
 *
 * Return: @buffer
 */
const char *mac_format(const uint8_t mac[static ETH_ALEN], char buffer[static MAC_TEXT_MAX])
{
	(void)snprintf(buffer, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		       mac[5]);
	return buffer;
}
