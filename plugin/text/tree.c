/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the values of a YAML document stand. Pure. */

#include "plugin/text/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/report/report.h"
#include "plugin/text/token.h"
#include "rangeguard/array.h"
#include "rangeguard/bytes.h"

/** Merges within merges that are followed; they are finite, for an alias stands after what it names */
#define MERGES_MAX 16U

/** Children that are looked through one by one */
#define CHILDREN_FEW 32U
/** Longest key that is looked for in order: a step of a pointer is not longer */
#define TREE_KEY_MAX POINTER_MAX

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

/** struct descent - A pointer being followed; @alias: the outermost alias on its way, NULL: none */
struct descent {
	struct tree *tree;
	size_t level;
	const struct tree_node *alias;
};

/** count_children() - How many children a container has */
static size_t count_children(const struct tree *tree, const struct tree_node *parent)
{
	size_t n = 0;

	for (uint32_t i = parent->first; i; i = tree->nodes[i].next)
		n++;
	return n;
}

/** compare_children() - qsort_r(3) order of a mapping's children */
static int compare_children(const void *a, const void *b, void *userdata)
{
	const struct tree *tree = userdata;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int r = strcmp(tree->keys + tree->nodes[left].key, tree->keys + tree->nodes[right].key);

	return r ? r : (left > right) - (left < right);
}

/** index_children() - The children of a container in order; NULL: without memory */
static const struct tree_index *index_children(const struct descent *descent, const struct tree_node *parent)
{
	struct tree *tree = descent->tree;
	struct tree_index *index = &tree->indexes[descent->level];
	uint32_t number = (uint32_t)(parent - tree->nodes);
	size_t n;

	if (index->children && index->parent == number)
		return index;
	free(index->children);
	n = count_children(tree, parent);
	*index = (struct tree_index){.parent = number, .children = calloc(n + 1, sizeof(*index->children))};
	if (!index->children)
		return NULL;
	for (uint32_t i = parent->first; i; i = tree->nodes[i].next)
		index->children[index->n++] = i;
	if (parent->kind == TREE_MAPPING)
		qsort_r(index->children, index->n, sizeof(*index->children), compare_children, tree);
	return index;
}

/** has_many() - Whether a container has so many children that it pays to keep them in order */
static bool has_many(const struct descent *descent, const struct tree_node *parent)
{
	uint32_t i = parent->first;

	for (size_t n = 0; i && n < CHILDREN_FEW; n++)
		i = descent->tree->nodes[i].next;
	return i && descent->level < TREE_LEVELS;
}

/** search_member() - The last child of a key, of many; NULL: there is none */
static const struct tree_node *search_member(const struct tree *tree, const struct tree_index *index, const char *key)
{
	size_t from = 0, to = index->n;

	/* Behind the last one that is not greater */
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (strcmp(tree->keys + tree->nodes[index->children[middle]].key, key) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	if (!from || strcmp(tree->keys + tree->nodes[index->children[from - 1]].key, key) != 0)
		return NULL;
	return &tree->nodes[index->children[from - 1]];
}

/** scan_members() - The same of few, and the member that is merged */
static const struct tree_node *scan_members(const struct tree *tree, const struct tree_node *parent,
					    const struct token *token, const struct tree_node **ret_merge)
{
	const struct tree_node *found = NULL;

	for (uint32_t i = parent->first; i; i = tree->nodes[i].next) {
		const struct tree_node *child = &tree->nodes[i];

		if (child->merge)
			*ret_merge = child;
		else if (token_is_text(token, tree->keys + child->key))
			found = child;
	}
	return found;
}

/** own_member() - A member that stands in a mapping itself; of equal keys the last one counts; NULL: there is none */
static const struct tree_node *own_member(struct descent *descent, const struct tree_node *parent,
					  const struct token *token, const struct tree_node **ret_merge)
{
	const struct tree_index *index = has_many(descent, parent) ? index_children(descent, parent) : NULL;
	char key[TREE_KEY_MAX];
	const struct tree_node *found;

	if (!index || !token_text(token, key, sizeof(key)))
		return scan_members(descent->tree, parent, token, ret_merge);
	found = search_member(descent->tree, index, key);
	*ret_merge = search_member(descent->tree, index, "<<");
	return found && found->merge ? NULL : found;
}

static const struct tree_node *find_member(struct descent *descent, const struct tree_node *parent,
					   const struct token *token, unsigned merges);

/** find_through() - find_member() in what a node stands for; an alias that leads to it is noted */
static const struct tree_node *find_through(struct descent *descent, const struct tree_node *node,
					    const struct token *token, unsigned merges)
{
	const struct tree_node *mapping = behind(descent->tree, node), *found;

	if (mapping->kind != TREE_MAPPING)
		return NULL;
	found = find_member(descent, mapping, token, merges);
	if (found && node->kind == TREE_ALIAS && !descent->alias)
		descent->alias = node;
	return found;
}

/** find_merged() - Look for a member in what is merged: a mapping, or a sequence of them, of which the first counts */
static const struct tree_node *find_merged(struct descent *descent, const struct tree_node *merge,
					   const struct token *token, unsigned merges)
{
	const struct tree_node *found, *from = behind(descent->tree, merge);

	if (from->kind != TREE_SEQUENCE)
		return find_through(descent, merge, token, merges);
	for (uint32_t i = from->first; i; i = descent->tree->nodes[i].next) {
		found = find_through(descent, &descent->tree->nodes[i], token, merges);
		if (found)
			return found;
	}
	return NULL;
}

/** find_member() - Look for a member, also among those that are merged; NULL: there is none */
static const struct tree_node *find_member(struct descent *descent, const struct tree_node *parent,
					   const struct token *token, unsigned merges)
{
	const struct tree_node *merge = NULL, *found = own_member(descent, parent, token, &merge);

	if (found || !merge || merges == MERGES_MAX)
		return found;
	return find_merged(descent, merge, token, merges + 1);
}

/** find_element() - Look for an element; NULL: there is none */
static const struct tree_node *find_element(struct descent *descent, const struct tree_node *parent,
					    const struct token *token)
{
	const struct tree_index *index = has_many(descent, parent) ? index_children(descent, parent) : NULL;
	size_t wanted = token_index(token);
	uint32_t i = parent->first;

	if (index)
		return wanted < index->n ? &descent->tree->nodes[index->children[wanted]] : NULL;
	for (size_t number = 0; i && number < wanted; number++)
		i = descent->tree->nodes[i].next;
	return i ? &descent->tree->nodes[i] : NULL;
}

/** find_child() - The next step of a pointer; NULL: it leads nowhere */
static const struct tree_node *find_child(struct descent *descent, const struct tree_node *node,
					  const struct token *token)
{
	const struct tree_node *in = behind(descent->tree, node);

	if (node->kind == TREE_ALIAS && !descent->alias)
		descent->alias = node;
	if (in->kind == TREE_MAPPING)
		return find_member(descent, in, token, 0);
	return in->kind == TREE_SEQUENCE ? find_element(descent, in, token) : NULL;
}

/**
 * tree_find() - Find the value that a JSON pointer leads to
 * @tree:	Tree
 * @pointer:	JSON pointer (RFC 6901)
 * @ret_rest:	What of it leads on from there: "", or the steps for which there is no value
 * @ret_alias:	The outermost alias on the way, NULL: none; may be NULL
 *
 * Return: the node, or the innermost one on the way; for an alias what it stands for; NULL when the tree is empty
 */
const struct tree_node *tree_find(struct tree *tree, const char *pointer, const char **ret_rest,
				  const struct tree_node **ret_alias)
{
	const struct tree_node *node = tree->n_nodes ? &tree->nodes[0] : NULL;
	struct descent descent = {.tree = tree};

	for (; node && *pointer == '/'; descent.level++) {
		const struct tree_node *child;
		const char *rest = pointer;
		struct token token = token_next(&rest);

		child = find_child(&descent, node, &token);
		if (!child)
			break;
		node = child;
		pointer = rest;
	}
	*ret_rest = pointer;
	if (node && node->kind == TREE_ALIAS && !descent.alias)
		descent.alias = node;
	if (ret_alias)
		*ret_alias = descent.alias;
	return node ? behind(tree, node) : NULL;
}

/** tree_done() - Free the nodes */
void tree_done(struct tree *tree)
{
	for (size_t i = 0; i < TREE_LEVELS; i++)
		free(tree->indexes[i].children);
	free(tree->nodes);
	free(tree->keys);
	*tree = (struct tree){0};
}
