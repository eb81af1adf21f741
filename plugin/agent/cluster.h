/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_CLUSTER_H
#define PLUGIN_AGENT_CLUSTER_H

/* This host in its cluster: the state machine, etcd, and what the machine says is to be done here. */

#include "plugin/agent/agent.h"

extern const struct agent_module cluster_module;

int cluster_check(struct error *reterr);

#endif
