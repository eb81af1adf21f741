/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One plugin's, or container engine's, configuration: read, and checked against policies, routes and other networks. */

#include "plugin/foreign/judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/foreign/check_declaration.h"
#include "plugin/foreign/declaration.h"
#include "plugin/foreign/plan.h"
#include "plugin/netconf/check.h"
#include "plugin/netconf/resolv_conf.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** Spans that one declaration may ask the policies about */
#define SPANS_PER_DECLARED 2U

/** member_text() - Text of a member, NULL when it is none */
static const char *member_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/** check_required() - Reservations that there have to be (`guard.required`) */
static void check_required(const struct netconf *netconf, size_t n_reserved, struct report *report)
{
	struct pointer at = pointer_of(netconf->guard.pointer);

	if (!netconf->guard.required || n_reserved)
		return;
	(void)pointer_push_key(&at, "required");
	report_error(report, RULE_POLICY, netconf->file, at.text,
		     "guard.required is set, but no range is reserved for network \"%.64s\": an ADD would refuse; name "
		     "its policies, or the ones it has on its host with --policy",
		     netconf->name);
}

/** check_resolv_conf() - `ipam.resolvConf`, on the host that the configuration is for */
static void check_resolv_conf(const struct netconf *netconf, struct report *report)
{
	struct pointer at = pointer_of(netconf->pointer);
	struct error err = {0};
	json_t *dns = NULL;

	if (!netconf->resolv_conf || !resolv_conf_read(netconf->resolv_conf, &dns, &err)) {
		json_decref(dns);
		return;
	}
	(void)pointer_push_key(&at, "ipam");
	(void)pointer_push_key(&at, "resolvConf");
	report_error(report, RULE_INVALID_VALUE, netconf->file, at.text, "%.1024s", err.msg);
}

/** guard_netconf() - The guard of a configuration of ours; 0 or negative errno */
static int guard_netconf(struct policy_once *policies, const struct netconf *netconf, struct guard **ret_guard)
{
	size_t n_reserved = 0;
	int r;
	size_t n = check_netconf_spans(netconf, NULL);
	CLEANUP_FREE struct span *spans = calloc(n + 1, sizeof(*spans));
	struct policy_question question = {.config = &netconf->guard,
					   .file = netconf->file,
					   .network = netconf->name,
					   .spans = spans,
					   .ret_n_reserved = &n_reserved};

	if (!spans)
		return -ENOMEM;
	question.n_spans = check_netconf_spans(netconf, spans);
	r = policy_once_guard(policies, &question, ret_guard);
	if (!r)
		check_required(netconf, n_reserved, policies->report);
	return r;
}

/** keep_ranges() - Remember the ranges of a configuration of ours */
static void keep_ranges(struct networks *networks, const struct netconf *netconf, bool in_blocks)
{
	struct network_range kept = {.keeping = KEEPING_OURS,
				     .keeper = netconf->data_dir,
				     .network = netconf->name,
				     .file = netconf->file,
				     .in_blocks = in_blocks};

	for (size_t i = 0; i < netconf->n_sets; i++) {
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++) {
			kept.span = netconf->sets[i].ranges[j].span;
			kept.pointer = netconf->sets[i].ranges[j].pointer;
			networks_add_range(networks, &kept);
		}
	}
}

/**
 * judge_ours() - Read an object of rangeguard's and check it against its policies
 * @survey:	Gets the findings and keeps its ranges
 * @object:	Object
 * @file:	Its file
 * @pointer:	JSON pointer there
 */
void judge_ours(struct survey *survey, json_t *object, const char *file, const char *pointer)
{
	struct report *report = survey->report;
	NETCONF_CLEANUP struct netconf netconf = {0};
	GUARD_CLEANUP struct guard *guard = NULL;

	(void)netconf_read(object, file, pointer, NULL, &netconf, report);
	if (guard_netconf(&survey->policies, &netconf, &guard) < 0)
		survey->failed = true;
	else
		(void)(check_netconf(&netconf, guard, report) | check_fixed(&netconf, guard, report));
	check_later(&netconf, report);
	if (survey->policies.on_host)
		check_resolv_conf(&netconf, report);
	if (check_snat(&netconf, report) < 0)
		survey->failed = true;
	if (survey->routes)
		(void)check_routes(&netconf, survey->routes, report);
	choices_offer(&survey->choices, &netconf);
	keep_ranges(&survey->networks, &netconf, json_object_get(json_object_get(object, "ipam"), "blocks"));
}

/** guard_declarations() - The guard of another's configuration; 0 or negative errno */
static int guard_declarations(struct policy_once *policies, const struct declarations *declarations,
			      const struct foreign *foreign, struct guard **ret_guard)
{
	CLEANUP_FREE struct span *spans = calloc(SPANS_PER_DECLARED * declarations->n_items + 1, sizeof(*spans));
	struct policy_question question = {.config = foreign->guard ? foreign->guard : netconf_guard_usual(),
					   .file = foreign->file,
					   .network = foreign->network,
					   .spans = spans};

	if (!spans)
		return -ENOMEM;
	for (size_t i = 0; i < declarations->n_items; i++) {
		if (declarations->items[i].kind == DECLARED_EXCLUDED ||
		    declarations->items[i].kind == DECLARED_RESERVED)
			continue;
		spans[question.n_spans++] = declarations->items[i].span;
		if (declarations->items[i].kind != DECLARED_GATEWAY)
			spans[question.n_spans++] = declaration_reach(&declarations->items[i]);
	}
	return policy_once_guard(policies, &question, ret_guard);
}

/** validate_declarations() - Check what was found against policies and routes, and keep its ranges */
static void validate_declarations(struct survey *survey, const struct declarations *declarations,
				  const struct foreign *foreign)
{
	struct report *report = survey->report;
	GUARD_CLEANUP struct guard *guard = NULL;
	struct network_range kept = {.keeping = foreign->keeping,
				     .keeper = foreign->keeper,
				     .network = foreign->network,
				     .file = foreign->file};

	if (!declarations->n_items)
		return;
	if (guard_declarations(&survey->policies, declarations, foreign, &guard) < 0 ||
	    check_declarations(declarations, foreign->file, guard, report) < 0 ||
	    plan_check(declarations, foreign->file, guard, report) < 0)
		survey->failed = true;
	if (survey->routes && !foreign->routed)
		check_declaration_routes(declarations, foreign->file, foreign->own_device, survey->routes, report);
	for (size_t i = 0; i < declarations->n_items; i++) {
		if (declarations->items[i].kind != DECLARED_RANGE || declarations->items[i].mild)
			continue;
		kept.span = declarations->items[i].span;
		kept.pointer = declarations->items[i].pointer;
		kept.offset = declarations->items[i].offset;
		kept.is_pool = declarations->items[i].is_pool;
		networks_add_range(&survey->networks, &kept);
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

	for (size_t i = 0; ipam && i < ARRAY_LENGTH(known); i++)
		if (strcmp(ipam, known[i].ipam) == 0)
			return known[i].keeping;
	return KEEPING_NESTED;
}

/**
 * judge_plugin() - Read another plugin's object for its addresses
 * @survey:	Gets the findings and keeps its ranges
 * @subject:	The object
 * @network:	File, name and guard of its network; the rest is found in the object
 */
void judge_plugin(struct survey *survey, const struct subject *subject, const struct foreign *network)
{
	const json_t *object = subject->node.object;
	const char *ipam = member_text(json_object_get(object, "ipam"), "type");
	DECLARATIONS_CLEANUP struct declarations declarations = {0};
	struct foreign foreign = *network;

	foreign.keeping = keeping_of(ipam);
	foreign.keeper = ipam;
	foreign.own_device = own_device(object);
	foreign.routed = ipam && strcmp(ipam, "calico-ipam") == 0;
	if (subject_read(subject, network->file, &declarations, survey->report, survey->report) < 0)
		survey->failed = true;
	validate_declarations(survey, &declarations, &foreign);
}

/** device_of() - The interface of a container engine's network, NULL: not known */
static const char *device_of(const json_t *object, const struct kind *kind)
{
	const char *device = member_text(object, "network_interface");

	if (!device)
		device = member_text(object, "bridge");
	return device || !kind->network ? device : "docker0";
}

/**
 * judge_resource() - The same for a document that rows tell of, or of no kind that is read
 * @survey:	Gets the findings and keeps its ranges
 * @subject:	The document
 * @file:	Its file
 *
 * Return: how many ranges and addresses it declares
 */
size_t judge_resource(struct survey *survey, const struct subject *subject, const char *file)
{
	static const struct kind unknown = {.keeping = KEEPING_PLAN};
	const struct kind *kind = subject->kind ? subject->kind : &unknown;
	const char *name = kind->network ? kind->network : subject->name;
	DECLARATIONS_CLEANUP struct declarations declarations = {0};
	struct foreign foreign = {
		.file = file,
		.network = name ? name : member_text(subject->node.object, "name"),
		.keeping = kind->keeping,
		.keeper = kind->keeper,
		.own_device = device_of(subject->node.object, kind),
		.routed = kind->routed,
	};

	if (!foreign.network)
		foreign.network = "unnamed";
	if (subject_read(subject, file, &declarations, survey->report, survey->report) < 0)
		survey->failed = true;
	validate_declarations(survey, &declarations, &foreign);
	return declarations.n_items;
}
