/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes and addresses that rangeguard puts into the kernel beside those to containers: what prohibits pinned destinations,
 * what discards the free part of ranges, sources on interfaces. Each that is missing, and each that nobody wants.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/audit/audit_kernel.h"
#include "plugin/host/discard.h"
#include "plugin/snat/fence.h"
#include "rangeguard/array.h"

/** struct own_routes - Routes of the kernel that concern us; owned */
struct own_routes {
	struct route_info *all;
	size_t n;
	size_t capacity;
};

/** struct addresses - Addresses on interfaces of the host; owned */
struct addresses {
	struct address_info *all;
	size_t n;
	size_t capacity;
};

static void own_routes_done(struct own_routes *routes)
{
	free(routes->all);
}

static void addresses_done(struct addresses *addresses)
{
	free(addresses->all);
}

/** take_route() - port_reply_fn: keep a route of the fence's table, or of ours; NULL comes before anything is kept twice */
static int take_route(const struct nlmsghdr *message, void *userdata)
{
	struct own_routes *routes = userdata;
	struct route_info *all, route;
	int r;

	if (!message) {
		routes->n = 0;
		return 0;
	}
	r = rtmessage_read_route(message, &route);
	if (r)
		return r == -ENOMSG ? 0 : r;
	if (route.table != FENCE_TABLE && route.protocol != PLAN_ROUTE_PROTOCOL)
		return 0;
	all = array_room(routes->all, routes->n, &routes->capacity, sizeof(*all));
	if (!all)
		return -ENOMEM;
	routes->all = all;
	all[routes->n++] = route;
	return 0;
}

/** take_address() - port_reply_fn */
static int take_address(const struct nlmsghdr *message, void *userdata)
{
	struct addresses *addresses = userdata;
	struct address_info *all, address;
	int r;

	if (!message) {
		addresses->n = 0;
		return 0;
	}
	r = rtmessage_read_address(message, &address);
	if (r)
		return r == -ENOMSG ? 0 : r;
	all = array_room(addresses->all, addresses->n, &addresses->capacity, sizeof(*all));
	if (!all)
		return -ENOMEM;
	addresses->all = all;
	all[addresses->n++] = address;
	return 0;
}

/** dump() - Send a dump; what the kernel does not have is empty: 0, negative errno */
static int dump(const struct kernel *kernel, struct batch *batch, int appended, port_reply_fn reply, void *userdata)
{
	struct port_failure failure = {0};
	int r = appended ? appended : port_exchange(kernel->host.rtnetlink, batch, reply, userdata, &failure);

	if (r == PORT_E_REFUSED)
		return failure.errnum == ENOENT || failure.errnum == EAFNOSUPPORT || failure.errnum == EOPNOTSUPP
			       ? 0
			       : -failure.errnum;
	return r;
}

/** same_prefix() - Whether two prefixes are one */
static bool same_prefix(const struct prefix *a, const struct prefix *b)
{
	return a->length == b->length && address_equal(&a->address, &b->address);
}

/** by_prefix() - qsort(3), bsearch(3) order */
static int by_prefix(const void *a, const void *b)
{
	const struct prefix *left = a, *right = b;

	if (left->address.family != right->address.family)
		return left->address.family < right->address.family ? -1 : 1;
	if (left->address.value != right->address.value)
		return left->address.value < right->address.value ? -1 : 1;
	return (left->length > right->length) - (left->length < right->length);
}

/** is_fenced() - Whether a route prohibits a pinned destination */
static bool is_fenced(const struct kernel *kernel, const struct route_info *route)
{
	const struct prefixes *pinned = &kernel->wanted.pinned;

	return rtmessage_route_kind(route) == ROUTE_PROHIBITS && pinned->n &&
	       bsearch(&route->destination, pinned->all, pinned->n, sizeof(*pinned->all), by_prefix);
}

/** has_fence() - Whether one of the routes prohibits a prefix */
static bool has_fence(const struct own_routes *routes, const struct prefix *prefix)
{
	for (size_t i = 0; i < routes->n; i++)
		if (rtmessage_route_kind(&routes->all[i]) == ROUTE_PROHIBITS &&
		    same_prefix(&routes->all[i].destination, prefix))
			return true;
	return false;
}

/** judge_fence() - The fence's table of a family */
static void judge_fence(const struct kernel *kernel, enum family family, const struct own_routes *routes)
{
	const struct prefixes *pinned = &kernel->wanted.pinned;
	struct report *report = kernel->audit->report;
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < pinned->n; i++) {
		if (pinned->all[i].address.family != family ||
		    (i && same_prefix(&pinned->all[i], &pinned->all[i - 1])) || has_fence(routes, &pinned->all[i]))
			continue;
		report_error(report, RULE_UNPROTECTED, kernel->audit->data_dir, "",
			     "route prohibit %s table %u is missing, which stops pinned packets that nftables does not "
			     "know: the next CHECK of a container, or the agent, puts it back",
			     prefix_format(&pinned->all[i], text), FENCE_TABLE);
	}
	for (size_t i = 0; i < routes->n; i++) {
		const struct route_info *route = &routes->all[i];

		if (route->table != FENCE_TABLE || is_fenced(kernel, route) ||
		    (kernel->wanted.adopted && rtmessage_route_kind(route) == ROUTE_PROHIBITS))
			continue;
		/* Nobody asked for it: more than is needed is no gap, another kind of route is one. */
		if (rtmessage_route_kind(route) == ROUTE_PROHIBITS)
			report_warning(
				report, RULE_FOREIGN, kernel->audit->data_dir, "",
				"a route to %s in table %u prohibits what no pin leads to: ip route delete prohibit "
				"%s table %u",
				prefix_format(&route->destination, text), FENCE_TABLE, text, FENCE_TABLE);
		else
			report_error(
				report, RULE_FOREIGN, kernel->audit->data_dir, "",
				"a route to %s in table %u, where rangeguard only prohibits, lets pinned packets pass: "
				"ip route delete %s table %u",
				prefix_format(&route->destination, text), FENCE_TABLE, text, FENCE_TABLE);
	}
}

/** is_discarded() - Whether a network of the state directory discards a prefix */
static bool is_discarded(const struct kernel *kernel, const struct prefix *prefix)
{
	for (size_t i = 0; i < kernel->wanted.discards.n; i++)
		if (discards_have(&kernel->wanted.discards.rows[i].discards, prefix))
			return true;
	return false;
}

/** has_discard() - Whether one of the routes discards a prefix for the state directory */
static bool has_discard(const struct own_routes *routes, uint32_t metric, const struct prefix *prefix)
{
	for (size_t i = 0; i < routes->n; i++)
		if (rtmessage_route_kind(&routes->all[i]) == ROUTE_UNREACHABLE && routes->all[i].priority == metric &&
		    same_prefix(&routes->all[i].destination, prefix))
			return true;
	return false;
}

/** judge_row() - What one network discards of a family */
static void judge_row(const struct kernel *kernel, enum family family, const struct own_routes *routes,
		      const struct discards *discards)
{
	uint32_t metric = discard_metric(kernel->audit->data_dir);
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < discards->n; i++)
		if (discards->all[i].address.family == family && !has_discard(routes, metric, &discards->all[i]))
			report_error(kernel->audit->report, RULE_UNPROTECTED, kernel->audit->data_dir, "",
				     "route unreachable %s metric %u is missing (discardRoutes): the next CHECK of a "
				     "container of that network, or the agent, puts it back",
				     prefix_format(&discards->all[i], text), metric);
}

/** leads_to_container() - Whether a route leads to a host end of ours */
static bool leads_to_container(const struct kernel *kernel, const struct route_info *route)
{
	for (size_t i = 0; i < kernel->inventory->n_items; i++)
		if (kernel->inventory->items[i].index == route->interface)
			return true;
	return false;
}

/** is_lost() - Whether a route has our protocol number, and nothing that rangeguard does explains it */
static bool is_lost(const struct kernel *kernel, const struct route_info *route)
{
	bool one = route->destination.length == family_bits(route->destination.address.family);

	if (route->table == FENCE_TABLE)
		return false;
	if (rtmessage_route_kind(route) == ROUTE_UNREACHABLE)
		return kernel->wanted.has_store && route->priority == discard_metric(kernel->audit->data_dir) &&
		       !is_discarded(kernel, &route->destination);
	/* A cluster's blocks lead to a gateway, or are discarded: the agent's own. */
	return rtmessage_route_kind(route) == ROUTE_LEADS && route->gateway.family == FAMILY_NONE && one &&
	       !leads_to_container(kernel, route);
}

/** judge_own() - Routes of a family with our protocol number */
static void judge_own(const struct kernel *kernel, enum family family, const struct own_routes *routes)
{
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < kernel->wanted.discards.n; i++)
		judge_row(kernel, family, routes, &kernel->wanted.discards.rows[i].discards);
	for (size_t i = 0; i < routes->n; i++)
		if (is_lost(kernel, &routes->all[i]))
			report_warning(
				kernel->audit->report, RULE_FOREIGN, kernel->audit->data_dir, "",
				"the route to %s has rangeguard's protocol number (%u), but no container or network "
				"needs it: ip route delete %s proto %u",
				prefix_format(&routes->all[i].destination, text), PLAN_ROUTE_PROTOCOL, text,
				PLAN_ROUTE_PROTOCOL);
}

/** audit_family() - Routes of a family: 0, negative errno */
static int audit_family(const struct kernel *kernel, enum family family)
{
	CLEANUP(own_routes_done) struct own_routes fence = {.n = 0}, own = {.n = 0};
	struct batch batch;
	int r;

	batch_reset(&batch);
	r = dump(kernel, &batch, rtmessage_dump_table(&batch, family, FENCE_TABLE), take_route, &fence);
	if (r)
		return r;
	judge_fence(kernel, family, &fence);
	batch_reset(&batch);
	r = dump(kernel, &batch, rtmessage_dump_own_routes(&batch, family), take_route, &own);
	if (!r)
		judge_own(kernel, family, &own);
	return r;
}

/** is_assigned() - Whether a pin's source belongs on an interface */
static bool is_assigned(const struct kernel *kernel, const struct address *address)
{
	for (size_t i = 0; i < kernel->wanted.n_assigned; i++)
		if (address_equal(&kernel->wanted.assigned[i].address, address))
			return true;
	return false;
}

/** is_on_host() - Whether an interface of the host has an address */
static bool is_on_host(const struct addresses *addresses, const struct address *address)
{
	for (size_t i = 0; i < addresses->n; i++)
		if (address_equal(&addresses->all[i].address.address, address))
			return true;
	return false;
}

/** judge_assigned() - Sources on interfaces: those that are missing, and those that nobody wants */
static void judge_assigned(const struct kernel *kernel, const struct addresses *addresses)
{
	struct report *report = kernel->audit->report;
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < kernel->wanted.n_assigned; i++) {
		const struct assigned *assigned = &kernel->wanted.assigned[i];

		if (!assigned->shared && !is_on_host(addresses, &assigned->address))
			report_error(
				report, RULE_UNPROTECTED, kernel->audit->data_dir, "",
				"source %s of a pin is not on interface %s, where \"assign\" has it: answers to pinned "
				"containers are lost until the agent, or the next ADD with that pin, puts it back",
				address_format(&assigned->address, text), assigned->interface);
	}
	for (size_t i = 0; i < addresses->n; i++)
		if (addresses->all[i].protocol == PLAN_ROUTE_PROTOCOL &&
		    !is_assigned(kernel, &addresses->all[i].address.address) && !kernel->wanted.adopted)
			report_warning(
				report, RULE_FOREIGN, kernel->audit->data_dir, "",
				"%s is on interface %u with rangeguard's protocol number (%u), but no pin has it as "
				"its source: remove it",
				address_format(&addresses->all[i].address.address, text), addresses->all[i].interface,
				PLAN_ROUTE_PROTOCOL);
}

/**
 * audit_routes() - Routes and addresses
 * @kernel:	What is audited; the pinned destinations come out sorted
 *
 * Return: 0, negative errno
 */
int audit_routes(struct kernel *kernel)
{
	CLEANUP(addresses_done) struct addresses addresses = {.n = 0};
	struct prefixes *pinned = &kernel->wanted.pinned;
	struct batch batch;
	int r;

	if (pinned->n)
		qsort(pinned->all, pinned->n, sizeof(*pinned->all), by_prefix);
	r = audit_family(kernel, FAMILY_IPV4);
	if (!r)
		r = audit_family(kernel, FAMILY_IPV6);
	if (r)
		return r;
	batch_reset(&batch);
	r = dump(kernel, &batch, rtmessage_dump_addresses(&batch, 0), take_address, &addresses);
	if (!r)
		judge_assigned(kernel, &addresses);
	return r;
}
