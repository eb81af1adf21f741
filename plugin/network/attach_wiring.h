/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_ATTACH_WIRING_H
#define PLUGIN_NETWORK_ATTACH_WIRING_H

/* CHECK of what wire.c sets and no result tells of: sysctls, neighbours, MAC addresses, MTU, the host end's master. */

#include "plugin/network/plan.h"
#include "plugin/network/port.h"
#include "plugin/network/rtmessage.h"
#include "plugin/report/error.h"

/**
 * struct wiring - An attachment as it should be
 * @plan:	Addresses and routes, next hops filled in; MAC addresses and MTU count as they are here
 * @host_end:	Host end as the kernel has it
 * @container_end: Container's end as the kernel has it; only attach_wiring_container() looks at it
 */
struct wiring {
	const struct plan *plan;
	const struct link_info *host_end;
	const struct link_info *container_end;
};

int attach_wiring_host(struct port *host, const struct wiring *wiring, struct error *reterr);
int attach_wiring_container(struct port *container, const struct wiring *wiring, struct error *reterr);
int attach_wiring_neighbours(struct port *host, const struct wiring *wiring, struct error *reterr);

#endif
