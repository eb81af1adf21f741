/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the values of a YAML document stand. Pure. */

#include "plugin/text/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/text/token.h"
#include "rangeguard/array.h"
#include "rangeguard/bytes.h"

/** Merges within merges that are followed; they are finite, for an alias stands after what it names */
#define MERGES_MAX 16U

/** grow_nodes() - Make room for one more node; 0 or -ENOMEM */
static int grow_nodes(struct tree *tree)
{
	struct tree_node *nodes = array_room(tree->nodes, tree->n_nodes, &tree->capacity, sizeof(*nodes));

	if (!nodes)
		return -ENOMEM;
	tree->nodes = nodes;
	return 0;
}

/** keep_key() - Keep the text of a key; 0 or -ENOMEM */
static int keep_key(struct tree *tree, const char *key)
{
	size_t size = strlen(key) + 1;
	char *keys = bytes_room(tree->keys, tree->n_keys, size, &tree->keys_capacity);

	if (!keys)
		return -ENOMEM;
	tree->keys = keys;
	memcpy(tree->keys + tree->n_keys, key, size);
	tree->n_keys += size;
	return 0;
}

/**
 * tree_add() - Add a value
 * @tree:	Tree
 * @parent:	Index of the container that it is in; of the root, which comes first, not looked at
 * @node:	Node, without its relations
 * @key:	Its key, NULL in a sequence
 * @ret_index:	Index of the node
 *
 * Return: 0, -ENOMEM
 */
int tree_add(struct tree *tree, uint32_t parent, const struct tree_node *node, const char *key, uint32_t *ret_index)
{
	uint32_t index = (uint32_t)tree->n_nodes;
	size_t n_keys = tree->n_keys;
	int r = tree->n_nodes >= UINT32_MAX ? -ENOMEM : grow_nodes(tree);

	if (!r && key)
		r = keep_key(tree, key);
	if (r < 0)
		return r;
	tree->nodes[index] = *node;
	tree->nodes[index].key = n_keys;
	tree->n_nodes++;
	*ret_index = index;
	if (!index)
		return 0;
	if (tree->nodes[parent].first)
		tree->nodes[tree->nodes[parent].last].next = index;
	else
		tree->nodes[parent].first = index;
	tree->nodes[parent].last = index;
	return 0;
}

/** tree_child() - Index of the child with a key, 0: there is none */
uint32_t tree_child(const struct tree *tree, uint32_t parent, const char *key)
{
	uint32_t i = tree->nodes[parent].first;

	while (i && strcmp(tree->keys + tree->nodes[i].key, key) != 0)
		i = tree->nodes[i].next;
	return i;
}

/** behind() - What a node is, aliases followed */
static const struct tree_node *behind(const struct tree *tree, const struct tree_node *node)
{
	while (node->kind == TREE_ALIAS)
		node = &tree->nodes[node->target];
	return node;
}

static const struct tree_node *find_member(const struct tree *tree, const struct tree_node *parent,
					   const struct token *token, unsigned merges);

/** find_merged() - Look for a member in what is merged: a mapping, or a sequence of them, of which the first counts */
static const struct tree_node *find_merged(const struct tree *tree, const struct tree_node *merge,
					   const struct token *token, unsigned merges)
{
	const struct tree_node *found, *from = behind(tree, merge);

	if (from->kind == TREE_MAPPING)
		return find_member(tree, from, token, merges);
	if (from->kind != TREE_SEQUENCE)
		return NULL;
	for (uint32_t i = from->first; i; i = tree->nodes[i].next) {
		const struct tree_node *element = behind(tree, &tree->nodes[i]);

		found = element->kind == TREE_MAPPING ? find_member(tree, element, token, merges) : NULL;
		if (found)
			return found;
	}
	return NULL;
}

/** find_member() - Look for a member; of equal keys the last one counts; NULL: there is none */
static const struct tree_node *find_member(const struct tree *tree, const struct tree_node *parent,
					   const struct token *token, unsigned merges)
{
	const struct tree_node *found = NULL, *merge = NULL;

	for (uint32_t i = parent->first; i; i = tree->nodes[i].next) {
		const struct tree_node *child = &tree->nodes[i];

		if (child->merge)
			merge = child;
		else if (token_is_text(token, tree->keys + child->key))
			found = child;
	}
	if (found || !merge || merges == MERGES_MAX)
		return found;
	return find_merged(tree, merge, token, merges + 1);
}

/** find_element() - Look for an element; NULL: there is none */
static const struct tree_node *find_element(const struct tree *tree, const struct tree_node *parent,
					    const struct token *token)
{
	size_t wanted = token_index(token);
	uint32_t i = parent->first;

	for (size_t index = 0; i && index < wanted; index++)
		i = tree->nodes[i].next;
	return i ? &tree->nodes[i] : NULL;
}

/**
 * tree_find() - Find the value that a JSON pointer leads to
 * @tree:	Tree
 * @pointer:	JSON pointer (RFC 6901)
 * @ret_rest:	What of it leads on from there: "", or the steps for which there is no value
 *
 * Return: the node, or the innermost one on the way; for an alias what it stands for; NULL when the tree is empty
 */
const struct tree_node *tree_find(const struct tree *tree, const char *pointer, const char **ret_rest)
{
	const struct tree_node *node = tree->n_nodes ? &tree->nodes[0] : NULL;

	while (node && *pointer == '/') {
		const struct tree_node *in = behind(tree, node), *child = NULL;
		const char *rest = pointer;
		struct token token = token_next(&rest);

		if (in->kind == TREE_MAPPING)
			child = find_member(tree, in, &token, 0);
		else if (in->kind == TREE_SEQUENCE)
			child = find_element(tree, in, &token);
		if (!child)
			break;
		node = child;
		pointer = rest;
	}
	*ret_rest = pointer;
	return node ? behind(tree, node) : NULL;
}

/** tree_done() - Free the nodes */
void tree_done(struct tree *tree)
{
	free(tree->nodes);
	free(tree->keys);
	*tree = (struct tree){0};
}
