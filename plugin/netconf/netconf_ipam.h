/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETCONF_NETCONF_IPAM_H
#define PLUGIN_NETCONF_NETCONF_IPAM_H

/* `ipam` and what the runtime adds to it (ipRanges, ips, IP=), in host-local's schema; `snat`; `history`.
 * For netconf.c. */

#include "plugin/netconf/netconf.h"
#include "plugin/text/json.h"

struct reader netconf_reader_at_root(const struct reader *reader, const struct netconf *netconf);
int netconf_read_address(struct reader *reader, const json_t *object, const char *key, enum family family,
			 struct address *ret_address);

void netconf_read_ranges(struct reader *reader, const json_t *root, const json_t *ipam, struct netconf *netconf);
void netconf_read_routes(struct reader *reader, const json_t *ipam, struct netconf *netconf);
void netconf_read_snat(struct reader *reader, const json_t *root, struct netconf *netconf);
void netconf_read_mark_mask(struct reader *reader, const json_t *root, struct netconf *netconf);
void netconf_read_non_masq(struct reader *reader, const json_t *root, struct netconf *netconf);
void netconf_check_capabilities(struct reader *reader, const json_t *root);
void netconf_exclude(struct reader *reader, struct netconf *netconf);
void netconf_read_requested(struct reader *reader, const json_t *root, const struct cni_args *args,
			    struct netconf *netconf);
void netconf_read_history(struct reader *reader, const json_t *object, struct netconf *netconf);

/** The capability by which containerd and CRI-O hand a pod's annotations to plugins, and their key in runtimeConfig */
#define NETCONF_ANNOTATIONS "io.kubernetes.cri.pod-annotations"

void netconf_read_blocks(struct reader *reader, const json_t *ipam, struct netconf *netconf);
void netconf_read_fixed(struct reader *reader, const json_t *ipam, struct netconf *netconf);
void netconf_read_annotations(struct reader *reader, const json_t *root, struct netconf *netconf);
const char *netconf_annotation(struct reader *reader, const json_t *root, const struct netconf *netconf,
			       enum pod_choice choice);
void netconf_read_choices(struct reader *reader, const json_t *root, struct netconf *netconf);
void netconf_offer(struct reader *reader, bool offline, struct netconf *netconf);

#endif
