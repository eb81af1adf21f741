/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clash rule of `hostRoutes`. Pure. */

#include "ipam/address/hostroute_rule.h"

/** A route this short is about the whole Internet: default, 0/1 and 128/1; 2000::/3, or 2000::/4 and 3000::/4 */
#define WHOLE_INTERNET_IPV4 1U
#define WHOLE_INTERNET_IPV6 4U

/** hostroute_is_exact() - Whether @route is about one address only */
bool hostroute_is_exact(const struct hostroute *route)
{
	return route->destination.length == family_bits(route->destination.address.family);
}

/** is_whole_internet() - Whether a route is about everything, so says nothing about any address in particular */
static bool is_whole_internet(const struct prefix *destination)
{
	return destination->length <=
	       (destination->address.family == FAMILY_IPV4 ? WHOLE_INTERNET_IPV4 : WHOLE_INTERNET_IPV6);
}

/** judge_length() - A route that is no less specific than the pool's subnet is meant for the pool's addresses */
static enum hostroute_verdict judge_length(const struct hostroute *route, const struct prefix *subnet)
{
	return route->destination.length >= subnet->length ? HOSTROUTE_CLASH : HOSTROUTE_FREE;
}

/** judge_unicast() - A route to other hosts: directly, or through one of them */
static enum hostroute_verdict judge_unicast(const struct hostroute *route, const struct prefix *subnet)
{
	if (hostroute_is_exact(route))
		return HOSTROUTE_TAKEN;
	if (!route->has_gateway && !is_whole_internet(&route->destination))
		return HOSTROUTE_CLASH;
	return judge_length(route, subnet);
}

/** judge_discard() - A route that drops packets */
static enum hostroute_verdict judge_discard(const struct hostroute *route, const struct prefix *subnet)
{
	if (route->before_main)
		return judge_length(route, subnet);
	return hostroute_is_exact(route) ? HOSTROUTE_TAKEN : HOSTROUTE_FREE;
}

/**
 * hostroute_rule() - What a matching route means for an address that is to be given to a container
 * @route:	Most specific route that holds the address
 * @subnet:	Subnet of the pool that the address is from
 *
 * On-link are also routes without a gateway into a tunnel; of those only what covers the whole Internet says nothing.
 * A route that discards takes nobody's traffic, and the more specific route to a container goes before it: so it is with
 * what routing daemons make for their aggregates. One of them for one exact address has the place of the container's.
 *
 * Return: HOSTROUTE_FREE; HOSTROUTE_TAKEN for one exact address, the host's own, somebody's or shut off; HOSTROUTE_CLASH
 */
enum hostroute_verdict hostroute_rule(const struct hostroute *route, const struct prefix *subnet)
{
	switch (route->kind) {
	case HOSTROUTE_UNICAST:
		return judge_unicast(route, subnet);
	case HOSTROUTE_LOCAL:
		return hostroute_is_exact(route) ? HOSTROUTE_TAKEN : HOSTROUTE_CLASH;
	case HOSTROUTE_THROW:
		return HOSTROUTE_FREE;
	case HOSTROUTE_DISCARD:
	default:
		return judge_discard(route, subnet);
	}
}

/**
 * hostroute_takes() - Whether a route's addresses are not for a new network
 * @route:		Route
 * @within_length:	Prefix length of the block in which the network is looked for
 * @subnet:		A network of the size that is looked for
 *
 * A route that is more specific than the block is about a network inside it, also one behind a gateway. Of others the
 * rule of ADD decides: an aggregate says nothing, an on-link route says that these addresses are neighbours. Routes that
 * discard take nobody's traffic.
 */
bool hostroute_takes(const struct hostroute *route, uint8_t within_length, const struct prefix *subnet)
{
	struct hostroute judged = *route;

	if (judged.kind == HOSTROUTE_THROW || (judged.kind == HOSTROUTE_DISCARD && !judged.before_main))
		return false;
	if (judged.destination.length > within_length)
		judged = (struct hostroute){.destination = route->destination, .kind = HOSTROUTE_UNICAST};
	return hostroute_rule(&judged, subnet) != HOSTROUTE_FREE;
}
