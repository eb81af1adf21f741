/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The networks that this host's runtimes know. */

#include "plugin/overview/host_networks.h"

#include <errno.h>
#include <string.h>

#include "plugin/foreign/netlist.h"
#include "plugin/foreign/plugin_objects.h"
#include "plugin/text/json.h"
#include "plugin/text/source.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** is_ours() - Whether a plugin's object is rangeguard's, by its type or its IPAM */
static bool is_ours(const json_t *object)
{
	const char *type = json_string_value(json_object_get(object, "type"));
	const char *ipam = json_string_value(json_object_get(json_object_get(object, "ipam"), "type"));

	return (type && !strcmp(type, "rangeguard")) || (ipam && !strcmp(ipam, "rangeguard"));
}

/** as_plugin_gets_it() - A plugin's object, with its list's name and version as libcni puts them in; owned */
static json_t *as_plugin_gets_it(const struct plugin_object *node, struct reader *reader)
{
	json_t *object = json_copy((json_t *)(uintptr_t)node->object);
	struct netlist netlist;

	if (!node->list || !object)
		return object;
	netlist_read(reader, node->list, &netlist);
	(void)json_object_set_new(object, "name", json_string(netlist.name));
	(void)json_object_set_new(object, "cniVersion", json_string(netlist.version));
	return object;
}

/** struct visit - What is done with each network */
struct visit {
	host_network_fn each;
	void *userdata;
	struct report *report;
};

/** visit_node() - Read a plugin's object if it is ours, and hand it on: 0, what @each returned, negative errno */
static int visit_node(const struct visit *visit, const struct plugin_object *node, const char *file)
{
	struct reader reader = {.file = file, .report = visit->report};
	NETCONF_CLEANUP struct netconf netconf = {0};
	json_t *object;
	int r;

	if (!is_ours(node->object))
		return 0;
	object = as_plugin_gets_it(node, &reader);
	if (!object)
		return -ENOMEM;
	r = netconf_read(object, file, node->at.text, NULL, &netconf, visit->report);
	json_decref(object);
	return r ? (r < 0 ? r : 0) : visit->each(visit->userdata, &netconf);
}

/** visit_file() - All networks of a file: 0, what @each returned, negative errno */
static int visit_file(const struct visit *visit, const char *file)
{
	PLUGIN_OBJECTS_CLEANUP struct plugin_objects walk = {0};
	SOURCE_CLEANUP struct source source = {0};
	json_t *root = source_read(file, LIMIT_STDIN, &source) < 0 ? NULL : source_json(&source, 0, NULL);
	struct plugin_object node;
	int r = 0;

	if (!root) {
		report_error(visit->report, RULE_NOT_JSON, file, "", "can't be read as JSON");
		return 0;
	}
	r = plugin_objects_start(&walk, root, NULL);
	while (!r && plugin_objects_next(&walk, &node))
		r = visit_node(visit, &node, file);
	json_decref(root);
	return !r && walk.failed ? -ENOMEM : r;
}

/**
 * host_networks_each() - Walk through the networks in files and directories that are rangeguard's
 * @paths:	Paths
 * @each:	Called for each one that can be read
 * @userdata:	For it
 * @report:	Hears what is wrong with the others
 *
 * Return: 0, what @each returned, negative errno: -ENOENT when a path is not there
 */
int host_networks_each(const struct path_list *paths, host_network_fn each, void *userdata, struct report *report)
{
	const struct visit visit = {.each = each, .userdata = userdata, .report = report};
	CLEANUP(path_list_done) struct path_list files = {0};
	int r = 0;

	for (size_t i = 0; i < paths->n_paths && r >= 0; i++)
		r = path_list_expand(&files, paths->paths[i]);
	if (r < 0)
		return r;
	r = 0;
	for (size_t i = 0; i < files.n_paths && !r; i++)
		r = visit_file(&visit, files.paths[i]);
	return r;
}
