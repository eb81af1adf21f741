/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_CONNTRACK_H
#define PLUGIN_SNAT_CONNTRACK_H

/*
 * Forgets the flows that connection tracking keeps of addresses, so that who gets the address next inherits neither
 * their translation nor their state.
 *
 * How long that takes depends on what the whole host tracks. With few flows the kernel's filtered deletion is the cheapest
 * (Linux 6.8; before, it is refused); with many it goes through its table more slowly than for a filtered dump, so there
 * each flow is looked for by a dump and deleted exactly (conntrack_walk.h), and the dumps share the processors while the
 * caller does something else, like waiting for the kernel to delete an interface.
 */

#include <stddef.h>

#include "ipam/address/address.h"
#include "plugin/network/port.h"
#include "plugin/report/error.h"

/** Flows of a host from which on dumps are cheaper than deletions: here, two thirds of the crossing point measured on 6.18 */
#define CONNTRACK_MANY 8192U

struct conntrack_work;

/*
 * Delete every flow, of whatever protocol, that was opened by one of the @n addresses (source of the original
 * direction) or leads to one of them (source of the reply direction, hence also behind a DNAT); all others stay. Does
 * nothing, and loads no kernel module, where nothing is tracked.
 * @netfilter: port on NETLINK_NETFILTER in the host's namespace, in which the calling thread must be, too: a NULL one
 * is fine as long as nothing is tracked. 0; REFUSED (107).
 */
int conntrack_forget(struct port *netfilter, const struct address *addresses, size_t n, struct error *reterr);

/*
 * What conntrack_forget() does where the kernel refuses filtered deletions: dump (filtered by address from 5.8 on, IPv4),
 * and delete each flow exactly.
 */
int conntrack_forget_each(struct port *netfilter, const struct address *addresses, size_t n, struct error *reterr);

/*
 * The same, begun: where the host tracks many flows, threads do it meanwhile. NULL where it has to be done by
 * conntrack_forget(): there are few, or threads can't be had. conntrack_end() waits for them; 0, REFUSED (107).
 */
struct conntrack_work *conntrack_begin(const struct address *addresses, size_t n);
int conntrack_end(struct conntrack_work *work, struct error *reterr);

#endif
