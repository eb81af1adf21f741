/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_OVERVIEW_HOST_NETWORKS_H
#define PLUGIN_OVERVIEW_HOST_NETWORKS_H

/* The networks that this host's runtimes know: rangeguard's own among the configurations of a directory. */

#include "plugin/netconf/netconf.h"
#include "plugin/text/paths.h"

/** Where runtimes look for network configurations */
#define HOST_NETWORKS_DIR "/etc/cni/net.d"

/** host_network_fn - Called with each network; a value other than 0 ends the walk and is returned by it */
typedef int (*host_network_fn)(void *userdata, struct netconf *netconf);

int host_networks_each(const struct path_list *paths, host_network_fn each, void *userdata, struct report *report);

#endif
