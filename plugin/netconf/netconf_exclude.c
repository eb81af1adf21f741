/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of the ranges that no container may get, since something else answers or is known by them: next hops, and
 * the sources of pins; or only certain pods. What they are for decides, not the key they stand at. Pure.
 */

#include <stdlib.h>

#include "plugin/netconf/netconf_ipam.h"

/** is_in_ranges() - Whether an address could be given */
static bool is_in_ranges(const struct netconf *netconf, const struct address *address)
{
	for (size_t i = 0; i < netconf->n_sets; i++)
		if (range_set_find(&netconf->sets[i], address))
			return true;
	return false;
}

/** add() - Exclude an address, if it could be given; return how many are excluded then */
static size_t add(struct netconf *netconf, size_t n, const struct address *address)
{
	if (address->family == FAMILY_NONE || !is_in_ranges(netconf, address))
		return n;
	netconf->excluded[n] = *address;
	return n + 1;
}

/** add_next_hops() - Those of the routes, and in routed mode that of the default routes; return how many then */
static size_t add_next_hops(struct netconf *netconf, size_t n)
{
	struct address next_hop = {0};

	if (netconf->role == ROLE_INTERFACE && !address_parse(RANGE_NEXT_HOP_IPV4, &next_hop))
		n = add(netconf, n, &next_hop);
	for (size_t i = 0; i < netconf->n_routes; i++)
		n = add(netconf, n, &netconf->routes[i].gateway);
	return n;
}

/** add_sources() - Those of the pins; return how many are excluded then */
static size_t add_sources(struct netconf *netconf, size_t n)
{
	for (size_t i = 0; i < netconf->n_pins; i++)
		for (size_t j = 0; j < netconf->pins[i].n_all; j++)
			n = add(netconf, n, &netconf->pins[i].all[j]);
	return n;
}

/** add_fixed() - Those that belong to pods by name; return how many are excluded then */
static size_t add_fixed(struct netconf *netconf, size_t n)
{
	for (size_t i = 0; i < netconf->n_fixed; i++)
		for (size_t j = 0; j < netconf->fixed[i].n_addresses; j++)
			n = add(netconf, n, &netconf->fixed[i].addresses[j]);
	return n;
}

/**
 * netconf_exclude() - Tell each range set what it must not give
 * @reader:	Reader
 * @netconf:	Ranges, routes, pins and fixed addresses have been read
 */
void netconf_exclude(struct reader *reader, struct netconf *netconf)
{
	size_t most = 1 + netconf->n_routes, n;

	for (size_t i = 0; i < netconf->n_pins; i++)
		most += netconf->pins[i].n_all;
	for (size_t i = 0; i < netconf->n_fixed; i++)
		most += netconf->fixed[i].n_addresses;
	netconf->excluded = calloc(most, sizeof(*netconf->excluded));
	if (!netconf->excluded) {
		reader_no_memory(reader);
		return;
	}
	n = add_fixed(netconf, add_sources(netconf, add_next_hops(netconf, 0)));
	for (size_t i = 0; i < netconf->n_sets; i++) {
		netconf->sets[i].excluded = netconf->excluded;
		netconf->sets[i].n_excluded = n;
	}
}
