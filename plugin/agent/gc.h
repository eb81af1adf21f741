/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_GC_H
#define PLUGIN_AGENT_GC_H

/* Gives back what containers left behind that are gone, without waiting for a runtime's GC or for a full pool. */

#include "plugin/agent/agent.h"

extern const struct agent_module gc_module;

#endif
