/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_VETO_H
#define PLUGIN_HOST_VETO_H

/*
 * What the IPAM can't know and asks the kernel about: how the host routes an address today, and whether an attachment
 * still lives.
 */

#include "ipam/lease/ipam.h"
#include "plugin/host/host_local.h"
#include "plugin/netconf/netconf.h"
#include "plugin/network/port.h"
#include "plugin/network/rtmessage.h"

/**
 * struct veto - Who asks, through which port
 * @netconf:	Its configuration
 * @attachment:	Its attachment
 * @host:	Port
 * @files:	host-local's leases
 * @match:	The route that a veto was about
 * @in_file:	By a file of host-local's
 * @failure:	Negative errno with which the kernel did not answer, 0: none; and the address that it was asked about
 * @asked:	Address
 * @discards:	The host discards the network's ranges as far as nobody has their addresses (discard.h)
 * @uncovered:	An address was not discarded, though @discards
 * @taken:	That was a veto for an address that was asked for, and is somebody's
 */
struct veto {
	const struct netconf *netconf;
	const struct attachment *attachment;
	struct port *host;
	const struct host_local *files;
	struct route_info match;
	bool discards;
	bool uncovered;
	bool taken;
	bool in_file;
	int failure;
	struct address asked;
};

/** Space for veto_describe_route() */
#define VETO_ROUTE_TEXT_MAX 128

const char *veto_describe_route(const struct route_info *match, char buffer[static VETO_ROUTE_TEXT_MAX]);
int veto_address(void *userdata, const struct ip_range *range, const struct address *address, bool requested);
int veto_lives(void *userdata, const struct lease *lease);
int veto_failed(const struct veto *veto, struct error *reterr);
int veto_error(const struct veto *veto, const struct address *address, struct error *reterr);

#endif
