/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_YAML_BUILDER_H
#define PLUGIN_TEXT_YAML_BUILDER_H

/* From libyaml's events to the values of one document. For yaml.c. */

#include "plugin/text/yaml.h"
#include "rangeguard/limits.h"

/**
 * struct level - A container that is still open
 * @node:	Its node
 * @value:	It; borrowed, its parent owns it
 * @key:	Key that has been read, whose value comes next; owned, NULL: none
 * @key_at:	Its offset
 * @n_members:	Keys that have been read
 * @n_values:	Values in it, those of aliases counted as often as they stand there
 * @anchor:	Index of its anchor, SIZE_MAX: none
 * @has_merges:	`<<` stands in it more than once
 */
struct level {
	uint32_t node;
	json_t *value;
	char *key;
	size_t key_at;
	size_t n_members;
	size_t n_values;
	size_t anchor;
	bool has_merges;
};

/** struct anchor - A value that can be named again; @is_whole: it is not within itself */
struct anchor {
	json_t *value;
	uint32_t node;
	size_t n_values;
	bool is_whole;
};

/** struct builder - A document being built; @anchor_names: by name, the index of the anchor that was met last */
struct builder {
	struct yaml_stream *stream;
	json_t *root;
	struct tree tree;
	struct level *levels;
	size_t n_levels;
	size_t levels_capacity;
	struct anchor *anchors;
	size_t n_anchors;
	size_t anchors_capacity;
	json_t *anchor_names;
	size_t n_values;
};

int yaml_fail(struct yaml_stream *stream, const char *problem);
int builder_take(struct builder *builder, const yaml_event_t *event, size_t at);
void builder_done(struct builder *builder);

#endif
