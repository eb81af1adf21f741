/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ENFORCE_UPLINK_H
#define PLUGIN_ENFORCE_UPLINK_H

/*
 * The program over what leaves by the interface that shared sources are assigned to (uplink.bpf.c): past a source's deadline
 * (deadlines.h) nothing leaves with it, neither the host's own packets nor ARP and ND answers, nor a container's that found
 * a way round its fence.
 */

#include "plugin/network/port.h"
#include "plugin/report/error.h"

int uplink_guard(struct port *host, uint32_t ifindex, struct error *reterr);

#endif
