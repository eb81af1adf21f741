/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_WATCH_H
#define PLUGIN_AGENT_WATCH_H

/* Puts back at once what somebody takes out of the kernel. */

#include "plugin/agent/agent.h"

extern const struct agent_module watch_module;

#endif
