/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is to read in a document. Pure. */

#include "plugin/foreign/subject.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "plugin/foreign/net.h"
#include "plugin/foreign/path.h"
#include "plugin/text/base64.h"
#include "plugin/text/template.h"
#include "plugin/text/values.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/**
 * struct tour - A walk over a document
 * @key:	Key whose texts are visited
 * @name:	Of the resource it is in, NULL: none
 * @depth:	In how many texts
 * @n:		Documents, plugins' objects and parts visited so far, of all levels
 */
struct tour {
	const char *file;
	struct report *report;
	subject_fn found;
	void *userdata;
	const struct kind_key *key;
	const char *name;
	unsigned depth;
	size_t *n;
	bool failed;
};

/** is_too_many() - Count a part that is to be visited; whether it is more than are, which is told once */
static bool is_too_many(const struct tour *tour, const struct pointer *at)
{
	if (++*tour->n != LIMIT_RESOURCES + 1)
		return *tour->n > LIMIT_RESOURCES;
	/* Whoever does not hear of it thinks that all has been checked. */
	tour->report->is_full = false;
	report_error(tour->report, RULE_INVALID_VALUE, tour->file, at->text,
		     "more than %u resources in one file; from here on nothing is checked: split it", LIMIT_RESOURCES);
	return true;
}

static void visit(struct tour *tour, const json_t *value, const struct pointer *at);

/** refuse_text() - A text that has to be JSON is not (RG001) */
static void refuse_text(const struct tour *tour, const char *text, const struct pointer *at)
{
	json_error_t error;
	json_t *root = json_loads(text, 0, &error);

	/* Empty texts are those of networks that have their configuration elsewhere. */
	if (!root && *text)
		report_error(tour->report, RULE_NOT_JSON, tour->file, at->text, "not valid JSON: %s", error.text);
	json_decref(root);
}

/** is_of_networks() - Whether a text that can't be read speaks of what would have been checked */
static bool is_of_networks(const char *text)
{
	static const char words[][sizeof("\"network\"")] = {"cidr", "subnet", "\"network\"", "\"ipam\""};

	for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
		if (strcasestr(text, words[i]))
			return true;
	return false;
}

/**
 * struct text_visit - A text whose documents are visited
 * @inner:	The walk in it
 * @any:	There has been one
 */
struct text_visit {
	struct tour inner;
	struct pointer at;
	bool any;
};

/** visit_document() - values_embedded_fn: visit it, where its number says, from the second on */
static void visit_document(void *userdata, const json_t *root, unsigned number)
{
	struct text_visit *text_visit = userdata;
	struct pointer at = text_visit->at;
	char step[16];

	text_visit->any = true;
	if (text_visit->inner.depth > SUBJECT_DEPTH_MAX)
		return;
	(void)snprintf(step, sizeof(step), "#%u", number);
	if (number > 1)
		(void)pointer_push_key(&at, step);
	visit(&text_visit->inner, root, &at);
}

/** tell_unread() - A text, or what follows some of its documents, can't be read though it speaks of networks (RG001) */
static void tell_unread(const struct tour *tour, const char *text, const struct pointer *at, bool any)
{
	if (!is_of_networks(text))
		return;
	if (template_find(text, strlen(text)))
		report_warning(tour->report, RULE_NOT_JSON, tour->file, at->text,
			       "a template in a text, which is not read; render it first");
	else if (any)
		report_warning(tour->report, RULE_NOT_JSON, tour->file, at->text,
			       "a document in this text is neither JSON nor YAML; it and what follows it are not read");
}

/** visit_documents() - The documents in a text; what is no document is no addresses */
static void visit_documents(struct tour *tour, const char *text, size_t size, const struct pointer *at)
{
	struct text_visit text_visit = {.inner = *tour, .at = *at};
	int r;

	text_visit.inner.depth++;
	r = values_embedded(text, size, visit_document, &text_visit);
	if (!text_visit.any && (tour->key->forms & FORM_JSON))
		refuse_text(tour, text, at);
	else if (r == VALUES_E_SYNTAX)
		tell_unread(tour, text, at, text_visit.any);
	tour->failed |= text_visit.inner.failed || r < 0;
}

/** visit_encoded() - The documents in a text in base64 */
static void visit_encoded(struct tour *tour, const char *encoded, const struct pointer *at)
{
	size_t size = 0;
	CLEANUP_FREE char *text = NULL;

	errno = 0;
	text = base64_decode_lines(encoded, &size);
	if (text && size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
		report_warning(tour->report, RULE_NOT_JSON, tour->file, at->text,
			       "in UTF-16, so it is not read; save it as UTF-8");
	else if (text)
		visit_documents(tour, text, size, at);
	else if (errno == ENOMEM)
		tour->failed = true;
	else
		report_warning(tour->report, RULE_NOT_JSON, tour->file, at->text, "not base64, so it is not read");
}

/** visit_text() - The documents in a text that a row names, or one that stands there without being a text */
static void visit_text(void *userdata, const json_t *value, struct pointer *at)
{
	struct tour *tour = userdata;
	struct tour inner = *tour;

	if (json_is_string(value) && (tour->key->forms & FORM_BASE64)) {
		visit_encoded(tour, json_string_value(value), at);
	} else if (json_is_string(value)) {
		visit_documents(tour, json_string_value(value), json_string_length(value), at);
	} else {
		visit(&inner, value, at);
		tour->failed |= inner.failed;
	}
}

/** visit_texts() - Each text in which a document stands */
static void visit_texts(struct tour *tour, const struct kind *kind, const json_t *value, const struct pointer *at)
{
	struct pointer place = *at;

	for (const struct kind_key *key = kind->keys; key && *key->path; key++)
		if ((key->forms & FORM_TEXT) && !*key->usual) {
			tour->key = key;
			path_each(value, key->path, &place, visit_text, tour);
		}
}

/** visit_cni() - All lists and plugins of a CNI document; in a resource they are what others delegate to */
static void visit_cni(struct tour *tour, const struct kind *kind, const json_t *value, const struct pointer *at)
{
	PLUGIN_OBJECTS_CLEANUP struct plugin_objects walk = {0};
	struct subject subject = {.kind = kind, .name = tour->name, .depth = tour->depth};

	if (plugin_objects_start(&walk, value, at) < 0) {
		tour->failed = true;
		return;
	}
	walk.nodes[0].delegate = tour->name;
	while (plugin_objects_next(&walk, &subject.node) && !is_too_many(tour, &subject.node.at))
		tour->found(tour->userdata, &subject);
	if (walk.too_many)
		report_error(tour->report, RULE_INVALID_VALUE, tour->file, at->text,
			     "more than %u plugins or delegates in one list; the rest is not checked", LIMIT_PLUGINS);
	tour->failed |= walk.failed;
}

/** typed_item() - An element of a list such as NodeList, which alone says what they are: with its kind; a new reference */
static json_t *typed_item(const json_t *list, json_t *item)
{
	const char *kind = json_string_value(json_object_get(list, "kind"));
	size_t length = kind ? strlen(kind) : 0;
	json_t *typed;

	if (length <= 4 || strcmp(kind + length - 4, "List") != 0 || !json_is_object(item) ||
	    json_object_get(item, "kind"))
		return json_incref(item);
	typed = json_copy(item);
	if (json_object_set(typed, "apiVersion", json_object_get(list, "apiVersion")) ||
	    json_object_set_new(typed, "kind", json_stringn(kind, length - 4))) {
		json_decref(typed);
		return NULL;
	}
	return typed;
}

/** visit_items() - Each element of an array, which may be a list's; NULL: it is none's */
static void visit_items(struct tour *tour, const json_t *list, const json_t *array, const struct pointer *at)
{
	struct pointer place = *at;

	for (size_t i = 0; i < json_array_size(array); i++) {
		size_t mark = pointer_push_index(&place, i);
		json_t *item = typed_item(list, json_array_get(array, i));

		if (item)
			visit(tour, item, &place);
		tour->failed |= !item;
		json_decref(item);
		pointer_pop(&place, mark);
	}
}

/** visit_row() - A document that rows tell of, and those in its texts */
static void visit_row(struct tour *tour, const struct kind *kind, const json_t *value, const struct pointer *at)
{
	const char *name = json_string_value(json_object_get(json_object_get(value, "metadata"), "name"));
	const struct subject subject = {
		.kind = kind, .node = {.object = value, .at = *at}, .name = name, .depth = tour->depth};
	struct tour inner = *tour;

	tour->found(tour->userdata, &subject);
	if (!kind)
		return;
	inner.name = name ? name : tour->name;
	visit_texts(&inner, kind, value, at);
	tour->failed |= inner.failed;
}

/** is_values() - Whether a file may have values for a chart of Helm's, by its name: those of charts within it, too */
static bool is_values(const char *file)
{
	const char *slash = strrchr(file, '/');

	return strcmp(file, "<stdin>") == 0 || fnmatch("*values*.y*ml", slash ? slash + 1 : file, FNM_CASEFOLD) == 0;
}

/** visit_charts() - Values of the charts in a chart: each under its name */
static void visit_charts(struct tour *tour, const json_t *values, const struct pointer *at)
{
	struct pointer place = *at;
	const char *key;
	json_t *chart;

	json_object_foreach((json_t *)(uintptr_t)values, key, chart) {
		size_t mark = pointer_push_key(&place, key);
		const struct kind *kind = json_is_object(chart) ? document_kind(chart, tour->file) : NULL;

		if (kind && kind->class == KIND_ROWS)
			visit_row(tour, kind, chart, &place);
		pointer_pop(&place, mark);
	}
}

/** visit() - A document, or a part of one */
static void visit(struct tour *tour, const json_t *value, const struct pointer *at)
{
	const struct kind *kind;
	struct pointer items = *at;
	const char *key;

	if (is_too_many(tour, at))
		return;
	kind = document_kind(value, tour->depth ? "" : tour->file);
	if (json_is_array(value)) {
		visit_items(tour, NULL, value, at);
		return;
	}
	if (!kind && !tour->depth && !at->length && is_values(tour->file))
		visit_charts(tour, value, at);
	switch (kind ? kind->class : KIND_ROWS) {
	case KIND_LIST:
	case KIND_PLUGIN:
		visit_cni(tour, kind, value, at);
		break;
	case KIND_ITEMS:
		key = json_object_get(value, "items") ? "items" : "objects";
		(void)pointer_push_key(&items, key);
		visit_items(tour, value, json_object_get(value, key), &items);
		break;
	case KIND_ROWS:
	case KIND_POLICY:
	case KIND_LEASES:
	case KIND_POOLS:
	case KIND_HOST:
	default:
		visit_row(tour, kind, value, at);
		break;
	}
}

/**
 * subjects_each() - Go through a document
 * @root:	The document
 * @file:	Its file
 * @at:		JSON pointer of it; NULL: ""
 * @report:	Hears of texts in it that have to be JSON and are not
 * @found:	Called with each part
 * @userdata:	For it
 *
 * Return: 0, -ENOMEM
 */
int subjects_each(const json_t *root, const char *file, const struct pointer *at, struct report *report,
		  subject_fn found, void *userdata)
{
	size_t n = 0;
	struct tour tour = {.file = file, .report = report, .found = found, .userdata = userdata, .n = &n};
	struct pointer start = {.length = 0};

	visit(&tour, root, at ? at : &start);
	return tour.failed ? -ENOMEM : 0;
}

/** subject_is_ours() - Whether a plugin's object is rangeguard's, by its type or its IPAM */
bool subject_is_ours(const json_t *object)
{
	const char *type = json_string_value(json_object_get(object, "type"));
	const char *ipam = json_string_value(json_object_get(json_object_get(object, "ipam"), "type"));

	return (type && strcmp(type, "rangeguard") == 0) || (ipam && strcmp(ipam, "rangeguard") == 0);
}

/** read_plugin() - A plugin's object: its ipam, its own keys, and what stands under keys that nobody knows */
static int read_plugin(const struct subject *subject, const char *file, struct declarations *declarations,
		       struct report *report, struct report *net_report)
{
	const json_t *object = subject->node.object;
	const char *type = json_string_value(json_object_get(object, "type"));
	const struct kind row = {.keys = kind_plugin_keys(type)};
	size_t from = declarations->n_items;
	int r = declaration_read_plugin(object, file, subject->node.at.text, declarations, report);

	if (!r && json_is_object(object))
		r = kind_read(&row, object, file, subject->node.at.text, declarations, report);
	if (r || subject_is_ours(object))
		return r;
	return net_read(object, file, &subject->node.at, row.keys, from, declarations, net_report);
}

/** is_resource() - Whether a document names its kind as Kubernetes' resources do: what is not known of it may still declare
 * addresses. Other documents that nobody knows are nobody's plan */
static bool is_resource(const json_t *object)
{
	return json_is_string(json_object_get(object, "apiVersion")) && json_is_string(json_object_get(object, "kind"));
}

/**
 * subject_read() - Addresses that a part of a document uses
 * @subject:	The part
 * @file:	Its file
 * @declarations:	Get what is found
 * @report:	Hears what is malformed
 * @net_report:	Hears of networks under keys that nobody reads; NULL: nobody does
 *
 * Return: 0 also with errors, -ENOMEM
 */
int subject_read(const struct subject *subject, const char *file, struct declarations *declarations,
		 struct report *report, struct report *net_report)
{
	const char *pointer = subject->node.at.text;

	if (!subject->kind && !is_resource(subject->node.object))
		return 0;
	if (!subject->kind)
		return net_read(subject->node.object, file, &subject->node.at, NULL, declarations->n_items,
				declarations, NULL);
	switch (subject->kind->class) {
	case KIND_LIST:
	case KIND_PLUGIN:
		return read_plugin(subject, file, declarations, report, net_report);
	case KIND_POLICY:
		return declaration_read_plugin(subject->node.object, file, pointer, declarations, report);
	case KIND_ROWS:
	case KIND_LEASES:
	case KIND_POOLS:
	case KIND_HOST:
	case KIND_ITEMS:
	default:
		return kind_read(subject->kind, subject->node.object, file, pointer, declarations, report);
	}
}

/** struct gathering - Where subjects_read() puts what it finds */
struct gathering {
	const char *file;
	struct declarations *declarations;
	struct report *report;
	bool is_known;
	bool failed;
};

/** gather() - Addresses of a part */
static void gather(void *userdata, const struct subject *subject)
{
	struct gathering *gathering = userdata;

	gathering->is_known |= subject->kind != NULL;
	gathering->failed |= subject_read(subject, gathering->file, gathering->declarations, gathering->report,
					  gathering->report) < 0;
}

/**
 * subjects_read() - All that a document uses
 * @root:	The document
 * @file:	Its name
 * @declarations:	Get what is found
 * @report:	Hears what is malformed, also a document that is of no kind that is read
 *
 * Return: 0 also with errors, -ENOMEM
 */
int subjects_read(const json_t *root, const char *file, struct declarations *declarations, struct report *report)
{
	struct gathering gathering = {.file = file, .declarations = declarations, .report = report};
	int r = subjects_each(root, file, NULL, report, gather, &gathering);

	if (r < 0 || gathering.failed)
		return -ENOMEM;
	if (!gathering.is_known)
		report_error(report, RULE_INVALID_VALUE, file, "", "of no kind that is read");
	return 0;
}
