/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds: container engines and virtual machines on one host. Pure.
 *
 * Sources: moby daemon/config and libnetwork/ipamutils/utils.go (default pools), docs.docker.com/engine/swarm,
 * compose-spec (networks), containers/podman docs/source/markdown/podman-systemd.unit.5.md, lxc/incus doc/reference.
 */

#include <string.h>

#include "plugin/foreign/kind.h"
#include "plugin/foreign/path.h"

/** is_docker() - Whether a document has keys of Docker's daemon.json, the name of which is enough */
static bool is_docker(const json_t *root, const char *file)
{
	static const char keys[] = "bip bip6 default-address-pools fixed-cidr fixed-cidr-v6 default-gateway "
				   "default-gateway-v6";
	const char *slash = strrchr(file, '/');

	return strcmp(slash ? slash + 1 : file, "daemon.json") == 0 || path_leads_somewhere(root, keys);
}

/** The networks that podman gives when nobody names one */
#define PODMAN_KEYS                                                                                                    \
	KEY_RANGE("network/default_subnet/*", FORM_CIDR, USE_CONTAINERS),                                              \
		KEY_NETWORKS_OF("network/default_subnet_pools/*")
/* NOLINTBEGIN(bugprone-macro-parentheses): texts that fill arrays */
/** And those that it has where a key is left out */
#define PODMAN_USUAL(key_, usual_, mild_)                                                                              \
	{                                                                                                              \
		.path = "network/" key_, .forms = FORM_TEXT, .kind = DECLARED_RANGE, .use = USE_CONTAINERS,            \
		.usual = usual_, .unless = "network/" key_, .mild = (mild_)                                            \
	}
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct kind kinds[] = {
	{
		.name = "Docker",
		.fits = is_docker,
		.source = "moby 28, libnetwork/ipamutils/utils.go: localScopeDefaultNetworks",
		.keys = KEYS({.path = "bip",
			      .forms = FORM_TEXT,
			      .kind = DECLARED_RANGE,
			      .use = USE_CONTAINERS,
			      .usual = "172.17.0.0/16",
			      .unless = "bip default-address-pools fixed-cidr bridge"},
			     {.path = "default-address-pools",
			      .forms = FORM_TEXT,
			      .kind = DECLARED_RANGE,
			      .use = USE_CONTAINERS,
			      .usual = "172.18.0.0/16, 172.19.0.0/16, 172.20.0.0/14, 172.24.0.0/14, 172.28.0.0/14, "
				       "192.168.0.0/16",
			      .unless = "default-address-pools",
			      .mild = true}),
		.any_case = true,
		.network = "docker",
		.keeper = "docker",
		.keeping = KEEPING_NESTED,
		.read = declaration_read_docker,
	},
	{
		.name = "a network of Docker's",
		.shape = "IPAM/Config IPAM/Driver",
		.keys = KEYS(KEY_RANGE("IPAM/Config/*/Subnet", FORM_CIDR, USE_CONTAINERS),
			     KEY_PART("IPAM/Config/*/IPRange"), KEY_GATEWAY("IPAM/Config/*/Gateway")),
		.keeper = "docker",
		.keeping = KEEPING_NESTED,
	},
	{
		.name = "an engine of Docker's",
		.shape = "DefaultAddrPool Swarm/Cluster/DefaultAddrPool DefaultAddressPools/*/Base",
		.source = "moby 28, libnetwork/ipamutils/utils.go: globalScopeDefaultNetworks",
		.keys = KEYS({.path = "DefaultAddrPool/*",
			      .forms = FORM_CIDR,
			      .kind = DECLARED_RANGE,
			      .use = USE_CONTAINERS,
			      .usual = "10.0.0.0/8",
			      .is_pool = true},
			     KEY_NETWORKS_OF("Swarm/Cluster/DefaultAddrPool/*"),
			     KEY_NETWORKS_OF("DefaultAddressPools/*/Base")),
		.keeper = "docker",
		.keeping = KEEPING_NESTED,
	},
	{
		.name = "Compose",
		.shape = "services/*/image services/*/build networks/*/ipam/config services/*/networks/*/ipv4_address "
			 "services/*/networks/*/ipv6_address",
		.keys = KEYS(KEY_RANGE("networks/*/ipam/config/*/subnet", FORM_CIDR, USE_CONTAINERS),
			     KEY_PART("networks/*/ipam/config/*/ip_range"),
			     KEY_GATEWAY("networks/*/ipam/config/*/gateway"),
			     KEY_EXCLUDED("networks/*/ipam/config/*/aux_addresses/*", FORM_ADDRESS | FORM_WORDS),
			     KEY_ADDRESS("services/*/networks/*/ipv4_address"),
			     KEY_ADDRESS("services/*/networks/*/ipv6_address")),
		.keeper = "docker",
		.keeping = KEEPING_NESTED,
	},
	{
		.name = "a network of podman's quadlet",
		/* Gateway alone is systemd-networkd's, whose files have the same name: a host's own addresses. */
		.shape = "Network/Subnet Network/IPRange Network/PodmanArgs",
		.keys = KEYS(KEY_RANGE("Network/Subnet/*", FORM_CIDR, USE_CONTAINERS), KEY_PART("Network/IPRange/*"),
			     KEY_GATEWAY("Network/Gateway/*"), KEY_PODMAN("Network/PodmanArgs/*")),
		.keeper = "podman",
		.keeping = KEEPING_ALONE,
	},
	{
		.name = "a container of podman's quadlet",
		.shape = "Container Pod Kube",
		.keys = KEYS(KEY_ADDRESS("Container/IP/*"), KEY_ADDRESS("Container/IP6/*"), KEY_ADDRESS("Pod/IP/*"),
			     KEY_ADDRESS("Pod/IP6/*"), KEY_JOINED("*/Network/*"), KEY_PODMAN("*/PodmanArgs/*")),
		.keeping = KEEPING_NESTED,
	},
	{
		.name = "a unit of systemd's",
		.shape = "Service/ExecStart Service/Environment",
		.keys = KEYS(KEY_FLAGS("Service/ExecStart/*"), KEY_FLAGS("Service/Environment/*")),
		.keeping = KEEPING_NESTED,
		.incidental = true,
	},
	{
		.name = "a unit's environment",
		.shape = "DOCKER_OPTS/* OPTIONS/* DOCKER_NETWORK_OPTIONS/* KUBELET_EXTRA_ARGS/*",
		.keys = KEYS(KEY_FLAGS("*/*")),
		.keeping = KEEPING_NESTED,
		.incidental = true,
	},
	{
		.name = "podman",
		.file = "*containers.conf",
		.source = "containers-common 0.64, docs/containers.conf.5.md: default_subnet, default_subnet_pools",
		.keys = KEYS(PODMAN_KEYS, PODMAN_USUAL("default_subnet", "10.88.0.0/16", false),
			     PODMAN_USUAL("default_subnet_pools",
					  "10.89.0.0/16, 10.90.0.0/15, 10.92.0.0/14, 10.96.0.0/11, 10.128.0.0/9",
					  true)),
		.keeper = "podman",
		.keeping = KEEPING_NESTED,
	},
	{
		.name = "a drop-in of podman's",
		.shape = "network/default_subnet/* network/default_subnet_pools/*",
		.keys = KEYS(PODMAN_KEYS),
		.keeper = "podman",
		.keeping = KEEPING_NESTED,
	},
	{
		.name = "LXD and Incus",
		.shape = "networks/*/config/ipv[46].address config/ipv[46].address config/ipv[46].dhcp.ranges "
			 "devices/*/ipv[46].address profiles/*/devices/*/ipv[46].address",
		.keys = KEYS({.path = "networks/*/config/ipv[46].address",
			      .forms = FORM_CIDR | FORM_WORDS,
			      .kind = DECLARED_RANGE,
			      .use = USE_CONTAINERS},
			     KEY_RANGE("config/ipv[46].address", FORM_CIDR | FORM_WORDS, USE_CONTAINERS),
			     KEY_RANGE("**/config/ipv[46].routes", FORM_CIDR | FORM_WORDS, USE_CONTAINERS),
			     KEY_RANGE("**/config/ipv[46].ovn.ranges", FORM_RANGE | FORM_CIDR, USE_CONTAINERS),
			     KEY_PART("**/config/ipv[46].dhcp.ranges"), KEY_ADDRESS("**/devices/*/ipv[46].address")),
		.keeping = KEEPING_NESTED,
	},
	{
		.name = "Nomad",
		.shape =
			"client/bridge_network_subnet client/bridge_network_subnet_ipv6 client/*/bridge_network_subnet "
			"client/*/bridge_network_subnet_ipv6",
		.source = "nomad 1.10, command/agent/agent.go: defaultBridgeNetwork",
		.keys = KEYS(KEY_RANGE("client/bridge_network_subnet", FORM_CIDR, USE_CONTAINERS),
			     KEY_RANGE("client/*/bridge_network_subnet", FORM_CIDR, USE_CONTAINERS),
			     KEY_RANGE("client/**/bridge_network_subnet_ipv6", FORM_CIDR, USE_CONTAINERS),
			     KEY_DEFAULT("client", USE_CONTAINERS, "172.26.64.0/20", "",
					 "client/bridge_network_subnet client/*/bridge_network_subnet")),
		.keeping = KEEPING_NESTED,
	},
	{
		.name = "a network of libvirt's",
		.shape = "network/*/name network/*/ip network/*/bridge",
		.keeping = KEEPING_ALONE,
		.read = declaration_read_libvirt,
	},
};

const struct kind_table kinds_engines = KIND_TABLE(kinds);
