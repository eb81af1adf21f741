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
 *	forward last - 1             shortcut: a packet of a plain container; of a flow whose source is translated, that is to be
 *	                            checked (ruleset.h) and whose flow has a source of its container's pins; or of a container
 *	                            without a pin that is masqueraded → take
 *	                            take: unless it leaves by a tunnel, or goes to a pinned container, its flow is taken into
 *	                            the flowtable, once it is established
 *
 * A plain container (guarded, with neither pin nor masquerading) has it because a pin of another one has the kernel track
 * its connections, too; where there is no table, there is nothing to cut short. What another one's program marks may go
 * another way with each packet, so that it is not taken.
 *
 * A flow is taken in both directions. Packets on it meet no fence, so flows with a pinned container at their other end are left
 * alone, and the classifier keeps those off it that come past a deadline. A packet is on it only if it came through the
 * interface that its flow came through: the classifier's deletion gives nobody another's address. Deleting a flow from
 * connection tracking ends it here, too, with the next packet. What the classifier marked stays marked up to the interface
 * through which it leaves, where traffic control may see it; it is in no packet on the wire.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "plugin/snat/nfmessage.h"

/** The chains, in the table of all others ("offload" is a word of nft's language) */
#define OFFLOAD_CHAIN "shortcut"
#define OFFLOAD_CHAIN_TAKE "take"
#define OFFLOAD_FLOWTABLE "established"

/** enum offload_state - What there is of the short cut */
enum offload_state {
	OFFLOAD_NONE, /* no flowtables in this kernel, or no table, or it can't be seen */
	OFFLOAD_LOST, /* somebody took something out of the table */
	OFFLOAD_WHOLE,
};

/** struct offload_devices - Names of containers' interfaces; owned */
struct offload_devices {
	char (*names)[IFNAMSIZ];
	size_t n;
};

int offload_devices_add(struct offload_devices *devices, const char *name);
void offload_devices_sort(struct offload_devices *devices);
bool offload_devices_drop_gone(struct offload_devices *devices);
int offload_devices_lacking(struct port *netfilter, const struct offload_devices *wanted,
			    struct offload_devices *lacking);
void offload_devices_done(struct offload_devices *devices);

#define OFFLOAD_DEVICES_CLEANUP CLEANUP(offload_devices_done)

int offload_put(struct batch *batch, const struct offload_devices *devices);
bool offload_possible(void);
bool offload_expected(void);
void offload_make(struct port *netfilter, struct offload_devices *devices);
void offload_add(struct port *netfilter, const char *name);
size_t offload_complete(struct port *netfilter, struct offload_devices *devices);
enum offload_state offload_look(struct port *netfilter);

#endif
