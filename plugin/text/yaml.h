/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_YAML_H
#define PLUGIN_TEXT_YAML_H

/*
 * YAML 1.1 as the values that JSON has, one document after the other, each value with its place. libyaml parses; it
 * takes and refuses what Go's YAML does, which is a port of it. Scalars become what they become there (`null`, `true`,
 * numbers; all else is text), `<<` is merged, an alias is the value that it names. Aliases of aliases may stand for any
 * number of values: they are counted, and over LIMIT_YAML_VALUES the document is not read. Pure.
 */

#include <yaml.h>

#include "plugin/text/tree.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno */
enum yaml_outcome {
	YAML_E_SYNTAX = OUTCOMES_YAML, /* not YAML, or more of it than is read: yaml_stream.problem */
	YAML_E_END,		       /* there are no more documents */
};

/**
 * yaml_duplicate_fn - Called for each key that stands in its mapping already
 * @userdata:	Of the stream
 * @pointer:	JSON pointer to the member
 */
typedef void (*yaml_duplicate_fn)(void *userdata, const char *pointer, size_t key_at);

/**
 * struct yaml_stream - Documents being read
 * @text:	Text, UTF-8 without a byte order mark; borrowed
 * @size:	Its bytes
 * @duplicate:	Called for keys that stand twice; NULL: nobody wants to know
 * @userdata:	For it
 * @at:		Offset of the character with number @index, where the last event began
 * @problem:	What is wrong, with YAML_E_SYNTAX
 * @problem_at:	Where
 * @n_documents: How many have been begun
 */
struct yaml_stream {
	const char *text;
	size_t size;
	yaml_duplicate_fn duplicate;
	void *userdata;
	yaml_parser_t parser;
	size_t at;
	size_t index;
	const char *problem;
	size_t problem_at;
	unsigned n_documents;
};

int yaml_start(struct yaml_stream *stream, const char *text, size_t size);
int yaml_next(struct yaml_stream *stream, json_t **ret_root, struct tree *ret_tree);
void yaml_done(struct yaml_stream *stream);

#define YAML_CLEANUP __attribute__((cleanup(yaml_done)))

#endif
