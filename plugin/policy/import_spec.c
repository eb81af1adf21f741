/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy says of a table to import: JSON to values. Pure. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/policy/import.h"

/** wrong_type() - Report that member @key is not @wanted */
static void wrong_type(struct reader *reader, const char *key, const json_t *value, const char *wanted)
{
	char text[64];

	reader_error(reader, key, RULE_POLICY, "%s must be %s, not %s", key, wanted,
		     value ? json_brief(value, text, sizeof(text)) : "absent");
}

/** required_text() - Member that must be a text; NULL when it is none (reported) */
static const char *required_text(struct reader *reader, const json_t *object, const char *key, const char *wanted)
{
	const json_t *value = json_member(object, key);

	if (!json_is_string(value) || !json_string_length(value)) {
		wrong_type(reader, key, value, wanted);
		return NULL;
	}
	return json_string_value(value);
}

/** is_below() - Whether a path stays in the directory that it is relative to, symlinks apart */
static bool is_below(const char *path)
{
	if (*path == '/')
		return false;
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 2 && strncmp(path, "..", 2) == 0)
			return false;
		path += length;
		path += strspn(path, "/");
	}
	return true;
}

/** read_file_name() - Member `file`; NULL when it is unusable (reported) */
static const char *read_file_name(struct reader *reader, const json_t *object)
{
	const char *name = required_text(reader, object, "file", "the path of a table beside the policy file");

	if (!name || is_below(name))
		return name;
	reader_error(reader, "file", RULE_POLICY,
		     "file \"%.128s\" must be a path below the directory of the policy file, without \"..\"; a symlink "
		     "there may lead elsewhere",
		     name);
	return NULL;
}

/** read_format() - Member `format` */
static void read_format(struct reader *reader, const json_t *object, enum import_format *format)
{
	static const char wanted[] = "\"netbox\", \"phpipam\", \"infoblox\", \"csv\", \"json\" or \"routes\"";
	const char *name = required_text(reader, object, "format", wanted);

	for (unsigned i = 0; name && import_format_names[i]; i++) {
		if (strcmp(name, import_format_names[i]) == 0) {
			*format = (enum import_format)i;
			return;
		}
	}
	if (name)
		wrong_type(reader, "format", json_member(object, "format"), wanted);
}

/** read_source() - Where one of the texts comes from: the name of a column, or {"value": "a constant"} */
static void read_source(struct reader *reader, const json_t *object, const char *key, struct import_source *source)
{
	static const char *const keys[] = {"value", NULL};
	const json_t *value = json_member(object, key);
	size_t mark;

	if (!value)
		return;
	if (json_is_string(value) && json_string_length(value)) {
		source->column = json_string_value(value);
		return;
	}
	if (json_is_object(value) && json_is_string(json_object_get(value, "value"))) {
		source->constant = json_string_value(json_object_get(value, "value"));
		mark = pointer_push_key(&reader->at, key);
		json_check_keys(reader, value, keys);
		pointer_pop(&reader->at, mark);
		return;
	}
	wrong_type(reader, key, value, "the name of a column, or {\"value\": \"TEXT\"} for the same text in all rows");
}

/**
 * read_filter() - One column of `where`
 * @reader:	At `where`
 * @column:	Name of the column
 * @values:	Its values
 * @filter:	Gets them
 *
 * Return: 0 also when they are unusable (reported), -ENOMEM
 */
static int read_filter(struct reader *reader, const char *column, const json_t *values, struct import_filter *filter)
{
	static const char wanted[] = "an array of texts, such as [\"active\", \"reserved\"]";
	size_t n = json_array_size(values);

	filter->column = column;
	if (!n || n > LIMIT_IMPORT_VALUES) {
		wrong_type(reader, column, values, wanted);
		return 0;
	}
	filter->values = calloc(n, sizeof(*filter->values));
	if (!filter->values)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *value = json_string_value(json_array_get(values, i));

		if (!value) {
			wrong_type(reader, column, values, wanted);
			return 0;
		}
		filter->values[filter->n_values++] = value;
	}
	return 0;
}

/** read_where() - Member `where`: 0 also when it is unusable (reported), -ENOMEM */
static int read_where(struct reader *reader, const json_t *object, struct import_spec *spec)
{
	const json_t *where = json_member(object, "where");
	const char *column;
	json_t *values;
	size_t mark;
	int r = 0;

	if (where && !json_is_object(where)) {
		wrong_type(reader, "where", where, "an object such as {\"status\": [\"active\", \"reserved\"]}");
		return 0;
	}
	if (json_object_size(where) > LIMIT_IMPORT_FILTERS) {
		reader_error(reader, "where", RULE_POLICY, "where names %zu columns; at most %u are supported",
			     json_object_size(where), LIMIT_IMPORT_FILTERS);
		return 0;
	}
	mark = pointer_push_key(&reader->at, "where");
	/* jansson's iteration takes a non-const object although it changes nothing. */
	json_object_foreach((json_t *)(uintptr_t)where, column, values) {
		r = read_filter(reader, column, values, &spec->filters[spec->n_filters++]);
		if (r < 0)
			break;
	}
	pointer_pop(&reader->at, mark);
	return r;
}

/**
 * import_spec_read() - Read one element of `imports`
 * @reader:	At the element
 * @object:	The element, which must live as long as the spec
 * @ret_spec:	What it says, to be released by import_spec_done() in any case
 * @ret_file:	The table's path, relative to the directory of the policy file
 *
 * Return: 0, REFUSED when errors were reported, -ENOMEM
 */
int import_spec_read(struct reader *reader, const json_t *object, struct import_spec *ret_spec, const char **ret_file)
{
	static const char *const keys[] = {"file",  "format", "where",	 "owner",  "reason",   "ref",	    "columns",
					   "items", "maxAge", "minRows", "header", "encoding", "separator", NULL};
	unsigned errors = reader->report->errors;
	char brief[64];
	int r;

	*ret_spec = (struct import_spec){0};
	if (!json_is_object(object)) {
		reader_error(reader, NULL, RULE_POLICY, "an import must be an object with file and format, not %s",
			     json_brief(object, brief, sizeof(brief)));
		return REFUSED;
	}
	json_check_keys(reader, object, keys);
	*ret_file = read_file_name(reader, object);
	read_format(reader, object, &ret_spec->format);
	import_columns_read(reader, object, ret_spec);
	for (size_t i = 0; i < IMPORT_TEXTS; i++)
		read_source(reader, object, import_text_keys[i], &ret_spec->texts[i]);
	r = read_where(reader, object, ret_spec);
	return r < 0 ? r : report_outcome_since(reader->report, errors);
}

/** import_spec_done() - Release what the spec has of its own */
void import_spec_done(struct import_spec *spec)
{
	for (size_t i = 0; i < spec->n_filters; i++)
		free(spec->filters[i].values);
	*spec = (struct import_spec){0};
}
