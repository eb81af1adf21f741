/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_NETWALK_H
#define PLUGIN_FOREIGN_NETWALK_H

/*
 * The plugins' objects of a CNI document in their order: a plugin alone, the elements of a list, and what they delegate
 * to (multus: `delegates`, each a plugin or a list; flannel: `delegate`). Pure.
 */

#include <jansson.h>
#include <stdbool.h>

#include "plugin/report/report.h"

/**
 * struct netnode - A list or a plugin's object; borrowed from the document
 * @object:	It, of whatever type the document has there
 * @list:	The list that it is an element of, NULL: none
 * @list_length:	Of @at, the part that leads to that list
 * @delegate:	Another plugin's object names it
 * @at:		JSON pointer
 */
struct netnode {
	const json_t *object;
	const json_t *list;
	size_t list_length;
	bool delegate;
	struct pointer at;
};

/** struct netwalk - Nodes that have not been met yet, the next one last */
struct netwalk {
	struct netnode *nodes;
	size_t n_nodes;
	size_t capacity;
	bool failed;
};

int netwalk_start(struct netwalk *walk, const json_t *root, const struct pointer *at);
bool netwalk_next(struct netwalk *walk, struct netnode *ret_node);
void netwalk_done(struct netwalk *walk);

#define NETWALK_CLEANUP __attribute__((cleanup(netwalk_done)))

#endif
