/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose an interface is, written on it. Pure. */

#include "plugin/network/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/** Bytes of the attachment's digest in the host end's name: "rg" and 12 digits leave room in IFNAMSIZ */
#define NAME_BYTES 6
/** Where in the digest the MAC addresses begin; both differ in their first byte */
#define MAC_OFFSET 6
/** IEEE 802: locally administered unicast */
#define MAC_HOST_FIRST 0x52
#define MAC_CONTAINER_FIRST 0x5a

/** hex_format() - Write @size bytes as lower-case digits and a NUL */
static void hex_format(const uint8_t *bytes, size_t size, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 15];
	}
	*text = '\0';
}

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
static int hex_byte(const char *text)
{
	int high = hex_digit(text[0]);
	int low = high < 0 ? -1 : hex_digit(text[1]);

	return low < 0 ? -1 : high << 4 | low;
}

/** identity_host_name_of_key() - identity_host_name() where only the digest of the attachment is known */
void identity_host_name_of_key(const struct attachment_key *key, char name[static IFNAMSIZ])
{
	name[0] = 'r';
	name[1] = 'g';
	hex_format(key->bytes, NAME_BYTES, name + 2);
}

/**
 * identity_host_name() - Name of an attachment's host end
 * @attachment:	Attachment
 * @name:	Filled: "rg" and 12 hex digits of its digest
 */
void identity_host_name(const struct attachment *attachment, char name[static IFNAMSIZ])
{
	struct attachment_key key = attachment_key(attachment);

	identity_host_name_of_key(&key, name);
}

/**
 * identity_host_mac() - MAC address of an attachment's host end, which marks it as ours until it has its alias
 * @attachment:	Attachment
 * @mac:	Filled
 */
void identity_host_mac(const struct attachment *attachment, uint8_t mac[static ETH_ALEN])
{
	struct attachment_key key = attachment_key(attachment);

	memcpy(mac, key.bytes + MAC_OFFSET, ETH_ALEN);
	mac[0] = MAC_HOST_FIRST;
}

/** identity_container_mac() - MAC address of an attachment's container end, unless one was asked for */
void identity_container_mac(const struct attachment *attachment, uint8_t mac[static ETH_ALEN])
{
	identity_host_mac(attachment, mac);
	mac[0] = MAC_CONTAINER_FIRST;
}

/**
 * identity_alias() - Alias of an attachment's host end
 * @attachment:	Attachment
 * @alias:	Filled: "rangeguard NETWORK CONTAINERID IFNAME"; "rangeguard #" and the digest where that is too long
 */
void identity_alias(const struct attachment *attachment, char alias[static IDENTITY_ALIAS_MAX])
{
	static const char digest_prefix[] = "rangeguard #";
	struct attachment_key key;
	int length = snprintf(alias, IDENTITY_ALIAS_MAX, "rangeguard %s %s %s", attachment->network,
			      attachment->container_id, attachment->ifname);

	if (length >= 0 && length < IDENTITY_ALIAS_MAX)
		return;
	key = attachment_key(attachment);
	memcpy(alias, digest_prefix, sizeof(digest_prefix) - 1);
	hex_format(key.bytes, sizeof(key.bytes), alias + sizeof(digest_prefix) - 1);
}

/**
 * identity_parse_digest() - Read the digest of an alias that is too long for its texts
 * @text:	32 hexadecimal digits
 * @ret_key:	Digest of the attachment
 *
 * Return: 0, -EINVAL
 */
int identity_parse_digest(const char *text, struct attachment_key *ret_key)
{
	struct attachment_key key;

	if (strlen(text) != 2 * sizeof(key.bytes))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(key.bytes); i++) {
		int byte = hex_byte(text + 2 * i);

		if (byte < 0)
			return -EINVAL;
		key.bytes[i] = (uint8_t)byte;
	}
	*ret_key = key;
	return 0;
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
