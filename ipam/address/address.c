/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internet addresses as numbers. Pure: no descriptor, no system call, no clock. */

#include "ipam/address/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/** First value and number of leading bits of ::ffff:0:0/96, RFC 4291 section 2.5.5.2 */
#define MAPPED_FIRST ((u128)0xffff << 32)
#define MAPPED_LENGTH 96U

/**
 * family_bits() - Width of an address
 * @family:	IPv4 or IPv6
 *
 * Return: 32 or 128, 0 for FAMILY_NONE
 */
unsigned family_bits(enum family family)
{
	switch (family) {
	case FAMILY_IPV4:
		return 32;
	case FAMILY_IPV6:
		return 128;
	case FAMILY_NONE:
	default:
		return 0;
	}
}

/**
 * family_bytes() - Width of an address in a packet
 * @family:	IPv4 or IPv6
 *
 * Return: 4 or 16, 0 for FAMILY_NONE
 */
unsigned family_bytes(enum family family)
{
	return family_bits(family) / 8;
}

/** host_mask() - Bits behind a prefix of @length bits in @family, e.g. 0xff for an IPv4 /24 */
static u128 host_mask(enum family family, unsigned length)
{
	unsigned host_bits = family_bits(family) - length;

	return host_bits == 128 ? ~(u128)0 : ((u128)1 << host_bits) - 1;
}

/** is_mapped() - Whether the IPv6 @value is an IPv4-mapped one */
static bool is_mapped(u128 value)
{
	return value >> 32 == MAPPED_FIRST >> 32;
}

/** address_unmap() - The IPv4 address that an IPv4-mapped IPv6 @address is, else @address itself */
struct address address_unmap(const struct address *address)
{
	if (address->family == FAMILY_IPV6 && is_mapped(address->value))
		return (struct address){.family = FAMILY_IPV4, .value = (uint32_t)address->value};
	return *address;
}

/**
 * address_from_bytes() - Address from the bytes of a packet or netlink attribute
 * @family:	IPv4 or IPv6
 * @bytes:	4 or 16 bytes in network order
 *
 * Return: the address, IPv4 where the bytes are an IPv4-mapped IPv6 address
 */
struct address address_from_bytes(enum family family, const uint8_t *bytes)
{
	struct address address = {.family = family};

	for (unsigned i = 0; i < family_bytes(family); i++)
		address.value = address.value << 8 | bytes[i];
	return address_unmap(&address);
}

/**
 * address_to_bytes() - Bytes of an address as they stand in a packet
 * @address:	Address to write
 * @bytes:	The first family_bytes() of these are written, in network order
 */
void address_to_bytes(const struct address *address, uint8_t bytes[static ADDRESS_BYTES_MAX])
{
	u128 value = address->value;

	for (unsigned i = family_bytes(address->family); i > 0; i--, value >>= 8)
		bytes[i - 1] = (uint8_t)value;
}

/**
 * address_parse() - Read an address in the strict textual forms of inet_pton(3)
 * @text:		Text, e.g. "10.0.0.1" or "2001:db8::1"
 * @ret_address:	Address read, IPv4 for an IPv4-mapped one
 *
 * Return: 0, -EINVAL for anything else than one address
 */
int address_parse(const char *text, struct address *ret_address)
{
	uint8_t bytes[ADDRESS_BYTES_MAX];

	if (inet_pton(AF_INET, text, bytes) == 1) {
		*ret_address = address_from_bytes(FAMILY_IPV4, bytes);
		return 0;
	}
	if (inet_pton(AF_INET6, text, bytes) == 1) {
		*ret_address = address_from_bytes(FAMILY_IPV6, bytes);
		return 0;
	}
	return -EINVAL;
}

/** put_octet() - Write a number from 0 to 255 in decimal. Return: the place after it */
static char *put_octet(char *at, uint8_t octet)
{
	if (octet >= 100)
		*at++ = (char)('0' + octet / 100);
	if (octet >= 10)
		*at++ = (char)('0' + octet / 10 % 10);
	*at++ = (char)('0' + octet % 10);
	return at;
}

/** format_ipv4() - inet_ntop(3) goes through sprintf(3) here: 1,700 instructions, eight times in an ADD */
static void format_ipv4(const uint8_t bytes[static 4], char *at)
{
	for (size_t i = 0; i < 4; i++) {
		at = put_octet(at, bytes[i]);
		*at++ = i < 3 ? '.' : '\0';
	}
}

/**
 * address_format() - Text of an address, RFC 5952 for IPv6
 * @address:	Address to write
 * @buffer:	Space for it
 *
 * Return: @buffer
 */
const char *address_format(const struct address *address, char buffer[static ADDRESS_TEXT_MAX])
{
	uint8_t bytes[ADDRESS_BYTES_MAX] = {0};

	buffer[0] = '\0';
	address_to_bytes(address, bytes);
	if (address->family == FAMILY_IPV4)
		format_ipv4(bytes, buffer);
	else
		(void)inet_ntop((int)address->family, bytes, buffer, ADDRESS_TEXT_MAX);
	return buffer;
}

/** address_equal() - Whether @a and @b are the same address of the same family */
bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->value == b->value;
}

/**
 * length_parse() - Read a prefix length: decimal digits without sign, blank or leading zero
 * @text:	Text
 * @ret_length:	Length read, at most 128
 *
 * Return: 0, -EINVAL
 */
static int length_parse(const char *text, uint8_t *ret_length)
{
	unsigned length = 0;

	if (!*text || strlen(text) > 3 || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		length = length * 10 + (unsigned)(*text - '0');
	}
	if (length > 128)
		return -EINVAL;
	*ret_length = (uint8_t)length;
	return 0;
}

/**
 * prefix_parse() - Read "ADDRESS/LENGTH"; host bits may be set
 * @text:	Text, e.g. "10.0.0.1/24"; "::ffff:10.0.0.0/104" is 10.0.0.0/8
 * @ret_prefix:	Prefix read
 *
 * Return: 0, -EINVAL
 */
int prefix_parse(const char *text, struct prefix *ret_prefix)
{
	const char *slash = strchr(text, '/');
	char address_text[ADDRESS_TEXT_MAX];
	bool written_as_ipv6;
	struct prefix prefix;

	if (!slash || (size_t)(slash - text) >= sizeof(address_text))
		return -EINVAL;
	memcpy(address_text, text, (size_t)(slash - text));
	address_text[slash - text] = '\0';
	if (address_parse(address_text, &prefix.address) < 0 || length_parse(slash + 1, &prefix.length) < 0)
		return -EINVAL;

	written_as_ipv6 = strchr(address_text, ':');
	if (written_as_ipv6 && prefix.address.family == FAMILY_IPV4) {
		if (prefix.length < MAPPED_LENGTH) {
			/* Wider than ::ffff:0:0/96: an IPv6 prefix that happens to have a mapped base. */
			prefix.address.family = FAMILY_IPV6;
			prefix.address.value |= MAPPED_FIRST;
		} else {
			prefix.length = (uint8_t)(prefix.length - MAPPED_LENGTH);
		}
	}
	if (prefix.length > family_bits(prefix.address.family))
		return -EINVAL;
	*ret_prefix = prefix;
	return 0;
}

/**
 * prefix_format() - Text "ADDRESS/LENGTH"
 * @prefix:	Prefix to write
 * @buffer:	Space for it
 *
 * Return: @buffer
 */
const char *prefix_format(const struct prefix *prefix, char buffer[static PREFIX_TEXT_MAX])
{
	char text[ADDRESS_TEXT_MAX];

	(void)snprintf(buffer, PREFIX_TEXT_MAX, "%s/%u", address_format(&prefix->address, text), prefix->length);
	return buffer;
}

/** prefix_has_host_bits() - Whether the address has a bit set behind the prefix, as 10.0.0.1/24 has */
bool prefix_has_host_bits(const struct prefix *prefix)
{
	return prefix->address.value & host_mask(prefix->address.family, prefix->length);
}

/** prefix_span() - First to last address of @prefix, host bits ignored */
struct span prefix_span(const struct prefix *prefix)
{
	u128 mask = host_mask(prefix->address.family, prefix->length);

	return (struct span){
		.family = prefix->address.family,
		.first = prefix->address.value & ~mask,
		.last = prefix->address.value | mask,
	};
}

/** span_of_address() - The span that holds just @address */
struct span span_of_address(const struct address *address)
{
	return (struct span){.family = address->family, .first = address->value, .last = address->value};
}

/**
 * span_parse() - Read "FIRST-LAST"
 * @text:	Text, e.g. "10.31.4.10-10.31.4.99"; blanks around the dash are allowed
 * @ret_span:	Span read
 *
 * Return: 0, -EINVAL for anything else, mixed families or LAST before FIRST
 */
int span_parse(const char *text, struct span *ret_span)
{
	char first_text[ADDRESS_TEXT_MAX];
	const char *dash = strchr(text, '-');
	struct address first, last;
	size_t length;

	if (!dash)
		return -EINVAL;
	length = (size_t)(dash - text);
	while (length > 0 && text[length - 1] == ' ')
		length--;
	if (length >= sizeof(first_text))
		return -EINVAL;
	memcpy(first_text, text, length);
	first_text[length] = '\0';

	dash++;
	while (*dash == ' ')
		dash++;
	if (address_parse(first_text, &first) < 0 || address_parse(dash, &last) < 0)
		return -EINVAL;
	if (first.family != last.family || first.value > last.value)
		return -EINVAL;
	*ret_span = (struct span){.family = first.family, .first = first.value, .last = last.value};
	return 0;
}

/**
 * span_format() - Text of a span: "ADDRESS", "ADDRESS/LENGTH" where it is a prefix, else "FIRST-LAST"
 * @span:	Span to write
 * @buffer:	Space for it
 *
 * Return: @buffer
 */
const char *span_format(const struct span *span, char buffer[static SPAN_TEXT_MAX])
{
	struct prefix prefix = {.address = {.family = span->family, .value = span->first}};
	struct address last = {.family = span->family, .value = span->last};
	char first_text[ADDRESS_TEXT_MAX], last_text[ADDRESS_TEXT_MAX];
	unsigned bits = family_bits(span->family);

	if (span->first == span->last)
		return address_format(&prefix.address, buffer);
	for (unsigned length = 0; length < bits; length++) {
		u128 mask = host_mask(span->family, length);

		if (!(span->first & mask) && span->last == (span->first | mask)) {
			prefix.length = (uint8_t)length;
			return prefix_format(&prefix, buffer);
		}
	}
	(void)snprintf(buffer, SPAN_TEXT_MAX, "%s-%s", address_format(&prefix.address, first_text),
		       address_format(&last, last_text));
	return buffer;
}

/** span_contains() - Whether @address lies in @span */
bool span_contains(const struct span *span, const struct address *address)
{
	return span->family == address->family && span->first <= address->value && address->value <= span->last;
}

/** span_covers() - Whether all of @inner lies in @outer */
bool span_covers(const struct span *outer, const struct span *inner)
{
	return outer->family == inner->family && outer->first <= inner->first && inner->last <= outer->last;
}

/** span_overlaps() - Whether @a and @b share an address */
bool span_overlaps(const struct span *a, const struct span *b)
{
	return a->family == b->family && a->first <= b->last && b->first <= a->last;
}

/**
 * span_take_prefix() - Take the widest prefix that begins where a span begins, as routing tables want it
 * @span:	Span; the rest of it afterwards, unchanged when nothing is left
 * @ret_prefix:	Prefix
 *
 * Return: whether something is left
 */
bool span_take_prefix(struct span *span, struct prefix *ret_prefix)
{
	unsigned bits = family_bits(span->family), length = 0;
	u128 mask = host_mask(span->family, 0);

	while (length < bits && (span->first & mask || (span->first | mask) > span->last))
		mask = host_mask(span->family, ++length);
	*ret_prefix =
		(struct prefix){.address = {.family = span->family, .value = span->first}, .length = (uint8_t)length};
	if ((span->first | mask) == span->last)
		return false;
	span->first = (span->first | mask) + 1;
	return true;
}
