/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_CNI_REQUEST_H
#define PLUGIN_CNI_REQUEST_H

/*
 * What the runtime asked for: the environment of CNI (CNI_COMMAND, CNI_CONTAINERID, …) and the text on standard
 * input, checked for form (specification section 2, "Parameters"). The text is parsed elsewhere.
 */

#include <stdbool.h>
#include <stddef.h>

#include "plugin/report/error.h"

enum cni_verb {
	CNI_ADD,
	CNI_DEL,
	CNI_CHECK,
	CNI_GC,
	CNI_STATUS,
	CNI_VERSION,
};

/** struct cni_args - What rangeguard reads of CNI_ARGS; each NULL when it is not there */
struct cni_args {
	char *ip;
	char *mac;
	char *pod_namespace;
	char *pod_name;
	char *pod_uid;
};

/**
 * struct request - One call; texts are never NULL ("" when absent or of no use to the verb), borrowed from the
 * environment
 * @verb:		CNI_COMMAND
 * @container_id:	CNI_CONTAINERID
 * @netns:		CNI_NETNS
 * @ifname:		CNI_IFNAME
 * @netns_override:	CNI_NETNS_OVERRIDE: the plugin's own namespace may be CNI_NETNS
 * @args:		CNI_ARGS; on ADD and CHECK only
 * @config:		Standard input, @config_size bytes and a NUL behind them; owned
 */
struct request {
	enum cni_verb verb;
	const char *container_id;
	const char *netns;
	const char *ifname;
	bool netns_override;
	struct cni_args args;
	char *config;
	size_t config_size;
};

bool request_present(void);
bool request_is_version(void);
int request_read_environment(struct request *ret_request, struct error *reterr);
int request_read_config(struct request *request, int fd, struct error *reterr);
bool request_valid_name(const char *name);
void request_done(struct request *request);

#define REQUEST_CLEANUP __attribute__((cleanup(request_done)))

#endif
