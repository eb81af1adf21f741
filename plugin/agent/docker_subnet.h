/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_DOCKER_SUBNET_H
#define PLUGIN_AGENT_DOCKER_SUBNET_H

/*
 * Which subnet a network of Docker's may have: one that is named is judged, one that is not is picked. A bridge makes
 * all of a subnet on-link, so that nothing in it may be anybody else's.
 */

#include "ipam/guard/guard.h"
#include "plugin/agent/config.h"
#include "plugin/agent/docker_protocol.h"
#include "plugin/agent/docker_store.h"

/**
 * struct docker_scene - What subnets are judged by
 * @config:	Configuration of the driver
 * @guard:	For the network that asks
 * @store:	Store, open
 * @pools:	Docker's subnets
 * @rtnetlink:	Port in the host's namespace
 * @host_routes:	For the network that asks
 */
struct docker_scene {
	const struct docker_config *config;
	const struct guard *guard;
	struct docker_store *store;
	const struct docker_pools *pools;
	struct port *rtnetlink;
	enum host_routes host_routes;
};

int docker_subnet_judge(const struct docker_scene *scene, const struct docker_wish *wish, struct error *reterr);
int docker_subnet_pick(const struct docker_scene *scene, enum family family, struct prefix *ret_subnet,
		       struct error *reterr);

#endif
