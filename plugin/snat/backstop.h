/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_BACKSTOP_H
#define PLUGIN_SNAT_BACKSTOP_H

/*
 * The backstop: one rule that drops what comes from containers' interfaces and did not go through the classifier, so that
 * deleting a qdisc stops traffic instead of letting everything pass; and one that gives a pinned container's packet the fence's
 * mark back where rules of others overwrite all marks (wg-quick's do). In a table of its own, `inet rangeguard-backstop`,
 * which never changes and for which no connection is tracked: a host without pins pays for nothing else. Without nf_tables
 * the classifier stands alone.
 *
 * What a bridge forwards from port to port never comes to that table. So once there is a container behind a bridge, the same
 * rule stands in `bridge rangeguard-bridge`, too.
 */

#include "plugin/network/port.h"
#include "plugin/report/error.h"
#include "rangeguard/outcome.h"

#define BACKSTOP_TABLE "rangeguard-backstop"
/** The chain that is there for pinned containers alone */
#define BACKSTOP_CHAIN_PINNED "overwritten"

/** Named outcomes beside 0 and REFUSED */
enum backstop_outcome {
	BACKSTOP_E_UNAVAILABLE = OUTCOMES_BACKSTOP, /* the kernel has no nf_tables */
	BACKSTOP_E_MADE,			    /* it was not there, or not whole */
};

int backstop_make(struct batch *batch, const char *table, bool pinned);
int backstop_ensure(struct port *netfilter, bool pinned, struct error *reterr);
int backstop_ensure_bridge(struct port *netfilter, struct error *reterr);
uint64_t backstop_dropped(struct port *netfilter);
int backstop_renew(struct port *netfilter, struct error *reterr);

#endif
