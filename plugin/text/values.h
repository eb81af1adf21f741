/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_VALUES_H
#define PLUGIN_TEXT_VALUES_H

/*
 * Values with places: the documents of a text, JSON or YAML, each as jansson's values, and where in the text each of
 * them stands. A pointer may lead on into a text that is JSON or YAML itself (a configuration within a ConfigMap): two
 * levels deep, and the place is in the outermost text. Of its documents the second one has "/#2" in front, and so on.
 */

#include "plugin/text/locate.h"
#include "plugin/text/positions.h"
#include "plugin/text/scan.h"
#include "plugin/text/yaml.h"
#include "rangeguard/outcome.h"

/** Texts within texts that places are found in */
#define VALUES_DEPTH_MAX 2U

enum values_syntax {
	VALUES_JSON,
	VALUES_YAML,
	VALUES_EITHER, /* JSON where it is JSON, XML where it is XML */
	VALUES_INI,
	VALUES_TOML,
	VALUES_VARIABLES, /* NAME=VALUE, as a shell reads it */
	VALUES_XML,
};

/** Named outcomes beside 0 and negative errno */
enum values_outcome {
	VALUES_E_SYNTAX = OUTCOMES_VALUES, /* the text is not what it should be: values.problem, and its place */
	VALUES_E_END,			   /* there are no more documents */
};

/** Space for what is wrong with a text */
#define VALUES_PROBLEM_MAX 256

struct values_inner;

/** values_duplicate_fn - Called for each key that stands in its object already, with the place of this key */
typedef locate_duplicate_fn values_duplicate_fn;

/**
 * struct values - A text, and the document of it that is at hand
 * @root:	The document; NULL: none
 * @number:	Its number, from 1
 * @is_json:	What the text is; @is_whole: it has this one document; @is_heavy: it is more than is read
 * @problem:	With VALUES_E_SYNTAX, what is wrong
 * @line, @column:	And where
 */
struct values {
	json_t *root;
	unsigned number;
	bool is_json;
	bool is_whole;
	bool is_heavy;
	char problem[VALUES_PROBLEM_MAX];
	unsigned line;
	unsigned column;
	const char *text;
	size_t size;
	unsigned depth;
	struct positions positions;
	values_duplicate_fn duplicate;
	void *userdata;
	struct locator locator;
	struct yaml_stream yaml;
	struct tree tree;
	bool is_started;
	struct values_inner *inner;
};

/** struct values_place - What is looked for: the value that @pointer leads to, or its key, or byte @offset of its text */
struct values_place {
	const char *pointer;
	bool on_key;
	size_t offset;
};

enum values_syntax values_syntax_of(const char *file);
int values_start(struct values *values, const char *text, size_t size, enum values_syntax syntax);
int values_next(struct values *values);
int values_duplicates(struct values *values, values_duplicate_fn duplicate, void *userdata);
bool values_find(struct values *values, const struct values_place *place, unsigned *ret_line, unsigned *ret_column);
bool values_find_alias(struct values *values, const char *pointer, unsigned *ret_line, unsigned *ret_column);
void values_done(struct values *values);

/** values_embedded_fn - Called with each object or array that is a document of a text within a text, and its number from 1 */
typedef void (*values_embedded_fn)(void *userdata, const json_t *root, unsigned number);
int values_embedded(const char *text, size_t size, values_embedded_fn found, void *userdata);

#define VALUES_CLEANUP __attribute__((cleanup(values_done)))

#endif
