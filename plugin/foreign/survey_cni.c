/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CNI documents: lists, and plugins as a runtime would call them. */

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "plugin/foreign/judge.h"
#include "plugin/foreign/netlist.h"
#include "plugin/foreign/order.h"
#include "plugin/foreign/survey_internal.h"
#include "plugin/text/json.h"
#include "plugin/text/nearest.h"

/** validate_list() - What a list says for all of its plugins; its other keys are the runtimes' */
static void validate_list(struct survey *survey, struct reader *reader, const struct plugin_object *node)
{
	const json_t *list = node->object;
	struct netlist netlist;
	json_t *named = NULL;
	size_t mark;

	/* A list without a name in a resource gets the resource's: multus, getCNIConfigFromSpec(). */
	if (node->delegate && !json_object_get(list, "name")) {
		named = json_copy((json_t *)(uintptr_t)list);
		(void)json_object_set_new(named, "name", json_string("unnamed"));
	}
	netlist_read(reader, named ? named : list, &netlist);
	json_decref(named);
	netlist_check_keys(reader, list);
	netlist_note_version(reader, list);
	order_check(reader, list);
	/* multus generates its configuration from a list that may stand in the same directory. */
	if (node->delegate)
		return;
	mark = pointer_push_key(&reader->at, "name");
	networks_add_name(&survey->networks, netlist.name, reader->file, reader->at.text);
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

/** chain_done() - Release what is remembered of a list */
void chain_done(struct chain *chain)
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
static void read_chain(struct chain *chain, const struct plugin_object *node, const char *file)
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

		if (!subject_is_ours(element) || json_member(element, "ipam"))
			continue;
		object = as_plugin_gets_it(element, node->list);
		(void)pointer_push_index(&at, i);
		(void)netconf_read(object, file, at.text, NULL, &chain->netconf, &report);
		json_decref(object);
		chain->found = true;
	}
}

/** validate_foreign() - Another plugin's object */
static void validate_foreign(struct survey *survey, const struct reader *reader, const struct subject *subject,
			     const struct chain *chain)
{
	const struct plugin_object *node = &subject->node;
	const char *name = json_string_value(json_object_get(node->list ? node->list : node->object, "name"));
	struct foreign network = {
		.file = reader->file,
		.network = name		   ? name
			   : subject->name ? subject->name
					   : "unnamed",
		.guard = chain->found ? &chain->netconf.guard : NULL,
	};

	judge_plugin(survey, subject, &network);
}

/** validate_ours() - An object of rangeguard's, alone or an element of a list */
static void validate_ours(struct survey *survey, const struct reader *reader, const struct plugin_object *node)
{
	json_t *object = node->list ? as_plugin_gets_it(node->object, node->list)
				    : json_incref((json_t *)(uintptr_t)node->object);

	judge_ours(survey, object, reader->file, reader->at.text);
	json_decref(object);
}

/** check_spelling() - A type that is likely meant to be ours: as another plugin's nothing of ours counts, and no ADD finds it */
static void check_spelling(struct reader *reader, const json_t *object)
{
	static const char *const ours[] = {"rangeguard", NULL};
	const char *type = json_string_value(json_object_get(object, "type"));

	/* A second version beside the first one may be called rangeguard2. */
	if (!type || strcmp(type, ours[0]) == 0 ||
	    (strncmp(type, ours[0], strlen(ours[0])) == 0 && strchr("-_.0123456789", type[strlen(ours[0])])))
		return;
	if (strcasecmp(type, ours[0]) == 0 || nearest_name(type, ours))
		reader_error(reader, "type", RULE_INVALID_VALUE, "type is \"%.64s\"; did you mean \"%s\"?", type,
			     ours[0]);
}

/** check_spellings() - The types of a plugin's object and of its ipam; beside our type our own reader looks at that one */
static void check_spellings(struct reader *reader, const json_t *object)
{
	const char *type = json_string_value(json_object_get(object, "type"));
	size_t mark;

	check_spelling(reader, object);
	if (type && strcmp(type, "rangeguard") == 0)
		return;
	mark = pointer_push_key(&reader->at, "ipam");
	check_spelling(reader, json_object_get(object, "ipam"));
	pointer_pop(&reader->at, mark);
}

/** validate_plugin() - A plugin's object, ours or another's */
static void validate_plugin(struct survey *survey, struct reader *reader, const struct subject *subject,
			    struct chain *chain)
{
	const struct plugin_object *node = &subject->node;
	const char *name = json_string_value(json_object_get(node->object, "name"));
	const char *type = json_string_value(json_object_get(node->object, "type"));

	if (!type && !node->delegate)
		reader_error(reader, NULL, RULE_INVALID_VALUE,
			     node->list ? "each element of plugins must be an object with a type" : "type is missing");
	check_spellings(reader, node->object);
	if (!node->list && name && !node->delegate)
		networks_add_name(&survey->networks, name, reader->file, "/name");
	if (!node->list)
		order_check_single(reader, node->object);
	if (!node->list && !node->delegate)
		netlist_note_version(reader, node->object);
	/* Those of an object of type rangeguard its own reader looks at. */
	if (!type || strcmp(type, "rangeguard") != 0)
		netlist_check_capabilities(reader, node->object);
	if (subject_is_ours(node->object)) {
		validate_ours(survey, reader, node);
	} else {
		read_chain(chain, node, reader->file);
		validate_foreign(survey, reader, subject, chain);
	}
}

/** check_name() - By a file's name runtimes know what is in it (libcni, go-cni): a list in a .conf they refuse or pass over */
static void check_name(struct reader *reader, bool is_list)
{
	const char *pattern = is_list ? "*.conf" : "*.conflist";

	if (!reader->at.length && fnmatch(pattern, reader->file, FNM_CASEFOLD) == 0)
		reader_warning(
			reader, NULL, RULE_INVALID_VALUE,
			is_list ? "a list of plugins in a file that is not named *.conflist: runtimes do not load it; "
				  "rename it"
				: "a plugin alone in a file named *.conflist: runtimes do not load it; rename it to "
				  "*.conf, or make it a list (plugins)");
}

/**
 * survey_cni() - A list or a plugin's object of a CNI document
 * @survey:	Survey
 * @subject:	It
 * @file:	Its file
 * @chain:	What is remembered of the list that was met last
 */
void survey_cni(struct survey *survey, const struct subject *subject, const char *file, struct chain *chain)
{
	struct reader reader = {.file = file, .report = survey->report, .at = subject->node.at};

	bool is_list = json_object_get(subject->node.object, "plugins") && !subject->node.list;

	check_name(&reader, is_list);
	if (is_list)
		validate_list(survey, &reader, &subject->node);
	else
		validate_plugin(survey, &reader, subject, chain);
}
