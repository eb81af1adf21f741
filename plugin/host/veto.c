/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the IPAM can't know and asks the kernel about, and the words for its answers. */

#include "plugin/host/veto.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "plugin/host/liveness.h"
#include "plugin/network/hostroute.h"
#include "plugin/report/log.h"

/** veto_describe_route() - "10.1.2.0/24 through interface docker0", "blackhole 10.1.2.0/24". Return: @buffer */
const char *veto_describe_route(const struct route_info *match, char buffer[static VETO_ROUTE_TEXT_MAX])
{
	char prefix[PREFIX_TEXT_MAX], interface[IF_NAMESIZE];
	/* The kernel says that what IPv6 discards goes through lo. */
	bool leads = match->interface && !hostroute_discards(match) && if_indextoname(match->interface, interface);

	(void)snprintf(buffer, VETO_ROUTE_TEXT_MAX, "%s%s%s%s", hostroute_type_text(match),
		       prefix_format(&match->destination, prefix), leads ? " through interface " : "",
		       leads ? interface : "");
	return buffer;
}

/** clash_verdict() - What a clash means under `hostRoutes`; a delegate's caller makes connected routes of its own */
static int clash_verdict(const struct veto *veto, const struct address *address)
{
	char text[ADDRESS_TEXT_MAX], route[VETO_ROUTE_TEXT_MAX];

	if (veto->netconf->role == ROLE_DELEGATE || veto->netconf->guard.host_routes == HOST_ROUTES_OFF)
		return IPAM_VERDICT_FREE;
	if (veto->netconf->guard.host_routes == HOST_ROUTES_REFUSE)
		return IPAM_VERDICT_STOP;
	log_line("warning: address %s clashes with the host's route %s", address_format(address, text),
		 veto_describe_route(&veto->match, route));
	return IPAM_VERDICT_FREE;
}

/** failed() - Remember that the kernel does not tell what is with an address. Return: @r */
static int failed(struct veto *veto, const struct address *address, int r)
{
	veto->failure = r;
	veto->asked = *address;
	return r;
}

/** is_own_route() - Whether the route found leads to the host end of the attachment that asks: 1, 0, negative errno */
static int is_own_route(const struct veto *veto)
{
	char own[IF_NAMESIZE], found[IF_NAMESIZE];

	if (veto->match.protocol != PLAN_ROUTE_PROTOCOL)
		return 0;
	if (!if_indextoname(veto->match.interface, found))
		return errno == ENXIO ? 0 : -errno;
	identity_host_name(veto->attachment, own);
	return strcmp(own, found) == 0;
}

/** taken_verdict() - What it means that somebody has the address already */
static int taken_verdict(struct veto *veto, const struct address *address, bool requested)
{
	int own = is_own_route(veto);

	if (own)
		return own < 0 ? failed(veto, address, own) : (int)IPAM_VERDICT_FREE;
	veto->taken = requested;
	return requested ? IPAM_VERDICT_STOP : IPAM_VERDICT_SKIP;
}

/** ask() - hostroute_ask() of what the ranges' own routes leave to be asked */
static int ask(struct veto *veto, const struct ip_range *range, const struct address *address)
{
	bool discarded = false;
	int r;

	if (!veto->discards)
		return hostroute_ask(veto->host, address, &range->subnet, &veto->match);
	r = hostroute_ask_within(veto->host, address, range, &discarded, &veto->match);
	veto->uncovered |= !discarded;
	return r;
}

/** veto_address() - ipam_veto_fn: how does the host route this address today? */
int veto_address(void *userdata, const struct ip_range *range, const struct address *address, bool requested)
{
	struct veto *veto = userdata;
	int r;

	veto->in_file = veto->files && host_local_is_taken(veto->files, address, veto->attachment);
	if (veto->in_file)
		return requested ? IPAM_VERDICT_STOP : IPAM_VERDICT_SKIP;
	r = ask(veto, range, address);
	switch (r) {
	case HOSTROUTE_FREE:
		return IPAM_VERDICT_FREE;
	case HOSTROUTE_TAKEN:
		return taken_verdict(veto, address, requested);
	case HOSTROUTE_CLASH:
		veto->taken = false;
		return clash_verdict(veto, address);
	default:
		return failed(veto, address, r);
	}
}

/** veto_failed() - Say that the kernel does not tell how it routes an address: REFUSED (107) */
int veto_failed(const struct veto *veto, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX];

	(void)address_format(&veto->asked, text);
	if (veto->asked.family == FAMILY_IPV6 && (veto->failure == -EOPNOTSUPP || veto->failure == -EAFNOSUPPORT))
		return error_set(
			reterr, ERROR_KERNEL,
			"the host's kernel has no IPv6 (ipv6.disable=1, or no such module), so that address %s "
			"can't be used; leave the IPv6 ranges out, or switch IPv6 on",
			text);
	return error_set_errno(reterr, ERROR_KERNEL, veto->failure,
			       "the kernel does not tell how the host routes address %s", text);
}

/**
 * veto_lives() - ipam_lives_fn: is the attachment that asks still there?
 * @userdata:	struct veto
 * @lease:	What it holds
 *
 * Its host end tells; a delegate's interface is not ours, so there the namespace recorded at ADD does.
 *
 * Return: 1, 0
 */
int veto_lives(void *userdata, const struct lease *lease)
{
	const struct veto *veto = userdata;

	if (veto->netconf->role == ROLE_DELEGATE)
		return liveness_netns(lease) == LIVENESS_THERE;
	return liveness_interface(veto->host, lease);
}

/** veto_error() - Say what the host's routes have against an address: REFUSED with code 104 or 105 */
int veto_error(const struct veto *veto, const struct address *address, struct error *reterr)
{
	const struct route_info *match = &veto->match;
	char text[ADDRESS_TEXT_MAX], route[VETO_ROUTE_TEXT_MAX];

	(void)address_format(address, text);
	if (veto->in_file)
		return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
				 "requested address %s is given to another container by host-local: %.256s/%.64s/%s",
				 text, veto->netconf->adopt, veto->netconf->name, text);
	(void)veto_describe_route(match, route);
	if (veto->taken && hostroute_shuts_off(match))
		return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
				 "requested address %s is shut off by the host's route %s; remove that route, or ask "
				 "for another address",
				 text, route);
	if (veto->taken)
		return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
				 "requested address %s is the host's own or another container's: the host routes %s",
				 text, route);
	if (hostroute_discards(match) && !match->table)
		return error_set(
			reterr, ERROR_HOST_ROUTE,
			"address %s clashes with a rule of the host (`ip rule`: to %s): nothing would reach the "
			"container; remove the rule, choose another range, or set guard.hostRoutes",
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
