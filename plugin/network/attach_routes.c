/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's routes to the addresses of an attachment. */

#include "plugin/network/attach_routes.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "plugin/network/hostroute.h"
#include "plugin/network/plan.h"
#include "plugin/network/stage.h"

/** attach_route_is_ours() - Whether what a lookup of @address found is the route that an ADD made to host end @ifindex */
bool attach_route_is_ours(const struct route_info *match, const struct address *address, uint32_t ifindex)
{
	return match->type == RTN_UNICAST && match->destination.length == family_bits(address->family) &&
	       match->interface == ifindex && match->protocol == PLAN_ROUTE_PROTOCOL;
}

/**
 * attach_routes_look() - Whether the host sends packets to each address through the host end
 * @host:	Port of the host's namespace
 * @ifindex:	Host end
 * @addresses:	The container's addresses
 * @n_addresses: How many
 * @ret_missing: Whether one goes elsewhere; that may also be what a routing rule of somebody's wants
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int attach_routes_look(struct port *host, uint32_t ifindex, const struct address *addresses, size_t n_addresses,
		       bool *ret_missing, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX];
	struct route_info match;

	*ret_missing = false;
	for (size_t i = 0; i < n_addresses && !*ret_missing; i++) {
		int r = hostroute_lookup(host, &addresses[i], &match);

		if (r < 0)
			return error_set_errno(reterr, ERROR_KERNEL, r, "cannot look up the host's route to %s",
					       address_format(&addresses[i], text));
		*ret_missing = r || !attach_route_is_ours(&match, &addresses[i], ifindex);
	}
	return 0;
}

/** attempt() - What is in a stage: 0, also when it is there, ours or another's, or the host end is down or gone; REFUSED */
static int attempt(struct stage *stage, bool *ret_put)
{
	int r = stage_try(stage);

	*ret_put = !r;
	if (r != PORT_E_REFUSED)
		return r ? REFUSED : 0;
	r = stage->failure.errnum;
	return r == EEXIST || r == ENETDOWN || r == ENODEV ? 0 : stage_refused(stage);
}

/** put_link_local() - What the host end asks for a container's MAC address with; it went with the route: 0, REFUSED */
static int put_link_local(struct port *host, uint32_t ifindex, struct error *reterr)
{
	struct prefix link_local = {.address = plan_next_hop(FAMILY_IPV6), .length = 64};
	struct stage stage;
	bool ignored = false;
	int r;

	stage_begin(&stage, host, "on the host", reterr);
	r = stage_add(&stage, rtmessage_add_address(&stage.batch, ifindex, &link_local));
	return r ? r : attempt(&stage, &ignored);
}

/** put() - One route: 0, REFUSED */
static int put(struct port *host, uint32_t ifindex, const struct address *address, bool *ret_put, struct error *reterr)
{
	struct stage stage;
	bool is_put = false;
	int r;

	stage_begin(&stage, host, "on the host", reterr);
	r = stage_add(&stage, rtmessage_add_host_route(&stage.batch, ifindex, address));
	if (!r)
		r = attempt(&stage, &is_put);
	if (r || !is_put)
		return r;
	*ret_put = true;
	return address->family == FAMILY_IPV6 ? put_link_local(host, ifindex, reterr) : 0;
}

/**
 * attach_routes_put() - Put the routes that are missing; what somebody else has put in their place stays
 * @host:	Port of the host's namespace
 * @ifindex:	Host end
 * @addresses:	The container's addresses
 * @n_addresses: How many
 * @ret_put:	Whether one was missing
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int attach_routes_put(struct port *host, uint32_t ifindex, const struct address *addresses, size_t n_addresses,
		      bool *ret_put, struct error *reterr)
{
	int r = 0;

	*ret_put = false;
	for (size_t i = 0; i < n_addresses && !r; i++)
		r = put(host, ifindex, &addresses[i], ret_put, reterr);
	return r;
}
