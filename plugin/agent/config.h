/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_CONFIG_H
#define PLUGIN_AGENT_CONFIG_H

/*
 * The agent's configuration, /etc/rangeguard/agent.json: JSON stops here. A file that is not there is an empty one,
 * unless it was named. Unknown keys are refused, as everywhere.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ipam/address/address.h"
#include "plugin/netconf/netconf.h"
#include "plugin/report/error.h"

#define AGENT_CONFIG_FILE "/etc/rangeguard/agent.json"
/** `pools` of the Docker driver, Docker's `default-address-pools` */
#define AGENT_POOLS_MAX 256U
/** `avoid` of the Docker driver */
#define AGENT_AVOID_MAX 64U

/** struct docker_base - Subnets of length @size that lie in @base, for networks that name none */
struct docker_base {
	struct prefix base;
	uint8_t size;
};

/**
 * struct docker_config - The `docker` object; texts are borrowed from the document
 * @enabled:		The driver is served
 * @socket:		Path of its socket, where systemd hands over none
 * @state:		File that keeps Docker's subnets over a boot
 * @pools:		In their order
 * @avoid:		Configurations whose addresses are taken
 * @avoid_default:	@avoid is the default, which may be absent
 * @host_routes:	As `guard.hostRoutes` of a network configuration
 * @forget_after:	Seconds that Docker has to ask again for what it has; then it is given back
 * @reuse_delay:	Seconds that a released address rests as long as another is free
 */
struct docker_config {
	bool enabled;
	const char *socket;
	const char *state;
	struct docker_base pools[AGENT_POOLS_MAX];
	size_t n_pools;
	const char *avoid[AGENT_AVOID_MAX];
	size_t n_avoid;
	bool avoid_default;
	enum host_routes host_routes;
	uint32_t reuse_delay;
	uint32_t forget_after;
};

/**
 * struct agent_config - All of it
 * @root:	The document, from which texts are borrowed; owned
 * @file:	Where it came from, for messages; borrowed
 * @data_dir:	State directory that is shared with the plugin
 * @listen:	"ADDRESS:PORT" at which metrics are served, NULL: they are not
 * @textfile:	File for node_exporter's textfile collector, NULL: none
 * @restore:	Put back what somebody takes out of the kernel
 * @gc:		Seconds between two looks for leases of containers that are gone; 0: there are none
 * @policy:	Of a network configuration only its file and `guard`: which policies count
 * @docker:	Docker's IPAM driver
 */
struct agent_config {
	json_t *root;
	const char *file;
	const char *data_dir;
	const char *listen;
	const char *textfile;
	bool restore;
	uint32_t gc;
	struct netconf policy;
	struct docker_config docker;
};

int agent_config_read(const char *path, struct agent_config *ret_config, struct error *reterr);
int agent_config_parse(json_t *root, const char *file, struct agent_config *ret_config, struct error *reterr);
void agent_config_done(struct agent_config *config);

#define AGENT_CONFIG_CLEANUP __attribute__((cleanup(agent_config_done)))

#endif
