/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_WIRE_H
#define PLUGIN_NETWORK_WIRE_H

/* The two ends of a veth pair that is there: what each needs until packets pass. Undone by deleting the pair. */

#include "plugin/network/plan.h"
#include "plugin/network/port.h"
#include "plugin/report/error.h"

int wire_host(struct port *host, const struct plan *plan, uint32_t index, struct error *reterr);
int wire_check_further(struct port *container, const struct plan *plan, uint32_t index, struct error *reterr);
int wire_container(struct port *container, const struct plan *plan, uint32_t index, struct error *reterr);

#endif
