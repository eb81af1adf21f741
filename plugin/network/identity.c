/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose an interface is, written on it and read from it. An alias is "rangeguard NETWORK CONTAINERID IFNAME", or
 * "rangeguard #" and the digest where these words would be too long, or could not be told apart afterwards. Pure.
 */

#include "plugin/network/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plugin/network/rtmessage.h"

/** What each alias of ours begins with */
#define ALIAS_PREFIX "rangeguard "
#define DIGEST_MARK '#'
/** Bytes of the attachment's digest in the host end's name: "rg" and 12 digits leave room in IFNAMSIZ */
#define NAME_BYTES 6
/** Where in the digest the MAC addresses begin; both differ in their first byte */
#define MAC_OFFSET 6
/** IEEE 802: locally administered unicast */
#define MAC_HOST_FIRST 0x52
#define MAC_CONTAINER_FIRST 0x5a

static const char hex_digits[] = "0123456789abcdef";

/** hex_format() - Write @size bytes as lower-case digits and a NUL */
static void hex_format(const uint8_t *bytes, size_t size, char *text)
{
	for (size_t i = 0; i < size; i++) {
		*text++ = hex_digits[bytes[i] >> 4];
		*text++ = hex_digits[bytes[i] & 15];
	}
	*text = '\0';
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

/** is_word() - Whether a text of an attachment can stand between blanks, and is what it was when read again */
static bool is_word(const char *text)
{
	return *text && !strchr(text, ' ');
}

/** write_words() - The alias that names an attachment: whether that can be */
static bool write_words(const struct attachment *attachment, char alias[static IDENTITY_ALIAS_MAX])
{
	int length;

	if (attachment->chained || *attachment->network == DIGEST_MARK || !is_word(attachment->network) ||
	    !is_word(attachment->container_id) || !is_word(attachment->ifname))
		return false;
	length = snprintf(alias, IDENTITY_ALIAS_MAX, ALIAS_PREFIX "%s %s %s", attachment->network,
			  attachment->container_id, attachment->ifname);
	return length >= 0 && length < IDENTITY_ALIAS_MAX;
}

/**
 * identity_alias() - Alias of an attachment's host end
 * @attachment:	Attachment
 * @alias:	Filled
 */
void identity_alias(const struct attachment *attachment, char alias[static IDENTITY_ALIAS_MAX])
{
	struct attachment_key key;

	if (write_words(attachment, alias))
		return;
	key = attachment_key(attachment);
	(void)snprintf(alias, IDENTITY_ALIAS_MAX, ALIAS_PREFIX "%c", DIGEST_MARK);
	hex_format(key.bytes, sizeof(key.bytes), alias + strlen(ALIAS_PREFIX) + 1);
}

/**
 * read_digest() - Read the digest of an attachment
 * @text:	32 hexadecimal digits in lower case, as identity_alias() writes them
 * @ret_key:	Digest of the attachment
 *
 * Return: 0, -EINVAL
 */
static int read_digest(const char *text, struct attachment_key *ret_key)
{
	struct attachment_key key;

	if (strlen(text) != 2 * sizeof(key.bytes) || strspn(text, hex_digits) != 2 * sizeof(key.bytes))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(key.bytes); i++)
		key.bytes[i] = (uint8_t)hex_byte(text + 2 * i);
	*ret_key = key;
	return 0;
}

/**
 * read_words() - Read the attachment that an alias names
 * @text:		Alias without its prefix; its blanks become ends of texts, unless it is refused
 * @ret_attachment:	Borrows from @text
 *
 * Return: 0, -EINVAL when these are not three words
 */
static int read_words(char *text, struct attachment *ret_attachment)
{
	char *first = strchr(text, ' ');
	char *second = first ? strchr(first + 1, ' ') : NULL;

	if (!second || first == text || second == first + 1 || !is_word(second + 1))
		return -EINVAL;
	*first = *second = '\0';
	*ret_attachment = (struct attachment){.network = text, .container_id = first + 1, .ifname = second + 1};
	return 0;
}

/** identity_is_claimed() - Whether a link says of itself that it is a host end of ours */
bool identity_is_claimed(const struct link_info *link)
{
	return strcmp(link->kind, "veth") == 0 && strncmp(link->alias, ALIAS_PREFIX, strlen(ALIAS_PREFIX)) == 0;
}

/**
 * identity_of_link() - Whose host end a link is
 * @name:		Its name
 * @alias:		Its alias; where it is ours, its blanks become ends of texts
 * @ret_attachment:	Borrows from @alias; texts that are "" where there is only a digest
 * @ret_key:		Its digest
 *
 * Anybody can write an alias; it counts where the name is the one that follows from it.
 *
 * Return: 0, -EINVAL when it is not of our making
 */
int identity_of_link(const char *name, char *alias, struct attachment *ret_attachment, struct attachment_key *ret_key)
{
	struct attachment attachment = {.network = "", .container_id = "", .ifname = ""};
	char *text = alias + strlen(ALIAS_PREFIX), expected[IFNAMSIZ];
	struct attachment_key key;
	int r;

	if (strncmp(alias, ALIAS_PREFIX, strlen(ALIAS_PREFIX)) != 0)
		return -EINVAL;
	if (*text == DIGEST_MARK) {
		r = read_digest(text + 1, &key);
	} else {
		r = read_words(text, &attachment);
		if (!r)
			key = attachment_key(&attachment);
	}
	if (r)
		return r;
	identity_host_name_of_key(&key, expected);
	if (strcmp(expected, name) != 0)
		return -EINVAL;
	*ret_attachment = attachment;
	*ret_key = key;
	return 0;
}

/** identity_has_alias() - Whether a link, whatever its name, is the host end with an alias of identity_alias() */
bool identity_has_alias(const struct link_info *link, const char *alias)
{
	return strcmp(link->kind, "veth") == 0 && strcmp(link->alias, alias) == 0;
}

/**
 * identity_is_host_end() - Whether a link is the host end of an attachment
 * @link:	Link of the host end's name
 * @alias:	Alias that it should have
 * @mac:	MAC address that it was born with, which tells between its birth and its alias, and when somebody writes another
 *		alias: what watches a network keeps its own words there (ifAlias, RFC 2863)
 */
bool identity_is_host_end(const struct link_info *link, const char *alias, const uint8_t mac[static ETH_ALEN])
{
	/* Another attachment's alias: two digests begin alike. */
	if (strncmp(link->alias, ALIAS_PREFIX, strlen(ALIAS_PREFIX)) == 0)
		return identity_has_alias(link, alias);
	return strcmp(link->kind, "veth") == 0 && memcmp(link->mac, mac, ETH_ALEN) == 0;
}
