/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_DOCKER_POLICY_H
#define PLUGIN_AGENT_DOCKER_POLICY_H

/*
 * Guards that stay in memory, one for each network that grants are for, as long as nothing they were made of changes:
 * a look at the files per request, not a reading.
 */

#include "ipam/guard/guard.h"
#include "plugin/netconf/netconf.h"
#include "plugin/report/error.h"

struct docker_policies;

int docker_policies_new(const struct netconf *policy, struct docker_policies **ret_policies);
void docker_policies_free(struct docker_policies *policies);
int docker_policies_get(struct docker_policies *policies, const char *network, const struct guard **ret_guard,
			struct error *reterr);
int docker_policies_none(struct docker_policies *policies, const struct guard **ret_guard, struct error *reterr);

#endif
