/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_LIVENESS_H
#define PLUGIN_HOST_LIVENESS_H

/* Whether what a lease was made for is still there: its namespace, its interface. */

#include <stdbool.h>

#include "ipam/lease/lease.h"
#include "plugin/network/port.h"

enum liveness {
	LIVENESS_GONE,
	LIVENESS_THERE,
	LIVENESS_UNKNOWN, /* the lease was adopted from the kernel, which does not tell */
};

enum liveness liveness_netns(const struct lease *lease);
bool liveness_interface(struct port *host, const struct lease *lease);

#endif
