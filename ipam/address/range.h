/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_ADDRESS_RANGE_H
#define IPAM_ADDRESS_RANGE_H

/*
 * What a network may give: range sets in the sense of host-local. The outer list yields one address per element, the
 * inner list is the pool of ranges for that address. Pure.
 */

#include "ipam/address/address.h"

/** Next hops of a container's default routes in routed mode, on-link: link-local, RFC 3927 and RFC 4291 */
#define RANGE_NEXT_HOP_IPV4 "169.254.1.1"
#define RANGE_NEXT_HOP_IPV6 "fe80::1"
/** Space for "/plugins/N/ipam/ranges/N/N" and the like */
#define RANGE_POINTER_MAX 96

/**
 * struct ip_range - One range of a pool
 * @subnet:	Subnet, host bits zero
 * @span:	Addresses that may be given (rangeStart to rangeEnd or their defaults), inside the subnet
 * @gateway:	Gateway, never given; family FAMILY_NONE when the range has none
 * @pool:	Name by which it is asked for, NULL: none; borrowed
 * @pointer:	Where the range stands in its configuration (a JSON pointer, for messages); may be ""
 */
struct ip_range {
	struct prefix subnet;
	struct span span;
	struct address gateway;
	const char *pool;
	char pointer[RANGE_POINTER_MAX];
};

/**
 * struct range_set - Pool of one address
 * @ranges:	Ranges of one family that do not overlap
 * @n_ranges:	How many
 * @excluded:	Addresses that are never given beside the ranges' gateways: next hops, sources of pins. Borrowed
 * @n_excluded:	How many
 */
struct range_set {
	struct ip_range *ranges;
	size_t n_ranges;
	const struct address *excluded;
	size_t n_excluded;
};

struct span range_default_span(const struct prefix *subnet);
struct span range_whole_span(const struct ip_range *range);
const struct ip_range *range_set_find(const struct range_set *set, const struct address *address);
bool range_is_for_hosts(const struct span *span);
bool range_next_special(const struct span *span, struct span *ret_special);
bool range_set_excludes(const struct range_set *set, const struct address *address);
bool range_sets_have(const struct range_set *sets, size_t n, enum family family);

#endif
