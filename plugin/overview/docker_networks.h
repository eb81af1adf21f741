/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_OVERVIEW_DOCKER_NETWORKS_H
#define PLUGIN_OVERVIEW_DOCKER_NETWORKS_H

/*
 * Docker's networks, which no configuration tells of: the agent keeps them in the lease store (plugin/agent/docker_record.h).
 */

#include "plugin/overview/host_networks.h"
#include "plugin/overview/lease_set.h"

/**
 * struct docker_network - One of them, as a configuration of CNI's would have it
 * @name:	What its leases call it, "docker/SUBNET"; borrowed from the leases
 * @netconf:	Its name is that of the network that grants are for
 */
struct docker_network {
	const char *name;
	struct netconf netconf;
};

/** docker_network_fn - Called for each; a value other than 0 ends the walk and is returned by it */
typedef int (*docker_network_fn)(void *userdata, const struct docker_network *network);

int docker_networks_each(const struct lease_set *leases, const char *data_dir, docker_network_fn each, void *userdata);

#endif
