/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_FENCE_H
#define PLUGIN_SNAT_FENCE_H

/*
 * The fence: what keeps a pinned container's packets from leaving with another source while the nftables table is
 * gone (`nft flush ruleset`, a firewall reload). Nothing of it lives in the ruleset.
 *
 * The host's interface towards the container marks each packet that comes in (plugin/enforce). A packet that still
 * carries the mark when it is routed meets one rule, which leads to a table of `prohibit` routes to all pinned
 * destinations (fence_close()). Only the nftables table takes the mark off again, before routing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipam/address/address.h"
#include "plugin/enforce/marks.h"
#include "plugin/network/port.h"
#include "plugin/report/error.h"

/** The mark: this one bit of skb->mark, set by the interface, cleared by the table's chain before routing */
#define FENCE_MARK (marks().pinned)
/**
 * Routing table of the prohibit routes, of protocol 82; priority of the rule that leads there. It sorts directly after the
 * kernel's own rule for the local table, before all others; and carries the kernel's protocol, so that neither
 * `ip rule flush` nor a restart of systemd-networkd, which remove "foreign" rules, take it away
 */
#define FENCE_TABLE 29287U
#define FENCE_PRIORITY 0U

/*
 * Prohibit marked packets to destinations: one rule per family among @spans, one route per prefix. What is there
 * already is fine. 0; REFUSED (103), when some of it may be there: fence_open() takes it away.
 */
/* Also the first route alone: @ret_new tells whether it had been missing, i.e. whether somebody took the fence away. */
int fence_probe(struct port *host, const struct span *spans, size_t n, bool *ret_new, struct error *reterr);
int fence_close(struct port *host, const struct span *spans, size_t n, struct error *reterr);

/*
 * The opposite: remove the routes to the @n spans in @gone, except those that the @n_kept spans in @kept need as well.
 * Each span stands for the destinations of one pin as it was given to fence_close(). The rule of a family goes with its
 * last span (none of that family among @kept). What is not there is fine. The caller sees to it that nobody calls
 * fence_close() between its finding out what is kept and the end of this call. 0; REFUSED (103).
 */
int fence_clear(struct port *host, struct error *reterr);
int fence_open(struct port *host, const struct span *gone, size_t n, const struct span *kept, size_t n_kept,
	       struct error *reterr);

#endif
