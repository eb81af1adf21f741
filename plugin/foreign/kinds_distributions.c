/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds: distributions of Kubernetes, whose installers take the ranges of a cluster. Pure.
 *
 * Sources: docs.okd.io (installing), openshift/api config/v1/types_network.go and operator/v1/types_network.go,
 * openshift/microshift packaging/microshift/config.yaml, docs.k3s.io/cli/server, docs.k0sproject.io (configuration),
 * siderolabs/talos pkg/machinery/constants, kubernetes/kops docs/cluster_spec.md.
 */

#include "plugin/foreign/kind.h"
#include "plugin/foreign/path.h"

/** OVN-Kubernetes' networks of its own, as OpenShift's operator has them, at a path with a slash behind it */
#define OVN_KEYS(at)                                                                                                   \
	KEY_RANGE(at "v[46]InternalSubnet", FORM_CIDR, USE_INTERNAL),                                                  \
		KEY_RANGE(at "ipv[46]/internalJoinSubnet", FORM_CIDR, USE_INTERNAL),                                   \
		KEY_RANGE(at "ipv[46]/internalTransitSwitchSubnet", FORM_CIDR, USE_INTERNAL),                          \
		KEY_RANGE(at "gatewayConfig/ipv[46]/internalMasqueradeSubnet", FORM_CIDR, USE_INTERNAL),               \
		KEY_RANGE(at "hybridOverlayConfig/hybridClusterNetwork/*/cidr", FORM_CIDR, USE_PODS)
/** What OVN-Kubernetes takes where that is not said, at a path with a slash behind it: OVN is OpenShift's default */
#define OVN_DEFAULTS(at, where_, other_)                                                                               \
	KEY_DEFAULT(at, USE_INTERNAL, "100.64.0.0/16", where_,                                                         \
		    other_ at "v4InternalSubnet " at "ipv4/internalJoinSubnet"),                                       \
		KEY_DEFAULT(at, USE_INTERNAL, "100.88.0.0/16", where_, other_ at "ipv4/internalTransitSwitchSubnet"),  \
		KEY_DEFAULT(at, USE_INTERNAL, "169.254.0.0/17", where_,                                                \
			    other_ at "gatewayConfig/ipv4/internalMasqueradeSubnet")
/** The three networks of an OpenShift cluster, at a path with a slash behind it */
#define CLUSTER_KEYS(at)                                                                                               \
	KEY_RANGE(at "clusterNetwork/*/cidr", FORM_CIDR, USE_PODS),                                                    \
		KEY_RANGE(at "serviceNetwork/*", FORM_CIDR | FORM_WORDS, USE_SERVICES),                                \
		KEY_RANGE(at "serviceNetwork/*/cidr", FORM_CIDR, USE_SERVICES),                                        \
		KEY_RANGE(at "machineNetwork/*/cidr", FORM_CIDR, USE_MACHINES)

/* NOLINTBEGIN(bugprone-macro-parentheses): texts that fill arrays */
/** What k3s takes where neither KEY nor KEY+ is there */
#define K3S_USUAL(key_, use_, usual_)                                                                                  \
	{                                                                                                              \
		.path = key_, .forms = FORM_CIDR, .kind = DECLARED_RANGE, .use = (use_), .usual = usual_,              \
		.unless = key_ " " key_ "+"                                                                            \
	}
/* NOLINTEND(bugprone-macro-parentheses) */

/** KubeOne's, in either group */
#define KUBEONE_SOURCE "kubeone 1.10, docs: clusterNetwork (\"following config values are defaults\")"
#define KUBEONE_KEYS                                                                                                   \
	KEYS(KEY_USUAL("clusterNetwork/podSubnet", USE_PODS, "10.244.0.0/16"),                                         \
	     KEY_USUAL("clusterNetwork/serviceSubnet", USE_SERVICES, "10.96.0.0/12"),                                  \
	     KEY_RANGE("clusterNetwork/podSubnetIPv6", FORM_CIDR, USE_PODS),                                           \
	     KEY_RANGE("clusterNetwork/serviceSubnetIPv6", FORM_CIDR, USE_SERVICES))
/** What Rancher hands to RKE2 and k3s */
#define RANCHER "spec/rkeConfig/machineGlobalConfig/"
/** kubeadm's ClusterConfiguration in what Cluster API makes machines with, also in templates of these */
#define KUBEADM "spec/**/clusterConfiguration/"
#define CLUSTER_API_KEYS                                                                                               \
	KEY_RANGE(KUBEADM "networking/podSubnet", FORM_CIDR, USE_PODS),                                                \
		KEY_RANGE(KUBEADM "networking/serviceSubnet", FORM_CIDR, USE_SERVICES),                                \
		KEY_RANGE(KUBEADM "*/extraArgs/service-cluster-ip-range", FORM_CIDR, USE_SERVICES),                    \
		KEY_RANGE(KUBEADM "*/extraArgs/cluster-cidr", FORM_CIDR, USE_PODS),                                    \
		KEY_RANGE(KUBEADM "*/extraArgs/[name=service-cluster-ip-range]/value", FORM_CIDR, USE_SERVICES),       \
		KEY_RANGE(KUBEADM "*/extraArgs/[name=cluster-cidr]/value", FORM_CIDR, USE_PODS)

/** is_install_config() - Whether a document is the installer's, which names no kind */
static bool is_install_config(const json_t *root, const char *file)
{
	(void)file;
	return json_object_get(root, "baseDomain") && path_leads_somewhere(root, "networking controlPlane pullSecret");
}

static const struct kind kinds[] = {
	{
		.name = "OpenShift's installer",
		.fits = is_install_config,
		.source = "openshift/installer 4.19, pkg/types/defaults/installconfig.go",
		.keys = KEYS(KEY_USUAL("networking/clusterNetwork/*/cidr", USE_PODS, "10.128.0.0/14"),
			     KEY_USUAL("networking/serviceNetwork", USE_SERVICES, "172.30.0.0/16"),
			     KEY_USUAL("networking/machineNetwork/*/cidr", USE_MACHINES, "10.0.0.0/16"),
			     KEY_RANGE("networking/clusterNetworks/*/cidr", FORM_CIDR, USE_PODS),
			     KEY_RANGE("networking/serviceCIDR", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("networking/machineCIDR", FORM_CIDR, USE_MACHINES),
			     OVN_KEYS("networking/ovnKubernetesConfig/"),
			     OVN_DEFAULTS("networking/*/", "", "[networkType=[!O]*] [networkType=OpenShiftSDN] "),
			     KEY_ADDRESS("platform/*/apiVIP"), KEY_ADDRESS("platform/*/apiVIPs/*"),
			     KEY_ADDRESS("platform/*/ingressVIP"), KEY_ADDRESS("platform/*/ingressVIPs/*")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "OpenShift's network",
		.group = "config.openshift.io",
		.kind = "Network",
		.keys = KEYS(CLUSTER_KEYS("spec/"),
			     KEY_RANGE("spec/externalIP/autoAssignCIDRs/*", FORM_CIDR, USE_LOAD_BALANCERS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "OpenShift's network operator",
		.group = "operator.openshift.io",
		.kind = "Network",
		.source = "openshift/api operator/v1/types_network.go: v4InternalSubnet, ipv4, gatewayConfig",
		.keys = KEYS(
			CLUSTER_KEYS("spec/"), OVN_KEYS("spec/defaultNetwork/ovnKubernetesConfig/"),
			OVN_DEFAULTS("spec/*/*/", "spec/[type=OVNKubernetes]", ""),
			KEY_JSON("spec/additionalNetworks/*/rawCNIConfig"),
			KEY_ADDRESS(
				"spec/additionalNetworks/*/simpleMacvlanConfig/ipamConfig/staticIPAMConfig/addresses/"
				"*/address")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "OpenShift's assisted installer",
		.group = "extensions.hive.openshift.io",
		.kind = "AgentClusterInstall",
		.source = "assisted-service, internal/common: as openshift/installer's",
		.keys = KEYS(CLUSTER_KEYS("spec/networking/"),
			     KEY_DEFAULT("spec", USE_PODS, "10.128.0.0/14", "", "spec/networking/clusterNetwork/*"),
			     KEY_DEFAULT("spec", USE_SERVICES, "172.30.0.0/16", "", "spec/networking/serviceNetwork/*"),
			     KEY_ADDRESS("spec/apiVIP"), KEY_ADDRESS("spec/apiVIPs/*"), KEY_ADDRESS("spec/ingressVIP"),
			     KEY_ADDRESS("spec/ingressVIPs/*")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a hosted OpenShift cluster",
		.group = "hypershift.openshift.io",
		.kind = "HostedCluster",
		.source = "openshift/hypershift, api/hypershift/v1beta1: ClusterNetworking",
		.keys = KEYS(
			CLUSTER_KEYS("spec/networking/"),
			KEY_DEFAULT("spec", USE_PODS, "10.132.0.0/14", "", "spec/networking/clusterNetwork/*"),
			KEY_DEFAULT("spec", USE_SERVICES, "172.31.0.0/16", "", "spec/networking/serviceNetwork/*")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "MicroShift",
		.file = "*/microshift/config.y*ml",
		.shape = "network/clusterNetwork network/serviceNetwork",
		.source = "microshift 4.19, packaging/microshift/config.yaml",
		.keys = KEYS(KEY_USUAL("network/clusterNetwork/*", USE_PODS, "10.42.0.0/16"),
			     KEY_USUAL("network/serviceNetwork/*", USE_SERVICES, "10.43.0.0/16")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "k3s and RKE2",
		.file = "*/rancher/*/config.y*ml",
		.shape = "cluster-cidr service-cidr cluster-dns kube-apiserver-arg kube-controller-manager-arg "
			 "cluster-cidr+ service-cidr+ cluster-dns+ kube-apiserver-arg+ kube-controller-manager-arg+",
		.source = "k3s 1.33, pkg/cli/cmds/server.go; pkg/configfilearg: KEY+ appends to what other files say",
		.keys = KEYS(K3S_USUAL("cluster-cidr", USE_PODS, "10.42.0.0/16"),
			     K3S_USUAL("service-cidr", USE_SERVICES, "10.43.0.0/16"),
			     KEY_RANGE("cluster-cidr+", FORM_CIDR, USE_PODS),
			     KEY_RANGE("service-cidr+", FORM_CIDR, USE_SERVICES), KEY_ADDRESS("cluster-dns"),
			     KEY_ADDRESS("cluster-dns+"), KEY_ADDRESS("node-ip"), KEY_ADDRESS("node-ip+"),
			     KEY_FLAGS("kube-apiserver-arg"), KEY_FLAGS("kube-apiserver-arg+"),
			     KEY_FLAGS("kube-controller-manager-arg"), KEY_FLAGS("kube-controller-manager-arg+"),
			     KEY_FLAGS("kube-proxy-arg"), KEY_FLAGS("kube-proxy-arg+"), KEY_FLAGS("kubelet-arg"),
			     KEY_FLAGS("kubelet-arg+")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "k0s",
		.group = "k0s.k0sproject.io",
		.kind = "ClusterConfig",
		.source = "k0s 1.33, docs/configuration.md",
		.keys = KEYS(KEY_USUAL("spec/network/podCIDR", USE_PODS, "10.244.0.0/16"),
			     KEY_USUAL("spec/network/serviceCIDR", USE_SERVICES, "10.96.0.0/12"),
			     KEY_RANGE("spec/network/dualStack/IPv6podCIDR", FORM_CIDR, USE_PODS),
			     KEY_RANGE("spec/network/dualStack/IPv6serviceCIDR", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("spec/*/extraArgs/service-cluster-ip-range", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("spec/*/extraArgs/cluster-cidr", FORM_CIDR, USE_PODS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Talos",
		.shape = "cluster/network cluster/controlPlane",
		.source = "talos 1.10, pkg/machinery/constants: DefaultIPv4PodNet, DefaultIPv4ServiceNet",
		.keys = KEYS(KEY_USUAL("cluster/network/podSubnets/*", USE_PODS, "10.244.0.0/16"),
			     KEY_USUAL("cluster/network/serviceSubnets/*", USE_SERVICES, "10.96.0.0/12"),
			     KEY_RANGE("cluster/*/extraArgs/service-cluster-ip-range", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("cluster/*/extraArgs/cluster-cidr", FORM_CIDR, USE_PODS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "kOps",
		.group = "kops.k8s.io",
		.kind = "Cluster",
		.source = "kops 1.32, docs/cluster_spec.md: nonMasqueradeCIDR",
		.keys = KEYS(KEY_RANGE("spec/networking/podCIDR", FORM_CIDR, USE_PODS),
			     KEY_RANGE("spec/networking/serviceClusterIPRange", FORM_CIDR, USE_SERVICES),
			     KEY_USUAL("spec/networking/nonMasqueradeCIDR", USE_CONTAINERS, "100.64.0.0/10"),
			     KEY_RANGE("spec/networking/networkCIDR", FORM_CIDR, USE_MACHINES),
			     KEY_RANGE("spec/networking/subnets/*/cidr", FORM_CIDR, USE_LOAD_BALANCERS),
			     KEY_RANGE("spec/podCIDR", FORM_CIDR, USE_PODS),
			     KEY_RANGE("spec/serviceClusterIPRange", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("spec/nonMasqueradeCIDR", FORM_CIDR, USE_CONTAINERS),
			     KEY_RANGE("spec/networkCIDR", FORM_CIDR, USE_MACHINES),
			     KEY_RANGE("spec/subnets/*/cidr", FORM_CIDR, USE_LOAD_BALANCERS),
			     KEY_RANGE("spec/**/additionalNetworkCIDRs/*", FORM_CIDR, USE_MACHINES),
			     KEY_RANGE("spec/kubeAPIServer/serviceClusterIPRange", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("spec/kubeControllerManager/clusterCIDR", FORM_CIDR, USE_PODS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "RKE",
		.shape = "services/kube-api services/kube-controller",
		.source = "rke 1.8, cluster/defaults.go: DefaultServiceClusterIPRange, DefaultClusterCIDR",
		.keys = KEYS(KEY_USUAL("services/kube-*/service_cluster_ip_range", USE_SERVICES, "10.43.0.0/16"),
			     KEY_USUAL("services/kube-controller/cluster_cidr", USE_PODS, "10.42.0.0/16"),
			     KEY_ADDRESS("services/kubelet/cluster_dns_server")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Cluster API",
		.group = "cluster.x-k8s.io",
		.kind = "Cluster",
		.keys = KEYS(KEY_RANGE("spec/clusterNetwork/pods/cidrBlocks", FORM_CIDR, USE_PODS),
			     KEY_RANGE("spec/clusterNetwork/services/cidrBlocks", FORM_CIDR, USE_SERVICES)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Cluster API's control plane",
		.group = "controlplane.cluster.x-k8s.io",
		.kind = "KubeadmControlPlane*",
		.keys = KEYS(CLUSTER_API_KEYS),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Cluster API's control plane, of k0s",
		.group = "controlplane.cluster.x-k8s.io",
		.kind = "K0sControlPlane*",
		.keys = KEYS(KEY_TEXT("spec/**/k0sConfigSpec/k0s")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Cluster API's bootstrap",
		.group = "bootstrap.cluster.x-k8s.io",
		.kind = "Kubeadm*",
		.keys = KEYS(CLUSTER_API_KEYS),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a pool of Cluster API's",
		.group = "ipam.cluster.x-k8s.io",
		.kind = "*InClusterIPPool",
		.keys = KEYS(KEY_RANGE("spec/addresses/*", FORM_CIDR | FORM_RANGE | FORM_ADDRESS, USE_LOAD_BALANCERS),
			     KEY_RANGE("spec/subnet", FORM_CIDR, USE_LOAD_BALANCERS), KEY_GATEWAY("spec/gateway"),
			     KEY_EXCLUDED("spec/excludedAddresses/*", FORM_CIDR | FORM_RANGE | FORM_ADDRESS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a pool of Metal3's",
		.group = "ipam.metal3.io",
		.kind = "IPPool",
		.keys = KEYS(KEY_BOUNDS("spec/pools/*", "start", "end", USE_LOAD_BALANCERS),
			     KEY_RANGE("spec/pools/*/subnet", FORM_CIDR, USE_LOAD_BALANCERS),
			     KEY_GATEWAY("spec/gateway"), KEY_GATEWAY("spec/pools/*/gateway"),
			     KEY_ADDRESS("spec/preAllocations/*")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Rancher's cluster",
		.group = "provisioning.cattle.io",
		.kind = "Cluster",
		.source = "rancher 2.12: RKE2's and k3s' defaults",
		.keys = KEYS(
			KEY_RANGE(RANCHER "cluster-cidr", FORM_CIDR, USE_PODS),
			KEY_RANGE(RANCHER "service-cidr", FORM_CIDR, USE_SERVICES), KEY_ADDRESS(RANCHER "cluster-dns"),
			KEY_FLAGS(RANCHER "kube-apiserver-arg"), KEY_FLAGS(RANCHER "kube-controller-manager-arg"),
			KEY_DEFAULT("spec", USE_PODS, "10.42.0.0/16", "spec/rkeConfig", RANCHER "cluster-cidr"),
			KEY_DEFAULT("spec", USE_SERVICES, "10.43.0.0/16", "spec/rkeConfig", RANCHER "service-cidr"),
			KEY_TEXT("spec/rkeConfig/chartValues/*")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "k3d",
		.group = "k3d.io",
		.kind = "Simple",
		.keys = KEYS(KEY_RANGE("subnet", FORM_CIDR | FORM_WORDS, USE_CONTAINERS),
			     KEY_FLAGS("options/k3s/extraArgs/*/arg")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "MicroK8s",
		.shape = "extraKubeAPIServerArgs extraKubeProxyArgs extraKubeControllerManagerArgs extraCNIEnv "
			 "extraKubeletArgs",
		.keys = KEYS(KEY_RANGE("extraKube*Args/--service-cluster-ip-range", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("extraKube*Args/--cluster-cidr", FORM_CIDR, USE_PODS),
			     KEY_ADDRESS("extraKubeletArgs/--cluster-dns"),
			     KEY_RANGE("extraCNIEnv/IPv[46]_CLUSTER_CIDR", FORM_CIDR, USE_PODS),
			     KEY_RANGE("extraCNIEnv/IPv[46]_SERVICE_CIDR", FORM_CIDR, USE_SERVICES)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Gardener's shoot",
		.group = "core.gardener.cloud",
		.kind = "Shoot",
		.keys = KEYS(KEY_RANGE("spec/networking/pods", FORM_CIDR, USE_PODS),
			     KEY_RANGE("spec/networking/services", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("spec/networking/nodes", FORM_CIDR, USE_MACHINES)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "EKS Anywhere",
		.group = "anywhere.eks.amazonaws.com",
		.kind = "Cluster",
		.keys = KEYS(KEY_RANGE("spec/clusterNetwork/pods/cidrBlocks", FORM_CIDR, USE_PODS),
			     KEY_RANGE("spec/clusterNetwork/services/cidrBlocks", FORM_CIDR, USE_SERVICES),
			     KEY_ADDRESS("spec/controlPlaneConfiguration/endpoint/host")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "KubeOne",
		.group = "kubeone.k8c.io",
		.kind = "KubeOneCluster",
		.source = KUBEONE_SOURCE,
		.keys = KUBEONE_KEYS,
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "KubeOne",
		.group = "kubeone.io",
		.kind = "KubeOneCluster",
		.source = KUBEONE_SOURCE,
		.keys = KUBEONE_KEYS,
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "Tanzu's cluster",
		.group = "run.tanzu.vmware.com",
		.kind = "TanzuKubernetesCluster",
		.keys = KEYS(KEY_RANGE("spec/settings/network/pods/cidrBlocks", FORM_CIDR, USE_PODS),
			     KEY_RANGE("spec/settings/network/services/cidrBlocks", FORM_CIDR, USE_SERVICES)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "KubeKey",
		.group = "kubekey.kubesphere.io",
		.kind = "Cluster",
		.source = "kubekey, apis/kubekey/v1alpha2: DefaultPodsCIDR, DefaultServiceCIDR",
		.keys = KEYS(KEY_USUAL("spec/network/kubePodsCIDR", USE_PODS, "10.233.64.0/18"),
			     KEY_USUAL("spec/network/kubeServiceCIDR", USE_SERVICES, "10.233.0.0/18")),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "k0sctl",
		.group = "k0sctl.k0sproject.io",
		.kind = "Cluster",
		.keys = KEYS(KEY_TEXT("spec/k0s/config")),
		.keeping = KEEPING_PLAN,
	},
};

const struct kind_table kinds_distributions = KIND_TABLE(kinds);
