/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's routes that touch a network's ranges, ours left out. */

#include "plugin/network/hostroutes.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "plugin/network/hostroute.h"
#include "rangeguard/array.h"
#include "rangeguard/limits.h"

/** struct hostroutes_reading - A dump on its way; @n_before routes are from the dump before */
struct hostroutes_reading {
	const struct range_set *sets;
	size_t n_sets;
	size_t n_before;
	struct hostroutes *hostroutes;
};

/** touches() - Whether a route is about an address that the ranges may give */
static bool touches(const struct hostroutes_reading *reading, const struct span *span)
{
	for (size_t i = 0; i < reading->n_sets; i++)
		for (size_t j = 0; j < reading->sets[i].n_ranges; j++)
			if (span_overlaps(&reading->sets[i].ranges[j].span, span))
				return true;
	return false;
}

/** keep() - Add a route: 0, -ENOMEM */
static int keep(struct hostroutes *hostroutes, const struct route_info *route)
{
	struct route_info *routes;

	if (hostroutes->n_routes == LIMIT_STATUS_ROUTES) {
		hostroutes->n_left_out++;
		return 0;
	}
	routes = reallocarray(hostroutes->routes, hostroutes->n_routes + 1, sizeof(*routes));
	if (!routes)
		return -ENOMEM;
	routes[hostroutes->n_routes++] = *route;
	hostroutes->routes = routes;
	return 0;
}

/**
 * take_route() - port_reply_fn: keep a route that is not ours and touches the ranges
 * @message:	Route, NULL when the dump begins again
 * @userdata:	struct hostroutes_reading
 *
 * Return: 0, -ENOMEM, -EBADMSG
 */
static int take_route(const struct nlmsghdr *message, void *userdata)
{
	const struct hostroutes_reading *reading = userdata;
	struct route_info route;
	struct span span;
	int r;

	if (!message) {
		reading->hostroutes->n_routes = reading->n_before;
		reading->hostroutes->n_left_out = 0;
		return 0;
	}
	r = rtmessage_read_route(message, &route);
	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	span = prefix_span(&route.destination);
	if (route.protocol == PLAN_ROUTE_PROTOCOL || !touches(reading, &span))
		return 0;
	return keep(reading->hostroutes, &route);
}

/**
 * read_family() - Dump the routes of one family
 * @host:	Port
 * @family:	Family; a kernel without it has no routes of it
 * @reading:	Where they go
 *
 * Return: 0, negative errno
 */
static int read_family(struct port *host, enum family family, struct hostroutes_reading *reading)
{
	struct port_failure failure = {0};
	struct batch batch;
	int r;

	reading->n_before = reading->hostroutes->n_routes;
	batch_reset(&batch);
	r = rtmessage_dump_routes(&batch, family, RTN_UNSPEC);
	if (!r)
		r = port_exchange(host, &batch, take_route, reading, &failure);
	if (r == PORT_E_REFUSED)
		r = -failure.errnum;
	return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r;
}

/**
 * hostroutes_read() - Ask the kernel
 * @host:		Port in the host's namespace
 * @sets:		Range sets, each of one family
 * @n_sets:		How many
 * @ret_hostroutes:	Routes of all tables, to be released with hostroutes_done()
 *
 * Return: 0, negative errno
 */
int hostroutes_read(struct port *host, const struct range_set *sets, size_t n_sets, struct hostroutes *ret_hostroutes)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	HOSTROUTES_CLEANUP struct hostroutes hostroutes = {0};
	struct hostroutes_reading reading = {.sets = sets, .n_sets = n_sets, .hostroutes = &hostroutes};

	for (size_t i = 0; i < ARRAY_LENGTH(families); i++) {
		int r = 0;

		if (range_sets_have(sets, n_sets, families[i]))
			r = read_family(host, families[i], &reading);
		if (r < 0)
			return r;
	}
	*ret_hostroutes = hostroutes;
	hostroutes = (struct hostroutes){0};
	return 0;
}

/** hostroutes_done() - Release the routes */
void hostroutes_done(struct hostroutes *hostroutes)
{
	free(hostroutes->routes);
	*hostroutes = (struct hostroutes){0};
}

/** hostroutes_match() - The most specific route of @table that holds @address, NULL when none does */
const struct route_info *hostroutes_match(const struct hostroutes *hostroutes, uint32_t table,
					  const struct address *address)
{
	const struct route_info *match = NULL;

	for (size_t i = 0; i < hostroutes->n_routes; i++) {
		const struct route_info *route = &hostroutes->routes[i];
		struct span span = prefix_span(&route->destination);

		if (route->table == table && span_contains(&span, address) &&
		    (!match || route->destination.length > match->destination.length))
			match = route;
	}
	return match;
}

/**
 * hostroutes_is_asked() - Whether the host's rules lead to a route's table
 * @host:	Port
 * @route:	Route
 * @address:	Address that it holds, and no more specific route of its table
 *
 * In the tables that each host asks last our own route hides the other one. A table that a rule puts before them
 * answers for itself.
 *
 * Return: 1, 0, negative errno
 */
int hostroutes_is_asked(struct port *host, const struct route_info *route, const struct address *address)
{
	struct route_info match;
	int r;

	if (route->table == RT_TABLE_MAIN || route->table == RT_TABLE_LOCAL || route->table == RT_TABLE_DEFAULT)
		return 1;
	r = hostroute_lookup(host, address, &match);
	if (r)
		return r < 0 ? r : 0;
	return match.table == route->table && match.destination.length == route->destination.length;
}
