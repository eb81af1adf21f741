/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The documents that `validate` reads, one after the other, and the networks among them compared with each other.
 */

#include "plugin/commands/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/commands/locate.h"
#include "plugin/config/check.h"
#include "plugin/config/json.h"
#include "plugin/config/policy.h"

#define TYPE "rangeguard"
#define SECONDS_PER_DAY (24 * 60 * 60)

/** documents_init() - Nothing read yet; @policies is filled by the caller afterwards */
void documents_init(struct documents *documents, const struct path_list *policies)
{
	*documents = (struct documents){.policies = policies, .today = time(NULL) / SECONDS_PER_DAY};
	findings_init(&documents->findings);
}

/** documents_done() - Release all that was read */
void documents_done(struct documents *documents)
{
	for (size_t i = 0; i < documents->n_ranges; i++) {
		free(documents->ranges[i].network);
		free(documents->ranges[i].data_dir);
		free(documents->ranges[i].file);
		free(documents->ranges[i].pointer);
	}
	for (size_t i = 0; i < documents->n_networks; i++) {
		free(documents->networks[i].name);
		free(documents->networks[i].file);
	}
	free(documents->ranges);
	free(documents->networks);
	findings_done(&documents->findings);
}

/** keep_range() - Remember a range for the comparison; a lost one is a lost finding, which is told */
static void keep_range(struct documents *documents, const struct netconf *netconf, const struct ip_range *range)
{
	struct known_range *ranges = reallocarray(documents->ranges, documents->n_ranges + 1, sizeof(*ranges));

	if (!ranges) {
		documents->findings.failed = true;
		return;
	}
	documents->ranges = ranges;
	ranges[documents->n_ranges++] = (struct known_range){
		.span = range->span,
		.network = strdup(netconf->name),
		.data_dir = strdup(netconf->data_dir),
		.file = strdup(netconf->file),
		.pointer = strdup(range->pointer),
	};
}

/** keep_network() - Remember a network's name; a second file that has it is a finding (RG005) */
static void keep_network(struct documents *documents, const char *name, const char *file)
{
	struct known_network *networks;

	for (size_t i = 0; i < documents->n_networks; i++) {
		if (strcmp(documents->networks[i].name, name) == 0) {
			report_error(
				&documents->findings.report, RULE_DUPLICATE, file, "/name",
				"network name \"%.64s\" is taken by %.256s already; the two would share leases and "
				"interfaces: give each network a name of its own",
				name, documents->networks[i].file);
			return;
		}
	}
	networks = reallocarray(documents->networks, documents->n_networks + 1, sizeof(*networks));
	if (!networks) {
		documents->findings.failed = true;
		return;
	}
	documents->networks = networks;
	networks[documents->n_networks++] = (struct known_network){.name = strdup(name), .file = strdup(file)};
}

/** replace_policies() - The policies of the command line in place of those that a configuration names */
static void replace_policies(const struct documents *documents, struct netconf *netconf)
{
	const struct path_list *policies = documents->policies;

	if (!policies->n_paths)
		return;
	netconf->guard.policies_default = false;
	netconf->guard.n_policies = 0;
	for (size_t i = 0; i < policies->n_paths && i < LIMIT_POLICY_PATHS; i++)
		netconf->guard.policies[netconf->guard.n_policies++] = policies->paths[i];
}

/** validate_plugin() - One object of ours: read it, hold it against its policies, keep its ranges */
static void validate_plugin(struct documents *documents, json_t *object, const char *file, const char *pointer)
{
	struct report *report = &documents->findings.report;
	NETCONF_CLEANUP struct netconf netconf = {0};
	GUARD_CLEANUP struct guard *guard = NULL;
	struct policy_context context = {.today = documents->today, .lint = true};

	(void)netconf_read(object, file, pointer, NULL, &netconf, report);
	replace_policies(documents, &netconf);
	context.network = netconf.name;
	if (guard_new(&guard) < 0 || policy_add_netconf(guard, &netconf, &context, report) < 0 ||
	    guard_seal(guard) < 0 || policy_lint(guard, report) < 0)
		documents->findings.failed = true;
	else
		(void)check_netconf(&netconf, guard, report);
	if (check_snat(&netconf, report) < 0)
		documents->findings.failed = true;
	if (documents->routes)
		(void)check_routes(&netconf, documents->routes, report);
	for (size_t i = 0; i < netconf.n_sets; i++)
		for (size_t j = 0; j < netconf.sets[i].n_ranges; j++)
			keep_range(documents, &netconf, &netconf.sets[i].ranges[j]);
}

/** concerns_us() - Whether a plugin's object is rangeguard's, by its type or its IPAM */
static bool concerns_us(const json_t *object)
{
	const char *type = json_string_value(json_object_get(object, "type"));
	const char *ipam = json_string_value(json_object_get(json_object_get(object, "ipam"), "type"));

	return (type && strcmp(type, TYPE) == 0) || (ipam && strcmp(ipam, TYPE) == 0);
}

/** newest_version() - The version that a runtime picks: the newest of cniVersions and cniVersion that exists */
static const char *newest_version(const json_t *list)
{
	const char *version = json_string_value(json_object_get(list, "cniVersion"));
	enum cni_version newest = CNI_0_1_0, parsed;
	bool found = false;
	size_t index;
	json_t *element;

	json_array_foreach(json_object_get(list, "cniVersions"), index, element) {
		if (!json_is_string(element) || cni_version_parse(json_string_value(element), &parsed))
			continue;
		if (!found || parsed > newest)
			newest = parsed;
		found = true;
	}
	if (!found)
		return version;
	if (version && !cni_version_parse(version, &parsed) && parsed > newest)
		newest = parsed;
	return cni_version_text(newest);
}

/** list_name() - `name` of a list, checked; a stand-in when it is wrong, so that it is reported only once */
static const char *list_name(struct reader *reader, const json_t *list)
{
	const char *name = json_member_text(reader, list, "name");

	if (name && request_valid_name(name))
		return name;
	reader_error(reader, "name", RULE_INVALID_VALUE,
		     name ? "invalid characters found in network name \"%.64s\"" : "missing network name%s",
		     name ? name : "");
	return "unnamed";
}

/** list_version() - The version of a list, checked in the same way */
static const char *list_version(struct reader *reader, const json_t *list)
{
	const char *version = newest_version(list);
	enum cni_version parsed;

	if (!version || !cni_version_parse(version, &parsed))
		return version ? version : "";
	reader_error(reader, "cniVersion", RULE_VERSION, "cniVersion \"%.32s\" is not supported", version);
	return cni_version_text(CNI_NEWEST);
}

/** validate_element() - One element of `plugins`, with the list's name and version as libcni puts them in */
static void validate_element(struct documents *documents, struct reader *reader, const json_t *element,
			     const char *name, const char *version)
{
	json_t *object;

	if (!json_is_object(element) || !json_is_string(json_object_get(element, "type"))) {
		reader_error(reader, NULL, RULE_INVALID_VALUE, "each element of plugins must be an object with a type");
		return;
	}
	if (!concerns_us(element))
		return;
	object = json_copy((json_t *)(uintptr_t)element);
	(void)json_object_set_new(object, "name", json_string(name));
	(void)json_object_set_new(object, "cniVersion", json_string(version));
	validate_plugin(documents, object, reader->file, reader->at.text);
	json_decref(object);
}

/** validate_list() - A list of plugins (.conflist) */
static void validate_list(struct documents *documents, struct reader *reader, const json_t *list)
{
	static const char *const keys[] = {
		"cniVersion", "cniVersions", "name", "disableCheck", "disableGC", "plugins", "loadOnlyInlinedPlugins",
		NULL};
	const json_t *plugins = json_member_array(reader, list, "plugins", SIZE_MAX);
	const char *name = list_name(reader, list);
	const char *version = list_version(reader, list);
	size_t index;
	json_t *element;

	json_check_keys(reader, list, keys);
	keep_network(documents, name, reader->file);
	if (plugins && !json_array_size(plugins))
		reader_error(reader, "plugins", RULE_INVALID_VALUE, "plugins must not be empty");
	(void)pointer_push_key(&reader->at, "plugins");
	json_array_foreach((json_t *)(uintptr_t)plugins, index, element) {
		size_t mark = pointer_push_index(&reader->at, index);

		validate_element(documents, reader, element, name, version);
		pointer_pop(&reader->at, mark);
	}
}

/** validate_policy() - A policy file by itself */
static void validate_policy(struct documents *documents, const json_t *policy, const char *file)
{
	struct policy_context context = {.today = documents->today, .lint = true};
	GUARD_CLEANUP struct guard *guard = NULL;

	if (guard_new(&guard) < 0 ||
	    policy_read_json(guard, policy, file, "", &context, &documents->findings.report) < 0 ||
	    guard_seal(guard) < 0 || policy_lint(guard, &documents->findings.report) < 0)
		documents->findings.failed = true;
}

/** validate_document() - Tell what kind of document it is, and validate it as such */
static void validate_document(struct documents *documents, json_t *root, const char *file)
{
	struct reader reader = {.file = file, .report = &documents->findings.report};
	const char *name = json_string_value(json_object_get(root, "name"));

	if (!json_is_object(root)) {
		reader_error(&reader, NULL, RULE_INVALID_VALUE, "the document must be a JSON object");
	} else if (json_object_get(root, "plugins")) {
		validate_list(documents, &reader, root);
	} else if (!json_object_get(root, "type") &&
		   (json_object_get(root, "reserved") || json_object_get(root, "granted"))) {
		validate_policy(documents, root, file);
	} else if (concerns_us(root)) {
		if (name)
			keep_network(documents, name, file);
		validate_plugin(documents, root, file, "");
	} else if (!json_object_get(root, "type")) {
		reader_error(&reader, NULL, RULE_INVALID_VALUE,
			     "neither a network configuration (type or plugins) nor a policy (reserved, granted)");
	}
}

/** struct duplicate_hearer - Listener of locate_duplicates() */
struct duplicate_hearer {
	struct report *report;
	const char *file;
};

/** hear_duplicate() - A key that stands twice in its object (RG005) */
static void hear_duplicate(void *userdata, const char *pointer, unsigned line, unsigned column)
{
	struct duplicate_hearer *hearer = userdata;
	struct finding finding = {
		.rule = RULE_DUPLICATE,
		.severity = SEVERITY_ERROR,
		.file = hearer->file,
		.pointer = pointer,
		.line = line,
		.column = column,
		.message = "this key stands twice in its object; remove one",
	};

	report_finding(hearer->report, &finding);
}

/** report_syntax() - Not JSON (RG001), with the position that the parser gives */
static void report_syntax(struct report *report, const char *file, const json_error_t *error)
{
	char message[JSON_ERROR_TEXT_LENGTH + 32];
	struct finding finding = {
		.rule = RULE_NOT_JSON,
		.severity = SEVERITY_ERROR,
		.file = file,
		.pointer = "",
		.line = error->line > 0 ? (unsigned)error->line : 1,
		.column = error->column > 0 ? (unsigned)error->column : 1,
		.message = message,
	};

	(void)snprintf(message, sizeof(message), "not valid JSON: %s", error->text);
	report_finding(report, &finding);
}

/**
 * documents_read() - Validate one file
 * @documents:	What has been read; gets the findings
 * @path:	File, "-" for standard input
 *
 * Return: 0 also with findings, negative errno when it can't be read
 */
int documents_read(struct documents *documents, const char *path)
{
	const char *file = strcmp(path, "-") == 0 ? "<stdin>" : path;
	struct duplicate_hearer hearer = {.report = &documents->findings.report, .file = file};
	SOURCE_CLEANUP struct source source = {0};
	json_error_t error;
	json_t *root;
	int r = source_read(path, LIMIT_CONFIG_FILE, &source);

	if (r < 0)
		return r;
	if (path_list_add(&documents->findings.files, file))
		documents->findings.failed = true;
	root = json_loadb(source.text, source.size, 0, &error);
	if (!root) {
		report_syntax(&documents->findings.report, file, &error);
		return 0;
	}
	documents->findings.source = &source;
	documents->findings.source_file = file;
	if (locate_duplicates(source.text, source.size, hear_duplicate, &hearer) < 0)
		documents->findings.failed = true;
	validate_document(documents, root, file);
	documents->findings.source = NULL;
	json_decref(root);
	return 0;
}

/** by_first() - qsort(3) order: family, then first address */
static int by_first(const void *a, const void *b)
{
	const struct known_range *left = a, *right = b;

	if (left->span.family != right->span.family)
		return left->span.family < right->span.family ? -1 : 1;
	if (left->span.first != right->span.first)
		return left->span.first < right->span.first ? -1 : 1;
	return 0;
}

/** report_overlap() - Two networks that share addresses and a data directory (RG105) */
static void report_overlap(struct report *report, const struct known_range *range, const struct known_range *other)
{
	char text[SPAN_TEXT_MAX], other_text[SPAN_TEXT_MAX], message[ERROR_MSG_MAX];
	struct finding finding = {
		.rule = RULE_OVERLAP,
		.severity = SEVERITY_WARNING,
		.file = range->file,
		.pointer = range->pointer,
		.message = message,
		.related_file = other->file,
		.related_pointer = other->pointer,
	};

	(void)snprintf(
		message, sizeof(message),
		"range %s of network \"%.64s\" overlaps range %s of network \"%.64s\"; no address is given twice, but "
		"each network takes from the other",
		span_format(&range->span, text), range->network, span_format(&other->span, other_text), other->network);
	report_finding(report, &finding);
}

/**
 * documents_compare() - Compare the networks read with each other
 * @documents:	What has been read; gets the findings
 *
 * Within one network overlaps are errors and have been reported. Between networks they are warnings, since networks
 * that share a data directory never hand out one address twice.
 */
void documents_compare(struct documents *documents)
{
	struct known_range *ranges = documents->ranges;

	if (!documents->n_ranges)
		return;
	qsort(ranges, documents->n_ranges, sizeof(*ranges), by_first);
	for (size_t i = 0; i < documents->n_ranges; i++)
		for (size_t j = i + 1; j < documents->n_ranges && span_overlaps(&ranges[i].span, &ranges[j].span); j++)
			if (strcmp(ranges[i].network, ranges[j].network) != 0 &&
			    strcmp(ranges[i].data_dir, ranges[j].data_dir) == 0)
				report_overlap(&documents->findings.report, &ranges[j], &ranges[i]);
}
