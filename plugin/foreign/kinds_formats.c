/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds: CNI's documents, rangeguard's policies, lists of resources, and networks of netavark. What stands in a YAML file
 * has to look more like one of these than what stands in a JSON file, of which there are fewer. Pure.
 */

#include <string.h>

#include "plugin/foreign/kind.h"
#include "plugin/foreign/path.h"
#include "plugin/text/flaw.h"
#include "rangeguard/array.h"

/** is_npm() - Whether a file is one of npm's, whose "type" and "imports" mean something else */
static bool is_npm(const char *file)
{
	const char *slash = strrchr(file, '/');

	return strcmp(slash ? slash + 1 : file, "package.json") == 0;
}

/** is_list() - Whether a document is a list of plugins */
static bool is_list(const json_t *root, const char *file)
{
	return json_object_get(root, "plugins") &&
	       (!flaw_is_yaml_name(file) ||
		path_leads_somewhere(root, "cniVersion plugins/*/ipam plugins/*/cniVersion"));
}

/** is_plugin() - Whether a document is a plugin's configuration */
static bool is_plugin(const json_t *root, const char *file)
{
	if (json_is_object(json_object_get(root, "ipam")) &&
	    (!flaw_is_yaml_name(file) || path_leads_somewhere(root, "ipam/type")))
		return true;
	return json_object_get(root, "type") && !is_npm(file) &&
	       (!flaw_is_yaml_name(file) || json_object_get(root, "cniVersion"));
}

/** is_policy() - Whether a document is a policy */
static bool is_policy(const json_t *root, const char *file)
{
	if (flaw_is_yaml_name(file))
		return path_leads_somewhere(root, "reserved/*/cidr reserved/*/range granted/*/cidr granted/*/range");
	return !is_npm(file) && (json_object_get(root, "reserved") || json_object_get(root, "granted") ||
				 json_object_get(root, "imports"));
}

/** is_netavark() - Whether a document looks like a network of netavark */
static bool is_netavark(const json_t *root, const char *file)
{
	if (flaw_is_yaml_name(file))
		return false;
	return json_is_array(json_object_get(root, "subnets")) ||
	       (json_object_get(root, "driver") &&
		path_leads_somewhere(root, "network_interface ipam_options dns_enabled ipv6_enabled"));
}

/** is_items() - Whether a document is a list of resources: a List, or OpenShift's Template */
static bool is_items(const json_t *root, const char *file)
{
	(void)file;
	return json_is_string(json_object_get(root, "apiVersion")) &&
	       (json_is_array(json_object_get(root, "items")) || json_is_array(json_object_get(root, "objects")));
}

/** is_empty() - Whether a command of ours has printed nothing under a key: on a host without containers */
static bool is_empty(const json_t *root, const char *key)
{
	const json_t *array = json_object_get(root, key);

	return json_is_array(array) && !json_array_size(array) && json_is_integer(json_object_get(root, "version"));
}

/** is_leases() - Whether a document is what `rangeguard list` prints */
static bool is_leases(const json_t *root, const char *file)
{
	(void)file;
	return path_leads_somewhere(root, "leases/*/containerID") || is_empty(root, "leases");
}

/** is_pools() - Whether a document is what `rangeguard pools` prints */
static bool is_pools(const json_t *root, const char *file)
{
	(void)file;
	return path_leads_somewhere(root, "pools/*/usedPercent") || is_empty(root, "pools");
}

/** is_interface() - Whether a document is an interface as ip(8) prints it, with its addresses */
static bool is_interface(const json_t *root, const char *file)
{
	(void)file;
	return json_is_string(json_object_get(root, "ifname")) && json_is_array(json_object_get(root, "addr_info"));
}

static const struct kind kinds[] = {
	{.name = "a list of resources", .class = KIND_ITEMS, .fits = is_items},
	{.name = "leases of rangeguard's", .class = KIND_LEASES, .fits = is_leases},
	{.name = "pools of rangeguard's", .class = KIND_POOLS, .fits = is_pools},
	{.name = "addresses of a host", .class = KIND_HOST, .fits = is_interface},
	{.name = "a list of CNI plugins", .class = KIND_LIST, .fits = is_list},
	{.name = "a CNI plugin", .class = KIND_PLUGIN, .fits = is_plugin},
	{.name = "a policy", .class = KIND_POLICY, .fits = is_policy},
	{.name = "a network of netavark",
	 .fits = is_netavark,
	 .keeper = "podman",
	 .keeping = KEEPING_ALONE,
	 .read = declaration_read_netavark},
};

const struct kind_table kinds_formats = KIND_TABLE(kinds);

/** struct plugin_keys - What rows tell of a plugin's own keys, beside its ipam */
static const struct {
	const char *type;
	const struct kind_key *keys;
} plugins[] = {
	/* ovn-kubernetes, go-controller/pkg/cni/types: its NetConf */
	{"ovn-k8s-cni-overlay",
	 KEYS(KEY_RANGE("subnets", FORM_CIDR | FORM_PER_HOST, USE_PODS),
	      KEY_RANGE("joinSubnet", FORM_CIDR, USE_INTERNAL), KEY_RANGE("transitSubnet", FORM_CIDR, USE_INTERNAL),
	      KEY_EXCLUDED("excludeSubnets", FORM_CIDR | FORM_RANGE | FORM_ADDRESS),
	      KEY_EXCLUDED("reservedSubnets", FORM_CIDR | FORM_RANGE | FORM_ADDRESS),
	      KEY_RANGE("infrastructureSubnets", FORM_CIDR, USE_INTERNAL))},
	/* amazon-ecs-cni-plugins, plugins/ipam */
	{"ecs-ipam", KEYS(KEY_RANGE("ipv4-subnet", FORM_CIDR, USE_CONTAINERS), KEY_ADDRESS("ipv4-address"),
			  KEY_GATEWAY("ipv4-gateway"))},
	/* reference plugins: what shapes traffic declares nothing */
	{"bandwidth", KEYS(KEY_TEXT("unshapedSubnets"), KEY_TEXT("shapedSubnets"))},
};

/** kind_plugin_keys() - Keys of a CNI plugin beside its ipam; NULL: nothing is known of it */
const struct kind_key *kind_plugin_keys(const char *type)
{
	for (size_t i = 0; type && i < ARRAY_LENGTH(plugins); i++)
		if (strcmp(plugins[i].type, type) == 0)
			return plugins[i].keys;
	return NULL;
}
