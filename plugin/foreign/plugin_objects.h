/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_PLUGIN_OBJECTS_H
#define PLUGIN_FOREIGN_PLUGIN_OBJECTS_H

/*
 * The plugins' objects of a CNI document in their order: a plugin alone, the elements of a list, and what they delegate
 * to (multus: `delegates`, each a plugin or a list; flannel: `delegate`). Pure.
 */

#include <jansson.h>
#include <stdbool.h>

#include "plugin/report/report.h"

/**
 * struct plugin_object - A list or a plugin's object; borrowed from the document
 * @object:	It, of whatever type the document has there
 * @list:	The list that it is an element of, NULL: none
 * @list_length:	Of @at, the part that leads to that list
 * @delegate:	Another plugin's object names it
 * @at:		JSON pointer
 */
struct plugin_object {
	const json_t *object;
	const json_t *list;
	size_t list_length;
	bool delegate;
	struct pointer at;
};

/** struct plugin_objects - Nodes that have not been met yet, the next one last; @too_many: a list had more than are met */
struct plugin_objects {
	struct plugin_object *nodes;
	size_t n_nodes;
	size_t capacity;
	bool failed;
	bool too_many;
};

int plugin_objects_start(struct plugin_objects *walk, const json_t *root, const struct pointer *at);
bool plugin_objects_next(struct plugin_objects *walk, struct plugin_object *ret_node);
void plugin_objects_done(struct plugin_objects *walk);

#define PLUGIN_OBJECTS_CLEANUP __attribute__((cleanup(plugin_objects_done)))

#endif
