/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a later route of the host clashes with an address that is held. */

#include "plugin/host/clash.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "ipam/lease/ipam.h"
#include "plugin/host/veto.h"
#include "plugin/network/hostroute.h"
#include "plugin/network/plan.h"
#include "plugin/report/log.h"

/** Held addresses looked at per route: others lie in more specific routes, or are held behind the route itself */
#define TRIES_PER_ROUTE 64U

/** struct held_search - What is searched for held addresses, and a route that is being looked at */
struct held_search {
	struct store *store;
	const struct netconf *netconf;
	const struct hostroutes *hostroutes;
	const struct route_info *route;
	bool is_elsewhere;
};

/**
 * hear_holder() - ipam_each_fn: whether a route to one address is another way than to its holder
 * @userdata:	struct held_search; @is_elsewhere is set
 * @lease:	Who holds the address
 *
 * Networks share a store, and in other roles than ours a plugin makes such a route to its own container.
 *
 * Return: 0, negative errno
 */
static int hear_holder(void *userdata, const struct lease *lease)
{
	struct held_search *search = userdata;
	char own[IF_NAMESIZE], through[IF_NAMESIZE] = "";

	identity_host_name(&lease->attachment, own);
	if (search->route->interface && !if_indextoname(search->route->interface, through) && errno != ENXIO)
		return -errno;
	search->is_elsewhere = !strcmp(lease->attachment.network, search->netconf->name) && strcmp(own, through) != 0;
	return 0;
}

/**
 * next_clash() - The first held address that the route is about, and no more specific route of its table
 * @search:	What is searched
 * @within:	Addresses in question
 * @ret_address: Address
 *
 * Return: 0, IPAM_E_NOT_FOUND, IPAM_E_DAMAGED, negative errno
 */
static int next_clash(struct held_search *search, struct span within, struct address *ret_address)
{
	unsigned bits = family_bits(within.family);

	for (unsigned i = 0; i < TRIES_PER_ROUTE; i++) {
		const struct route_info *match;
		struct span past;
		int r;

		search->is_elsewhere = true;
		r = ipam_next_held(search->store, &within, ret_address,
				   search->route->destination.length == bits ? hear_holder : NULL, search);
		if (r)
			return r;
		match = hostroutes_match(search->hostroutes, search->route->table, ret_address);
		if (match->destination.length == search->route->destination.length && search->is_elsewhere)
			return 0;
		past = prefix_span(&match->destination);
		if (match->destination.length == search->route->destination.length || past.last >= within.last)
			return IPAM_E_NOT_FOUND;
		within.first = past.last + 1;
	}
	return IPAM_E_NOT_FOUND;
}

/** is_in_the_way() - Whether an ADD would mind @route; who shuts off one address of a container means just that */
static bool is_in_the_way(const struct route_info *route, const struct ip_range *range)
{
	enum hostroute_verdict verdict = hostroute_judge(route, &range->subnet);

	return verdict == HOSTROUTE_CLASH || (verdict == HOSTROUTE_TAKEN && !hostroute_discards(route));
}

/** search_range() - Look for a held address of @range in the route of @search: as next_clash() */
static int search_range(struct held_search *search, const struct ip_range *range, struct address *ret_address)
{
	struct span within = range->span, span = prefix_span(&search->route->destination);

	if (!span_overlaps(&within, &span) || !is_in_the_way(search->route, range))
		return IPAM_E_NOT_FOUND;
	if (span.first > within.first)
		within.first = span.first;
	if (span.last < within.last)
		within.last = span.last;
	return next_clash(search, within, ret_address);
}

/** search_sets() - search_range() for each range, until an address is found */
static int search_sets(struct held_search *search, struct address *ret_address)
{
	const struct netconf *netconf = search->netconf;

	for (size_t i = 0; i < netconf->n_sets; i++) {
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++) {
			int r = search_range(search, &netconf->sets[i].ranges[j], ret_address);

			if (r != IPAM_E_NOT_FOUND)
				return r;
		}
	}
	return IPAM_E_NOT_FOUND;
}

/**
 * clash_find() - Find routes that would clash if their tables were asked
 * @store:		Store
 * @netconf:		Network
 * @context:		Call
 * @hostroutes:		The host's routes
 * @ret_clashes:	For clash_judge()
 *
 * Return: 0 also when there are none, IPAM_E_DAMAGED, negative errno
 */
int clash_find(struct store *store, const struct netconf *netconf, const struct hostroutes *hostroutes,
	       struct clashes *ret_clashes)
{
	struct held_search search = {.store = store, .netconf = netconf, .hostroutes = hostroutes};

	ret_clashes->n = 0;
	for (size_t i = 0; i < hostroutes->n_routes && ret_clashes->n < CLASHES_MAX; i++) {
		struct clash *clash = &ret_clashes->found[ret_clashes->n];
		int r;

		search.route = &hostroutes->routes[i];
		r = search_sets(&search, &clash->address);
		if (r == IPAM_E_NOT_FOUND)
			continue;
		if (r)
			return r;
		clash->route = hostroutes->routes[i];
		ret_clashes->n++;
	}
	return 0;
}

/**
 * clash_judge() - Refuse, warn of or pass over the clashes found, as `hostRoutes` says
 * @host:	Port
 * @netconf:	Network
 * @clashes:	From clash_find()
 * @reterr:	Code 50 with route and address, 107 when the kernel does not answer
 *
 * Return: 0, REFUSED
 */
int clash_judge(struct port *host, const struct netconf *netconf, const struct clashes *clashes, struct error *reterr)
{
	char address[ADDRESS_TEXT_MAX], route[VETO_ROUTE_TEXT_MAX];

	for (size_t i = 0; i < clashes->n; i++) {
		const struct clash *clash = &clashes->found[i];
		int r = hostroutes_is_asked(host, &clash->route, &clash->address);

		if (r < 0)
			return error_set_errno(reterr, ERROR_KERNEL, r, "the host's routes can't be read");
		if (!r)
			continue;
		(void)address_format(&clash->address, address);
		(void)veto_describe_route(&clash->route, route);
		if (netconf->guard.host_routes == HOST_ROUTES_REFUSE)
			return error_set(
				reterr, ERROR_NOT_READY,
				"the host's route %s clashes with address %s, which a container holds already: traffic "
				"meant for that route ends in the container; remove the route, use another range, or "
				"set guard.hostRoutes",
				route, address);
		log_line("warning: the host's route %s clashes with address %s, which is held", route, address);
	}
	return 0;
}
