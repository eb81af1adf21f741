/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes that capture a reserved range's traffic. Pure. */

#include "plugin/netconf/check_capture.h"

#include <stdio.h>
#include <stdlib.h>

#include "plugin/netconf/check.h"
#include "rangeguard/cleanup.h"

/** Scopes from RT_SCOPE_LINK (linux/rtnetlink.h) on mean "without a gateway" */
#define SCOPE_LINK 253

/** is_default() - Whether a route is about everything */
static bool is_default(const struct route *route)
{
	return route->destination.length == 0;
}

/** is_default_hop() - Whether packets go to @gateway by default */
static bool is_default_hop(const struct capture *capture, const struct address *gateway)
{
	for (size_t i = 0; i < capture->n_hops; i++)
		if (address_equal(&capture->hops[i], gateway))
			return true;
	for (size_t i = 0; i < capture->n_routes; i++)
		if (is_default(&capture->routes[i]) && address_equal(&capture->routes[i].gateway, gateway))
			return true;
	return false;
}

/** goes_by_default() - Whether a route leads where packets go anyway */
static bool goes_by_default(const struct capture *capture, const struct route *route)
{
	if (is_default(route))
		return true;
	if (route->gateway.family == FAMILY_NONE)
		return capture->implied && route->scope < SCOPE_LINK;
	return is_default_hop(capture, &route->gateway);
}

/** is_reserved() - Whether the guard has something against an address, IPv4-mapped or not */
static bool is_reserved(const struct guard *guard, const struct address *address, struct guard_entry *ret_entry)
{
	struct address unmapped = address_unmap(address);

	return address->family != FAMILY_NONE && guard_decide(guard, &unmapped, ret_entry) == GUARD_E_RESERVED;
}

/**
 * capture_next() - The next route of a list that captures reserved addresses
 * @capture:		List
 * @guard:		Sealed guard
 * @at:			0 in the first call, then left alone
 * @ret_captured:	Route, and the entry that reserves what it captures
 *
 * Return: whether there is one
 */
bool capture_next(const struct capture *capture, const struct guard *guard, size_t *at, struct captured *ret_captured)
{
	while (*at < capture->n_routes) {
		size_t index = (*at)++;
		const struct route *route = &capture->routes[index];
		struct span span = prefix_span(&route->destination);

		*ret_captured = (struct captured){.index = index};
		if (is_reserved(guard, &route->gateway, &ret_captured->entry)) {
			ret_captured->gateway = true;
			return true;
		}
		if (!goes_by_default(capture, route) &&
		    guard_touch(guard, &span, NULL, &ret_captured->entry) == GUARD_E_RESERVED)
			return true;
	}
	return false;
}

/** list_hops() - Gateways that are the default way of a configuration's routes; return how many */
static size_t list_hops(const struct netconf *netconf, struct address *hops)
{
	size_t n = 0;

	if (netconf->role == ROLE_INTERFACE) {
		n += address_parse(RANGE_NEXT_HOP_IPV4, &hops[n]) == 0;
		n += address_parse(RANGE_NEXT_HOP_IPV6, &hops[n]) == 0;
		return n;
	}
	for (size_t i = 0; i < netconf->n_sets; i++)
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++)
			if (netconf->sets[i].ranges[j].gateway.family != FAMILY_NONE)
				hops[n++] = netconf->sets[i].ranges[j].gateway;
	return n;
}

/** tell() - One finding about a route */
static void tell(const struct netconf *netconf, const struct captured *captured, struct report *report)
{
	const struct route *route = &netconf->routes[captured->index];
	char destination[PREFIX_TEXT_MAX], gateway[ADDRESS_TEXT_MAX], subject[160], at[POINTER_MAX + 64];
	struct reservation_clash clash = {
		.rule = captured->gateway ? RULE_GATEWAY_RESERVED : RULE_RANGE_RESERVED,
		.severity = netconf->guard.routes == GUARD_ROUTES_REFUSE ? SEVERITY_ERROR : SEVERITY_WARNING,
		.file = netconf->file,
		.pointer = at,
		.subject = subject,
		.remedy = captured->gateway ? "choose another gateway, ask the owner for a grant, or set guard.routes"
					    : "leave the route out, ask the owner for a grant, or set guard.routes",
	};

	(void)snprintf(at, sizeof(at), "%s/ipam/routes/%zu/%s", netconf->pointer, captured->index,
		       captured->gateway ? "gw" : "dst");
	if (captured->gateway)
		(void)snprintf(subject, sizeof(subject), "gateway %s of route %s lies in",
			       address_format(&route->gateway, gateway),
			       prefix_format(&route->destination, destination));
	else
		(void)snprintf(subject, sizeof(subject), "route %s of the containers captures traffic of",
			       prefix_format(&route->destination, destination));
	reservation_report(report, &clash, &captured->entry);
}

/**
 * check_capture() - Check the routes of a configuration (`ipam.routes`)
 * @netconf:	Configuration
 * @guard:	Sealed guard
 * @report:	Hears of each route that captures
 */
void check_capture(const struct netconf *netconf, const struct guard *guard, struct report *report)
{
	CLEANUP_FREE struct address *hops = NULL;
	struct capture capture = {.routes = netconf->routes, .n_routes = netconf->n_routes, .implied = true};
	struct captured captured;
	size_t n_hops = 2, at = 0;

	if (!netconf->n_routes || netconf->guard.routes == GUARD_ROUTES_OFF)
		return;
	for (size_t i = 0; i < netconf->n_sets; i++)
		n_hops += netconf->sets[i].n_ranges;
	hops = calloc(n_hops, sizeof(*hops));
	if (!hops) {
		report_error(report, RULE_INVALID_VALUE, netconf->file, netconf->pointer, "out of memory");
		return;
	}
	capture.hops = hops;
	capture.n_hops = list_hops(netconf, hops);
	while (capture_next(&capture, guard, &at, &captured))
		tell(netconf, &captured, report);
}
