/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_PLAN_H
#define PLUGIN_NETWORK_PLAN_H

/*
 * The exact state wanted in the kernel for one attachment in routed mode. From the configuration and the lease alone,
 * hence the same each time: names and MAC addresses are derived, nothing is drawn by lot. Pure.
 */

#include <linux/if_ether.h>
#include <net/if.h>

#include "ipam/address/range.h"
#include "ipam/address/route.h"
#include "ipam/lease/lease.h"
#include "plugin/network/identity.h"
#include "rangeguard/limits.h"

/** Next hop of a container's default routes, on-link */
#define PLAN_NEXT_HOP_IPV4 RANGE_NEXT_HOP_IPV4
#define PLAN_NEXT_HOP_IPV6 RANGE_NEXT_HOP_IPV6
/** rtm_protocol of our host routes; iproute2's rt_protos leaves 82 to nobody */
#define PLAN_ROUTE_PROTOCOL 82

/**
 * struct plan - What one attachment looks like
 * @host_name:		Host end, "rg" and 12 hex digits of the attachment's digest
 * @alias:		Alias of the host end: whose it is
 * @container_name:	Container end, CNI_IFNAME
 * @host_mac, @container_mac: MAC addresses, set by us so that nobody else's rule changes them
 * @mtu:		Of both ends
 * @addresses:		The container's addresses
 * @routes:		The container's routes, next hops filled in; borrowed by nobody, owned
 */
struct plan {
	char host_name[IFNAMSIZ];
	char alias[IDENTITY_ALIAS_MAX];
	char container_name[IFNAMSIZ];
	uint8_t host_mac[ETH_ALEN];
	uint8_t container_mac[ETH_ALEN];
	unsigned mtu;
	struct address addresses[LIMIT_RANGE_SETS];
	size_t n_addresses;
	struct route *routes;
	size_t n_routes;
};

/**
 * struct plan_input - What the plan is made of, all borrowed
 * @attachment:		Whose it is
 * @addresses:		The container's addresses
 * @routes:		The container's routes; one without gateway gets the host as its next hop, unless its scope says
 *			that there is none. Not looked at with @default_routes
 * @default_routes:	A default route for each family with an address
 * @mac:		MAC address asked for; NULL: derived
 * @mtu:		Of both ends, never 0
 */
struct plan_input {
	const struct attachment *attachment;
	const struct address *addresses;
	size_t n_addresses;
	const struct route *routes;
	size_t n_routes;
	bool default_routes;
	const char *mac;
	unsigned mtu;
};

int plan_make(const struct plan_input *input, struct plan *ret_plan);
struct address plan_next_hop(enum family family);
size_t plan_neighbours(const struct plan *plan, struct address *neighbours);
bool plan_has_family(const struct plan *plan, enum family family);
void plan_done(struct plan *plan);

#define PLAN_CLEANUP __attribute__((cleanup(plan_done)))

#endif
