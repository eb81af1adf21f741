/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds: what clusters and clouds are made with. Of Terraform the plan is read, in which all variables have their values.
 * Pure.
 *
 * Sources: kubernetes-sigs/kubespray inventory/sample/group_vars/k8s_cluster, eksctl.io/declaration/schema,
 * developer.hashicorp.com/terraform/internals/json-format, registry.terraform.io (aws, azurerm, google).
 */

#include "plugin/foreign/kind.h"

/** Keys of the resources of a plan or state, at a path with a slash behind it */
#define AT(type, key) "*values/**/[type=" type "]/values/" key
#define TERRAFORM_KEYS                                                                                                 \
	KEY_RANGE(AT("aws_vpc", "cidr_block"), FORM_CIDR, USE_MACHINES),                                               \
		KEY_RANGE(AT("aws_vpc_ipv4_cidr_block_association", "cidr_block"), FORM_CIDR, USE_MACHINES),           \
		KEY_RANGE(AT("aws_eks_cluster", "kubernetes_network_config/*/service_ipv4_cidr"), FORM_CIDR,           \
			  USE_SERVICES),                                                                               \
		KEY_RANGE(AT("azurerm_virtual_network", "address_space/*"), FORM_CIDR, USE_MACHINES),                  \
		KEY_RANGE(AT("azurerm_kubernetes_cluster", "network_profile/*/pod_cidr"), FORM_CIDR, USE_PODS),        \
		KEY_RANGE(AT("azurerm_kubernetes_cluster", "network_profile/*/pod_cidrs/*"), FORM_CIDR, USE_PODS),     \
		KEY_RANGE(AT("azurerm_kubernetes_cluster", "network_profile/*/service_cidr"), FORM_CIDR,               \
			  USE_SERVICES),                                                                               \
		KEY_RANGE(AT("azurerm_kubernetes_cluster", "network_profile/*/service_cidrs/*"), FORM_CIDR,            \
			  USE_SERVICES),                                                                               \
		KEY_ADDRESS(AT("azurerm_kubernetes_cluster", "network_profile/*/dns_service_ip")),                     \
		KEY_RANGE(AT("azurerm_kubernetes_cluster", "network_profile/*/docker_bridge_cidr"), FORM_CIDR,         \
			  USE_CONTAINERS),                                                                             \
		KEY_RANGE(AT("google_container_cluster", "ip_allocation_policy/*/cluster_ipv4_cidr_block"),            \
			  FORM_CIDR | FORM_WORDS, USE_PODS),                                                           \
		KEY_RANGE(AT("google_container_cluster", "ip_allocation_policy/*/services_ipv4_cidr_block"),           \
			  FORM_CIDR | FORM_WORDS, USE_SERVICES),                                                       \
		KEY_RANGE(AT("google_container_cluster", "cluster_ipv4_cidr"), FORM_CIDR | FORM_WORDS, USE_PODS),      \
		KEY_RANGE(AT("google_container_cluster", "private_cluster_config/*/master_ipv4_cidr_block"),           \
			  FORM_CIDR | FORM_WORDS, USE_MACHINES),                                                       \
		KEY_RANGE(AT("google_compute_subnetwork", "ip_cidr_range"), FORM_CIDR, USE_MACHINES),                  \
		KEY_RANGE(AT("google_compute_subnetwork", "secondary_ip_range/*/ip_cidr_range"), FORM_CIDR,            \
			  USE_LOAD_BALANCERS)

/** Keys of AKS in a template of Azure's; what it takes where they are left out depends on the plugin: a warning */
#define AKS(key) "resources/[type=*managedClusters]/properties/networkProfile/" key
#define AKS_RANGE(key, use) KEY_RANGE(AKS(key), FORM_CIDR | FORM_WORDS, use)
/* NOLINTBEGIN(bugprone-macro-parentheses): texts that fill arrays */
#define AKS_USUAL(use_, usual_, unless_)                                                                               \
	{                                                                                                              \
		.path = "resources", .forms = FORM_TEXT, .kind = DECLARED_RANGE, .use = (use_), .usual = usual_,       \
		.unless = unless_, .mild = true                                                                        \
	}
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct kind kinds[] = {
	{
		.name = "kubespray",
		.shape = "kube_service_addresses kube_pods_subnet kube_service_subnets kube_pods_subnets",
		.source = "kubespray 2.28, inventory/sample/group_vars/k8s_cluster/k8s-cluster.yml",
		.keys = KEYS(KEY_RANGE("kube_service_subnets", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("kube_pods_subnets", FORM_CIDR, USE_PODS),
			     KEY_USUAL("kube_service_addresses", USE_SERVICES, "10.233.0.0/18"),
			     KEY_USUAL("kube_pods_subnet", USE_PODS, "10.233.64.0/18"),
			     KEY_RANGE("kube_service_addresses_ipv6", FORM_CIDR, USE_SERVICES),
			     KEY_RANGE("kube_pods_subnet_ipv6", FORM_CIDR, USE_PODS),
			     KEY_RANGE("calico_pool_cidr*", FORM_CIDR, USE_PODS),
			     KEY_RANGE("metallb_config/address_pools/*/ip_range/*", FORM_CIDR | FORM_RANGE,
				       USE_LOAD_BALANCERS)),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "eksctl",
		.group = "eksctl.io",
		.kind = "ClusterConfig",
		.source = "eksctl 0.210, examples and docs: vpc.cidr",
		.keys = KEYS(KEY_USUAL("vpc/cidr", USE_MACHINES, "192.168.0.0/16"),
			     KEY_RANGE("vpc/extraCIDRs/*", FORM_CIDR, USE_PODS),
			     KEY_RANGE("vpc/subnets/*/*/cidr", FORM_CIDR, USE_LOAD_BALANCERS),
			     KEY_RANGE("kubernetesNetworkConfig/serviceIPv4CIDR", FORM_CIDR, USE_SERVICES),
			     {.path = "kubernetesNetworkConfig",
			      .forms = FORM_TEXT,
			      .kind = DECLARED_RANGE,
			      .use = USE_SERVICES,
			      .usual = "10.100.0.0/16, 172.20.0.0/16",
			      .unless = "kubernetesNetworkConfig/serviceIPv4CIDR [ipFamily=IPv6]",
			      .mild = true}),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a chart of Helm's, with its values",
		.group = "helm.cattle.io",
		.kind = "HelmChart*",
		.keys = KEYS(KEY_TEXT("spec/valuesContent")),
		.keeping = KEEPING_PLAN,
		.incidental = true,
	},
	{
		.name = "a release of Flux's, with its values",
		.group = "helm.toolkit.fluxcd.io",
		.kind = "HelmRelease",
		.keys = KEYS(KEY_TEXT("spec/values")),
		.keeping = KEEPING_PLAN,
		.incidental = true,
	},
	{
		.name = "an application of Argo CD's, with its values",
		.group = "argoproj.io",
		.kind = "Application*",
		.keys = KEYS(KEY_TEXT("spec/**/helm/values*")),
		.keeping = KEEPING_PLAN,
		.incidental = true,
	},
	{
		.name = "CloudFormation",
		.shape = "AWSTemplateFormatVersion Resources/[Type=AWS::*]",
		.keys = KEYS(KEY_RANGE("Resources/[Type=AWS::EC2::VPC]/Properties/CidrBlock", FORM_CIDR | FORM_WORDS,
				       USE_MACHINES),
			     KEY_RANGE("Resources/[Type=AWS::EC2::VPCCidrBlock]/Properties/CidrBlock",
				       FORM_CIDR | FORM_WORDS, USE_MACHINES),
			     KEY_RANGE("Resources/[Type=AWS::EKS::Cluster]/Properties/KubernetesNetworkConfig/"
				       "ServiceIpv4Cidr",
				       FORM_CIDR | FORM_WORDS, USE_SERVICES)),
		.keeping = KEEPING_PLAN,
		.incidental = true,
	},
	{
		.name = "AKS in a template of Azure's",
		.shape = "resources/[type=Microsoft.ContainerService~1managedClusters]",
		.source = "learn.microsoft.com, Microsoft.ContainerService/managedClusters: networkProfile",
		.keys = KEYS(AKS_RANGE("podCidr", USE_PODS), AKS_RANGE("podCidrs/*", USE_PODS),
			     AKS_RANGE("serviceCidr", USE_SERVICES), AKS_RANGE("serviceCidrs/*", USE_SERVICES),
			     KEY_ADDRESS(AKS("dnsServiceIP")), AKS_RANGE("dockerBridgeCidr", USE_CONTAINERS),
			     AKS_USUAL(USE_PODS, "10.244.0.0/16", AKS("podCidr*")),
			     AKS_USUAL(USE_SERVICES, "10.0.0.0/16", AKS("serviceCidr*"))),
		.keeping = KEEPING_PLAN,
	},
	{
		.name = "a plan of Terraform's",
		.shape = "planned_values/root_module values/root_module",
		.keys = KEYS(TERRAFORM_KEYS),
		.keeping = KEEPING_PLAN,
	},
};

const struct kind_table kinds_provisioning = KIND_TABLE(kinds);
