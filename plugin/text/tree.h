/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_TREE_H
#define PLUGIN_TEXT_TREE_H

/* Where the values of a YAML document stand: a node per value, as they come. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "plugin/text/scalar.h"

enum tree_kind {
	TREE_SCALAR,
	TREE_SEQUENCE,
	TREE_MAPPING,
	TREE_ALIAS,
};

/**
 * struct tree_node - A value
 * @value:	It; borrowed from the document
 * @at:		Offset of its first byte in the text
 * @key_at:	Offset of its key, @at in a sequence
 * @key:	Offset of the key's text in the tree's keys
 * @first, @last: Children, 0: none
 * @next:	Next child of the same parent, 0: none
 * @target:	What an alias stands for
 * @merge:	Member `<<`: its members count as the parent's, where that has none of the name
 */
struct tree_node {
	const json_t *value;
	size_t at;
	size_t key_at;
	size_t key;
	uint32_t first;
	uint32_t last;
	uint32_t next;
	uint32_t target;
	enum tree_kind kind;
	enum scalar_style style;
	bool merge;
};

/** Levels of which a container's children are kept in order, so that many places in large ones are found quickly */
#define TREE_LEVELS 32U

/** struct tree_index - Children of a container: of a sequence by number, of a mapping by key, equal ones as they stand */
struct tree_index {
	uint32_t parent;
	uint32_t *children;
	size_t n;
};

/**
 * struct tree - Nodes, the root first; and the texts of keys, each with a NUL
 * @indexes:	By level, of the container with many children that was looked into there last
 */
struct tree {
	struct tree_node *nodes;
	size_t n_nodes;
	size_t capacity;
	char *keys;
	size_t n_keys;
	size_t keys_capacity;
	struct tree_index indexes[TREE_LEVELS];
};

int tree_add(struct tree *tree, uint32_t parent, const struct tree_node *node, const char *key, uint32_t *ret_index);
uint32_t tree_child(const struct tree *tree, uint32_t parent, const char *key);
const struct tree_node *tree_find(struct tree *tree, const char *pointer, const char **ret_rest,
				  const struct tree_node **ret_alias);
void tree_done(struct tree *tree);

#endif
