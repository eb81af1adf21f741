/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_CNI_RESULT_H
#define PLUGIN_CNI_RESULT_H

/*
 * The result of an ADD and the prevResult of the verbs that follow it: one struct, read from and written in the format
 * of each version of the specification (its section 5 "Result types"; 0.1.0 and 0.2.0: `ip4`, `ip6`). Pure.
 */

#include <jansson.h>

#include "ipam/address/address.h"
#include "ipam/address/route.h"
#include "plugin/cni/version.h"
#include "plugin/report/error.h"

/** struct result_interface - An interface; texts are "" (owned) where absent, @mtu 0 */
struct result_interface {
	char *name;
	char *mac;
	char *sandbox;
	char *socket_path;
	char *pci_id;
	unsigned mtu;
};

/** struct result_ip - An address; @interface is an index into the interfaces, -1 when unknown */
struct result_ip {
	struct prefix address;
	struct address gateway; /* FAMILY_NONE: none */
	int interface;
};

/** struct result - What stands in one result; arrays and @dns (NULL: none) are owned */
struct result {
	struct result_interface *interfaces;
	size_t n_interfaces;
	struct result_ip *ips;
	size_t n_ips;
	struct route *routes;
	size_t n_routes;
	json_t *dns;
};

int result_from_json(const json_t *json, enum cni_version version, struct result *ret_result, struct error *reterr);
json_t *result_to_json(const struct result *result, enum cni_version version, struct error *reterr);
int result_add_interface(struct result *result, const char *name, const char *mac, const char *sandbox, unsigned mtu);
int result_add_ip(struct result *result, const struct result_ip *ip);
int result_add_route(struct result *result, const struct route *route);
void result_done(struct result *result);

#define RESULT_CLEANUP __attribute__((cleanup(result_done)))

#endif
