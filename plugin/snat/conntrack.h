/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_CONNTRACK_H
#define PLUGIN_SNAT_CONNTRACK_H

/*
 * Forgets the flows that connection tracking keeps of addresses, so that who gets the address next inherits neither
 * their translation nor their state.
 */

#include <stddef.h>

#include "ipam/address/address.h"
#include "plugin/network/port.h"
#include "plugin/report/error.h"

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

#endif
