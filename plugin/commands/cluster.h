/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_CLUSTER_H
#define PLUGIN_COMMANDS_CLUSTER_H

/* What the parts of `rangeguard cluster` share. */

#include <jansson.h>
#include <stdbool.h>

/** struct cluster_options - The command line */
struct cluster_options {
	const char *data_dir;
	bool json;
	bool force;
	int argc;
	char **argv;
};

int cluster_usage(const char *what);
int cluster_ask(const struct cluster_options *options, json_t *question, json_t **ret_answer);
const char *cluster_text(const json_t *object, const char *key);
int cluster_publish(const struct cluster_options *options);

#endif
