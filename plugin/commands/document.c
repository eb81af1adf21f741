/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The documents that `validate` reads, one after the other, and the networks among them compared with each other.
 */

#include "plugin/commands/document.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "plugin/commands/plugins.h"
#include "plugin/foreign/netlist.h"
#include "plugin/foreign/netwalk.h"
#include "plugin/foreign/usage.h"
#include "plugin/policy/policy.h"
#include "plugin/policy/writers.h"
#include "plugin/text/json.h"
#include "plugin/text/locate.h"
#include "rangeguard/cleanup.h"

#define SECONDS_PER_DAY (24 * 60 * 60)

/** documents_init() - Nothing read yet; @policies is filled by the caller afterwards */
void documents_init(struct documents *documents, const struct path_list *policies)
{
	struct report *report = &documents->findings.report;

	*documents = (struct documents){
		.policies = {.replacing = policies, .today = time(NULL) / SECONDS_PER_DAY, .report = report},
		.networks = {.report = report},
	};
	findings_init(&documents->findings);
}

/** documents_done() - Release all that was read */
void documents_done(struct documents *documents)
{
	policy_once_done(&documents->policies);
	networks_done(&documents->networks);
	findings_done(&documents->findings);
}

/** validate_list() - What a list says for all of its plugins; its other keys are the runtimes' */
static void validate_list(struct documents *documents, struct reader *reader, const struct netnode *node)
{
	const json_t *list = node->object;
	struct netlist netlist;
	size_t mark;

	netlist_read(reader, list, &netlist);
	/* multus generates its configuration from a list that may stand in the same directory. */
	if (node->delegate)
		return;
	mark = pointer_push_key(&reader->at, "name");
	networks_add_name(&documents->networks, netlist.name, reader->file, reader->at.text);
	pointer_pop(&reader->at, mark);
}

/** silent() - Listener that hears nothing: a list is reported when it is met itself */
static void silent(struct report *report, const struct finding *finding)
{
	(void)report;
	(void)finding;
}

/** as_plugin_gets_it() - An element of a list, with the list's name and version as libcni puts them in; owned */
static json_t *as_plugin_gets_it(const json_t *element, const json_t *list)
{
	struct report report = {.heard = silent};
	struct reader unheard = {.report = &report};
	json_t *object = json_copy((json_t *)(uintptr_t)element);
	struct netlist netlist;

	netlist_read(&unheard, list, &netlist);
	(void)json_object_set_new(object, "name", json_string(netlist.name));
	(void)json_object_set_new(object, "cniVersion", json_string(netlist.version));
	return object;
}

/** struct chain - The list met last, and its element that looks at what the others hand out: ours, without ipam */
struct chain {
	const json_t *list;
	bool found;
	struct netconf netconf;
};

/** chain_done() - Release it */
static void chain_done(struct chain *chain)
{
	netconf_done(&chain->netconf);
}

/**
 * read_chain() - Look for such an element in the list that a plugin is in
 * @chain:	Chain; kept when it is of that list
 * @node:	Plugin
 * @file:	File
 *
 * What is wrong with the element is told when it is met itself.
 */
static void read_chain(struct chain *chain, const struct netnode *node, const char *file)
{
	const json_t *plugins = json_object_get(node->list, "plugins");
	struct report report = {.heard = silent};
	struct pointer at = node->at;

	if (chain->list == node->list)
		return;
	chain_done(chain);
	*chain = (struct chain){.list = node->list};
	pointer_pop(&at, node->list_length);
	(void)pointer_push_key(&at, "plugins");
	for (size_t i = 0; i < json_array_size(plugins) && !chain->found; i++) {
		const json_t *element = json_array_get(plugins, i);
		json_t *object;

		if (!plugins_concerns_us(element) || json_member(element, "ipam"))
			continue;
		object = as_plugin_gets_it(element, node->list);
		(void)pointer_push_index(&at, i);
		(void)netconf_read(object, file, at.text, NULL, &chain->netconf, &report);
		json_decref(object);
		chain->found = true;
	}
}

/** validate_foreign() - Another plugin's object */
static void validate_foreign(struct documents *documents, const struct reader *reader, const struct netnode *node,
			     const struct chain *chain)
{
	const char *name = json_string_value(json_object_get(node->list ? node->list : node->object, "name"));
	struct foreign network = {
		.file = reader->file,
		.network = name ? name : "unnamed",
		.guard = chain->found ? &chain->netconf.guard : NULL,
	};

	plugins_validate_foreign(documents, node->object, reader->at.text, &network);
}

/** validate_ours() - An object of rangeguard's, alone or an element of a list */
static void validate_ours(struct documents *documents, const struct reader *reader, const struct netnode *node)
{
	json_t *object = node->list ? as_plugin_gets_it(node->object, node->list)
				    : json_incref((json_t *)(uintptr_t)node->object);

	plugins_validate_ours(documents, object, reader->file, reader->at.text);
	json_decref(object);
}

/** validate_plugin() - A plugin's object, ours or another's */
static void validate_plugin(struct documents *documents, struct reader *reader, const struct netnode *node,
			    struct chain *chain)
{
	const char *name = json_string_value(json_object_get(node->object, "name"));

	if (!json_is_string(json_object_get(node->object, "type")) && !node->delegate)
		reader_error(reader, NULL, RULE_INVALID_VALUE,
			     node->list ? "each element of plugins must be an object with a type" : "type is missing");
	if (!node->list && name && !node->delegate)
		networks_add_name(&documents->networks, name, reader->file, "/name");
	if (plugins_concerns_us(node->object)) {
		validate_ours(documents, reader, node);
	} else {
		read_chain(chain, node, reader->file);
		validate_foreign(documents, reader, node, chain);
	}
}

/** validate_cni() - All lists and plugins of a CNI document; @at: see netwalk_start() */
static void validate_cni(struct documents *documents, struct reader *reader, const json_t *root,
			 const struct pointer *at)
{
	NETWALK_CLEANUP struct netwalk walk = {0};
	CLEANUP(chain_done) struct chain chain = {0};
	struct netnode node;

	if (netwalk_start(&walk, root, at) < 0)
		documents->findings.failed = true;
	while (netwalk_next(&walk, &node)) {
		reader->at = node.at;
		if (json_object_get(node.object, "plugins") && !node.list)
			validate_list(documents, reader, &node);
		else
			validate_plugin(documents, reader, &node, &chain);
	}
	documents->findings.failed |= walk.failed;
}

/** check_writers() - Whether an ADD would read a policy that stands here: an error on a host, a warning in a checkout */
static void check_writers(struct documents *documents, const char *file)
{
	enum severity severity = documents->policies.on_host ? SEVERITY_ERROR : SEVERITY_WARNING;
	char text[WRITERS_TEXT_MAX], message[ERROR_MSG_MAX];
	struct finding finding = {
		.rule = RULE_POLICY, .severity = severity, .file = file, .pointer = "", .message = message};
	struct stat status;
	const char *flaw = stat(file, &status) == 0 && S_ISREG(status.st_mode) ? writers_flaw(&status, text) : NULL;

	if (!flaw)
		return;
	(void)snprintf(message, sizeof(message), "an ADD would refuse it: policy %.512s %s", file, flaw);
	report_finding(&documents->findings.report, &finding);
}

/** validate_policy() - A policy file by itself */
static void validate_policy(struct documents *documents, const json_t *policy, const char *file)
{
	struct policy_context context = {
		.today = documents->policies.today, .lint = true, .on_host = documents->policies.on_host};
	GUARD_CLEANUP struct guard *guard = NULL;

	check_writers(documents, file);
	if (guard_new(&guard) < 0 ||
	    policy_read_json(guard, policy, file, "", &context, &documents->findings.report) < 0 ||
	    policy_lint(guard, &documents->findings.report) < 0)
		documents->findings.failed = true;
}

/** validate_resource() - A pool of a cluster, or the configuration in a NetworkAttachmentDefinition, at @at */
static void validate_resource(struct documents *documents, struct reader *reader, const json_t *resource,
			      struct pointer at)
{
	json_t *config;

	plugins_validate_pool(documents, resource, reader->file, at.text);
	config = usage_attachment(resource, reader->file, &at, reader->report);
	if (config)
		validate_cni(documents, reader, config, &at);
	json_decref(config);
}

/** validate_cluster() - A resource of a cluster, or each one of a list */
static void validate_cluster(struct documents *documents, struct reader *reader, const json_t *root)
{
	const json_t *items = json_object_get(root, "items");
	struct pointer at = {.length = 0};

	if (!json_is_array(items)) {
		validate_resource(documents, reader, root, at);
		return;
	}
	(void)pointer_push_key(&at, "items");
	for (size_t i = 0; i < json_array_size(items); i++) {
		size_t mark = pointer_push_index(&at, i);

		validate_resource(documents, reader, json_array_get(items, i), at);
		pointer_pop(&at, mark);
	}
}

/** refuse_unknown() - A file that was named is of no kind that is read: say what it is, and what is read */
static void refuse_unknown(struct reader *reader, const json_t *root)
{
	const char *version = json_string_value(json_object_get(root, "apiVersion"));
	const char *kind = json_string_value(json_object_get(root, "kind"));

	if (version && kind)
		reader_error(reader, NULL, RULE_INVALID_VALUE,
			     "kind %.64s of %.64s is not read; NetworkAttachmentDefinition and the pools of Calico, "
			     "Spiderpool and whereabouts are",
			     kind, version);
	else if (!json_is_object(root))
		reader_error(reader, NULL, RULE_INVALID_VALUE, "the document must be a JSON object");
	else
		reader_error(reader, NULL, RULE_INVALID_VALUE,
			     "neither a network configuration (type or plugins) nor a policy (reserved, granted, "
			     "imports), a network of netavark (subnets), Docker's daemon.json or a cluster's pools");
}

/** is_unknown() - Whether a document is of no kind that is read */
static bool is_unknown(const json_t *root, const char *file)
{
	enum document_kind kind = document_kind(root, file);

	return kind == DOCUMENT_UNKNOWN || kind == DOCUMENT_NOT_OBJECT;
}

/** validate_document() - Tell what kind of document it is, and validate it as such */
static void validate_document(struct documents *documents, const json_t *root, const char *file)
{
	struct reader reader = {.file = file, .report = &documents->findings.report};

	switch (document_kind(root, file)) {
	case DOCUMENT_LIST:
	case DOCUMENT_PLUGIN:
		validate_cni(documents, &reader, root, NULL);
		break;
	case DOCUMENT_POLICY:
		validate_policy(documents, root, file);
		break;
	case DOCUMENT_NETAVARK:
		plugins_validate_netavark(documents, root, file);
		break;
	case DOCUMENT_DOCKER:
		plugins_validate_docker(documents, root, file);
		break;
	case DOCUMENT_CLUSTER:
		validate_cluster(documents, &reader, root);
		break;
	case DOCUMENT_NOT_OBJECT:
	case DOCUMENT_UNKNOWN:
	default:
		refuse_unknown(&reader, root);
		break;
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

/** skip_mark() - Step over a byte order mark, as Windows puts it in front of JSON; return how many bytes it takes */
static size_t skip_mark(const struct source *source)
{
	return source->size >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/** add_file() - Count a file as read */
static void add_file(struct documents *documents, const char *file)
{
	if (path_list_add(&documents->findings.files, file))
		documents->findings.failed = true;
}

/** read_document() - Validate the document that a text is, and find the places of what was found */
static void read_document(struct documents *documents, const json_t *root, const char *file,
			  const struct source *source)
{
	struct duplicate_hearer hearer = {.report = &documents->findings.report, .file = file};
	size_t n_before = documents->findings.n_items;

	add_file(documents, file);
	if (locate_duplicates(source->text, source->size, hear_duplicate, &hearer) < 0)
		documents->findings.failed = true;
	validate_document(documents, root, file);
	findings_locate(&documents->findings, n_before, file, source);
}

/**
 * documents_read() - Validate one file
 * @documents:	What has been read; gets the findings
 * @path:	File, "-" for standard input
 * @named:	Somebody wants it read: it is an error when nothing is known of such a file; else it is passed over
 *
 * Return: 0 also with findings, negative errno when it can't be read
 */
int documents_read(struct documents *documents, const char *path, bool named)
{
	const char *file = strcmp(path, "-") == 0 ? "<stdin>" : path;
	SOURCE_CLEANUP struct source source = {0};
	struct source text;
	json_error_t error;
	json_t *root;
	int r = source_read(path, LIMIT_POLICY_FILE, &source);

	if (r < 0)
		return r;
	text = (struct source){.text = source.text + skip_mark(&source), .size = source.size - skip_mark(&source)};
	root = json_loadb(text.text, text.size, 0, &error);
	if (!root) {
		add_file(documents, file);
		report_syntax(&documents->findings.report, file, &error);
	} else if (!named && is_unknown(root, file)) {
		findings_pass_over(&documents->findings, file);
	} else {
		read_document(documents, root, file, &text);
	}
	json_decref(root);
	return 0;
}

/**
 * documents_compare() - Compare the networks read with each other
 * @documents:	What has been read; gets the findings
 */
void documents_compare(struct documents *documents)
{
	networks_compare(&documents->networks);
	documents->findings.failed |= documents->networks.failed;
}
