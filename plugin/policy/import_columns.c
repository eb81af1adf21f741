/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy says of tables whose columns it names: csv, json, routes. Pure. */

#include <string.h>

#include "plugin/policy/import.h"
#include "rangeguard/array.h"
#include "rangeguard/day.h"

#define SECONDS_PER_HOUR 3600LL
/** Ages and numbers of rows that make sense */
#define HOURS_MAX 100000LL
#define ROWS_MAX 100000000LL

/** struct shape - Columns that together are a range */
static const struct shape {
	const char *keys[2];
	enum import_form form;
	unsigned n;
} shapes[] = {
	{{"cidr"}, IMPORT_ANY, 1},
	{{"range"}, IMPORT_ANY, 1},
	{{"address", "mask"}, IMPORT_MASK, 2},
	{{"first", "last"}, IMPORT_RANGE, 2},
};

#define N_SHAPES ARRAY_LENGTH(shapes)

/** import_spec_layout_next() - The layout that the policy gives, or those of the format */
const struct import_layout *import_spec_layout_next(const struct import_spec *spec, const char *kind,
						    const struct import_layout *after)
{
	if (spec->format < IMPORT_CSV)
		return import_layout_next(spec->format, kind, after);
	return after ? NULL : &spec->layout;
}

/** column() - A member of columns that must be a name; NULL when absent or (reported) none */
static const char *column(struct reader *reader, const json_t *columns, const char *key)
{
	const json_t *value = json_member(columns, key);

	if (value && (!json_is_string(value) || !json_string_length(value)))
		reader_error(reader, key, RULE_POLICY, "%s must be the name of a column", key);
	return json_string_value(value);
}

/** read_shape() - The columns of the range: exactly one of the shapes */
static void read_shape(struct reader *reader, const json_t *columns, struct import_spec *spec)
{
	unsigned n_found = 0;

	for (size_t i = 0; i < N_SHAPES; i++) {
		if (!json_member(columns, shapes[i].keys[0]))
			continue;
		n_found++;
		spec->layout = (struct import_layout){
			.format = spec->format, .form = shapes[i].form, .n_required = shapes[i].n};
		for (unsigned j = 0; j < shapes[i].n; j++) {
			spec->layout.columns[j] = column(reader, columns, shapes[i].keys[j]);
			if (!spec->layout.columns[j])
				n_found = N_SHAPES;
		}
	}
	if (n_found != 1)
		reader_error(
			reader, NULL, RULE_POLICY,
			"columns must name those of the range: cidr, or range, or address and mask, or first and last");
}

/** read_columns() - Member `columns` */
static void read_columns(struct reader *reader, const json_t *object, struct import_spec *spec)
{
	static const char *const keys[] = {"cidr", "range", "address", "mask", "first", "last", "validUntil", NULL};
	const json_t *columns = json_member(object, "columns");
	size_t mark;

	if (!json_is_object(columns)) {
		reader_error(
			reader, "columns", RULE_POLICY,
			"columns must be an object such as {\"cidr\": \"Network\"}, which names where the range is");
		return;
	}
	mark = pointer_push_key(&reader->at, "columns");
	json_check_keys(reader, columns, keys);
	read_shape(reader, columns, spec);
	spec->valid_until = column(reader, columns, "validUntil");
	pointer_pop(&reader->at, mark);
}

/** read_separator() - Member `separator` */
static void read_separator(struct reader *reader, const json_t *object, struct import_spec *spec)
{
	const json_t *value = json_member(object, "separator");
	const char *text = json_string_value(value);

	if (value && (!text || strlen(text) != 1 || !strchr(",;\t|", *text)))
		reader_error(reader, "separator", RULE_POLICY, "separator must be \",\", \";\", \"\\t\" or \"|\"");
	else if (text)
		spec->separator = *text;
}

/** read_encoding() - Member `encoding` */
static void read_encoding(struct reader *reader, const json_t *object, struct import_spec *spec)
{
	static const char *const names[] = {[IMPORT_UTF8] = "utf-8",
					    [IMPORT_LATIN1] = "iso-8859-1",
					    [IMPORT_WINDOWS1252] = "windows-1252",
					    [IMPORT_WINDOWS1252 + 1] = NULL};
	const json_t *value = json_member(object, "encoding");
	const char *text = json_string_value(value);

	for (unsigned i = 0; text && names[i]; i++) {
		if (strcmp(text, names[i]) == 0) {
			spec->encoding = (enum import_encoding)i;
			return;
		}
	}
	if (value)
		reader_error(reader, "encoding", RULE_POLICY,
			     "encoding must be \"utf-8\", \"iso-8859-1\" or \"windows-1252\"");
}

/** read_max_age() - Member `maxAge`: "36h" or "7d" */
static void read_max_age(struct reader *reader, const json_t *object, struct import_spec *spec)
{
	const json_t *value = json_member(object, "maxAge");
	const char *text = json_string_value(value);
	size_t digits = text ? strspn(text, "0123456789") : 0;
	long long number = 0;

	if (!value)
		return;
	for (size_t i = 0; i < digits && number < HOURS_MAX; i++)
		number = number * 10 + (text[i] - '0');
	if (!digits || !number || number >= HOURS_MAX || (strcmp(text + digits, "h") && strcmp(text + digits, "d"))) {
		reader_error(reader, "maxAge", RULE_POLICY,
			     "maxAge must be a number of hours or days, \"36h\" or \"7d\"");
		return;
	}
	spec->max_age = number * (text[digits] == 'd' ? SECONDS_PER_DAY : SECONDS_PER_HOUR);
}

/** refuse_key() - A key that the format has not */
static void refuse_key(struct reader *reader, const json_t *object, const char *key, const char *format)
{
	if (json_member(object, key))
		reader_error(reader, key, RULE_POLICY, "%s is for the format %s only", key, format);
}

/**
 * import_columns_read() - Keys of an import beside file, format, where and texts
 * @reader:	At the import; hears what is wrong
 * @object:	The import
 * @spec:	Its format is read; gets the rest
 */
void import_columns_read(struct reader *reader, const json_t *object, struct import_spec *spec)
{
	long long header = 0;

	read_max_age(reader, object, spec);
	(void)json_member_integer(reader, object, "minRows", 1, ROWS_MAX, &spec->min_rows);
	spec->items = "";
	if (spec->format == IMPORT_CSV || spec->format == IMPORT_JSON)
		read_columns(reader, object, spec);
	else
		refuse_key(reader, object, "columns", "csv or json");
	if (spec->format == IMPORT_ROUTES)
		spec->layout = (struct import_layout){
			.format = IMPORT_ROUTES, .form = IMPORT_ANY, .n_required = 1, .columns = {"dst"}};
	if (spec->format == IMPORT_JSON && json_member_text(reader, object, "items"))
		spec->items = json_member_text(reader, object, "items");
	else if (spec->format != IMPORT_JSON)
		refuse_key(reader, object, "items", "json");
	if (*spec->items && *spec->items != '/')
		reader_error(reader, "items", RULE_POLICY, "items must be a JSON pointer, such as \"/results\"");
	if (spec->format != IMPORT_CSV) {
		refuse_key(reader, object, "separator", "csv");
		refuse_key(reader, object, "header", "csv");
		return;
	}
	read_separator(reader, object, spec);
	read_encoding(reader, object, spec);
	(void)json_member_integer(reader, object, "header", 1, 1000, &header);
	spec->header = (unsigned)header;
}
