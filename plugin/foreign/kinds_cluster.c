/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds: Kubernetes' own objects, and those in which other documents stand. Pure.
 *
 * Sources: kubernetes.io/docs/reference/config-api (kubeadm v1beta1 to v1beta4, kube-proxy, kubelet),
 * kubernetes/cmd/kubeadm/app/apis/kubeadm/v1beta4/defaults.go, kind.sigs.k8s.io, kube-apiserver's and
 * kube-controller-manager's flags.
 */

#include "plugin/foreign/kind.h"

/* Texts that fill arrays, which no parentheses may stand around */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
/** A pool that is made where none is there, in which the cluster may differ: a warning */
#define KEY_POOL(path_, usual_, where_, unless_)                                                                       \
	{                                                                                                              \
		.path = path_, .forms = FORM_TEXT, .kind = DECLARED_RANGE, .use = USE_PODS, .usual = usual_,           \
		.where = where_, .unless = unless_, .mild = true                                                       \
	}
/* NOLINTEND(bugprone-macro-parentheses) */
/** Flags and variables of the containers of a pod, at a path with a slash behind it; and the texts in annotations */
#define CONTAINER_KEYS(spec)                                                                                           \
	KEY_FLAGS(spec "*ontainers/*/command"), KEY_FLAGS(spec "*ontainers/*/args"),                                   \
		KEY_RANGE(spec "containers/*/env/[name=CALICO_IPV4POOL_CIDR]/value", FORM_CIDR | FORM_WORDS,           \
			  USE_PODS),                                                                                   \
		KEY_RANGE(spec "containers/*/env/[name=CALICO_IPV6POOL_CIDR]/value", FORM_CIDR | FORM_WORDS,           \
			  USE_PODS),                                                                                   \
		KEY_RANGE(spec "containers/*/env/[name=IPALLOC_RANGE]/value", FORM_CIDR | FORM_WORDS, USE_PODS),       \
		KEY_ADDRESS(spec "containers/*/env/[name=vip_address]/value"),                                         \
		KEY_ADDRESS(spec "containers/[name=kube-vip]/env/[name=address]/value"),                               \
		KEY_MILD(spec "containers/[name=kube-vip]/env/[name=vip_subnet]/value", USE_LOAD_BALANCERS)
/** What those who leave out their variable give, at a path with a slash behind it */
#define CONTAINER_DEFAULTS(spec)                                                                                       \
	KEY_POOL(spec "containers", "192.168.0.0/16", spec "containers/[name=calico-node]",                            \
		 spec "containers/*/env/[name=CALICO_IPV4POOL_CIDR]"),                                                 \
		KEY_POOL(spec "containers", "10.32.0.0/12", spec "containers/[name=weave]",                            \
			 spec "containers/*/env/[name=IPALLOC_RANGE]")
#define ANNOTATION_KEYS(metadata)                                                                                      \
	KEY_ADDRESS(metadata "annotations/cni.projectcalico.org~1ipAddrs"),                                            \
		KEY_RANGE(metadata "annotations/cni.projectcalico.org~1ipv4pools", FORM_CIDR | FORM_WORDS, USE_PODS),  \
		KEY_RANGE(metadata "annotations/cni.projectcalico.org~1ipv6pools", FORM_CIDR | FORM_WORDS, USE_PODS),  \
		KEY_ADDRESS(metadata "annotations/ovn.kubernetes.io~1ip_address"),                                     \
		KEY_RANGE(metadata "annotations/ovn.kubernetes.io~1ip_pool",                                           \
			  FORM_CIDR | FORM_ADDRESS | FORM_DOTS | FORM_WORDS, USE_PODS),                                \
		KEY_ADDRESS(metadata "annotations/rangeguard.dev~1addresses"),                                         \
		KEY_TEXT(metadata "annotations/v1.multus-cni.io~1default-network"),                                    \
		KEY_TEXT(metadata "annotations/k8s.v1.cni.cncf.io~1networks")
#define TEMPLATE_KEYS(at) CONTAINER_KEYS(at "spec/"), ANNOTATION_KEYS(at "metadata/")

/** is_selection() - Whether an object is an element of the annotation k8s.v1.cni.cncf.io/networks that asks for addresses */
static bool is_selection(const json_t *root, const char *file)
{
	(void)file;
	return json_is_string(json_object_get(root, "name")) && json_is_array(json_object_get(root, "ips"));
}

static const struct kind kinds[] = {
	{
		.name = "kubeadm",
		.group = "kubeadm.k8s.io",
		.kind = "ClusterConfiguration",
		.source = "kubernetes 1.33, kubeadm/v1beta4/defaults.go: DefaultServicesSubnet",
		.keys = KEYS(KEY_RANGE("networking/podSubnet", FORM_CIDR, USE_PODS),
			     KEY_USUAL("networking/serviceSubnet", USE_SERVICES, "10.96.0.0/12"),
			     KEY_RANGE("*/extraArgs/service-cluster-ip-range", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("*/extraArgs/cluster-cidr", FORM_CIDR, USE_PODS),
			     KEY_RANGE("*/extraArgs/[name=service-cluster-ip-range]/value", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("*/extraArgs/[name=cluster-cidr]/value", FORM_CIDR, USE_PODS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "kubeadm",
		.group = "kubeadm.k8s.io",
		.kind = "*Configuration",
		.keys = KEYS(KEY_ADDRESS("localAPIEndpoint/advertiseAddress"),
			     KEY_ADDRESS("controlPlane/localAPIEndpoint/advertiseAddress")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "kube-proxy",
		.group = "kubeproxy.config.k8s.io",
		.kind = "KubeProxyConfiguration",
		.keys = KEYS(KEY_RANGE("clusterCIDR", FORM_CIDR, USE_PODS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "kubelet",
		.group = "kubelet.config.k8s.io",
		.kind = "KubeletConfiguration",
		.keys = KEYS(KEY_RANGE("podCIDR", FORM_CIDR, USE_PODS), KEY_ADDRESS("clusterDNS/*")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "kind",
		.group = "kind.x-k8s.io",
		.kind = "Cluster",
		.source = "kind 0.29, pkg/apis/config/v1alpha4/default.go",
		.keys = KEYS(KEY_RANGE("networking/podSubnet", FORM_CIDR, USE_PODS),
			     KEY_RANGE("networking/serviceSubnet", FORM_CIDR, USE_SERVICES),
			     KEY_DEFAULT("networking", USE_PODS, "10.244.0.0/16", "",
					 "networking/podSubnet [ipFamily=ipv6]"),
			     KEY_DEFAULT("networking", USE_SERVICES, "10.96.0.0/16", "",
					 "networking/serviceSubnet [ipFamily=ipv6]"),
			     KEY_TEXT("kubeadmConfigPatches/*"), KEY_TEXT("nodes/*/kubeadmConfigPatches/*")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a node",
		.group = "",
		.kind = "Node",
		.keys = KEYS(KEY_RANGE("spec/podCIDRs/*", FORM_CIDR, USE_PODS),
			     KEY_RANGE("spec/podCIDR", FORM_CIDR, USE_PODS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a ServiceCIDR",
		.group = "networking.k8s.io",
		.kind = "ServiceCIDR",
		.keys = KEYS(KEY_RANGE("spec/cidrs/*", FORM_CIDR, USE_SERVICES)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a service",
		.group = "",
		.kind = "Service",
		.keys = KEYS(KEY_ADDRESS("spec/clusterIP"), KEY_ADDRESS("spec/clusterIPs/*"),
			     KEY_ADDRESS("spec/loadBalancerIP"), KEY_ADDRESS("spec/externalIPs/*"),
			     KEY_ADDRESS("metadata/annotations/metallb.universe.tf~1loadBalancerIPs"),
			     KEY_ADDRESS("metadata/annotations/metallb.io~1loadBalancerIPs"),
			     KEY_ADDRESS("metadata/annotations/kube-vip.io~1loadbalancerIPs"),
			     KEY_ADDRESS("metadata/annotations/*cilium*~1*ips")),
		.keeping = KEEPING_PLAN,
		.incidental = true,
	},
	{
		.name = "a ConfigMap",
		.group = "",
		.kind = "ConfigMap",
		.keys = KEYS(KEY_TEXT("data/*"), KEY_BASE64("binaryData/*"),
			     KEY_RANGE("data/cluster-pool-ipv[46]-cidr", FORM_CIDR | FORM_WORDS, USE_PODS),
			     KEY_MILD("data/ipv[46]-native-routing-cidr", USE_CONTAINERS),
			     KEY_RANGE("data/cidr-*", FORM_CIDR | FORM_WORDS, USE_LOAD_BALANCERS),
			     KEY_RANGE("data/range-*", FORM_RANGE | FORM_WORDS, USE_LOAD_BALANCERS)),
		.keeping = KEEPING_PLAN,
		.incidental = true,
	},
	{
		.name = "a pod",
		.group = "",
		.kind = "Pod",
		.keys = KEYS(TEMPLATE_KEYS("")),
		.keeping = KEEPING_PLAN,
		.incidental = true,
	},
	{
		.name = "a workload",
		.group = "apps",
		.kind = "*",
		.source = "calico 3.30, node/pkg/lifecycle/startup: DEFAULT_IPV4_POOL_CIDR; weave 2.8, site/tasks/ipam",
		.keys = KEYS(TEMPLATE_KEYS("spec/template/"), CONTAINER_DEFAULTS("spec/template/spec/")),
		.keeping = KEEPING_PLAN,
		.incidental = true,
	},
	{
		.name = "a job",
		.group = "batch",
		.kind = "*Job",
		.keys = KEYS(TEMPLATE_KEYS("spec/template/"), TEMPLATE_KEYS("spec/jobTemplate/spec/template/")),
		.keeping = KEEPING_PLAN,
		.incidental = true,
	},
	{
		.name = "a network selection",
		.fits = is_selection,
		.keys = KEYS(KEY_ADDRESS("ips/*")),
		.keeping = KEEPING_PLAN,
	},
};

const struct kind_table kinds_cluster = KIND_TABLE(kinds);
