/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_ADDRESS_HOSTROUTE_RULE_H
#define IPAM_ADDRESS_HOSTROUTE_RULE_H

/*
 * The clash rule of `hostRoutes`: what a route of the host means for an address that is to be given to a container.
 * One rule for ADD, which asks the kernel, and for `validate`, which reads what `ip route` printed. Pure.
 */

#include "ipam/address/address.h"
#include "rangeguard/outcome.h"

enum hostroute_verdict {
	HOSTROUTE_FREE = 0, /* no route, or a less specific one: default, 0/1 and 128/1, an aggregate */
	/* the host's own, or an exact /32 (/128): somebody holds that address, or it is shut off */
	HOSTROUTE_TAKEN = OUTCOMES_HOSTROUTE_RULE,
	HOSTROUTE_CLASH, /* on-link elsewhere, or at least as specific as the pool's subnet */
};

/** What becomes of a packet that a route matches */
enum hostroute_kind {
	HOSTROUTE_UNICAST, /* goes to other hosts: directly, or through one of them */
	HOSTROUTE_LOCAL,   /* stays here: local, broadcast, anycast */
	HOSTROUTE_THROW,   /* is looked up in the next table */
	HOSTROUTE_DISCARD, /* is dropped: blackhole, unreachable, prohibit */
};

/**
 * struct hostroute - What the rule asks of a route
 * @destination:	Addresses that it is about
 * @kind:		What becomes of a packet
 * @has_gateway:	It leads through another host
 * @before_main:	It is in a table that a rule puts before main, where the routes to containers are: there it wins,
 *			however specific these are
 */
struct hostroute {
	struct prefix destination;
	enum hostroute_kind kind;
	bool has_gateway;
	bool before_main;
};

bool hostroute_is_exact(const struct hostroute *route);
bool hostroute_takes(const struct hostroute *route, uint8_t within_length, const struct prefix *subnet);
enum hostroute_verdict hostroute_rule(const struct hostroute *route, const struct prefix *subnet);

#endif
