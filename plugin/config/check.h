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
#include "plugin/config/usage.h"

#define RESERVATION_TEXT_MAX 1024
/** Space for count_format() */
#define COUNT_TEXT_MAX 32

const char *count_format(u128 count, char buffer[static COUNT_TEXT_MAX]);
const char *reservation_describe(const struct guard_entry *entry, char buffer[static RESERVATION_TEXT_MAX]);

/** struct clash - Something of @file at @pointer that meets a reservation: "@subject RESERVED RANGE …; @remedy" */
struct clash {
	enum rule rule;
	enum severity severity;
	const char *file;
	const char *pointer;
	const char *subject;
	const char *remedy;
};

void clash_report(struct report *report, const struct clash *clash, const struct guard_entry *entry);

int check_netconf(const struct netconf *netconf, const struct guard *guard, struct report *report);
size_t check_netconf_spans(const struct netconf *netconf, struct span *spans);
int check_usages(const struct usages *usages, const char *file, const struct guard *guard, struct report *report);
int check_snat(const struct netconf *netconf, struct report *report);
int check_routes(const struct netconf *netconf, const struct routes *routes, struct report *report);

/* Another plugin's ranges: warnings, for nothing refuses its ADD. Routes through @own_device (may be NULL) are its own. */
void check_usage_routes(const struct usages *usages, const char *file, const char *own_device,
			const struct routes *routes, struct report *report);

#endif
