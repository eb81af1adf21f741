/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_METRICS_H
#define PLUGIN_AGENT_METRICS_H

/* What is going on, in Prometheus' text format: served over HTTP, written for node_exporter. */

#include "plugin/agent/agent.h"

int metrics_check(const char *listen, struct error *reterr);

extern const struct agent_module metrics_module;

#endif
