/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_HOSTROUTE_H
#define PLUGIN_NETWORK_HOSTROUTE_H

/*
 * How the kernel routes an address today, and whether giving that address to a container would clash: one exact
 * lookup (RTM_GETROUTE with RTM_F_FIB_MATCH) over all rules and tables per address; no dump, unless a route of others that
 * discards matched.
 */

#include "ipam/address/hostroute_rule.h"
#include "ipam/address/range.h"
#include "plugin/network/rtmessage.h"
#include "rangeguard/outcome.h"

/** Named outcomes of hostroute_lookup() beside 0 and negative errno */
enum hostroute_outcome {
	HOSTROUTE_E_NONE = OUTCOMES_HOSTROUTE, /* no route, or none that is about addresses: a rule that discards */
};

/* Pure: a route as the kernel tells it, in the rule's terms. */
struct hostroute hostroute_of(const struct route_info *route);
/* Pure: what a matching route means for an address out of @subnet. */
enum hostroute_verdict hostroute_judge(const struct route_info *match, const struct prefix *subnet);
/* hostroute_verdict or negative errno; @ret_match is what matched unless HOSTROUTE_FREE. */
int hostroute_ask(struct port *host, const struct address *address, const struct prefix *subnet,
		  struct route_info *ret_match);
int hostroute_ask_within(struct port *host, const struct address *address, const struct ip_range *range,
			 bool *ret_discarded, struct route_info *ret_match);
int hostroute_ask_rules(struct port *host, const struct address *address, struct route_info *ret_match);
int hostroute_lookup(struct port *host, const struct address *address, struct route_info *ret_match);
const char *hostroute_type_text(const struct route_info *match);
bool hostroute_discards(const struct route_info *match);
bool hostroute_shuts_off(const struct route_info *match);
int hostroute_is_local(struct port *host, const struct address *address);

#endif
