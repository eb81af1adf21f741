/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From configuration and lease to the state wanted in the kernel. Pure: no descriptor, no system call, no clock. */

#include "plugin/network/plan.h"

#include <errno.h>
#include <string.h>

#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** Scopes from RT_SCOPE_LINK (linux/rtnetlink.h) on mean "without a gateway" */
#define SCOPE_LINK 253

/** plan_next_hop() - The host's address that is the next hop of a container's default route in @family */
struct address plan_next_hop(enum family family)
{
	struct address next_hop = {0};

	(void)address_parse(family == FAMILY_IPV4 ? PLAN_NEXT_HOP_IPV4 : PLAN_NEXT_HOP_IPV6, &next_hop);
	return next_hop;
}

/** plan_has_family() - Whether the container has an address of @family */
bool plan_has_family(const struct plan *plan, enum family family)
{
	for (size_t i = 0; i < plan->n_addresses; i++)
		if (plan->addresses[i].family == family)
			return true;
	return false;
}

/**
 * plan_neighbours() - Addresses for which the host end answers in the container: all next hops are the host
 * @plan:	Plan
 * @neighbours:	Space for two more than there are routes
 *
 * Return: how many, each once
 */
size_t plan_neighbours(const struct plan *plan, struct address *neighbours)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(families); i++)
		if (plan_has_family(plan, families[i]))
			neighbours[n++] = plan_next_hop(families[i]);
	for (size_t i = 0; i < plan->n_routes; i++) {
		size_t known = 0;

		while (known < n && !address_equal(&neighbours[known], &plan->routes[i].gateway))
			known++;
		if (known == n && plan->routes[i].gateway.family != FAMILY_NONE)
			neighbours[n++] = plan->routes[i].gateway;
	}
	return n;
}

/**
 * copy_routes() - The routes that the configuration lists, next hops filled in
 * @input:	Input
 * @plan:	Plan with its addresses; its routes are set
 *
 * Return: 0, -ENOMEM, -EAFNOSUPPORT for a route of a family in which the container has no address
 */
static int copy_routes(const struct plan_input *input, struct plan *plan)
{
	if (!input->n_routes)
		return 0;
	plan->routes = calloc(input->n_routes, sizeof(*plan->routes));
	if (!plan->routes)
		return -ENOMEM;
	for (size_t i = 0; i < input->n_routes; i++) {
		struct route *route = &plan->routes[plan->n_routes++];

		*route = input->routes[i];
		if (!plan_has_family(plan, route->destination.address.family))
			return -EAFNOSUPPORT;
		if (route->gateway.family == FAMILY_NONE && route->scope < SCOPE_LINK)
			route->gateway = plan_next_hop(route->destination.address.family);
	}
	return 0;
}

/**
 * make_default_routes() - A default route for each family with an address
 * @plan:	Plan with its addresses; its routes are set
 *
 * Return: 0, -ENOMEM
 */
static int make_default_routes(struct plan *plan)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};

	plan->routes = calloc(2, sizeof(*plan->routes));
	if (!plan->routes)
		return -ENOMEM;
	for (size_t i = 0; i < 2; i++) {
		if (!plan_has_family(plan, families[i]))
			continue;
		plan->routes[plan->n_routes++] = (struct route){
			.destination = {.address = {.family = families[i]}},
			.gateway = plan_next_hop(families[i]),
			.mtu = -1,
			.advmss = -1,
			.priority = -1,
			.table = -1,
			.scope = -1,
		};
	}
	return 0;
}

/**
 * set_mtu() - Check the MTU and set it
 * @input:	Input
 * @plan:	Plan with its addresses
 *
 * Return: 0, -ERANGE when the kernel would not take it, or not with IPv6
 */
static int set_mtu(const struct plan_input *input, struct plan *plan)
{
	unsigned least = plan_has_family(plan, FAMILY_IPV6) ? LIMIT_MTU_MIN_IPV6 : LIMIT_MTU_MIN;

	if (input->mtu < least || input->mtu > LIMIT_MTU_MAX)
		return -ERANGE;
	plan->mtu = input->mtu;
	return 0;
}

/**
 * set_names() - Names, alias and MAC addresses
 * @input:	Input
 * @plan:	They are set
 *
 * Return: 0, -EINVAL for an interface name or MAC address that can't be
 */
static int set_names(const struct plan_input *input, struct plan *plan)
{
	size_t length = strlen(input->attachment->ifname);

	if (!length || length >= sizeof(plan->container_name))
		return -EINVAL;
	memcpy(plan->container_name, input->attachment->ifname, length + 1);
	identity_host_name(input->attachment, plan->host_name);
	identity_alias(input->attachment, plan->alias);
	identity_host_mac(input->attachment, plan->host_mac);
	identity_container_mac(input->attachment, plan->container_mac);
	return input->mac ? mac_parse(input->mac, plan->container_mac) : 0;
}

/**
 * plan_make() - Make the plan of an attachment
 * @input:	What it is made of
 * @ret_plan:	Plan; plan_done() it
 *
 * Return: 0, -ENOMEM, -EINVAL for an interface name or MAC address that can't be, -ERANGE for such an MTU, -E2BIG for
 * too many addresses or routes, -EAFNOSUPPORT for a route of a family in which the container has no address
 */
int plan_make(const struct plan_input *input, struct plan *ret_plan)
{
	struct plan plan PLAN_CLEANUP = {0};
	int r;

	if (input->n_addresses > LIMIT_RANGE_SETS || input->n_routes > LIMIT_ROUTES)
		return -E2BIG;
	for (; plan.n_addresses < input->n_addresses; plan.n_addresses++)
		plan.addresses[plan.n_addresses] = input->addresses[plan.n_addresses];
	r = set_names(input, &plan);
	if (!r)
		r = set_mtu(input, &plan);
	if (!r)
		r = input->default_routes ? make_default_routes(&plan) : copy_routes(input, &plan);
	if (r)
		return r;
	*ret_plan = plan;
	plan.routes = NULL;
	return 0;
}

/** plan_done() - Free what the plan owns */
void plan_done(struct plan *plan)
{
	free(plan->routes);
	plan->routes = NULL;
	plan->n_routes = 0;
}
