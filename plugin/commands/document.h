/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_DOCUMENT_H
#define PLUGIN_COMMANDS_DOCUMENT_H

/*
 * The documents that `validate` reads: network configurations with one plugin, lists of plugins, policies. Keeps of
 * each network what it takes to compare it with the others.
 */

#include "ipam/address.h"
#include "plugin/commands/findings.h"
#include "plugin/commands/paths.h"
#include "plugin/config/netconf.h"
#include "plugin/config/routes.h"

/** struct known_range - A range that some network gives addresses from; texts are owned */
struct known_range {
	struct span span;
	char *network;
	char *data_dir;
	char *file;
	char *pointer;
};

/** struct known_network - A network's name and where it was seen first; texts are owned */
struct known_network {
	char *name;
	char *file;
};

/**
 * struct documents - What has been read
 * @policies:	Policies that replace those the configurations name; borrowed; empty: none do
 * @routes:	Routes of the host that the configurations are for; borrowed; NULL: not known
 * @today:	Days since 1970-01-01 UTC
 * @findings:	What was found, and the files read
 */
struct documents {
	const struct path_list *policies;
	const struct routes *routes;
	long today;
	struct findings findings;
	struct known_range *ranges;
	size_t n_ranges;
	struct known_network *networks;
	size_t n_networks;
};

void documents_init(struct documents *documents, const struct path_list *policies);
int documents_read(struct documents *documents, const char *path);
void documents_compare(struct documents *documents);
void documents_done(struct documents *documents);

#endif
