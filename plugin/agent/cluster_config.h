/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_CLUSTER_CONFIG_H
#define PLUGIN_AGENT_CLUSTER_CONFIG_H

/* /etc/rangeguard/cluster.json: where etcd is, and who this host is in its cluster. JSON stops here. */

#include <jansson.h>
#include <stdint.h>

#include "plugin/cluster/record.h"
#include "plugin/etcd/etcd.h"
#include "plugin/report/error.h"
#include "rangeguard/outcome.h"

#define CLUSTER_CONFIG_FILE "/etc/rangeguard/cluster.json"

/**
 * struct cluster_config - All of it; texts are borrowed from the document
 * @root:	Document; owned
 * @etcd:	Endpoints, prefix, TLS, user
 * @password:	From `passwordFile`; owned
 * @host:	This host's name
 * @addresses:	Next hops for the other hosts: IPv4, IPv6; FAMILY_NONE: none is named
 * @routes:	Routes to the other hosts' blocks are made
 * @ttl_ms:	How long a holder of shared sources may be silent
 */
struct cluster_config {
	json_t *root;
	struct etcd_config etcd;
	char *password;
	char host[RECORD_NAME_MAX];
	struct address addresses[RECORD_ADDRESSES];
	bool routes;
	int64_t ttl_ms;
};

/** Named outcomes beside 0 and REFUSED */
enum cluster_config_outcome {
	CLUSTER_CONFIG_E_ABSENT = OUTCOMES_CLUSTER_CONFIG, /* there is no file */
};

int cluster_config_read(const char *path, struct cluster_config *ret_config, struct error *reterr);
int cluster_config_parse(json_t *root, const char *file, struct cluster_config *ret_config, struct error *reterr);
void cluster_config_done(struct cluster_config *config);

#endif
