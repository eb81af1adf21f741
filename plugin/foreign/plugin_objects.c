/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugins' objects of a CNI document. Pure. */

#include "plugin/foreign/plugin_objects.h"

#include <errno.h>
#include <stdlib.h>

#include "rangeguard/array.h"
#include "rangeguard/limits.h"

/** push() - Remember a node; a lost one is told by @failed */
static struct plugin_object *push(struct plugin_objects *walk, const json_t *object)
{
	struct plugin_object *nodes = array_room(walk->nodes, walk->n_nodes, &walk->capacity, sizeof(*nodes));

	if (!nodes) {
		walk->failed = true;
		return NULL;
	}
	walk->nodes = nodes;
	walk->nodes[walk->n_nodes] = (struct plugin_object){.object = object};
	return &walk->nodes[walk->n_nodes++];
}

/** push_elements() - Remember the elements of an array at member @key, the first one to be met first */
static void push_elements(struct plugin_objects *walk, const struct plugin_object *parent, const char *key,
			  bool delegate)
{
	const json_t *array = json_object_get(parent->object, key);
	size_t n = json_is_array(array) ? json_array_size(array) : 0;

	walk->too_many |= n > LIMIT_PLUGINS;
	for (size_t i = n > LIMIT_PLUGINS ? LIMIT_PLUGINS : n; i > 0; i--) {
		struct plugin_object *node = push(walk, json_array_get(array, i - 1));

		if (!node)
			return;
		node->at = parent->at;
		(void)pointer_push_key(&node->at, key);
		(void)pointer_push_index(&node->at, i - 1);
		node->list = delegate ? NULL : parent->object;
		node->list_length = parent->at.length;
		node->delegate = delegate;
	}
}

/** push_delegate() - Remember the object at member `delegate` */
static void push_delegate(struct plugin_objects *walk, const struct plugin_object *parent)
{
	const json_t *delegate = json_object_get(parent->object, "delegate");
	struct plugin_object *node = json_is_object(delegate) ? push(walk, delegate) : NULL;

	if (!node)
		return;
	node->at = parent->at;
	(void)pointer_push_key(&node->at, "delegate");
	node->list = parent->list;
	node->list_length = parent->list_length;
	node->delegate = true;
}

/**
 * plugin_objects_start() - Begin at a document
 * @walk:	Walk
 * @root:	Document; must live as long as the walk
 * @at:		NULL, or the place in another document that it was taken out of: a delegate of that one's
 *
 * Return: 0, -ENOMEM
 */
int plugin_objects_start(struct plugin_objects *walk, const json_t *root, const struct pointer *at)
{
	struct plugin_object *node = push(walk, root);

	if (!node)
		return -ENOMEM;
	if (at)
		node->at = *at;
	node->delegate = at;
	return 0;
}

/**
 * plugin_objects_next() - The next list or plugin's object
 * @walk:	Walk; @failed tells whether some could not be remembered
 * @ret_node:	It
 *
 * Return: whether there is one
 */
bool plugin_objects_next(struct plugin_objects *walk, struct plugin_object *ret_node)
{
	if (!walk->n_nodes)
		return false;
	*ret_node = walk->nodes[--walk->n_nodes];
	/* The last one pushed is met first. */
	push_delegate(walk, ret_node);
	push_elements(walk, ret_node, "delegates", true);
	push_elements(walk, ret_node, "plugins", false);
	return true;
}

/** plugin_objects_done() - Free what the walk remembers */
void plugin_objects_done(struct plugin_objects *walk)
{
	free(walk->nodes);
	*walk = (struct plugin_objects){0};
}
