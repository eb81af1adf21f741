/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of a cluster's pools, as `kubectl get … -o json` prints them: what the names stand for that configurations
 * of Calico, Spiderpool and whereabouts have.
 *
 * Sources: Calico (reference, IPPool), Spiderpool (reference, SpiderIPPool and SpiderSubnet), whereabouts (IPPool).
 */

#include <errno.h>
#include <string.h>

#include "plugin/foreign/usage_reader.h"

#define ATTACHMENT_GROUP "k8s.cni.cncf.io/"

/** read_calico() - `cidr`, of which all addresses are given, the first and the last one too */
static void read_calico(struct usage_reader *usage, const json_t *spec)
{
	struct prefix network;
	struct span span;

	if (!usage_prefix(usage, spec, "cidr", &network))
		return;
	span = prefix_span(&network);
	usage_take_network(usage, usage_member(spec, "cidr").key, &network, &span);
}

/** read_whereabouts() - `range` */
static void read_whereabouts(struct usage_reader *usage, const json_t *spec)
{
	struct prefix network;

	if (usage_prefix(usage, spec, "range", &network))
		usage_take_network(usage, usage_member(spec, "range").key, &network, NULL);
}

/** parse_span() - Spiderpool's "FIRST-LAST" or "ADDRESS"; whether it is one */
static bool parse_span(const char *text, struct span *ret_span)
{
	struct address address;

	if (!text)
		return false;
	if (span_parse(text, ret_span) == 0)
		return true;
	if (address_parse(text, &address) < 0)
		return false;
	*ret_span = span_of_address(&address);
	return true;
}

/** read_spans() - Spans of an array at member @key, each a range of @network or, when that is NULL, excluded */
static void read_spans(struct usage_reader *usage, const json_t *spec, const char *key, const struct prefix *network)
{
	const json_t *spans = usage_array(usage, spec, key);
	struct span whole = network ? prefix_span(network) : (struct span){.family = FAMILY_NONE};
	size_t mark = pointer_push_key(&usage->reader.at, usage_member(spec, key).key);

	for (size_t i = 0; i < json_array_size(spans); i++) {
		struct usage found = {.kind = USAGE_EXCLUDED};
		size_t inner = pointer_push_index(&usage->reader.at, i);

		if (!parse_span(json_string_value(json_array_get(spans, i)), &found.span) ||
		    (network && !span_covers(&whole, &found.span)))
			usage_fault(usage, NULL, "%s must be a list of FIRST-LAST or ADDRESS, in the subnet", key);
		else if (network)
			usage_take_network(usage, NULL, network, &found.span);
		else
			usage_add(usage, NULL, &found);
		pointer_pop(&usage->reader.at, inner);
	}
	pointer_pop(&usage->reader.at, mark);
}

/** read_spiderpool() - `subnet`, `ips`, `excludeIPs`, `gateway` */
static void read_spiderpool(struct usage_reader *usage, const json_t *spec)
{
	struct prefix network;

	if (usage_prefix(usage, spec, "subnet", &network)) {
		if (json_array_size(usage_member(spec, "ips").value))
			read_spans(usage, spec, "ips", &network);
		else
			usage_take_network(usage, usage_member(spec, "subnet").key, &network, NULL);
	}
	read_spans(usage, spec, "excludeIPs", NULL);
	usage_take_gateway(usage, spec, "gateway");
}

/** struct pool_kind - A kind of pool: group of its apiVersion, kind, who gives its addresses, and its reader */
static const struct pool_kind {
	const char *group;
	const char *kind;
	const char *keeper;
	void (*read)(struct usage_reader *usage, const json_t *spec);
} kinds[] = {
	{"projectcalico.org", "IPPool", "calico-ipam", read_calico},
	{"crd.projectcalico.org", "IPPool", "calico-ipam", read_calico},
	{"whereabouts.cni.cncf.io", "IPPool", "whereabouts", read_whereabouts},
	{"spiderpool.spidernet.io", "SpiderIPPool", "spiderpool", read_spiderpool},
	{"spiderpool.spidernet.io", "SpiderSubnet", "spiderpool", read_spiderpool},
};

/** kind_of() - The kind of a resource, NULL when it is none of these */
static const struct pool_kind *kind_of(const json_t *resource)
{
	const char *version = json_string_value(json_object_get(resource, "apiVersion"));
	const char *kind = json_string_value(json_object_get(resource, "kind"));

	for (size_t i = 0; version && kind && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t length = strlen(kinds[i].group);

		if (strncmp(version, kinds[i].group, length) == 0 && version[length] == '/' &&
		    strcmp(kind, kinds[i].kind) == 0)
			return &kinds[i];
	}
	return NULL;
}

/** is_attachment() - Whether a resource is a NetworkAttachmentDefinition */
static bool is_attachment(const json_t *resource)
{
	const char *version = json_string_value(json_object_get(resource, "apiVersion"));
	const char *kind = json_string_value(json_object_get(resource, "kind"));

	return version && kind && strncmp(version, ATTACHMENT_GROUP, strlen(ATTACHMENT_GROUP)) == 0 &&
	       strcmp(kind, "NetworkAttachmentDefinition") == 0;
}

/**
 * usage_attachment() - The CNI configuration that a NetworkAttachmentDefinition has as a text (multus)
 * @resource:	Resource
 * @file:	Its file
 * @at:		JSON pointer of the resource; on success of the text, below which the configuration's own go on
 * @report:	Hears of a text that is not JSON
 *
 * Return: a new reference, with the resource's name where it has none itself; NULL when there is none, or (reported)
 * it can't be read
 */
json_t *usage_attachment(const json_t *resource, const char *file, struct pointer *at, struct report *report)
{
	const char *text = json_string_value(json_object_get(json_object_get(resource, "spec"), "config"));
	const char *name = json_string_value(json_object_get(json_object_get(resource, "metadata"), "name"));
	json_error_t error;
	json_t *root;

	if (!is_attachment(resource) || !text)
		return NULL;
	(void)pointer_push_key(at, "spec");
	(void)pointer_push_key(at, "config");
	root = json_loads(text, 0, &error);
	if (!root)
		report_error(report, RULE_NOT_JSON, file, at->text, "config is not valid JSON: %s", error.text);
	else if (name && !json_object_get(root, "name"))
		(void)json_object_set_new(root, "name", json_string(name));
	return root;
}

/** usage_is_cluster() - Whether a document is a pool of a cluster, or a list of resources */
bool usage_is_cluster(const json_t *root)
{
	return kind_of(root) || is_attachment(root) ||
	       (json_is_string(json_object_get(root, "apiVersion")) && json_is_array(json_object_get(root, "items")));
}

/** usage_pool_keeper() - The IPAM that gives a pool's addresses, as its CNI plugin is called; NULL: no pool */
const char *usage_pool_keeper(const json_t *resource)
{
	const struct pool_kind *kind = kind_of(resource);

	return kind ? kind->keeper : NULL;
}

/**
 * usage_read_pool() - Addresses that a pool of a cluster has
 * @resource:	The resource; one that is no pool is told, for it may use addresses all the same (a
 *		NetworkAttachmentDefinition does: usage_attachment())
 * @file:	Its file
 * @pointer:	JSON pointer there
 * @usages:	Get what is found
 * @report:	Hears what is malformed
 *
 * Return: 0 also with errors, -ENOMEM
 */
int usage_read_pool(const json_t *resource, const char *file, const char *pointer, struct usages *usages,
		    struct report *report)
{
	struct usage_reader usage = {.reader = {.file = file, .report = report}, .usages = usages};
	const struct pool_kind *kind = kind_of(resource);

	usage.reader.at.length = (size_t)snprintf(usage.reader.at.text, sizeof(usage.reader.at.text), "%s", pointer);
	if (is_attachment(resource))
		return 0;
	if (!kind) {
		reader_warning(&usage.reader, NULL, RULE_INVALID_VALUE,
			       "a resource of a kind that is not read: IPPool (Calico, whereabouts), SpiderIPPool, "
			       "SpiderSubnet and NetworkAttachmentDefinition are");
		return 0;
	}
	(void)pointer_push_key(&usage.reader.at, "spec");
	kind->read(&usage, json_object_get(resource, "spec"));
	return usage.failed ? -ENOMEM : 0;
}
