/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_ADDRESS_ADDRESS_H
#define IPAM_ADDRESS_ADDRESS_H

/*
 * Internet addresses as numbers: one value struct for both families, prefixes and spans as closed intervals.
 *
 * IPv4-mapped IPv6 addresses (RFC 4291 section 2.5.5.2, ::ffff:0:0/96) *are* IPv4 here: the parser turns them into
 * the IPv4 address, so that no comparison further on can be talked around with another spelling. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 u128;

/** Address families; the values are the kernel's AF_INET and AF_INET6, so that they can be stored and compared */
enum family {
	FAMILY_NONE = 0,
	FAMILY_IPV4 = 2,
	FAMILY_IPV6 = 10,
};

/** struct address - One address: @value in host order, below 2^32 for IPv4 */
struct address {
	u128 value;
	enum family family;
};

/** struct span - Addresses @first to @last, both included, of one family */
struct span {
	u128 first;
	u128 last;
	enum family family;
};

/** struct prefix - An address with a prefix length; host bits may be set (an interface address such as 10.0.0.1/24) */
struct prefix {
	struct address address;
	uint8_t length;
};

/** Space for the text of an address, with the terminating NUL */
#define ADDRESS_TEXT_MAX 46
/** Space for "ADDRESS/LENGTH" */
#define PREFIX_TEXT_MAX (ADDRESS_TEXT_MAX + 4)
/** Space for "ADDRESS-ADDRESS" */
#define SPAN_TEXT_MAX (2 * ADDRESS_TEXT_MAX)
/** Bytes of an address as they stand in a packet, at most */
#define ADDRESS_BYTES_MAX 16U

unsigned family_bits(enum family family);
unsigned family_bytes(enum family family);

int address_parse(const char *text, struct address *ret_address);
const char *address_format(const struct address *address, char buffer[static ADDRESS_TEXT_MAX]);
struct address address_unmap(const struct address *address);
bool address_equal(const struct address *a, const struct address *b);
void address_to_bytes(const struct address *address, uint8_t bytes[static ADDRESS_BYTES_MAX]);
struct address address_from_bytes(enum family family, const uint8_t *bytes);

int prefix_parse(const char *text, struct prefix *ret_prefix);
const char *prefix_format(const struct prefix *prefix, char buffer[static PREFIX_TEXT_MAX]);
bool prefix_has_host_bits(const struct prefix *prefix);
struct span prefix_span(const struct prefix *prefix);

int span_parse(const char *text, struct span *ret_span);
const char *span_format(const struct span *span, char buffer[static SPAN_TEXT_MAX]);
struct span span_of_address(const struct address *address);
bool span_contains(const struct span *span, const struct address *address);
bool span_covers(const struct span *outer, const struct span *inner);
bool span_overlaps(const struct span *a, const struct span *b);
bool span_take_prefix(struct span *span, struct prefix *ret_prefix);

#endif
