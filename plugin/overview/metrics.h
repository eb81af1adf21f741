/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_OVERVIEW_METRICS_H
#define PLUGIN_OVERVIEW_METRICS_H

/* What is going on, in Prometheus' text format: from the counters of the state directory, its leases, the networks. */

#include <stdio.h>

#include "plugin/text/paths.h"

/**
 * struct metrics_source - What metrics are about
 * @data_dir:	State directory
 * @configs:	Network configurations, for pools and policies; empty: none
 */
struct metrics_source {
	const char *data_dir;
	struct path_list configs;
};

int metrics_write(const struct metrics_source *source, FILE *stream);

#endif
