/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETCONF_CHECK_CAPTURE_H
#define PLUGIN_NETCONF_CHECK_CAPTURE_H

/*
 * Routes of a container that capture a reserved range's traffic (`guard.routes`). A route does that as an address does,
 * unless it goes the way that everything goes by default. Pure.
 */

#include "ipam/guard/guard.h"
#include "plugin/netconf/netconf.h"

/**
 * struct capture - A list of routes and what is their default way
 * @routes:	Routes, borrowed
 * @n_routes:	How many
 * @hops:	Gateways that are the default way beside that of a default route in the list; borrowed
 * @n_hops:	How many
 * @implied:	A route without a gateway goes the default way
 */
struct capture {
	const struct route *routes;
	size_t n_routes;
	const struct address *hops;
	size_t n_hops;
	bool implied;
};

/** struct captured - A route that captures: @index in the list; by its @gateway, or by its destination */
struct captured {
	size_t index;
	bool gateway;
	struct guard_entry entry;
};

bool capture_next(const struct capture *capture, const struct guard *guard, size_t *at, struct captured *ret_captured);
void check_capture(const struct netconf *netconf, const struct guard *guard, struct report *report);

#endif
