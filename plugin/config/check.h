/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_CONFIG_CHECK_H
#define PLUGIN_CONFIG_CHECK_H

/*
 * A configuration held against the guard, the same for ADD and for `validate`; and the words in which every refusal
 * names the reserved range, its owner, reason, reference and file. And, offline, held against a host's routes.
 */

#include "ipam/guard.h"
#include "plugin/config/netconf.h"
#include "plugin/config/routes.h"

#define RESERVATION_TEXT_MAX 1024

const char *reservation_describe(const struct guard_entry *entry, char buffer[static RESERVATION_TEXT_MAX]);
int check_netconf(const struct netconf *netconf, const struct guard *guard, struct report *report);
int check_snat(const struct netconf *netconf, struct report *report);
int check_routes(const struct netconf *netconf, const struct routes *routes, struct report *report);

#endif
