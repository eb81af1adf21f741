/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds: network plugins of a cluster and its load balancers. Pure.
 *
 * Sources: projectcalico/calico api/pkg/apis/projectcalico/v3, tigera/operator api/v1/installation_types.go,
 * cilium/cilium (Helm values, CRDs), metallb/metallb configsamples, flannel-io/flannel Documentation, kube-vip.io,
 * ovn-kubernetes docs/api-reference, antrea-io/antrea docs, kubeovn/kube-ovn dist/images/install.sh,
 * k8snetworkplumbingwg (multus-cni, whereabouts, sriov-network-operator), spidernet-io/spiderpool docs/reference.
 */

#include <string.h>

#include "plugin/foreign/kind.h"

#define RANGES (FORM_CIDR | FORM_RANGE)
#define CALICO "calico-ipam"

/** Keys of user-defined networks, at a path with a slash behind it */
#define UDN_KEYS(at)                                                                                                   \
	KEY_RANGE(at "layer2/subnets/*", FORM_CIDR, USE_PODS),                                                         \
		KEY_RANGE(at "localnet/subnets/*", FORM_CIDR, USE_PODS),                                               \
		KEY_RANGE(at "layer3/subnets/*/cidr", FORM_CIDR | FORM_PER_HOST, USE_PODS),                            \
		KEY_RANGE(at "layer[23]/joinSubnets/*", FORM_CIDR, USE_INTERNAL),                                      \
		KEY_RANGE(at "layer2/infrastructureSubnets/*", FORM_CIDR, USE_PODS),                                   \
		KEY_EXCLUDED(at "*/excludeSubnets/*", FORM_CIDR | FORM_ADDRESS),                                       \
		KEY_EXCLUDED(at "*/reservedSubnets/*", FORM_CIDR | FORM_ADDRESS)
/** Antrea's pools */
#define ANTREA_KEYS                                                                                                    \
	KEY_RANGE("spec/ipRanges/*/cidr", FORM_CIDR, USE_LOAD_BALANCERS),                                              \
		KEY_BOUNDS("spec/ipRanges/*", "start", "end", USE_LOAD_BALANCERS),                                     \
		KEY_GATEWAY("spec/subnetInfo/gateway"),                                                                \
	{                                                                                                              \
		.path = "spec/subnetInfo", .forms = FORM_WORDS, .kind = DECLARED_RANGE, .use = USE_LOAD_BALANCERS,     \
		.first = "gateway", .last = "prefixLength", .mild = true                                               \
	}

/** is_ipam() - Whether a document is the ipam object of a CNI plugin: a text in resources of operators, never a file */
static bool is_ipam(const json_t *root, const char *file)
{
	static const char *const types[] = {"host-local", "whereabouts", "static", "nv-ipam", "dhcp", NULL};
	const char *type = json_string_value(json_object_get(root, "type"));

	(void)file;
	for (const char *const *known = types; type && *known; known++)
		if (strcmp(type, *known) == 0)
			return true;
	return false;
}

/** Calico's reservations and its BGP, in either group */
#define CALICO_RESERVED KEYS(KEY_EXCLUDED("spec/reservedCIDRs/*", FORM_CIDR | FORM_ADDRESS))
#define CALICO_BGP                                                                                                     \
	KEYS(KEY_RANGE("spec/serviceClusterIPs/*/cidr", FORM_CIDR, USE_SERVICES),                                      \
	     KEY_RANGE("spec/serviceExternalIPs/*/cidr", FORM_CIDR, USE_LOAD_BALANCERS),                               \
	     KEY_RANGE("spec/serviceLoadBalancerIPs/*/cidr", FORM_CIDR, USE_LOAD_BALANCERS))

static const struct kind kinds[] = {
	{
		.name = "a NetworkAttachmentDefinition",
		.group = "k8s.cni.cncf.io",
		.kind = "NetworkAttachmentDefinition",
		.keys = KEYS(KEY_JSON("spec/config")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a pool of Calico's",
		.group = "projectcalico.org",
		.kind = "IPPool",
		.keys = KEYS(KEY_RANGE("spec/cidr", FORM_CIDR, USE_PODS)),
		.disabled = "spec/disabled",
		.keeper = CALICO,
		.keeping = KEEPING_CLUSTER,
		.routed = true,
	},
	{
		.name = "a pool of Calico's",
		.group = "crd.projectcalico.org",
		.kind = "IPPool",
		.keys = KEYS(KEY_RANGE("spec/cidr", FORM_CIDR, USE_PODS)),
		.disabled = "spec/disabled",
		.keeper = CALICO,
		.keeping = KEEPING_CLUSTER,
		.routed = true,
	},
	{
		.name = "Calico's reservations",
		.group = "projectcalico.org",
		.kind = "IPReservation",
		.keys = CALICO_RESERVED,
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Calico's reservations",
		.group = "crd.projectcalico.org",
		.kind = "IPReservation",
		.keys = CALICO_RESERVED,
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a node's block of Calico's",
		.group = "crd.projectcalico.org",
		.kind = "IPAMBlock",
		.keys = KEYS(KEY_RANGE("spec/cidr", FORM_CIDR, USE_PODS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Calico's BGP",
		.group = "projectcalico.org",
		.kind = "BGPConfiguration",
		.keys = CALICO_BGP,
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Calico's BGP",
		.group = "crd.projectcalico.org",
		.kind = "BGPConfiguration",
		.keys = CALICO_BGP,
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Calico's operator",
		.group = "operator.tigera.io",
		.kind = "Installation",
		.source =
			"tigera/operator 1.38, pkg/controller/installation: 192.168.0.0/16 where the cluster says nothing",
		.keys = KEYS({.path = "spec/calicoNetwork/ipPools/*/cidr",
			      .forms = FORM_CIDR,
			      .kind = DECLARED_RANGE,
			      .use = USE_PODS},
			     KEY_RANGE("spec/serviceCIDRs/*", FORM_CIDR, USE_SERVICES),
			     {.path = "spec/calicoNetwork",
			      .forms = FORM_TEXT,
			      .kind = DECLARED_RANGE,
			      .use = USE_PODS,
			      .usual = "192.168.0.0/16",
			      .unless = "spec/calicoNetwork/ipPools",
			      .mild = true}),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "the values of Calico's operator",
		.shape = "installation/calicoNetwork",
		.source = "tigera/operator 1.38, as of Installation",
		.keys = KEYS(KEY_RANGE("installation/calicoNetwork/ipPools/*/cidr", FORM_CIDR, USE_PODS),
			     KEY_RANGE("installation/serviceCIDRs/*", FORM_CIDR, USE_SERVICES),
			     {.path = "installation/calicoNetwork",
			      .forms = FORM_TEXT,
			      .kind = DECLARED_RANGE,
			      .use = USE_PODS,
			      .usual = "192.168.0.0/16",
			      .unless = "installation/calicoNetwork/ipPools",
			      .mild = true}),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a pool of whereabouts'",
		.group = "whereabouts.cni.cncf.io",
		.kind = "IPPool",
		.read = declaration_read_whereabouts,
		.keeper = "whereabouts",
		.keeping = KEEPING_CLUSTER,
		.routed = true,
	},
	{
		.name = "a pool of whereabouts'",
		.group = "whereabouts.cni.cncf.io",
		.kind = "NodeSlicePool",
		.read = declaration_read_whereabouts,
		.keeper = "whereabouts",
		.keeping = KEEPING_CLUSTER,
		.routed = true,
	},
	{
		.name = "a pool of Spiderpool's",
		.group = "spiderpool.spidernet.io",
		.kind = "SpiderIPPool",
		.read = declaration_read_spiderpool,
		.keeper = "spiderpool",
		.keeping = KEEPING_CLUSTER,
		.routed = true,
	},
	{
		.name = "a subnet of Spiderpool's",
		.group = "spiderpool.spidernet.io",
		.kind = "SpiderSubnet",
		.read = declaration_read_spiderpool,
		.keeper = "spiderpool",
		.keeping = KEEPING_CLUSTER,
		.routed = true,
	},
	{
		.name = "Spiderpool's coordinator",
		.group = "spiderpool.spidernet.io",
		.kind = "SpiderCoordinator",
		.keys = KEYS(KEY_RANGE("spec/overlayPodCIDR/*", FORM_CIDR, USE_PODS),
			     KEY_RANGE("spec/serviceCIDR/*", FORM_CIDR, USE_SERVICES),
			     KEY_MILD("spec/hijackCIDR/*", USE_CONTAINERS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "MetalLB's pool",
		.group = "metallb.io",
		.kind = "IPAddressPool",
		.keys = KEYS(KEY_RANGE("spec/addresses/*", RANGES, USE_LOAD_BALANCERS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "MetalLB's configuration",
		.shape = "address-pools/*/addresses configInline/address-pools/*/addresses",
		.keys = KEYS(KEY_RANGE("address-pools/*/addresses/*", RANGES, USE_LOAD_BALANCERS),
			     KEY_RANGE("configInline/address-pools/*/addresses/*", RANGES, USE_LOAD_BALANCERS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "flannel",
		.shape = "Backend/Type",
		.source = "flannel 0.27, Documentation/kube-flannel.yml",
		.keys = KEYS(KEY_RANGE("Network", FORM_CIDR, USE_PODS), KEY_RANGE("IPv6Network", FORM_CIDR, USE_PODS),
			     KEY_PART("SubnetM[ia][nx]"), KEY_PART("IPv6SubnetM[ia][nx]")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "flannel's values",
		.shape = "podCidr podCidrv6",
		.source = "flannel 0.27, chart/kube-flannel/values.yaml",
		.keys = KEYS(KEY_RANGE("podCidr", FORM_CIDR, USE_PODS), KEY_RANGE("podCidrv6", FORM_CIDR, USE_PODS),
			     KEY_DEFAULT("podCidr", USE_PODS, "10.244.0.0/16", "", "podCidr")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Cilium's values",
		.shape = "ipam/operator ipv[46]NativeRoutingCIDR",
		.keys = KEYS(KEY_RANGE("ipam/operator/clusterPoolIPv4PodCIDRList", FORM_CIDR, USE_PODS),
			     KEY_RANGE("ipam/operator/clusterPoolIPv6PodCIDRList", FORM_CIDR, USE_PODS),
			     KEY_RANGE("ipam/operator/clusterPoolIPv[46]PodCIDR", FORM_CIDR, USE_PODS),
			     KEY_RANGE("ipam/operator/autoCreateCiliumPodIPPools/*/ipv[46]/cidrs", FORM_CIDR, USE_PODS),
			     KEY_MILD("ipv[46]NativeRoutingCIDR", USE_CONTAINERS),
			     {.path = "ipam/operator",
			      .forms = FORM_TEXT,
			      .kind = DECLARED_RANGE,
			      .use = USE_PODS,
			      .usual = "10.0.0.0/8",
			      .unless = "ipam/operator/clusterPoolIPv4PodCIDR* [mode=[!c]*] [mode=crd]",
			      .mild = true}),
		.source =
			"cilium 1.17, install/kubernetes/cilium/values.yaml: ipam.operator.clusterPoolIPv4PodCIDRList",
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a pool of Cilium's",
		.group = "cilium.io",
		.kind = "CiliumPodIPPool",
		.keys = KEYS(KEY_RANGE("spec/ipv[46]/cidrs/*", FORM_CIDR, USE_PODS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Cilium's load balancer",
		.group = "cilium.io",
		.kind = "CiliumLoadBalancerIPPool",
		.keys = KEYS(KEY_RANGE("spec/blocks/*/cidr", FORM_CIDR, USE_LOAD_BALANCERS),
			     KEY_BOUNDS("spec/blocks/*", "start", "stop", USE_LOAD_BALANCERS),
			     KEY_RANGE("spec/cidrs/*/cidr", FORM_CIDR, USE_LOAD_BALANCERS)),
		.disabled = "spec/disabled",
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Cilium's egress",
		.group = "cilium.io",
		.kind = "CiliumEgressGatewayPolicy",
		.keys = KEYS(KEY_ADDRESS("spec/egressGateway*/**/egressIP")),
		.keeping = KEEPING_PLAN,
		.incidental = true,
	},
	{
		.name = "a node of Cilium's",
		.group = "cilium.io",
		.kind = "CiliumNode",
		.keys = KEYS(KEY_RANGE("spec/ipam/podCIDRs/*", FORM_CIDR, USE_PODS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "OVN-Kubernetes' network",
		.group = "k8s.ovn.org",
		.kind = "UserDefinedNetwork",
		.source = "ovn-kubernetes, docs/api-reference/userdefinednetwork-api-spec.md: joinSubnets",
		.keys = KEYS(UDN_KEYS("spec/"), KEY_DEFAULT("spec", USE_INTERNAL, "100.65.0.0/16",
							    "spec/[role=Primary]", "spec/layer[23]/joinSubnets")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "OVN-Kubernetes' network",
		.group = "k8s.ovn.org",
		.kind = "ClusterUserDefinedNetwork",
		.source = "ovn-kubernetes, docs/api-reference/userdefinednetwork-api-spec.md: joinSubnets",
		.keys = KEYS(UDN_KEYS("spec/network/"),
			     KEY_DEFAULT("spec", USE_INTERNAL, "100.65.0.0/16", "spec/network/[role=Primary]",
					 "spec/network/layer[23]/joinSubnets")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "OVN-Kubernetes' egress",
		.group = "k8s.ovn.org",
		.kind = "EgressIP",
		.keys = KEYS(KEY_ADDRESS("spec/egressIPs/*")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Antrea's pool",
		.group = "crd.antrea.io",
		.kind = "*IPPool",
		.keys = KEYS(ANTREA_KEYS),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Antrea's egress",
		.group = "crd.antrea.io",
		.kind = "Egress",
		.keys = KEYS(KEY_ADDRESS("spec/egressIP"), KEY_ADDRESS("spec/egressIPs/*")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Antrea's configuration",
		.shape = "nodeIPAM/clusterCIDRs nodeIPAM/serviceCIDR serviceCIDR serviceCIDRv6",
		.keys = KEYS(KEY_RANGE("clusterCIDRs/*", FORM_CIDR, USE_PODS),
			     KEY_RANGE("nodeIPAM/clusterCIDRs/*", FORM_CIDR, USE_PODS),
			     KEY_RANGE("nodeIPAM/serviceCIDR*", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("serviceCIDR*", FORM_CIDR, USE_SERVICES)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Kube-OVN's subnet",
		.group = "kubeovn.io",
		.kind = "Subnet",
		.keys = KEYS(KEY_RANGE("spec/cidrBlock", FORM_CIDR, USE_PODS), KEY_GATEWAY("spec/gateway"),
			     KEY_EXCLUDED("spec/excludeIps/*", FORM_ADDRESS | FORM_DOTS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Kube-OVN's pool",
		.group = "kubeovn.io",
		.kind = "IPPool",
		.keys = KEYS(KEY_RANGE("spec/ips/*", FORM_CIDR | FORM_ADDRESS | FORM_DOTS, USE_PODS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "an address of Kube-OVN's",
		.group = "kubeovn.io",
		.kind = "*[Ii][Pp]",
		.keys = KEYS(KEY_ADDRESS("spec/v[46][Ii]p")),
		.keeping = KEEPING_PLAN,
		.incidental = true,
	},
	{
		.name = "Kube-OVN's values",
		.shape = "ipv4/POD_CIDR dual_stack/POD_CIDR",
		.source = "kube-ovn 1.14, dist/images/install.sh: POD_CIDR, SVC_CIDR, JOIN_CIDR",
		.keys = KEYS(KEY_USUAL("*/POD_CIDR", USE_PODS, "10.16.0.0/16"),
			     KEY_USUAL("*/SVC_CIDR", USE_SERVICES, "10.96.0.0/12"),
			     KEY_USUAL("*/JOIN_CIDR", USE_INTERNAL, "100.64.0.0/16")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Kube-OVN's values, of its second chart",
		.shape = "networking/pods/cidr/v[46] networking/join/cidr/v[46] networking/services/cidr/v[46]",
		.source = "kube-ovn 1.15, charts/kube-ovn-v2/values.yaml: networking",
		.keys = KEYS(KEY_USUAL("networking/pods/cidr/v[46]", USE_PODS, "10.16.0.0/16"),
			     KEY_USUAL("networking/services/cidr/v[46]", USE_SERVICES, "10.96.0.0/12"),
			     KEY_USUAL("networking/join/cidr/v[46]", USE_INTERNAL, "100.64.0.0/16"),
			     KEY_GATEWAY("networking/pods/gateways/v[46]")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Submariner",
		.group = "submariner.io",
		.kind = "Submariner",
		.keys = KEYS(KEY_RANGE("spec/clusterCIDR", FORM_CIDR, USE_PODS),
			     KEY_RANGE("spec/serviceCIDR", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("spec/globalCIDR", FORM_CIDR, USE_INTERNAL)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a network of the SR-IOV operator",
		.group = "sriovnetwork.openshift.io",
		.kind = "*Network",
		.keys = KEYS(KEY_JSON("spec/ipam")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a network of NVIDIA's operator",
		.group = "mellanox.com",
		.kind = "*Network",
		.keys = KEYS(KEY_JSON("spec/ipam")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a pool of NVIDIA's",
		.group = "nv-ipam.nvidia.com",
		.kind = "*Pool",
		.keys = KEYS(KEY_RANGE("spec/subnet", FORM_CIDR, USE_PODS), KEY_RANGE("spec/cidr", FORM_CIDR, USE_PODS),
			     KEY_GATEWAY("spec/gateway"), KEY_EXCLUDED_BOUNDS("spec/exclusions/*", "startIP", "endIP"),
			     KEY_PART("spec/staticAllocations/*/prefix")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "an ipam object",
		.fits = is_ipam,
		.read = declaration_read_ipam,
		.keeping = KEEPING_NESTED,
	},
};

const struct kind_table kinds_networks = KIND_TABLE(kinds);
