/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wires the two ends of a pair. Sysctls are set while an end is still down, and the container's end comes up last:
 * nothing passes before everything is in place.
 */

#include "plugin/network/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/network/hostroute.h"
#include "plugin/network/stage.h"
#include "plugin/network/sysctl.h"
#include "plugin/report/log.h"
#include "rangeguard/cleanup.h"

/** Number of the first interface that a new namespace gets */
#define FIRST_INDEX 2U
/** Tables of the interfaces that come after a first one with a default route, by their numbers, and their rules */
#define FURTHER_TABLES 29300U
#define FURTHER_PRIORITY 1000U

/**
 * set_sysctl() - Give an interface's sysctl a value
 * @family:	"ipv4" or "ipv6"
 * @interface:	Interface
 * @name:	Sysctl
 * @value:	Value
 * @reterr:	Error
 *
 * Return: 0, -ENOENT when the kernel has no such sysctl, REFUSED
 */
static int set_sysctl(const char *family, const char *interface, const char *name, const char *value,
		      struct error *reterr)
{
	int r = sysctl_ensure_interface(family, interface, name, value);

	if (r == 0 || r == -ENOENT)
		return r;
	return error_set_errno(reterr, ERROR_KERNEL, r, "cannot write %s to /proc/sys/net/%s/conf/%s/%s", value, family,
			       interface, name);
}

/**
 * let_ipv6_in() - Sysctls of one end before it is up: no router advertisements (CVE-2020-10749), IPv6 where it is used
 * @interface:	Name of the end
 * @plan:	Plan
 * @ret_ipv6:	Whether the kernel has IPv6
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
static int let_ipv6_in(const char *interface, const struct plan *plan, bool *ret_ipv6, struct error *reterr)
{
	int r = set_sysctl("ipv6", interface, "accept_ra", "0", reterr);

	*ret_ipv6 = r != -ENOENT;
	if (r == 0 && plan_has_family(plan, FAMILY_IPV6))
		r = set_sysctl("ipv6", interface, "disable_ipv6", "0", reterr);
	return r == -ENOENT ? 0 : r;
}

/**
 * forward() - Switch forwarding on where it is off, for the families that the container has
 * @plan:	Plan
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
static int forward(const struct plan *plan, struct error *reterr)
{
	static const struct {
		enum family family;
		const char *name;
	} sysctls[] = {{FAMILY_IPV4, "ipv4/ip_forward"}, {FAMILY_IPV6, "ipv6/conf/all/forwarding"}};

	for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++) {
		int r = plan_has_family(plan, sysctls[i].family) ? sysctl_ensure(sysctls[i].name, "1") : 0;

		if (r)
			return error_set_errno(reterr, ERROR_KERNEL, r, "cannot write 1 to /proc/sys/net/%s",
					       sysctls[i].name);
	}
	return 0;
}

/** add_link_local() - Put @address, a link-local one, on @index: 0, REFUSED */
static int add_link_local(struct stage *stage, uint32_t index, const struct address *address)
{
	struct prefix prefix = {.address = *address, .length = 64};

	return stage_add(stage, rtmessage_add_address(&stage->batch, index, &prefix));
}

/**
 * wire_host() - Host end: alias, up, the host's next-hop address for IPv6, a neighbour and a route per address
 * @host:	Port
 * @plan:	Plan
 * @index:	Host end
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
int wire_host(struct port *host, const struct plan *plan, uint32_t index, struct error *reterr)
{
	struct address next_hop = plan_next_hop(FAMILY_IPV6);
	struct stage stage;
	bool ipv6;
	int r;

	r = let_ipv6_in(plan->host_name, plan, &ipv6, reterr);
	if (!r)
		r = forward(plan, reterr);
	if (r)
		return r;
	stage_begin(&stage, host, "on the host", reterr);
	r = stage_add(&stage, rtmessage_set_host_end(&stage.batch, index, plan, ipv6));
	if (!r)
		r = stage_add(&stage, rtmessage_set_up(&stage.batch, index));
	if (!r && plan_has_family(plan, FAMILY_IPV6))
		r = add_link_local(&stage, index, &next_hop);
	for (size_t i = 0; !r && i < plan->n_addresses; i++) {
		const struct address *address = &plan->addresses[i];

		r = stage_make_room(&stage);
		if (!r)
			r = stage_add(&stage,
				      rtmessage_add_neighbour(&stage.batch, index, address, plan->container_mac));
		if (!r)
			r = stage_make_room(&stage);
		if (!r)
			r = stage_add(&stage, rtmessage_add_host_route(&stage.batch, index, address));
	}
	return r ? r : stage_send(&stage);
}

/**
 * own_link_local() - The link-local address that the kernel would have made of a MAC address
 * @mac:	MAC address
 *
 * Return: fe80:: with a modified EUI-64, RFC 4291 appendix A
 */
static struct address own_link_local(const uint8_t mac[static ETH_ALEN])
{
	const uint8_t bytes[ADDRESS_BYTES_MAX] = {0xfe, 0x80, [8] = mac[0] ^ 2, mac[1], mac[2],
						  0xff, 0xfe, mac[3],		mac[4], mac[5]};

	return address_from_bytes(FAMILY_IPV6, bytes);
}

/** add_addresses() - The container's addresses, without a prefix that would be on-link: 0, REFUSED */
static int add_addresses(struct stage *stage, const struct plan *plan, uint32_t index)
{
	int r = 0;

	for (size_t i = 0; !r && i < plan->n_addresses; i++) {
		struct prefix prefix = {.address = plan->addresses[i],
					.length = (uint8_t)family_bits(plan->addresses[i].family)};

		r = stage_make_room(stage);
		if (!r)
			r = stage_add(stage, rtmessage_add_address(&stage->batch, index, &prefix));
	}
	return r;
}

/** add_neighbour() - Let the host end answer for @address: 0, REFUSED */
static int add_neighbour(struct stage *stage, const struct plan *plan, uint32_t index, const struct address *address)
{
	int r = stage_make_room(stage);

	return r ? r : stage_add(stage, rtmessage_add_neighbour(&stage->batch, index, address, plan->host_mac));
}

/** add_neighbours() - All next hops are the host, which has the host end's MAC address: 0, REFUSED */
static int add_neighbours(struct stage *stage, const struct plan *plan, uint32_t index)
{
	CLEANUP_FREE struct address *neighbours = calloc(plan->n_routes + 2, sizeof(*neighbours));
	size_t n;
	int r = 0;

	if (!neighbours)
		return error_no_memory(stage->err);
	n = plan_neighbours(plan, neighbours);
	for (size_t i = 0; !r && i < n; i++)
		r = add_neighbour(stage, plan, index, &neighbours[i]);
	return r;
}

/**
 * is_further() - Whether the container has a default route through another interface already
 * @container:	Port
 * @plan:	Plan
 * @index:	Container end
 *
 * In a namespace that is new the first one is number 2, after lo; only beyond that the kernel is asked.
 */
static bool is_further(struct port *container, const struct plan *plan, uint32_t index)
{
	static const char *const outside[] = {"240.0.0.1", "3ffe::1"};

	for (size_t i = 0; index > FIRST_INDEX && i < sizeof(outside) / sizeof(outside[0]); i++) {
		struct route_info match;
		struct address address;

		if (!address_parse(outside[i], &address) && plan_has_family(plan, address.family) &&
		    hostroute_lookup(container, &address, &match) == 0 && match.interface != index)
			return true;
	}
	return false;
}

/**
 * add_own_table() - Have what comes from the addresses leave by this interface, whatever the first one's routes say
 * @stage:	Stage
 * @plan:	Plan
 * @index:	Container end
 *
 * Answers would leave by the first interface otherwise, where they are dropped: their source is not that one's.
 *
 * Return: 0, REFUSED
 */
static int add_own_table(struct stage *stage, const struct plan *plan, uint32_t index)
{
	int r = 0;

	for (size_t i = 0; !r && i < plan->n_addresses; i++) {
		r = stage_make_room(stage);
		if (!r)
			r = stage_add(stage, rtmessage_add_source_rule(&stage->batch, &plan->addresses[i],
								       FURTHER_TABLES + index, FURTHER_PRIORITY));
	}
	for (size_t i = 0; !r && i < plan->n_routes; i++) {
		struct route route = plan->routes[i];

		if (route.table >= 0)
			continue;
		route.table = (long)(FURTHER_TABLES + index);
		r = stage_make_room(stage);
		if (!r)
			r = stage_add(stage, rtmessage_add_container_route(&stage->batch, index, &route));
	}
	return r;
}

/** mend_rule() - Put back the rule of an address where it is missing: 0, REFUSED */
static int mend_rule(struct port *container, const struct address *address, uint32_t table, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX];
	struct stage stage;
	int r;

	stage_begin(&stage, container, "in the container", reterr);
	r = stage_add(&stage, rtmessage_add_source_rule(&stage.batch, address, table, FURTHER_PRIORITY));
	if (r)
		return r;
	stage.batch.may_exist = 0;
	r = stage_try(&stage);
	if (r == PORT_E_REFUSED && stage.failure.errnum == EEXIST)
		return 0;
	if (!r)
		log_line("the rule for what comes from %s was missing in the container: it is put back",
			 address_format(address, text));
	return r == PORT_E_REFUSED ? stage_refused(&stage) : r ? REFUSED : 0;
}

/**
 * wire_check_further() - CHECK of an interface that is not the container's first: the rules of add_own_table() are put back
 * @container:	Port
 * @plan:	Plan; its addresses count
 * @index:	Container end
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int wire_check_further(struct port *container, const struct plan *plan, uint32_t index, struct error *reterr)
{
	int r = 0;

	if (!is_further(container, plan, index))
		return 0;
	for (size_t i = 0; i < plan->n_addresses && !r; i++)
		r = mend_rule(container, &plan->addresses[i], FURTHER_TABLES + index, reterr);
	return r;
}

/** add_routes() - The container's routes, which need the link up: 0, REFUSED */
static int add_routes(struct stage *stage, const struct plan *plan, uint32_t index)
{
	int r = 0;

	for (size_t i = 0; !r && i < plan->n_routes; i++) {
		r = stage_make_room(stage);
		if (!r)
			r = stage_add(stage, rtmessage_add_container_route(&stage->batch, index, &plan->routes[i]));
	}
	return r;
}

/**
 * wire_container() - Container end: addresses, neighbours, up, routes. The calling thread is in its namespace
 * @container:	Port of that namespace
 * @plan:	Plan
 * @index:	Container end
 * @reterr:	Error
 *
 * With a link-local address of our own making nothing waits for duplicate address detection.
 *
 * Return: 0, REFUSED
 */
int wire_container(struct port *container, const struct plan *plan, uint32_t index, struct error *reterr)
{
	struct address link_local = own_link_local(plan->container_mac);
	struct stage stage;
	bool ipv6, further;
	int r = let_ipv6_in(plan->container_name, plan, &ipv6, reterr);

	if (r)
		return r;
	further = is_further(container, plan, index);
	stage_begin(&stage, container, "in the container", reterr);
	if (plan_has_family(plan, FAMILY_IPV6)) {
		r = stage_add(&stage, rtmessage_no_link_local(&stage.batch, index));
		if (!r)
			r = add_link_local(&stage, index, &link_local);
	}
	if (!r)
		r = add_addresses(&stage, plan, index);
	if (!r)
		r = add_neighbours(&stage, plan, index);
	if (!r)
		r = stage_make_room(&stage);
	if (!r)
		r = stage_add(&stage, rtmessage_set_up(&stage.batch, index));
	if (!r)
		r = add_routes(&stage, plan, index);
	if (!r && further)
		r = add_own_table(&stage, plan, index);
	return r ? r : stage_send(&stage);
}
