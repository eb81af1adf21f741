/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From libyaml's events to the values of one document. Pure. */

#include "plugin/text/yaml_builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/report/report.h"
#include "plugin/text/yaml_scalar.h"
#include "rangeguard/array.h"

/** struct arrival - A value that an event brings; @value is a reference of its own */
struct arrival {
	json_t *value;
	struct tree_node node;
	const char *anchor;
	size_t n_values;
	bool is_whole;
};

/** top() - The innermost container that is open, NULL: none */
static struct level *top(struct builder *builder)
{
	return builder->n_levels ? &builder->levels[builder->n_levels - 1] : NULL;
}

/** builder_done() - Free what was built */
void builder_done(struct builder *builder)
{
	for (size_t i = 0; i < builder->n_levels; i++)
		free(builder->levels[i].key);
	for (size_t i = 0; i < builder->n_anchors; i++)
		json_decref(builder->anchors[i].value);
	free(builder->levels);
	free(builder->anchors);
	json_decref(builder->anchor_names);
	json_decref(builder->root);
	tree_done(&builder->tree);
}

/** key_of() - Key of a node that is in a mapping */
static const char *key_of(const struct builder *builder, uint32_t node)
{
	return builder->tree.keys + builder->tree.nodes[node].key;
}

/** tell_duplicate() - Tell of the key that has been read: it stands in its mapping already */
static void tell_duplicate(const struct builder *builder, const char *key, size_t key_at)
{
	struct pointer pointer = {.length = 0};

	if (!builder->stream->duplicate)
		return;
	for (size_t i = 1; i < builder->n_levels; i++) {
		const json_t *parent = builder->levels[i - 1].value;

		if (json_is_array(parent))
			(void)pointer_push_index(&pointer, json_array_size(parent) - 1);
		else
			(void)pointer_push_key(&pointer, key_of(builder, builder->levels[i].node));
	}
	(void)pointer_push_key(&pointer, key);
	builder->stream->duplicate(builder->stream->userdata, pointer.text, key_at);
}

/** is_merge() - Whether a key is `<<` */
static bool is_merge(const char *key)
{
	return key && strcmp(key, "<<") == 0;
}

/** merge() - Members of a mapping, or of each mapping in a sequence, count where there is none of the name */
static int merge(json_t *into, json_t *from)
{
	int r = json_is_object(from) ? json_object_update_missing(into, from) : 0;

	for (size_t i = 0; json_is_array(from) && i < json_array_size(from) && !r; i++)
		if (json_is_object(json_array_get(from, i)))
			r = json_object_update_missing(into, json_array_get(from, i));
	return r ? -ENOMEM : 0;
}

/** attach_merge() - Keep what is to be merged, as a sequence where `<<` stands more than once; 0 or -ENOMEM */
static int attach_merge(const struct builder *builder, struct level *level, json_t *value)
{
	json_t *former = json_object_get(level->value, "<<"), *merges;

	if (!former)
		return json_object_set_nocheck(level->value, "<<", value) ? -ENOMEM : 0;
	tell_duplicate(builder, level->key, level->key_at);
	if (level->has_merges)
		return json_array_append(former, value) ? -ENOMEM : 0;
	level->has_merges = true;
	merges = json_pack("[O, O]", former, value);
	return !merges || json_object_set_new_nocheck(level->value, "<<", merges) ? -ENOMEM : 0;
}

/** attach() - Put a value into its container; 0 or -ENOMEM. The container's reference is its own */
static int attach(struct builder *builder, json_t *value)
{
	struct level *level = top(builder);
	size_t n_members;

	if (!level) {
		builder->root = json_incref(value);
		return 0;
	}
	if (json_is_array(level->value))
		return json_array_append(level->value, value) ? -ENOMEM : 0;
	/* Merged when it is whole, and after all others: theirs count. */
	if (is_merge(level->key))
		return attach_merge(builder, level, value);
	n_members = json_object_size(level->value);
	if (json_object_set_nocheck(level->value, level->key, value))
		return -ENOMEM;
	if (json_object_size(level->value) == n_members)
		tell_duplicate(builder, level->key, level->key_at);
	return 0;
}

/** keep_anchor() - Remember a value under its anchor; 0, YAML_E_SYNTAX, -ENOMEM */
static int keep_anchor(struct builder *builder, const struct arrival *arrival, uint32_t node)
{
	struct anchor *anchors;

	if (builder->n_anchors == LIMIT_YAML_ANCHORS)
		return yaml_fail(builder->stream, "more anchors than are read; split the file");
	anchors = array_room(builder->anchors, builder->n_anchors, &builder->anchors_capacity, sizeof(*anchors));

	if (!anchors)
		return -ENOMEM;
	builder->anchors = anchors;
	if (!builder->anchor_names)
		builder->anchor_names = json_object();
	if (json_object_set_new(builder->anchor_names, arrival->anchor, json_integer((json_int_t)builder->n_anchors)))
		return -ENOMEM;
	anchors[builder->n_anchors++] = (struct anchor){.value = json_incref(arrival->value),
							.node = node,
							.n_values = arrival->n_values,
							.is_whole = arrival->is_whole};
	return 0;
}

/** count() - Count values; 0 or YAML_E_SYNTAX when they are too many */
static int count(struct builder *builder, size_t n)
{
	struct level *level = top(builder);

	builder->n_values += n;
	if (level)
		level->n_values += n;
	return builder->n_values > LIMIT_YAML_VALUES
		       ? yaml_fail(builder->stream, "more values than are read, with those that aliases stand for")
		       : 0;
}

/** arrive() - A value in its place; 0, YAML_E_SYNTAX, -ENOMEM */
static int arrive(struct builder *builder, struct arrival *arrival, uint32_t *ret_node)
{
	struct level *level = top(builder);
	const char *key = level ? level->key : NULL;
	int r;

	arrival->node.value = arrival->value;
	arrival->node.key_at = key ? level->key_at : arrival->node.at;
	arrival->node.merge = is_merge(key);
	r = tree_add(&builder->tree, level ? level->node : 0, &arrival->node, key, ret_node);
	if (!r && arrival->anchor)
		r = keep_anchor(builder, arrival, *ret_node);
	if (!r)
		r = attach(builder, arrival->value);
	if (!r)
		r = count(builder, arrival->n_values);
	if (level) {
		free(level->key);
		level->key = NULL;
	}
	return r;
}

/** wants_key() - Whether the next value is a key */
static bool wants_key(struct builder *builder)
{
	const struct level *level = top(builder);

	return level && json_is_object(level->value) && !level->key;
}

/** take_key() - Keep a key until its value comes; 0, YAML_E_SYNTAX, -ENOMEM */
static int take_key(struct builder *builder, const char *key, size_t at)
{
	struct level *level = top(builder);

	if (!level)
		return 0;
	if (++level->n_members > LIMIT_MEMBERS)
		return yaml_fail(builder->stream, "a mapping with more members than are read; split the file");
	level->key = strdup(key);
	level->key_at = at;
	return level->key ? 0 : -ENOMEM;
}

/** take_scalar() - A scalar, which may be a key */
static int take_scalar(struct builder *builder, const yaml_event_t *event, size_t at)
{
	struct arrival arrival = {
		.anchor = (const char *)event->data.scalar.anchor,
		.node = {.at = at, .kind = TREE_SCALAR, .style = yaml_scalar_style(event)},
		.n_values = 1,
		.is_whole = true,
	};
	uint32_t node;
	int r;

	if (wants_key(builder) && !arrival.anchor)
		return take_key(builder, (const char *)event->data.scalar.value, at);
	arrival.value = yaml_scalar_value(event);
	if (!arrival.value)
		return -ENOMEM;
	if (wants_key(builder)) {
		/* A key that is named again: it has no node of its own, its name leads to its text. */
		r = keep_anchor(builder, &arrival, 0);
		if (!r)
			r = take_key(builder, (const char *)event->data.scalar.value, at);
	} else {
		r = arrive(builder, &arrival, &node);
	}
	json_decref(arrival.value);
	return r;
}

/** find_anchor() - The anchor of that name that was met last, NULL: none */
static const struct anchor *find_anchor(const struct builder *builder, const char *name)
{
	const json_t *index = json_object_get(builder->anchor_names, name);

	return index ? &builder->anchors[json_integer_value(index)] : NULL;
}

/** take_alias() - A value that has been met already */
static int take_alias(struct builder *builder, const yaml_event_t *event, size_t at)
{
	const struct anchor *anchor = find_anchor(builder, (const char *)event->data.alias.anchor);
	struct arrival arrival = {.node = {.at = at, .kind = TREE_ALIAS}};
	uint32_t node;

	if (!anchor || !anchor->is_whole)
		return yaml_fail(builder->stream, anchor ? "an alias of the value that it stands in"
							 : "an alias of an anchor that is not there");
	if (wants_key(builder))
		return json_is_string(anchor->value) ? take_key(builder, json_string_value(anchor->value), at)
						     : yaml_fail(builder->stream, "a key that is not a text");
	arrival.value = anchor->value;
	arrival.node.target = anchor->node;
	arrival.n_values = anchor->n_values;
	return arrive(builder, &arrival, &node);
}

/** open_level() - A sequence or mapping begins */
static int open_level(struct builder *builder, const yaml_event_t *event, size_t at)
{
	bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
	struct arrival arrival = {
		.value = is_mapping ? json_object() : json_array(),
		.node = {.at = at, .kind = is_mapping ? TREE_MAPPING : TREE_SEQUENCE},
		.anchor = (const char *)(is_mapping ? event->data.mapping_start.anchor
						    : event->data.sequence_start.anchor),
		.n_values = 1,
	};
	struct level level = {.value = arrival.value, .anchor = SIZE_MAX, .n_values = 1}, *levels;
	int r;

	if (!arrival.value)
		return -ENOMEM;
	if (wants_key(builder))
		r = yaml_fail(builder->stream, "a key that is not a text");
	else if (builder->n_levels == LIMIT_YAML_DEPTH)
		r = yaml_fail(builder->stream, "values nested deeper than they are read");
	else
		r = arrive(builder, &arrival, &level.node);
	json_decref(arrival.value);
	if (r)
		return r;
	if (arrival.anchor)
		level.anchor = builder->n_anchors - 1;
	levels = array_room(builder->levels, builder->n_levels, &builder->levels_capacity, sizeof(*levels));
	if (!levels)
		return -ENOMEM;
	builder->levels = levels;
	levels[builder->n_levels++] = level;
	return 0;
}

/** close_level() - A sequence or mapping ends: merge what is to be merged */
static int close_level(struct builder *builder)
{
	struct level level = builder->levels[--builder->n_levels];
	json_t *from = json_incref(json_object_get(level.value, "<<"));
	int r = 0;

	if (from && (json_is_object(from) || json_is_array(from))) {
		(void)json_object_del(level.value, "<<");
		for (size_t i = 0; level.has_merges && i < json_array_size(from) && !r; i++)
			r = merge(level.value, json_array_get(from, i));
		if (!level.has_merges)
			r = merge(level.value, from);
	}
	json_decref(from);
	if (level.anchor != SIZE_MAX) {
		builder->anchors[level.anchor].n_values = level.n_values;
		builder->anchors[level.anchor].is_whole = true;
	}
	if (top(builder))
		top(builder)->n_values += level.n_values - 1;
	return r;
}

/**
 * builder_take() - One event of a document
 * @builder:	Document so far
 * @event:	Event
 * @at:		Offset in the text of what it brings
 *
 * Return: 0, YAML_E_END when the document is whole, YAML_E_SYNTAX, -ENOMEM
 */
int builder_take(struct builder *builder, const yaml_event_t *event, size_t at)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(builder, event, at);
	case YAML_ALIAS_EVENT:
		return take_alias(builder, event, at);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return open_level(builder, event, at);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_level(builder);
	case YAML_DOCUMENT_END_EVENT:
		return YAML_E_END;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	default:
		return 0;
	}
}
