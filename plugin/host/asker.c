/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the IPAM can't know and asks the kernel about, and the words for its answers. */

#include "plugin/host/asker.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "plugin/host/liveness.h"
#include "plugin/network/hostroute.h"
#include "plugin/report/log.h"

/** asker_describe_route() - "10.1.2.0/24 through interface docker0", "blackhole 10.1.2.0/24". Return: @buffer */
const char *asker_describe_route(const struct route_info *match, char buffer[static ASKER_ROUTE_TEXT_MAX])
{
	char prefix[PREFIX_TEXT_MAX], interface[IF_NAMESIZE];
	/* The kernel says that what IPv6 discards goes through lo. */
	bool leads = match->interface && !hostroute_discards(match) && if_indextoname(match->interface, interface);

	(void)snprintf(buffer, ASKER_ROUTE_TEXT_MAX, "%s%s%s%s", hostroute_type_text(match),
		       prefix_format(&match->destination, prefix), leads ? " through interface " : "",
		       leads ? interface : "");
	return buffer;
}

/** clash_verdict() - What a clash means under `hostRoutes`; a delegate's caller makes connected routes of its own */
static int clash_verdict(const struct asker *asker, const struct address *address)
{
	char text[ADDRESS_TEXT_MAX], route[ASKER_ROUTE_TEXT_MAX];

	if (asker->netconf->role == ROLE_DELEGATE || asker->netconf->guard.host_routes == HOST_ROUTES_OFF)
		return IPAM_VERDICT_FREE;
	if (asker->netconf->guard.host_routes == HOST_ROUTES_REFUSE)
		return IPAM_VERDICT_STOP;
	log_line("warning: address %s clashes with the host's route %s", address_format(address, text),
		 asker_describe_route(&asker->match, route));
	return IPAM_VERDICT_FREE;
}

/** is_own_route() - Whether the route found leads to the host end of the attachment that asks: it is here already */
static bool is_own_route(const struct asker *asker)
{
	char own[IF_NAMESIZE], found[IF_NAMESIZE];

	if (asker->match.protocol != PLAN_ROUTE_PROTOCOL || !if_indextoname(asker->match.interface, found))
		return false;
	plan_host_name(asker->attachment, own);
	return strcmp(own, found) == 0;
}

/** asker_veto() - ipam_veto_fn: how does the host route this address today? */
int asker_veto(void *userdata, const struct ip_range *range, const struct address *address, bool requested)
{
	struct asker *asker = userdata;
	int r;

	asker->in_file = asker->files && host_local_is_taken(asker->files, address, asker->attachment);
	if (asker->in_file)
		return requested ? IPAM_VERDICT_STOP : IPAM_VERDICT_SKIP;
	r = hostroute_ask(asker->host, address, &range->subnet, &asker->match);
	switch (r) {
	case HOSTROUTE_FREE:
		return IPAM_VERDICT_FREE;
	case HOSTROUTE_TAKEN:
		if (is_own_route(asker))
			return IPAM_VERDICT_FREE;
		asker->taken = requested;
		return requested ? IPAM_VERDICT_STOP : IPAM_VERDICT_SKIP;
	case HOSTROUTE_CLASH:
		asker->taken = false;
		return clash_verdict(asker, address);
	default:
		asker->failure = r;
		asker->asked = *address;
		return r;
	}
}

/** asker_failed() - Say that the kernel does not tell how it routes an address: REFUSED (107) */
int asker_failed(const struct asker *asker, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX];

	(void)address_format(&asker->asked, text);
	if (asker->asked.family == FAMILY_IPV6 && (asker->failure == -EOPNOTSUPP || asker->failure == -EAFNOSUPPORT))
		return error_set(
			reterr, ERROR_KERNEL,
			"the host's kernel has no IPv6 (ipv6.disable=1, or no such module), so that address %s "
			"can't be used; leave the IPv6 ranges out, or switch IPv6 on",
			text);
	return error_set(reterr, ERROR_KERNEL, "the kernel does not tell how the host routes address %s: %s", text,
			 strerror(-asker->failure));
}

/**
 * asker_lives() - ipam_lives_fn: is the attachment that asks still there?
 * @userdata:	struct asker
 * @lease:	What it holds
 *
 * Its host end tells; a delegate's interface is not ours, so there the namespace recorded at ADD does.
 *
 * Return: 1, 0
 */
int asker_lives(void *userdata, const struct lease *lease)
{
	const struct asker *asker = userdata;

	if (asker->netconf->role == ROLE_DELEGATE)
		return liveness_netns(lease) == LIVENESS_THERE;
	return liveness_interface(asker->host, lease);
}

/** asker_vetoed() - Say what the host's routes have against an address: REFUSED with code 104 or 105 */
int asker_vetoed(const struct asker *asker, const struct address *address, struct error *reterr)
{
	const struct route_info *match = &asker->match;
	char text[ADDRESS_TEXT_MAX], route[ASKER_ROUTE_TEXT_MAX];

	(void)address_format(address, text);
	if (asker->in_file)
		return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
				 "requested address %s is given to another container by host-local: %.256s/%.64s/%s", text,
				 asker->netconf->adopt, asker->netconf->name, text);
	(void)asker_describe_route(match, route);
	if (asker->taken && hostroute_discards(match))
		return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
				 "requested address %s is shut off by the host's route %s; remove that route, or ask "
				 "for another address",
				 text, route);
	if (asker->taken)
		return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
				 "requested address %s is the host's own or another container's: the host routes %s",
				 text, route);
	if (hostroute_discards(match))
		return error_set(reterr, ERROR_HOST_ROUTE,
				 "address %s clashes with the host's route %s in table %u, which a rule puts before "
				 "the routes to containers: nothing would reach the container; choose another range, "
				 "remove the route, or set guard.hostRoutes",
				 text, route, match->table);
	return error_set(reterr, ERROR_HOST_ROUTE,
			 "address %s clashes with the host's route %s: traffic meant for that route would end in the "
			 "container; choose another range, remove the route, or set guard.hostRoutes",
			 text, route);
}
