/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_KEY_INDEX_H
#define PLUGIN_TEXT_KEY_INDEX_H

/* The members of one object of a JSON text, in an order in which each is found quickly. Pure. */

#include <stddef.h>
#include <stdint.h>

#include "plugin/text/scan.h"
#include "plugin/text/token.h"

/** struct indexed_key - Where a member stands: offsets of its value and its key; @hash: of its key's text */
struct indexed_key {
	uint64_t hash;
	size_t value;
	size_t key;
};

/**
 * struct key_index - The object that was looked into last
 * @object:	Its offset; SIZE_MAX: none
 * @all:	Its members by hash, equal keys as they stand; NULL: it has been looked into once, which needs no order
 */
struct key_index {
	size_t object;
	struct indexed_key *all;
	size_t n;
	size_t room;
};

bool key_index_is_key(struct scan key, const struct token *token);
bool key_index_find(struct key_index *members, struct scan scan, const struct token *token,
		    struct indexed_key *ret_member);
void key_index_done(struct key_index *members);

#endif
