/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prevResult against the guard: addresses as the prefixes that they are on a link, gateways, routes. */

#include "plugin/verbs/previous.h"

#include <errno.h>
#include <stdlib.h>

#include "plugin/netconf/check.h"
#include "plugin/netconf/check_capture.h"
#include "plugin/report/log.h"
#include "rangeguard/cleanup.h"

/** refuse() - Say what of the result is reserved: REFUSED (100) */
static int refuse(const struct context *context, const char *subject, const char *verb, const struct guard_entry *entry,
		  struct error *reterr)
{
	char reservation[RESERVATION_TEXT_MAX];

	return error_set(reterr, ERROR_RESERVED, "%s, which an earlier plugin of network \"%.64s\" gave, %s %s",
			 subject, context->netconf.name, verb, reservation_describe(entry, reservation));
}

/** unmap() - A prefix whose base is IPv4-mapped as the IPv4 prefix that it is; a shorter one as it stands */
static struct prefix unmap(const struct prefix *prefix)
{
	struct prefix unmapped = {.address = address_unmap(&prefix->address), .length = prefix->length};

	if (unmapped.address.family == prefix->address.family)
		return *prefix;
	unmapped.length = prefix->length >= 96 ? (uint8_t)(prefix->length - 96) : 0;
	return prefix->length >= 96 ? unmapped : *prefix;
}

/**
 * judge_address() - Refuse an address that is reserved, and one whose network is: where it is on a link, the whole
 * network is reached there, as bridge has it with its connected route
 * @context:	Call
 * @given:	Address with its prefix length
 * @reterr:	Code 100
 *
 * Return: 0, REFUSED
 */
static int judge_address(const struct context *context, const struct prefix *given, struct error *reterr)
{
	struct address address = address_unmap(&given->address);
	struct prefix prefix = unmap(given);
	struct span span = prefix_span(&prefix);
	char text[PREFIX_TEXT_MAX], subject[PREFIX_TEXT_MAX + 64];
	struct guard_entry entry;

	if (guard_decide(context->guard, &address, &entry) == GUARD_E_RESERVED) {
		(void)snprintf(subject, sizeof(subject), "address %s", address_format(&given->address, text));
		return refuse(context, subject, "lies in", &entry, reterr);
	}
	if (guard_touch(context->guard, &span, NULL, &entry) != GUARD_E_RESERVED)
		return 0;
	prefix.address.value = span.first;
	(void)snprintf(subject, sizeof(subject), "network %s", prefix_format(&prefix, text));
	return refuse(context, subject, "is on the container's link and touches", &entry, reterr);
}

/** judge_gateway() - Refuse a gateway that is reserved: 0, REFUSED (100) */
static int judge_gateway(const struct context *context, const struct address *gateway, struct error *reterr)
{
	/* As the base of a short IPv6 prefix a mapped address has stayed what it is. */
	struct address unmapped = address_unmap(gateway);
	char text[ADDRESS_TEXT_MAX], subject[ADDRESS_TEXT_MAX + 16];
	struct guard_entry entry;

	if (gateway->family == FAMILY_NONE || guard_decide(context->guard, &unmapped, &entry) != GUARD_E_RESERVED)
		return 0;
	(void)snprintf(subject, sizeof(subject), "gateway %s", address_format(gateway, text));
	return refuse(context, subject, "lies in", &entry, reterr);
}

/** hear_captured() - Refuse or warn of a route that captures, as `guard.routes` says: 0, REFUSED (100) */
static int hear_captured(const struct context *context, const struct captured *captured, struct error *reterr)
{
	const struct route *route = &context->previous.routes[captured->index];
	char destination[PREFIX_TEXT_MAX], gateway[ADDRESS_TEXT_MAX], subject[PREFIX_TEXT_MAX + ADDRESS_TEXT_MAX + 32];
	bool has_gateway = route->gateway.family != FAMILY_NONE;
	struct error err = {0};

	(void)snprintf(subject, sizeof(subject), "route %s%s%s", prefix_format(&route->destination, destination),
		       has_gateway ? " through " : "", has_gateway ? address_format(&route->gateway, gateway) : "");
	(void)refuse(context, subject, captured->gateway ? "has a gateway in" : "captures traffic of", &captured->entry,
		     &err);
	if (context->netconf.guard.routes == GUARD_ROUTES_REFUSE) {
		*reterr = err;
		return REFUSED;
	}
	log_line("warning: %s", err.msg);
	return 0;
}

/** judge_routes() - Check the routes of the result (`guard.routes`): 0, REFUSED */
static int judge_routes(const struct context *context, struct error *reterr)
{
	const struct result *previous = &context->previous;
	struct capture capture = {.routes = previous->routes, .n_routes = previous->n_routes, .implied = true};
	CLEANUP_FREE struct address *hops = calloc(previous->n_ips + 1, sizeof(*hops));
	struct captured captured;
	size_t at = 0;

	if (!hops)
		return error_no_memory(reterr);
	for (size_t i = 0; i < previous->n_ips; i++)
		if (previous->ips[i].gateway.family != FAMILY_NONE)
			hops[capture.n_hops++] = previous->ips[i].gateway;
	capture.hops = hops;
	while (context->netconf.guard.routes != GUARD_ROUTES_OFF &&
	       capture_next(&capture, context->guard, &at, &captured))
		if (hear_captured(context, &captured, reterr))
			return REFUSED;
	return 0;
}

/**
 * previous_judge() - Check what earlier plugins gave against the guard
 * @context:	Call; prevResult and policy have been read
 * @reterr:	Code 100
 *
 * Return: 0, REFUSED
 */
int previous_judge(const struct context *context, struct error *reterr)
{
	const struct result *previous = &context->previous;

	for (size_t i = 0; i < previous->n_ips; i++)
		if (judge_address(context, &previous->ips[i].address, reterr) ||
		    judge_gateway(context, &previous->ips[i].gateway, reterr))
			return REFUSED;
	return judge_routes(context, reterr);
}
