/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_OPTIONS_H
#define PLUGIN_AGENT_OPTIONS_H

/* The agent's command line; what it says goes before what the configuration says. */

#include <stdbool.h>

/**
 * struct agent_options - The command line; texts are borrowed, NULL: not given
 * @config:	Configuration
 * @data_dir:	State directory
 * @listen:	"ADDRESS:PORT" for metrics
 * @textfile:	File for node_exporter
 * @docker:	Serve Docker's IPAM driver
 * @check:	Read the configuration, say whether it is right, and end
 */
struct agent_options {
	const char *config;
	const char *data_dir;
	const char *listen;
	const char *textfile;
	bool docker;
	bool check;
};

/** Named outcome of agent_options_read(): the program has said what it was asked and ends with status 0 */
enum { AGENT_OPTIONS_ENDED = -1 };

int agent_options_read(int argc, char **argv, struct agent_options *ret_options);

#endif
