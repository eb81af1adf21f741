/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kinds_….c: each row has an example in conf-examples, in which each of its keys leads to something; and the defaults. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/foreign/path.h"
#include "plugin/foreign/subject.h"
#include "plugin/text/paths.h"
#include "plugin/text/source.h"
#include "plugin/text/values.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

#define KINDS_MAX 256U
#define KEYS_MAX 32U

/** struct reached - Which keys of a kind have led to something; bits by their index */
struct reached {
	const struct kind *kind;
	uint32_t keys;
};

static struct reached reached[KINDS_MAX];

/** note() - A part of an example */
static void note(void *userdata, const struct subject *subject)
{
	size_t i = 0;

	(void)userdata;
	while (subject->kind && kind_by_index(i) && kind_by_index(i) != subject->kind)
		i++;
	if (!subject->kind)
		return;
	assert_true(i < KINDS_MAX);
	reached[i].kind = subject->kind;
	for (size_t j = 0; subject->kind->keys && subject->kind->keys[j].path[0]; j++) {
		assert_true(j < KEYS_MAX);
		if (path_leads_somewhere(subject->node.object, subject->kind->keys[j].path))
			reached[i].keys |= UINT32_C(1) << j;
	}
}

static void hear(struct report *report, const struct finding *finding)
{
	(void)report;
	fail_msg("%s: %s", finding->file, finding->message);
}

/** read_example() - The documents of an example */
static void read_example(const char *path)
{
	struct report report = {.heard = hear};
	SOURCE_CLEANUP struct source source = {0};
	VALUES_CLEANUP struct values values = {0};

	assert_int_equal(source_read(path, SIZE_MAX / 4, &source), 0);
	assert_int_equal(values_start(&values, source.text, source.size, values_syntax_of(path)), 0);
	while (values_next(&values) == 0)
		assert_int_equal(subjects_each(values.root, path, NULL, &report, note, NULL), 0);
}

/** tail_of() - The last two steps of a path: what several kinds have in common stands at several places */
static const char *tail_of(const char *path)
{
	const char *tail = path + strlen(path);

	for (unsigned steps = 0; tail > path && (steps += tail[-1] == '/') < 2;)
		tail--;
	return tail;
}

/** tail_is_reached() - Whether the same keys of another kind have an example */
static bool tail_is_reached(const char *path)
{
	for (size_t i = 0; i < KINDS_MAX; i++)
		for (size_t j = 0;
		     reached[i].kind && j < KEYS_MAX && reached[i].kind->keys && reached[i].kind->keys[j].path[0]; j++)
			if ((reached[i].keys >> j & 1) &&
			    !strcmp(tail_of(reached[i].kind->keys[j].path), tail_of(path)))
				return true;
	return false;
}

static void test_each_key_of_each_row_has_an_example(void **state)
{
	CLEANUP(path_list_done) struct path_list files = {0};
	const struct kind *kind;

	(void)state;
	assert_int_equal(path_list_expand(&files, SOURCE_DIR "/conf-examples/other-plugins"), PATHS_E_DIRECTORY);
	for (size_t i = 0; i < files.n_paths; i++)
		read_example(files.paths[i]);
	for (size_t i = 0; (kind = kind_by_index(i)) != NULL; i++) {
		if (kind->class)
			continue;
		if (!reached[i].kind)
			fail_msg("%s (%s) has no example", kind->name, kind->kind ? kind->kind : "by its shape");
		/* Templates of pods have the pod's keys. */
		if (kind->group && (strcmp(kind->group, "apps") == 0 || strcmp(kind->group, "batch") == 0))
			continue;
		for (size_t j = 0; kind->keys && kind->keys[j].path[0]; j++)
			if (!(reached[i].keys >> j & 1) && !kind->keys[j].usual[0] &&
			    !tail_is_reached(kind->keys[j].path))
				fail_msg("%s: %s leads nowhere in any example", kind->name, kind->keys[j].path);
	}
}

/** Documents that leave all out, and what holds then: from each project's documentation, not from the table */
static const struct {
	const char *text;
	const char *file;
	const char *networks;
} defaults[] = {
	{"{'apiVersion': 'kubeadm.k8s.io/v1beta4', 'kind': 'ClusterConfiguration'}", "a.yaml", "10.96.0.0/12 "},
	{"{'apiVersion': 'kubeadm.k8s.io/v1beta3', 'kind': 'ClusterConfiguration', 'apiServer': {'extraArgs': "
	 "{'service-cluster-ip-range': '10.5.0.0/16'}}}",
	 "a.yaml", ""},
	{"{'apiVersion': 'kind.x-k8s.io/v1alpha4', 'kind': 'Cluster'}", "a.yaml", "10.244.0.0/16 10.96.0.0/16 "},
	{"{'baseDomain': 'x', 'networking': {}}", "a.yaml",
	 "10.128.0.0/14 172.30.0.0/16 10.0.0.0/16 100.64.0.0/16 100.88.0.0/16 169.254.0.0/17 "},
	{"{'baseDomain': 'x', 'networking': {'machineCIDR': '10.5.0.0/16', 'serviceCIDR': '10.6.0.0/16', "
	 "'clusterNetworks': [{'cidr': '10.7.0.0/16'}], 'networkType': 'OpenShiftSDN'}}",
	 "a.yaml", ""},
	{"{'network': {'clusterNetwork': ['10.5.0.0/16']}}", "a.yaml", "10.43.0.0/16 "},
	{"{}", "/etc/microshift/config.yaml", "10.42.0.0/16 10.43.0.0/16 "},
	{"{'token': 'x'}", "/etc/rancher/k3s/config.yaml", "10.42.0.0/16 10.43.0.0/16 "},
	{"{'token': 'x'}", "/etc/rancher/rke2/config.yaml", "10.42.0.0/16 10.43.0.0/16 "},
	{"{'apiVersion': 'k0s.k0sproject.io/v1beta1', 'kind': 'ClusterConfig'}", "a.yaml",
	 "10.244.0.0/16 10.96.0.0/12 "},
	{"{'cluster': {'controlPlane': {}}}", "a.yaml", "10.244.0.0/16 10.96.0.0/12 "},
	{"{'apiVersion': 'kops.k8s.io/v1alpha2', 'kind': 'Cluster'}", "a.yaml", "100.64.0.0/10 "},
	{"{'apiVersion': 'operator.tigera.io/v1', 'kind': 'Installation'}", "a.yaml", "mild 192.168.0.0/16 "},
	{"{'apiVersion': 'operator.tigera.io/v1', 'kind': 'Installation', 'spec': {'calicoNetwork': {'ipPools': []}}}",
	 "a.yaml", ""},
	{"{'ipam': {'operator': {}}}", "values.yaml", "mild 10.0.0.0/8 "},
	{"{'ipv4': {'POD_CIDR': '10.5.0.0/16'}}", "values.yaml", "10.96.0.0/12 100.64.0.0/16 "},
	{"{'kube_pods_subnet': '10.5.0.0/16'}", "a.yaml", "10.233.0.0/18 "},
	{"{'kube_service_addresses': '10.5.0.0/16'}", "a.yaml", "10.233.64.0/18 "},
	{"{'apiVersion': 'eksctl.io/v1alpha5', 'kind': 'ClusterConfig'}", "a.yaml",
	 "192.168.0.0/16 mild 10.100.0.0/16 mild 172.20.0.0/16 "},
	{"{}", "daemon.json",
	 "172.17.0.0/16 mild 172.18.0.0/16 mild 172.19.0.0/16 mild 172.20.0.0/14 mild 172.24.0.0/14 mild 172.28.0.0/14 "
	 "mild 192.168.0.0/16 "},
	{"{'Bip': '10.5.0.1/16', 'default-address-pools': [{'base': '10.6.0.0/16', 'size': 24}]}", "daemon.json", ""},
	{"{'apiVersion': 'kind.x-k8s.io/v1alpha4', 'kind': 'Cluster', 'networking': {'ipFamily': 'ipv6'}}", "a.yaml",
	 ""},
	{"{'baseDomain': 'x', 'networking': {'networkType': 'Calico'}}", "a.yaml",
	 "10.128.0.0/14 172.30.0.0/16 10.0.0.0/16 "},
	{"{'apiVersion': 'operator.openshift.io/v1', 'kind': 'Network', 'spec': {'defaultNetwork': {'type': "
	 "'OVNKubernetes', 'ovnKubernetesConfig': {'ipv4': {'internalJoinSubnet': '10.5.0.0/16'}}}}}",
	 "a.yaml", "100.88.0.0/16 169.254.0.0/17 "},
	{"{'apiVersion': 'operator.openshift.io/v1', 'kind': 'Network', 'spec': {'defaultNetwork': {'type': 'Kuryr'}}}",
	 "a.yaml", ""},
	{"{'apiVersion': 'extensions.hive.openshift.io/v1beta1', 'kind': 'AgentClusterInstall', 'spec': {}}", "a.yaml",
	 "10.128.0.0/14 172.30.0.0/16 "},
	{"{'apiVersion': 'hypershift.openshift.io/v1beta1', 'kind': 'HostedCluster'}", "a.yaml",
	 "10.132.0.0/14 172.31.0.0/16 "},
	{"{'apiVersion': 'k8s.ovn.org/v1', 'kind': 'ClusterUserDefinedNetwork', 'spec': {'network': {'layer3': {'role': "
	 "'Primary'}}}}",
	 "a.yaml", "100.65.0.0/16 "},
	{"{'apiVersion': 'k8s.ovn.org/v1', 'kind': 'UserDefinedNetwork', 'spec': {'layer2': {'role': 'Secondary'}}}",
	 "a.yaml", ""},
	{"{'apiVersion': 'apps/v1', 'kind': 'DaemonSet', 'spec': {'template': {'spec': {'containers': [{'name': "
	 "'calico-node'}]}}}}",
	 "a.yaml", "mild 192.168.0.0/16 "},
	{"{'apiVersion': 'apps/v1', 'kind': 'DaemonSet', 'spec': {'template': {'spec': {'containers': [{'name': "
	 "'calico-node', 'env': [{'name': 'CALICO_IPV4POOL_CIDR', 'value': 'x'}]}]}}}}",
	 "a.yaml", ""},
	{"{'apiVersion': 'apps/v1', 'kind': 'DaemonSet', 'spec': {'template': {'spec': {'containers': [{'name': "
	 "'weave'}]}}}}",
	 "a.yaml", "mild 10.32.0.0/12 "},
	{"{'ipam': {'mode': 'kubernetes', 'operator': {}}}", "values.yaml", ""},
	{"{'podCidrv6': 'fd00::/64'}", "values.yaml", "10.244.0.0/16 "},
	{"{'apiVersion': 'eksctl.io/v1alpha5', 'kind': 'ClusterConfig', 'vpc': {'cidr': '10.5.0.0/16'}, "
	 "'kubernetesNetworkConfig': {'ipFamily': 'IPv4'}}",
	 "a.yaml", "mild 10.100.0.0/16 mild 172.20.0.0/16 "},
	{"{'resources': [{'type': 'Microsoft.ContainerService/managedClusters', 'properties': {'networkProfile': "
	 "{'podCidr': '10.5.0.0/16'}}}]}",
	 "a.json", "mild 10.0.0.0/16 "},
	{"{'client': {'bridge_network_subnet_ipv6': 'fd00::/64'}}", "nomad.json", "172.26.64.0/20 "},
	{"{'DefaultAddrPool': null, 'x': 1}", "swarm.json", ""},
	{"{'bip': '10.5.0.1/24', 'default-address-pools': []}", "daemon.json",
	 "mild 172.18.0.0/16 mild 172.19.0.0/16 mild 172.20.0.0/14 mild 172.24.0.0/14 mild 172.28.0.0/14 "
	 "mild 192.168.0.0/16 "},
	{"{'services': {'kube-api': {}}}", "cluster.yml", "10.43.0.0/16 10.42.0.0/16 "},
	{"{'installation': {'calicoNetwork': {}}}", "values.yaml", "mild 192.168.0.0/16 "},
	{"{'network': {'network_backend': ['netavark']}}", "/etc/containers/containers.conf",
	 "10.88.0.0/16 mild 10.89.0.0/16 mild 10.90.0.0/15 mild 10.92.0.0/14 mild 10.96.0.0/11 mild 10.128.0.0/9 "},
	{"{'network': {'default_subnet': ['10.5.0.0/16']}}", "/etc/containers/containers.conf.d/1.conf", ""},
	{"{'DefaultAddressPools': [{'Base': '10.5.0.0/16'}]}", "info.json", ""},
	{"{'DefaultAddrPool': []}", "swarm.json", "10.0.0.0/8 "},
	{"{'cluster-cidr+': '10.5.0.0/16', 'token': 'x'}", "/etc/rancher/k3s/config.yaml", "10.43.0.0/16 "},
	{"{'apiVersion': 'provisioning.cattle.io/v1', 'kind': 'Cluster', 'spec': {'rkeConfig': {'machineGlobalConfig': "
	 "{'cluster-cidr': '10.5.0.0/16'}}}}",
	 "a.yaml", "10.43.0.0/16 "},
	{"{'apiVersion': 'provisioning.cattle.io/v1', 'kind': 'Cluster', 'spec': {}}", "a.yaml", ""},
	{"{'apiVersion': 'kubeone.k8c.io/v1beta2', 'kind': 'KubeOneCluster'}", "a.yaml", "10.244.0.0/16 10.96.0.0/12 "},
	{"{'apiVersion': 'kubekey.kubesphere.io/v1alpha2', 'kind': 'Cluster', 'spec': {'network': {'kubePodsCIDR': "
	 "'10.5.0.0/16'}}}",
	 "a.yaml", "10.233.0.0/18 "},
	{"{'networking': {'pods': {'cidr': {'v4': '10.5.0.0/16'}}}}", "values.yaml", "10.96.0.0/12 100.64.0.0/16 "},
};

/** parse() - A document, ' in its text standing for " */
static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	assert_non_null(copy);
	for (char *quote = copy; (quote = strchr(quote, '\''));)
		*quote = '"';
	json = json_loads(copy, 0, NULL);
	free(copy);
	assert_non_null(json);
	return json;
}

static void test_defaults_hold_where_nothing_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(defaults); i++) {
		struct report report = {.heard = hear};
		json_t *root = parse(defaults[i].text);
		const struct kind *kind = document_kind(root, defaults[i].file);
		DECLARATIONS_CLEANUP struct declarations declarations = {0};
		char text[512] = "", network[PREFIX_TEXT_MAX];

		if (kind)
			assert_int_equal(kind_read(kind, root, "x", "", &declarations, &report), 0);
		for (size_t j = 0; j < declarations.n_items; j++) {
			if (!declarations.items[j].default_of)
				continue;
			assert_string_equal(declarations.items[j].default_of, kind->name);
			assert_non_null(kind->source);
			(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s ",
				       declarations.items[j].mild ? "mild " : "",
				       prefix_format(&declarations.items[j].network, network));
		}
		assert_string_equal(text, defaults[i].networks);
		json_decref(root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_key_of_each_row_has_an_example),
		cmocka_unit_test(test_defaults_hold_where_nothing_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
