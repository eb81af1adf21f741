/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ipam.blocks`: the network's ranges are a cluster's, cut into blocks. Pure. */

#include "plugin/netconf/netconf_ipam.h"

/** A pool has at most 2^58 blocks: their number is counted in 64 bits */
#define POOL_BITS_MAX 58

/** read_length() - Block length of a family; 0: absent, or reported */
static uint8_t read_length(struct reader *reader, const json_t *blocks, const char *key, enum family family)
{
	long long length = 0;

	(void)json_member_integer(reader, blocks, key, 1, family_bits(family), &length);
	return (uint8_t)length;
}

/** check_range() - The block length fits the range's subnet */
static void check_range(struct reader *reader, const struct netconf *netconf, const struct ip_range *range)
{
	uint8_t length = range->span.family == FAMILY_IPV6 ? netconf->block_length_ipv6 : netconf->block_length_ipv4;
	char subnet[PREFIX_TEXT_MAX];

	if (length && (length < range->subnet.length || length - range->subnet.length > POOL_BITS_MAX))
		reader_error(reader, range->span.family == FAMILY_IPV6 ? "ipv6" : "ipv4", RULE_INVALID_VALUE,
			     "blocks of /%u do not fit into subnet %s", length, prefix_format(&range->subnet, subnet));
}

/**
 * netconf_read_blocks() - `ipam.blocks`
 * @reader:	Reader, at the ipam object
 * @ipam:	The ipam object, NULL when it could not be read
 * @netconf:	Its ranges have been read
 */
void netconf_read_blocks(struct reader *reader, const json_t *ipam, struct netconf *netconf)
{
	static const char *const keys[] = {"ipv4", "ipv6", NULL};
	const json_t *blocks = json_member_object(reader, ipam, "blocks");
	size_t mark;

	if (!blocks)
		return;
	mark = pointer_push_key(&reader->at, "blocks");
	json_check_keys(reader, blocks, keys);
	netconf->block_length_ipv4 = read_length(reader, blocks, "ipv4", FAMILY_IPV4);
	netconf->block_length_ipv6 = read_length(reader, blocks, "ipv6", FAMILY_IPV6);
	if (!json_member(blocks, "ipv4") && !json_member(blocks, "ipv6"))
		reader_error(
			reader, NULL, RULE_INVALID_VALUE,
			"blocks must say how long the blocks of a family are, such as {\"ipv4\": 26, \"ipv6\": 122}");
	for (size_t i = 0; i < netconf->n_sets; i++) {
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++)
			check_range(reader, netconf, &netconf->sets[i].ranges[j]);
	}
	pointer_pop(&reader->at, mark);
}
