/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_DOCKER_H
#define PLUGIN_AGENT_DOCKER_H

/* Docker's IPAM driver "rangeguard": its socket and its protocol over HTTP. */

#include "plugin/agent/agent.h"

extern const struct agent_module docker_module;

#endif
