/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_OFFLOAD_H
#define PLUGIN_SNAT_OFFLOAD_H

/*
 * The short cut for flows that are known to leave with the right source: nftables' flowtable, where the kernel has one
 * (Debian's, RHEL's; module nf_flow_table). A packet of such a flow goes from the container's interface to its next hop
 * without routing, rules, or connection tracking, translated as the flow is; the classifier still sees it first, for its
 * hook comes before the flowtable's. It does not make anything safer and nothing depends on it: without it packets take
 * the long way.
 *
 *	flowtable established        the containers' interfaces. One that goes leaves it by itself
 *	forward last - 1             shortcut: a packet of a flow whose source is translated, that is to be checked (ruleset.h) and
 *	                            whose flow has a source of its container's pins; or of a container without a pin that is
 *	                            masqueraded → its flow is taken into the flowtable, once it is established
 *
 * Packets on it meet no fence, so the classifier keeps those off it that come past a deadline. Deleting a flow from
 * connection tracking ends it here, too, with the next packet. What the classifier marked stays marked up to the interface
 * through which it leaves, where traffic control may see it; it is in no packet on the wire. Flows that leave by tunnels
 * are not taken.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "plugin/snat/nfmessage.h"

/** The chain, in the table of all others ("offload" is a word of nft's language) */
#define OFFLOAD_CHAIN "shortcut"

/** struct offload_devices - Names of containers' interfaces; owned */
struct offload_devices {
	char (*names)[IFNAMSIZ];
	size_t n;
};

int offload_devices_add(struct offload_devices *devices, const char *name);
void offload_devices_done(struct offload_devices *devices);
int offload_put(struct batch *batch, const struct offload_devices *devices);
void offload_make(struct port *netfilter, const struct offload_devices *devices);
void offload_add(struct port *netfilter, const char *name);
bool offload_lost(struct port *netfilter);

#endif
