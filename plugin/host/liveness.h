/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_LIVENESS_H
#define PLUGIN_HOST_LIVENESS_H

/* Whether what a lease was made for is still there: its namespace, its interface. */

#include <stdbool.h>

#include "ipam/lease/lease.h"
#include "plugin/network/in_use.h"
#include "plugin/network/port.h"

enum liveness {
	LIVENESS_GONE,
	LIVENESS_THERE,
	LIVENESS_UNKNOWN, /* the lease was adopted from the kernel, which does not tell */
};

/** struct liveness_scan - What is in use in all namespaces, read once when it is first needed; begins as zeros */
struct liveness_scan {
	struct in_use in_use;
	bool read;
};

enum liveness liveness_netns(const struct lease *lease);
bool liveness_of(struct liveness_scan *scan, const struct lease *lease);
void liveness_scan_done(struct liveness_scan *scan);
bool liveness_interface(struct port *host, const struct lease *lease);

#endif
