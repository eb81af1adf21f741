/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as JSON, YAML or INI. Reading comes to an end; each value, also one within a text within the text, has a
 * place that lies in the text; what stands at the place of a plain string's byte is that byte.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/report/report.h"
#include "plugin/text/template.h"
#include "plugin/text/values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Values of a document that are looked for */
#define VALUES_MAX 64U

/** struct subject - A document, and how many of its values have been looked for */
struct subject {
	struct values *values;
	unsigned lines;
	unsigned n;
	struct pointer at;
};

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** find() - The value at the pointer, and its key */
static void find(struct subject *subject, size_t offset)
{
	struct values_place place = {.pointer = subject->at.text, .offset = offset};
	unsigned line, column;

	require(values_find(subject->values, &place, &line, &column));
	require(line > 0 && line <= subject->lines && column > 0);
	place.on_key = true;
	require(values_find(subject->values, &place, &line, &column));
	require(line > 0 && line <= subject->lines && column > 0);
}

static void look_through(struct subject *subject, const json_t *value, unsigned depth);

/** struct inner - A text within a text */
struct inner {
	struct subject *subject;
	unsigned depth;
};

/** look_into() - values_embedded_fn */
static void look_into(void *userdata, const json_t *root, unsigned number)
{
	struct inner *inner = userdata;
	struct pointer *at = &inner->subject->at;
	char step[16];
	size_t mark = at->length;

	(void)snprintf(step, sizeof(step), "#%u", number);
	if (number > 1)
		mark = pointer_push_key(at, step);
	look_through(inner->subject, root, inner->depth);
	pointer_pop(at, mark);
}

/** look_through() - A value and those in it */
static void look_through(struct subject *subject, const json_t *value, unsigned depth)
{
	const char *key;
	json_t *child;
	size_t index;

	if (depth > 8 || subject->n++ > VALUES_MAX)
		return;
	find(subject, 0);
	if (json_is_string(value)) {
		struct inner inner = {.subject = subject, .depth = depth + 1};

		find(subject, json_string_length(value) / 2);
		(void)values_embedded(json_string_value(value), json_string_length(value), look_into, &inner);
	}
	json_object_foreach((json_t *)(uintptr_t)value, key, child) {
		size_t mark = pointer_push_key(&subject->at, key);

		look_through(subject, child, depth + 1);
		pointer_pop(&subject->at, mark);
	}
	json_array_foreach(value, index, child) {
		size_t mark = pointer_push_index(&subject->at, index);

		look_through(subject, child, depth + 1);
		pointer_pop(&subject->at, mark);
	}
}

/** hear() - A key that stands twice */
static void hear(void *userdata, const char *pointer, unsigned line, unsigned column)
{
	(void)userdata;
	require(*pointer == '/' && line > 0 && column > 0);
}

/** read_as() - The text in one syntax */
static void read_as(const char *text, size_t size, enum values_syntax syntax)
{
	VALUES_CLEANUP struct values values = {0};
	struct subject subject = {.values = &values, .lines = 1};
	int r = values_start(&values, text, size, syntax);

	for (size_t i = 0; i < size; i++)
		subject.lines += text[i] == '\n';
	require(r == 0 || r == VALUES_E_SYNTAX);
	if (!r)
		require(values_duplicates(&values, hear, NULL) == 0);
	while (!r && (r = values_next(&values)) == 0) {
		subject.n = 0;
		look_through(&subject, values.root, 0);
	}
	require(r == VALUES_E_END || (r == VALUES_E_SYNTAX && *values.problem && values.line > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_as((const char *)data, size, VALUES_EITHER);
	read_as((const char *)data, size, VALUES_INI);
	read_as((const char *)data, size, VALUES_TOML);
	read_as((const char *)data, size, VALUES_VARIABLES);
	if (template_find((const char *)data, size))
		require(size > 1 && memchr(data, '{', size - 1));
	return 0;
}
