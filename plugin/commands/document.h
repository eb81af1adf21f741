/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_DOCUMENT_H
#define PLUGIN_COMMANDS_DOCUMENT_H

/*
 * The documents that `validate` reads: network configurations with one plugin, lists of plugins, policies, networks of
 * netavark, Docker's daemon.json. Keeps of each network what it takes to compare it with the others.
 */

#include "plugin/commands/findings.h"
#include "plugin/foreign/networks.h"
#include "plugin/netconf/routes.h"
#include "plugin/policy/policy_once.h"

/**
 * struct documents - What has been read
 * @routes:	Routes of the host that the configurations are for; borrowed; NULL: not known
 * @policies:	Policies, each read once
 * @networks:	Networks, to be compared with each other
 * @findings:	What was found, and the files read
 */
struct documents {
	const struct routes *routes;
	struct policy_once policies;
	struct networks networks;
	struct findings findings;
};

void documents_init(struct documents *documents, const struct path_list *policies);
int documents_read(struct documents *documents, const char *path, bool named);
void documents_compare(struct documents *documents);
void documents_done(struct documents *documents);

#endif
