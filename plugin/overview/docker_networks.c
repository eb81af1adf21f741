/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugin/overview/docker_networks.h"

#include <errno.h>
#include <string.h>

#include "ipam/lease/pool.h"

/** What the agent calls a network of Docker's, the lease that stands for it, and where its note begins */
#define PREFIX "docker/"
#define POOL "pool"

/** read_note() - The agent's note of a network: NULL when there is none that can be read; owned */
static json_t *read_note(const struct lease *lease)
{
	const char *note = strchr(lease->netns, '{');

	return note ? json_loads(note, 0, NULL) : NULL;
}

/** visit() - Hand one network on: 0, what @each returned */
static int visit(const struct lease *lease, const char *data_dir, docker_network_fn each, void *userdata)
{
	struct ip_range range = {.gateway = {.family = FAMILY_NONE}};
	struct range_set set = {.ranges = &range, .n_ranges = 1};
	json_t *note = read_note(lease);
	const char *granted = json_string_value(json_object_get(note, "network"));
	struct docker_network network = {
		.name = lease->attachment.network,
		.netconf = {.file = data_dir,
			    .name = granted ? granted : "docker",
			    .role = ROLE_DELEGATE,
			    .guard = {.policies = {NETCONF_POLICY_DIR}, .n_policies = 1, .policies_default = true},
			    .data_dir = data_dir,
			    .reuse_delay = NETCONF_REUSE_DELAY,
			    .sets = &set,
			    .n_sets = 1},
	};
	int r = 0;

	if (prefix_parse(network.name + strlen(PREFIX), &range.subnet) == 0) {
		range.span = range_default_span(&range.subnet);
		r = each(userdata, &network);
	}
	json_decref(note);
	return r;
}

/**
 * docker_networks_each() - Visit Docker's networks
 * @leases:	All leases of a state directory
 * @data_dir:	State directory
 * @each:	Called for each network
 * @userdata:	For it
 *
 * Return: 0, what @each returned
 */
int docker_networks_each(const struct lease_set *leases, const char *data_dir, docker_network_fn each, void *userdata)
{
	int r = 0;

	for (size_t i = 0; !r && i < leases->n; i++) {
		struct lease lease = lease_set_get(leases, i);

		if (!strncmp(lease.attachment.network, PREFIX, strlen(PREFIX)) &&
		    !strcmp(lease.attachment.ifname, POOL))
			r = visit(&lease, data_dir, each, userdata);
	}
	return r;
}
