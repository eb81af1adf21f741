/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETCONF_CHECK_H
#define PLUGIN_NETCONF_CHECK_H

/*
 * A configuration checked against the guard, the same for ADD and for `validate`; and the words in which every refusal
 * names the reserved range, its owner, reason, reference and file. And, offline, checked against a host's routes.
 */

#include "ipam/guard/guard.h"
#include "plugin/netconf/netconf.h"
#include "plugin/netconf/routes.h"

#define RESERVATION_TEXT_MAX 1024
/** Space for count_format() */
#define COUNT_TEXT_MAX 32

const char *count_format(u128 count, char buffer[static COUNT_TEXT_MAX]);
const char *reservation_describe(const struct guard_entry *entry, char buffer[static RESERVATION_TEXT_MAX]);

/** struct reservation_clash - Something of @file at @pointer that meets a reservation: "@subject RESERVED RANGE …; @remedy" */
struct reservation_clash {
	enum rule rule;
	enum severity severity;
	const char *file;
	const char *pointer;
	const char *subject;
	const char *remedy;
	size_t offset;
};

void reservation_report(struct report *report, const struct reservation_clash *clash, const struct guard_entry *entry);

int check_netconf(const struct netconf *netconf, const struct guard *guard, struct report *report);
int check_fixed(const struct netconf *netconf, const struct guard *guard, struct report *report);
size_t check_netconf_spans(const struct netconf *netconf, struct span *spans);
void check_later(const struct netconf *netconf, struct report *report);
int check_snat(const struct netconf *netconf, struct report *report);
int check_routes(const struct netconf *netconf, const struct routes *routes, struct report *report);

/**
 * struct route_question - A range whose addresses the host may route elsewhere
 * @file:		File
 * @pointer:		Of the range, in it
 * @offset:		Where in the text there
 * @clash_severity:	Of the finding when a route clashes
 * @own_device:		Interface whose routes are the network's own; NULL: not known
 * @remedy:		What to do about a clash
 * @span:		Addresses
 * @network:		Subnet they are of
 */
struct route_question {
	const char *file;
	const char *pointer;
	size_t offset;
	enum severity clash_severity;
	const char *own_device;
	const char *remedy;
	struct span span;
	struct prefix network;
};

void check_range_routes(const struct route_question *range, const struct routes *routes, struct report *report);

#endif
