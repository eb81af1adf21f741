/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CHECK: does the kernel still have what an ADD made? The host's side is asked by exact questions,
 * the container's, which is small, is read whole.
 */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "plugin/network/attach.h"
#include "plugin/network/attach_routes.h"
#include "plugin/network/attach_wiring.h"
#include "plugin/network/hostroute.h"
#include "plugin/network/stage.h"
#include "plugin/network/wire.h"
#include "rangeguard/cleanup.h"

/**
 * struct comparison - What is compared
 * @host:	Port of the host
 * @attachment:	Whose
 * @expected:	What to compare with
 * @link:	Host end, later container's end
 * @host_end:	Host end
 * @seen:	One flag per thing looked for, while a dump is read
 * @err:	Error
 */
struct comparison {
	struct port *host;
	const struct attachment *attachment;
	const struct attach_expectation *expected;
	struct link_info link;
	struct link_info host_end;
	bool *seen;
	struct error *err;
};

/**
 * check_host_end() - The host end is there, is ours, and up
 * @check:	Check; its link is set
 *
 * Return: 0, REFUSED
 */
static int check_host_end(struct comparison *check)
{
	char name[IFNAMSIZ];
	int r = attach_find(check->host, check->attachment, &check->link, check->err);

	identity_host_name(check->attachment, name);
	if (r == ATTACH_E_ABSENT)
		return error_set(check->err, ERROR_KERNEL, "interface %s, the host end of %s, is missing", name,
				 check->attachment->ifname);
	if (r == ATTACH_E_FOREIGN)
		return error_set(check->err, ERROR_KERNEL, "interface %s is not the host end of %s", name,
				 check->attachment->ifname);
	if (r)
		return r;
	if (!check->link.up)
		return error_set(check->err, ERROR_KERNEL, "interface %s, the host end of %s, is down", name,
				 check->attachment->ifname);
	return 0;
}

/**
 * check_host_route() - The host sends an address's packets to the host end, by a route of ours
 * @check:	Check, with the host end as its link
 * @address:	Address
 *
 * Return: 0, REFUSED
 */
static int check_host_route(struct comparison *check, const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];
	struct route_info match;
	int r = hostroute_lookup(check->host, address, &match);

	if (r < 0)
		return error_set_errno(check->err, ERROR_KERNEL, r, "cannot look up the host's route to %s",
				       address_format(address, text));
	if (r == 0 && attach_route_is_ours(&match, address, check->link.index))
		return 0;
	return error_set(check->err, ERROR_KERNEL, "the host's route to %s through %s is missing",
			 address_format(address, text), check->link.name);
}

/** check_host() - Everything on the host: 0, REFUSED */
static int check_host(struct comparison *check)
{
	int r = check_host_end(check);

	for (size_t i = 0; !r && i < check->expected->n_addresses; i++)
		r = check_host_route(check, &check->expected->addresses[i].address);
	return r;
}

/** take_end() - port_reply_fn: keep the link */
static int take_end(const struct nlmsghdr *message, void *userdata)
{
	struct comparison *check = userdata;
	int r = message ? rtmessage_read_link(message, &check->link) : 0;

	return r == -ENOMSG ? 0 : r;
}

/**
 * check_container_end() - The container's end is there, the other end of ours, up, with the MAC address it should have
 * @check:	Check; its link goes from the host end to the container's
 * @container:	Port
 *
 * Return: 0, REFUSED
 */
static int check_container_end(struct comparison *check, struct port *container)
{
	const char *ifname = check->attachment->ifname;
	uint32_t index = check->link.peer_index;
	uint8_t mac[ETH_ALEN];
	struct stage stage;
	int r;

	stage_begin(&stage, container, "in the container", check->err);
	stage.reply = take_end;
	stage.userdata = check;
	r = stage_add(&stage, rtmessage_get_link_by_name(&stage.batch, ifname));
	if (r)
		return r;
	r = stage_try(&stage);
	if (r == PORT_E_REFUSED && stage.failure.errnum == ENODEV)
		return error_set(check->err, ERROR_KERNEL, "interface %s is missing in the container", ifname);
	if (r)
		return r < 0 ? REFUSED : stage_refused(&stage);
	if (check->link.index != index)
		return error_set(check->err, ERROR_KERNEL, "interface %s in the container is another one", ifname);
	if (!check->link.up)
		return error_set(check->err, ERROR_KERNEL, "interface %s in the container is down", ifname);
	if (check->expected->mac && mac_parse(check->expected->mac, mac) == 0 &&
	    memcmp(mac, check->link.mac, ETH_ALEN) != 0)
		return error_set(check->err, ERROR_KERNEL,
				 "interface %s in the container has a MAC address other than %s", ifname,
				 check->expected->mac);
	return 0;
}

/** take_address() - port_reply_fn: mark the expected addresses that are there */
static int take_address(const struct nlmsghdr *message, void *userdata)
{
	struct comparison *check = userdata;
	struct address_info info;
	int r;

	if (!message) {
		memset(check->seen, 0, check->expected->n_addresses * sizeof(*check->seen));
		return 0;
	}
	r = rtmessage_read_address(message, &info);
	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	for (size_t i = 0; i < check->expected->n_addresses; i++) {
		const struct prefix *wanted = &check->expected->addresses[i];

		if (info.interface == check->link.index && info.address.length == wanted->length &&
		    address_equal(&info.address.address, &wanted->address))
			check->seen[i] = true;
	}
	return 0;
}

/** is_wanted_route() - Whether @found is the route @wanted, by any next hop where that names none */
static bool is_wanted_route(const struct route *wanted, const struct route_info *found)
{
	struct span wanted_span = prefix_span(&wanted->destination);

	return found->type == RTN_UNICAST && found->destination.address.family == wanted_span.family &&
	       found->destination.length == wanted->destination.length &&
	       found->destination.address.value == wanted_span.first &&
	       (wanted->gateway.family == FAMILY_NONE || address_equal(&wanted->gateway, &found->gateway));
}

/** take_container_route() - port_reply_fn: mark the expected routes that are there */
static int take_container_route(const struct nlmsghdr *message, void *userdata)
{
	struct comparison *check = userdata;
	struct route_info found;
	int r;

	if (!message) {
		memset(check->seen, 0, check->expected->n_routes * sizeof(*check->seen));
		return 0;
	}
	r = rtmessage_read_route(message, &found);
	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	for (size_t i = 0; i < check->expected->n_routes; i++)
		if ((check->expected->others || found.interface == check->link.index) &&
		    is_wanted_route(&check->expected->routes[i], &found))
			check->seen[i] = true;
	return 0;
}

/**
 * read_container() - Read a part of the container's state
 * @check:	Check
 * @stage:	Stage that was begun, with its dump in the batch
 * @appended:	What the builder of that returned
 * @reply:	Called with each row
 *
 * Return: 0, REFUSED
 */
static int read_container(struct comparison *check, struct stage *stage, int appended, port_reply_fn reply)
{
	int r = stage_add(stage, appended);

	stage->reply = reply;
	stage->userdata = check;
	return r ? r : stage_send(stage);
}

/** check_addresses() - The container's end has the expected addresses: 0, REFUSED */
static int check_addresses(struct comparison *check, struct port *container)
{
	bool *seen CLEANUP_FREE = calloc(check->expected->n_addresses + 1, sizeof(*seen));
	char text[PREFIX_TEXT_MAX];
	struct stage stage;
	int r;

	if (!seen)
		return error_no_memory(check->err);
	check->seen = seen;
	stage_begin(&stage, container, "in the container", check->err);
	r = read_container(check, &stage, rtmessage_dump_addresses(&stage.batch, check->link.index), take_address);
	for (size_t i = 0; !r && i < check->expected->n_addresses; i++)
		if (!seen[i])
			r = error_set(check->err, ERROR_KERNEL,
				      "address %s is missing on interface %s in the container",
				      prefix_format(&check->expected->addresses[i], text), check->attachment->ifname);
	return r;
}

/**
 * missing_route() - Name an expected route that is not there
 * @check:	Check
 * @route:	Route
 *
 * Return: REFUSED
 */
static int missing_route(const struct comparison *check, const struct route *route)
{
	char destination[PREFIX_TEXT_MAX], gateway[ADDRESS_TEXT_MAX];
	bool has_gateway = route->gateway.family != FAMILY_NONE;

	return error_set(check->err, ERROR_KERNEL, "route %s%s%s is missing in the container",
			 prefix_format(&route->destination, destination), has_gateway ? " via " : "",
			 has_gateway ? address_format(&route->gateway, gateway) : "");
}

/** has_routes() - Whether the result has routes of @family */
static bool has_routes(const struct comparison *check, enum family family)
{
	for (size_t i = 0; i < check->expected->n_routes; i++)
		if (check->expected->routes[i].destination.address.family == family)
			return true;
	return false;
}

/** check_routes() - The container has the expected routes of @family: 0, REFUSED */
static int check_routes(struct comparison *check, struct port *container, enum family family)
{
	bool *seen CLEANUP_FREE = NULL;
	struct stage stage;
	int r;

	if (!has_routes(check, family))
		return 0;
	seen = calloc(check->expected->n_routes, sizeof(*seen));
	if (!seen)
		return error_no_memory(check->err);
	check->seen = seen;
	stage_begin(&stage, container, "in the container", check->err);
	r = read_container(check, &stage, rtmessage_dump_routes(&stage.batch, family, RTN_UNICAST),
			   take_container_route);
	for (size_t i = 0; !r && i < check->expected->n_routes; i++) {
		const struct route *route = &check->expected->routes[i];

		if (route->destination.address.family == family && !seen[i])
			r = missing_route(check, route);
	}
	return r;
}

/** check_container() - Everything in the container, where the calling thread is: 0, REFUSED */
static int check_container(struct comparison *check, struct wiring *wiring)
{
	struct port *container PORT_CLEANUP = NULL;
	int r = port_open(&container);

	if (r < 0)
		return error_set_errno(check->err, ERROR_KERNEL, r, "cannot open a netlink socket in the container");
	r = check_container_end(check, container);
	wiring->container_end = &check->link;
	if (!r)
		r = check_addresses(check, container);
	if (!r)
		r = check_routes(check, container, FAMILY_IPV4);
	if (!r)
		r = check_routes(check, container, FAMILY_IPV6);
	if (!r)
		r = attach_wiring_container(container, wiring, check->err);
	if (!r)
		r = wire_check_further(container, wiring->plan, check->link.index, check->err);
	return r ? r : attach_wiring_neighbours(check->host, wiring, check->err);
}

/** expect() - The attachment as ADD planned it, by what is expected; routes are borrowed */
static void expect(const struct comparison *check, struct plan *plan)
{
	const struct attach_expectation *expected = check->expected;

	identity_host_mac(check->attachment, plan->host_mac);
	identity_container_mac(check->attachment, plan->container_mac);
	plan->mtu = expected->mtu ? expected->mtu : check->link.mtu;
	for (size_t i = 0; i < expected->n_addresses && plan->n_addresses < LIMIT_RANGE_SETS; i++)
		plan->addresses[plan->n_addresses++] = expected->addresses[i].address;
	if (!expected->others) {
		/* A plan owns its routes; this one is only read. */
		plan->routes = (struct route *)(uintptr_t)expected->routes;
		plan->n_routes = expected->n_routes;
	}
}

/** check_host_side() - The host's side, its host end noted; @plan: what it should be: 0, REFUSED */
static int check_host_side(struct comparison *check, struct plan *plan)
{
	struct wiring wiring = {.plan = plan, .host_end = &check->host_end};
	int r = check_host(check);

	if (r)
		return r;
	expect(check, plan);
	check->host_end = check->link;
	return attach_wiring_host(check->host, &wiring, check->err);
}

/**
 * attach_check_host() - Compare the host's side with what an ADD made, for who only looks
 * @host:	Port of the host's namespace
 * @attachment:	Whose
 * @expected:	What that was, of which only the addresses count
 * @reterr:	Error, with the code ERROR_KERNEL
 *
 * Return: 0, REFUSED
 */
int attach_check_host(struct port *host, const struct attachment *attachment, const struct attach_expectation *expected,
		      struct error *reterr)
{
	struct comparison check = {.host = host, .attachment = attachment, .expected = expected, .err = reterr};
	struct plan plan = {.mtu = 0};

	return check_host_side(&check, &plan);
}

/**
 * attach_check() - Compare the kernel's state with what an ADD made
 * @host:	Port of the host's namespace
 * @netns:	The container's namespace
 * @attachment:	Whose
 * @expected:	What that was
 * @reterr:	Error; what is missing has the code ERROR_KERNEL too, the specification having none for it
 *
 * Return: 0, REFUSED
 */
int attach_check(struct port *host, struct netns *netns, const struct attachment *attachment,
		 const struct attach_expectation *expected, struct error *reterr)
{
	struct comparison check = {.host = host, .attachment = attachment, .expected = expected, .err = reterr};
	struct plan plan = {.mtu = 0};
	struct wiring wiring = {.plan = &plan, .host_end = &check.host_end};
	int r;

	if (check_host_side(&check, &plan))
		return REFUSED;
	r = attach_enter(host, netns, reterr);
	if (r)
		return r;
	r = check_container(&check, &wiring);
	netns_return(netns->way_back);
	return r;
}
