/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_HOST_H
#define PLUGIN_HOST_HOST_H

/*
 * What a host has without a call of CNI: its state directory and the ways to its kernel. The functions of this folder
 * work with it, for a verb as for the agent.
 */

#include <stdbool.h>

#include "plugin/history/recorder.h"
#include "plugin/netconf/netconf.h"
#include "plugin/network/port.h"
#include "plugin/report/error.h"
#include "rangeguard/cleanup.h"

struct conntrack_work;

/**
 * struct host - One host
 * @data_dir:	State directory; borrowed
 * @adopt:	Directory of host-local's leases, which are honoured; NULL: they are not; borrowed
 * @rtnetlink:	Port in the host's namespace; NULL until host_open()
 * @netfilter:	Port on nfnetlink there; NULL until it is needed
 * @forgetting: The flows of the attachment that is on its way out are being forgotten; NULL: not now
 * @flows_forgotten: They were, its interface being down
 * @shared_released: A container that had a source that hosts share is gone: the agent is told by host_done()
 * @recorder:	Where what is done is recorded; NULL: nowhere; borrowed
 */
struct host {
	const char *data_dir;
	const char *adopt;
	struct port *rtnetlink;
	struct port *netfilter;
	struct conntrack_work *forgetting;
	bool flows_forgotten;
	bool shared_released;
	struct recorder *recorder;
};

struct history history_of(const struct netconf *netconf);
int host_open(const char *data_dir, struct host *ret_host, struct error *reterr);
int host_open_netfilter(struct host *host, struct error *reterr);
void host_done(struct host *host);

#define HOST_CLEANUP CLEANUP(host_done)

#endif
