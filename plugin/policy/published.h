/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_POLICY_PUBLISHED_H
#define PLUGIN_POLICY_PUBLISHED_H

/* The policy that is published in the cluster; the agent keeps it in the state directory, as NETCONF_PUBLISHED. */

#include "plugin/netconf/netconf.h"

#define PUBLISHED_PATH_MAX (LIMIT_PATH + sizeof("/" NETCONF_PUBLISHED))

void published_add(struct netconf_guard *guard, const char *data_dir, char path[static PUBLISHED_PATH_MAX]);

#endif
