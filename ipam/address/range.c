/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Range sets: what a network may give. Pure. */

#include "ipam/address/range.h"
#include "rangeguard/array.h"

/**
 * range_default_span() - Addresses that a subnet gives when neither rangeStart nor rangeEnd is named
 * @subnet:	Subnet, host bits zero
 *
 * All of a /31, /32, /127 or /128 (RFC 3021, RFC 6164). Of a larger one not the first address (network; for IPv6 the
 * Subnet-Router anycast address, RFC 4291 section 2.6.1), nor the last one of IPv4 (broadcast).
 *
 * Return: the span
 */
struct span range_default_span(const struct prefix *subnet)
{
	struct span span = prefix_span(subnet);

	if (span.last - span.first <= 1)
		return span;
	span.first++;
	if (span.family == FAMILY_IPV4)
		span.last--;
	return span;
}

/**
 * range_whole_span() - The addresses that are a range's and nobody else's
 * @range:	Range
 *
 * Of one that gives all that its subnet has to give also the network's and the broadcast address; of others just those
 * between rangeStart and rangeEnd, for the rest of the subnet may be somewhere else.
 */
struct span range_whole_span(const struct ip_range *range)
{
	struct span given = range_default_span(&range->subnet);

	return span_covers(&range->span, &given) ? prefix_span(&range->subnet) : range->span;
}

/**
 * What no host can have: this network, loopback, multicast, the limited broadcast (RFC 6890); unspecified, loopback,
 * IPv4-mapped, link-local and multicast of IPv6 (RFC 4291 section 2.4). By first address within a family.
 */
static const struct span specials[] = {
	{.family = FAMILY_IPV4, .first = 0, .last = 0x00ffffff},
	{.family = FAMILY_IPV4, .first = 0x7f000000, .last = 0x7fffffff},
	{.family = FAMILY_IPV4, .first = 0xe0000000, .last = 0xefffffff},
	{.family = FAMILY_IPV4, .first = 0xffffffff, .last = 0xffffffff},
	{.family = FAMILY_IPV6, .first = 0, .last = 1},
	{.family = FAMILY_IPV6, .first = (u128)0xffff << 32, .last = ((u128)0x10000 << 32) - 1},
	{.family = FAMILY_IPV6, .first = (u128)0xfe80 << 112, .last = ((u128)0xfec0 << 112) - 1},
	{.family = FAMILY_IPV6, .first = (u128)0xff00 << 112, .last = ~(u128)0},
};

/**
 * range_is_for_hosts() - Whether a host can have addresses of a span
 * @span:	Addresses
 *
 * Return: false when all of them are special
 */
bool range_is_for_hosts(const struct span *span)
{
	for (size_t i = 0; i < ARRAY_LENGTH(specials); i++)
		if (span_covers(&specials[i], span))
			return false;
	return true;
}

/**
 * range_next_special() - The first addresses of a span that no host can have
 * @span:	Addresses
 * @ret_special: Part of them
 *
 * Return: whether there are any
 */
bool range_next_special(const struct span *span, struct span *ret_special)
{
	for (size_t i = 0; i < ARRAY_LENGTH(specials); i++) {
		struct span part = specials[i];

		if (!span_overlaps(&part, span))
			continue;
		if (part.first < span->first)
			part.first = span->first;
		if (part.last > span->last)
			part.last = span->last;
		*ret_special = part;
		return true;
	}
	return false;
}

/**
 * range_set_find() - The range that @address can be given from
 * @set:	Range set to look in
 * @address:	Address
 *
 * Return: the range, NULL when none holds it
 */
const struct ip_range *range_set_find(const struct range_set *set, const struct address *address)
{
	for (size_t i = 0; i < set->n_ranges; i++)
		if (span_contains(&set->ranges[i].span, address))
			return &set->ranges[i];
	return NULL;
}

/**
 * range_set_excludes() - Whether an address is never given, though it may be in a range
 * @set:	Range set
 * @address:	Address
 *
 * Return: true for a gateway of a range, an address that the set excludes, and what no host can have
 */
bool range_set_excludes(const struct range_set *set, const struct address *address)
{
	struct span alone = span_of_address(address);

	for (size_t i = 0; i < set->n_ranges; i++)
		if (address_equal(&set->ranges[i].gateway, address))
			return true;
	for (size_t i = 0; i < set->n_excluded; i++)
		if (address_equal(&set->excluded[i], address))
			return true;
	return !range_is_for_hosts(&alone);
}

/** range_sets_have() - Whether one of @n range sets gives addresses of a family */
bool range_sets_have(const struct range_set *sets, size_t n, enum family family)
{
	for (size_t i = 0; i < n; i++)
		if (sets[i].n_ranges && sets[i].ranges[0].span.family == family)
			return true;
	return false;
}
