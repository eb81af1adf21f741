/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON of address managers and routers as rows: each item's values at the pointers that the policy names, under a header
 * of these pointers, so that what holds for tables holds for them. Pure.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/policy/import.h"
#include "plugin/text/source.h"
#include "plugin/text/token.h"
#include "rangeguard/array.h"

/** Columns that a policy can name: of the range, the filters, the texts and the last day */
#define COLUMNS_MAX (IMPORT_SPAN_COLUMNS + LIMIT_IMPORT_FILTERS + IMPORT_TEXTS + 1U)
/** Space for a number as a text */
#define NUMBER_MAX 32U

/** struct json_columns - Names of the columns, which are pointers */
struct json_columns {
	const char *names[COLUMNS_MAX];
	size_t n;
};

/** add_column() - Add a column that is named, once */
static void add_column(struct json_columns *columns, const char *name)
{
	for (size_t i = 0; name && i < columns->n; i++)
		if (import_same_name(columns->names[i], name))
			return;
	if (name)
		columns->names[columns->n++] = name;
}

/** all_columns() - The columns that a spec names */
static struct json_columns all_columns(const struct import_spec *spec)
{
	struct json_columns columns = {.n = 0};

	for (size_t i = 0; i < IMPORT_SPAN_COLUMNS; i++)
		add_column(&columns, spec->layout.columns[i]);
	for (size_t i = 0; i < spec->n_filters; i++)
		add_column(&columns, spec->filters[i].column);
	for (size_t i = 0; i < IMPORT_TEXTS; i++)
		add_column(&columns, spec->texts[i].column);
	add_column(&columns, spec->valid_until);
	return columns;
}

/** value_at() - What a pointer leads to, NULL: nothing; a name without a slash is a member's */
static const json_t *value_at(const json_t *value, const char *pointer)
{
	if (*pointer && *pointer != '/')
		return json_object_get(value, pointer);
	while (value && *pointer == '/') {
		struct token token = token_next(&pointer);
		const json_t *child = json_array_get(value, token_index(&token));
		const char *key;
		json_t *member;

		json_object_foreach((json_t *)(uintptr_t)value, key, member) {
			if (token_is_text(&token, key))
				child = member;
		}
		value = child;
	}
	return value;
}

/** text_of() - A value as a cell: texts, numbers, true and false; "" for all else */
static const char *text_of(const json_t *value, char buffer[static NUMBER_MAX])
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_integer(value))
		(void)snprintf(buffer, NUMBER_MAX, "%lld", (long long)json_integer_value(value));
	else
		(void)snprintf(buffer, NUMBER_MAX, "%s",
			       json_is_boolean(value) ? json_is_true(value) ? "true" : "false" : "");
	return buffer;
}

/** read_item() - One item as a row */
static int read_item(struct import *import, const struct json_columns *columns, const json_t *item, const char *place)
{
	char numbers[COLUMNS_MAX][NUMBER_MAX];
	const char *cells[COLUMNS_MAX] = {""};
	const struct table_row row = {.cells = cells, .n_cells = columns->n, .line = 1, .place = place};

	for (size_t i = 0; i < columns->n; i++)
		cells[i] = text_of(value_at(item, columns->names[i]), numbers[i]);
	/* Nothing at all where the range should be: import_row() would pass it over as an empty line. */
	if (!*cells[0]) {
		import->place = place;
		import->n_rows++;
		return import_flaw(import, 1, "there is nothing at %s", columns->names[0]);
	}
	return import_row(import, &row);
}

/** read_items() - Each item */
static int read_items(struct import *import, const json_t *items)
{
	const struct json_columns columns = all_columns(import->spec);
	const struct table_row header = {.cells = columns.names, .n_cells = columns.n, .line = 1};
	struct pointer at = pointer_of(import->spec->items);
	int r = import_row(import, &header);

	for (size_t i = 0; i < json_array_size(items) && !r; i++) {
		size_t mark = pointer_push_index(&at, i);

		r = read_item(import, &columns, json_array_get(items, i), at.text);
		pointer_pop(&at, mark);
	}
	return r;
}

/**
 * next_page() - Where a document says that it is one page of several
 * @root:	The document
 * @items:	Pointer of its rows
 * @ret_place:	Set to the pointer of the member that says so: NetBox and Nautobot, Infoblox, AWS, Azure
 *
 * Return: the name of the member, NULL: it says nothing
 */
static const char *next_page(const json_t *root, const char *items, struct pointer *ret_place)
{
	static const char keys[][16] = {"next", "next_page_id", "NextToken", "nextLink"};
	const char *slash = strrchr(items, '/');
	struct pointer parent = {.length = 0};
	const json_t *around;

	(void)snprintf(parent.text, sizeof(parent.text), "%.*s", slash ? (int)(slash - items) : 0, items);
	parent = pointer_of(parent.text);
	around = value_at(root, parent.text);
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		const char *next = json_string_value(json_object_get(around, keys[i]));

		if (!next || !*next)
			continue;
		*ret_place = parent;
		(void)pointer_push_key(ret_place, keys[i]);
		return keys[i];
	}
	return NULL;
}

/** read_page() - The rows, which have to be all there are: what stands on another page would not be reserved */
static int read_page(struct import *import, const json_t *root, const json_t *items)
{
	struct pointer place;
	const char *next = next_page(root, import->spec->items, &place);
	int r;

	if (!next)
		return read_items(import, items);
	import->place = place.text;
	r = import_flaw(import, 1,
			"%s says that more rows follow on another page, which nobody reads: export all of them into "
			"one document",
			next);
	import->place = NULL;
	return r;
}

/**
 * import_json() - Import what has been fed as JSON
 * @import:	Import
 *
 * Return: 0 also when something was reported, -ENOMEM, -E2BIG, -ECANCELED
 */
int import_json(struct import *import)
{
	json_error_t error;
	const struct source head = {.text = import->head, .size = import->head_size};
	json_t *root = source_json(&head, 0, &error);
	const json_t *items = value_at(root, import->spec->items);
	int r;

	if (!root)
		return import_flaw(import, error.line > 0 ? (unsigned)error.line : 1, "not valid JSON: %s", error.text);
	if (json_is_array(items)) {
		r = read_page(import, root, items);
	} else {
		import->place = import->spec->items;
		r = *import->spec->items
			    ? import_flaw(import, 1,
					  "there is no array at \"%.128s\", where items says that the rows are",
					  import->spec->items)
			    : import_flaw(import, 1,
					  "the document is not an array of rows; say by items where in it they are");
	}
	json_decref(root);
	return r;
}
