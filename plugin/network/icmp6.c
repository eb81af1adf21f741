/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checksum of ICMPv6. Pure. */

#include "plugin/network/icmp6.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/** add_words() - Add 16 bit words in network order to a checksum; @size is even */
static uint32_t add_words(uint32_t sum, const void *bytes, size_t size)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < size; i += 2)
		sum += (uint32_t)byte[i] << 8 | byte[i + 1];
	return sum;
}

/**
 * icmp6_checksum() - Of an ICMPv6 message with its pseudo header (RFC 8200 section 8.1)
 * @ip:		Header of the packet, its addresses filled in
 * @message:	Message, its checksum 0
 * @size:	Bytes of the message, even
 *
 * Return: the checksum, in network order
 */
uint16_t icmp6_checksum(const struct ip6_hdr *ip, const void *message, size_t size)
{
	uint32_t sum = (uint32_t)size + IPPROTO_ICMPV6;

	sum = add_words(sum, &ip->ip6_src, sizeof(ip->ip6_src));
	sum = add_words(sum, &ip->ip6_dst, sizeof(ip->ip6_dst));
	sum = add_words(sum, message, size);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}
