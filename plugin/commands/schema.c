/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rangeguard schema`: the JSON Schemas of rangeguard's own files, and of what it prints. They stand in plugin/schema. */

#include <stdio.h>
#include <string.h>

#include "plugin/commands/commands.h"
#include "rangeguard/array.h"
#include "rangeguard/exit_status.h"

const char command_schema_help[] =
	"Usage: rangeguard schema [NAME]\n"
	"\n"
	"Prints the JSON Schema (2020-12) of one of rangeguard's own files, or of what a command prints\n"
	"with --format json; without NAME their names:\n"
	"\n"
	"  network         network configurations: .conf, .conflist\n"
	"  conflist        the same\n"
	"  policy          /etc/rangeguard/reserved.d/*.json\n"
	"  cluster         /etc/rangeguard/cluster.json\n"
	"  agent           /etc/rangeguard/agent.json\n"
	"  findings        validate and audit\n"
	"  list            list\n"
	"  pools           pools\n"
	"  who             who\n"
	"  explain         explain\n"
	"  suggest         suggest\n"
	"  cluster-status  cluster status\n"
	"\n"
	"An editor completes keys and marks mistakes with it; what needs more than one look (ranges\n"
	"that overlap, a policy) is told by rangeguard validate.\n"
	"\n"
	"Exit status: 0 fine, 2 usage.\n";

static const unsigned char network[] = {
#include <schema_network.inc>
};
static const unsigned char policy[] = {
#include <schema_policy.inc>
};
static const unsigned char cluster[] = {
#include <schema_cluster.inc>
};
static const unsigned char agent[] = {
#include <schema_agent.inc>
};
static const unsigned char findings[] = {
#include <schema_findings.inc>
};
static const unsigned char leases[] = {
#include <schema_list.inc>
};
static const unsigned char pools[] = {
#include <schema_pools.inc>
};
static const unsigned char who[] = {
#include <schema_who.inc>
};
static const unsigned char explain[] = {
#include <schema_explain.inc>
};
static const unsigned char suggest[] = {
#include <schema_suggest.inc>
};
static const unsigned char cluster_status[] = {
#include <schema_cluster-status.inc>
};

/** struct schema - A schema by its name */
struct schema {
	const char *name;
	const unsigned char *text;
	size_t size;
};

/**
 * command_schema() - `rangeguard schema`
 * @argc, @argv:	Arguments, argv[0] the command's name
 *
 * Return: the exit status
 */
int command_schema(int argc, char **argv)
{
	/* Made here, not static: it needs no relocations, which each start of the plugin would pay for. */
	const struct schema schemas[] = {
		{"network", network, sizeof(network)},
		{"conflist", network, sizeof(network)},
		{"policy", policy, sizeof(policy)},
		{"cluster", cluster, sizeof(cluster)},
		{"agent", agent, sizeof(agent)},
		{"findings", findings, sizeof(findings)},
		{"list", leases, sizeof(leases)},
		{"pools", pools, sizeof(pools)},
		{"who", who, sizeof(who)},
		{"explain", explain, sizeof(explain)},
		{"suggest", suggest, sizeof(suggest)},
		{"cluster-status", cluster_status, sizeof(cluster_status)},
	};
	const char *name = argc > 1 ? argv[1] : NULL;

	if (argc > 2) {
		(void)fprintf(stderr, "rangeguard schema: unexpected argument '%s'\n", argv[2]);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(schemas); i++) {
		if (!name) {
			(void)puts(schemas[i].name);
		} else if (strcmp(name, schemas[i].name) == 0) {
			(void)fwrite(schemas[i].text, 1, schemas[i].size, stdout);
			return EXIT_FINE;
		}
	}
	if (!name)
		return EXIT_FINE;
	(void)fprintf(stderr, "rangeguard schema: no schema is called '%s': rangeguard schema lists them\n", name);
	return EXIT_USAGE;
}
