/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One plugin's, or container engine's, configuration: read, and held against policies, routes and other networks. */

#include "plugin/commands/plugins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/foreign/check_usage.h"
#include "plugin/foreign/usage.h"
#include "plugin/netconf/check.h"
#include "rangeguard/cleanup.h"

#define TYPE "rangeguard"
/** Spans that one usage may ask the policies about */
#define SPANS_PER_USAGE 2U

/** member_text() - Text of a member, NULL when it is none */
static const char *member_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/** plugins_concerns_us() - Whether a plugin's object is rangeguard's, by its type or its IPAM */
bool plugins_concerns_us(const json_t *object)
{
	const char *type = member_text(object, "type"), *ipam = member_text(json_object_get(object, "ipam"), "type");

	return (type && strcmp(type, TYPE) == 0) || (ipam && strcmp(ipam, TYPE) == 0);
}

/** guard_netconf() - The guard of a configuration of ours; 0 or negative errno */
static int guard_netconf(struct policy_once *policies, const struct netconf *netconf, struct guard **ret_guard)
{
	size_t n = check_netconf_spans(netconf, NULL);
	CLEANUP_FREE struct span *spans = calloc(n + 1, sizeof(*spans));
	struct policy_question question = {
		.config = &netconf->guard, .file = netconf->file, .network = netconf->name, .spans = spans};

	if (!spans)
		return -ENOMEM;
	question.n_spans = check_netconf_spans(netconf, spans);
	return policy_once_guard(policies, &question, ret_guard);
}

/** keep_ranges() - Remember the ranges of a configuration of ours */
static void keep_ranges(struct networks *networks, const struct netconf *netconf)
{
	struct network_range kept = {
		.keeping = KEEPING_OURS, .keeper = netconf->data_dir, .network = netconf->name, .file = netconf->file};

	for (size_t i = 0; i < netconf->n_sets; i++) {
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++) {
			kept.span = netconf->sets[i].ranges[j].span;
			kept.pointer = netconf->sets[i].ranges[j].pointer;
			networks_add_range(networks, &kept);
		}
	}
}

/**
 * plugins_validate_ours() - Read an object of rangeguard's and hold it against its policies
 * @documents:	Gets the findings and keeps its ranges
 * @object:	Object
 * @file:	Its file
 * @pointer:	JSON pointer there
 */
void plugins_validate_ours(struct documents *documents, json_t *object, const char *file, const char *pointer)
{
	struct report *report = &documents->findings.report;
	NETCONF_CLEANUP struct netconf netconf = {0};
	GUARD_CLEANUP struct guard *guard = NULL;

	(void)netconf_read(object, file, pointer, NULL, &netconf, report);
	if (guard_netconf(&documents->policies, &netconf, &guard) < 0)
		documents->findings.failed = true;
	else
		(void)(check_netconf(&netconf, guard, report) | check_fixed(&netconf, guard, report));
	if (check_snat(&netconf, report) < 0)
		documents->findings.failed = true;
	if (documents->routes)
		(void)check_routes(&netconf, documents->routes, report);
	keep_ranges(&documents->networks, &netconf);
}

/** What a configuration without a guard is held against */
static const struct netconf_guard default_guard = {
	.policies = {NETCONF_POLICY_DIR}, .n_policies = 1, .policies_default = true};

/** guard_usages() - The guard of another's configuration; 0 or negative errno */
static int guard_usages(struct policy_once *policies, const struct usages *usages, const struct foreign *foreign,
			struct guard **ret_guard)
{
	CLEANUP_FREE struct span *spans = calloc(SPANS_PER_USAGE * usages->n_items + 1, sizeof(*spans));
	struct policy_question question = {.config = foreign->guard ? foreign->guard : &default_guard,
					   .file = foreign->file,
					   .network = foreign->network,
					   .spans = spans};

	if (!spans)
		return -ENOMEM;
	for (size_t i = 0; i < usages->n_items; i++) {
		if (usages->items[i].kind == USAGE_EXCLUDED || usages->items[i].kind == USAGE_RESERVED)
			continue;
		spans[question.n_spans++] = usages->items[i].span;
		if (usages->items[i].kind != USAGE_GATEWAY)
			spans[question.n_spans++] = prefix_span(&usages->items[i].network);
	}
	return policy_once_guard(policies, &question, ret_guard);
}

/** validate_usages() - Hold what was found against policies and routes, and keep its ranges */
static void validate_usages(struct documents *documents, const struct usages *usages, const struct foreign *foreign)
{
	struct report *report = &documents->findings.report;
	GUARD_CLEANUP struct guard *guard = NULL;
	struct network_range kept = {.keeping = foreign->keeping,
				     .keeper = foreign->keeper,
				     .network = foreign->network,
				     .file = foreign->file};

	if (!usages->n_items)
		return;
	if (guard_usages(&documents->policies, usages, foreign, &guard) < 0 ||
	    check_usages(usages, foreign->file, guard, report) < 0)
		documents->findings.failed = true;
	if (documents->routes && !foreign->routed)
		check_usage_routes(usages, foreign->file, foreign->own_device, documents->routes, report);
	for (size_t i = 0; i < usages->n_items; i++) {
		if (usages->items[i].kind != USAGE_RANGE)
			continue;
		kept.span = usages->items[i].span;
		kept.pointer = usages->items[i].pointer;
		networks_add_range(&documents->networks, &kept);
	}
}

/** own_device() - The bridge or parent interface of a plugin's network, NULL: not known */
static const char *own_device(const json_t *object)
{
	const char *type = member_text(object, "type"), *bridge = member_text(object, "bridge");

	/* The reference bridge's default name, also of what has it as its model. */
	if (type && strcmp(type, "bridge") == 0)
		return bridge ? bridge : "cni0";
	return bridge ? bridge : member_text(object, "master");
}

/** keeping_of() - How the ranges of an IPAM plugin relate to those of other networks */
static enum keeping keeping_of(const char *ipam)
{
	static const struct {
		const char *ipam;
		enum keeping keeping;
	} known[] = {
		{"calico-ipam", KEEPING_CLUSTER},
		{"whereabouts", KEEPING_CLUSTER},
		{"spiderpool", KEEPING_CLUSTER},
		{"host-local", KEEPING_ALONE},
	};

	for (size_t i = 0; ipam && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(ipam, known[i].ipam) == 0)
			return known[i].keeping;
	return KEEPING_NESTED;
}

/**
 * plugins_validate_foreign() - Read another plugin's object for its addresses
 * @documents:	Gets the findings and keeps its ranges
 * @object:	Object
 * @pointer:	JSON pointer of it
 * @network:	File, name and guard of its network; the rest is found in the object
 */
void plugins_validate_foreign(struct documents *documents, const json_t *object, const char *pointer,
			      const struct foreign *network)
{
	const char *ipam = member_text(json_object_get(object, "ipam"), "type");
	USAGES_CLEANUP struct usages usages = {0};
	struct foreign foreign = *network;

	foreign.keeping = keeping_of(ipam);
	foreign.keeper = ipam;
	foreign.own_device = own_device(object);
	foreign.routed = ipam && strcmp(ipam, "calico-ipam") == 0;
	if (usage_read_plugin(object, network->file, pointer, &usages, &documents->findings.report) < 0)
		documents->findings.failed = true;
	validate_usages(documents, &usages, &foreign);
}

/** plugins_validate_netavark() - The same for a network of netavark */
void plugins_validate_netavark(struct documents *documents, const json_t *object, const char *file)
{
	const char *name = member_text(object, "name");
	USAGES_CLEANUP struct usages usages = {0};
	struct foreign foreign = {
		.file = file,
		.network = name ? name : "unnamed",
		.keeping = KEEPING_ALONE,
		.own_device = member_text(object, "network_interface"),
	};

	if (usage_read_netavark(object, file, &usages, &documents->findings.report) < 0)
		documents->findings.failed = true;
	validate_usages(documents, &usages, &foreign);
}

/** plugins_validate_pool() - The same for a resource of a cluster, at @pointer */
void plugins_validate_pool(struct documents *documents, const json_t *resource, const char *file, const char *pointer)
{
	const char *name = member_text(json_object_get(resource, "metadata"), "name");
	USAGES_CLEANUP struct usages usages = {0};
	struct foreign foreign = {
		.file = file,
		.network = name ? name : "unnamed",
		.keeping = KEEPING_CLUSTER,
		.keeper = usage_pool_keeper(resource),
		.routed = true,
	};

	if (usage_read_pool(resource, file, pointer, &usages, &documents->findings.report) < 0)
		documents->findings.failed = true;
	validate_usages(documents, &usages, &foreign);
}

/** plugins_validate_docker() - The same for Docker's daemon.json; "docker" is its name in grants */
void plugins_validate_docker(struct documents *documents, const json_t *object, const char *file)
{
	const char *bridge = member_text(object, "bridge");
	USAGES_CLEANUP struct usages usages = {0};
	struct foreign foreign = {
		.file = file,
		.network = "docker",
		.keeping = KEEPING_NESTED,
		.own_device = bridge ? bridge : "docker0",
	};

	if (usage_read_docker(object, file, &usages, &documents->findings.report) < 0)
		documents->findings.failed = true;
	validate_usages(documents, &usages, &foreign);
}
