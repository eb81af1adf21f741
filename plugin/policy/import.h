/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_POLICY_IMPORT_H
#define PLUGIN_POLICY_IMPORT_H

/*
 * CSV exports of address managers into reserved entries of the guard (README, "Imports"), row by row: a million of them
 * need no more memory than their entries. A row that is wanted and can't be read is an error with its line, never a gap.
 * An entry's place is its line (pointer_of_line()). Pure; who opens the file is policy_import.c.
 */

#include "ipam/guard/guard.h"
#include "plugin/policy/import_format.h"
#include "plugin/text/json.h"
#include "plugin/text/table.h"

/** struct import_filter - Rows whose @column has one of the values; letter case does not count */
struct import_filter {
	const char *column;
	const char **values;
	size_t n_values;
};

/** Texts of an entry that a table may give */
enum import_text {
	IMPORT_OWNER,
	IMPORT_REASON,
	IMPORT_REF,
	IMPORT_TEXTS,
};

/** Their keys */
extern const char *const import_text_keys[IMPORT_TEXTS];

/** struct import_source - Where a text comes from: a column, a constant, or nowhere (both NULL) */
struct import_source {
	const char *column;
	const char *constant;
};

/** Encodings of a text */
enum import_encoding {
	IMPORT_UTF8,
	IMPORT_LATIN1,
	IMPORT_WINDOWS1252,
};

/**
 * struct import_spec - What a policy says of a file; texts are borrowed
 * @format:	Its format
 * @layout:	Where ranges stand, for the formats that leave that to the policy
 * @valid_until: Column of the last day on which a row counts, NULL: none
 * @items:	JSON pointer to the rows
 * @separator:	Of cells; NUL: the header tells
 * @header:	Line of the header, 0: the first one
 * @max_age:	Seconds after which a table that nobody has written is not trusted, 0: never
 * @min_rows:	Reservations below which it is taken for cut off
 * @today:	Days since 1970-01-01 UTC
 */
struct import_spec {
	enum import_format format;
	struct import_layout layout;
	const char *valid_until;
	const char *items;
	enum import_encoding encoding;
	char separator;
	unsigned header;
	long long max_age;
	long long min_rows;
	long today;
	struct import_filter filters[LIMIT_IMPORT_FILTERS];
	size_t n_filters;
	struct import_source texts[IMPORT_TEXTS];
};

int import_spec_read(struct reader *reader, const json_t *object, struct import_spec *ret_spec, const char **ret_file);
/* The layout of a spec that follows @after, NULL: the first one; NULL when there is none. */
const struct import_layout *import_spec_layout_next(const struct import_spec *spec, const char *kind,
						    const struct import_layout *after);
/* Keys of the formats whose columns the policy names; what is wrong is reported. */
void import_columns_read(struct reader *reader, const json_t *object, struct import_spec *spec);
void import_spec_done(struct import_spec *spec);

/** No column */
#define IMPORT_NONE SIZE_MAX
/** Layouts that one header may have */
#define IMPORT_LAYOUTS_MAX 4U

/**
 * struct import_section - What a header says of the rows behind it
 * @kind:	Type of the rows (Infoblox), owned; NULL: all
 * @n_columns:	Columns of the header
 * @layouts:	Where ranges stand; none: its rows are not wanted
 * @n_layouts:	How many
 * @spans:	Columns of each layout, IMPORT_NONE where the header has none
 * @filters:	Columns of the filters
 * @texts:	Columns of the texts
 * @valid_until: Column of the last day
 */
struct import_section {
	char *kind;
	size_t n_columns;
	const struct import_layout *layouts[IMPORT_LAYOUTS_MAX];
	size_t n_layouts;
	size_t spans[IMPORT_LAYOUTS_MAX][IMPORT_SPAN_COLUMNS];
	size_t filters[LIMIT_IMPORT_FILTERS];
	size_t texts[IMPORT_TEXTS];
	size_t valid_until;
};

/**
 * struct import - A file being imported
 * @spec:	What the policy says of it; borrowed
 * @reader:	At the policy's import object, for what is wrong with that; borrowed
 * @file:	The table's path; borrowed
 * @guard:	Gets the entries; borrowed
 * @table:	Its rows
 * @sections:	Headers so far: one, or one for each type of rows; owned
 * @n_sections:	How many
 * @text_found:	Texts whose column some header has
 * @any_ranges:	A header of rows that hold ranges has been seen
 * @any_wanted:	And the filters on the type take such rows
 * @place:	JSON pointer of the row at hand, NULL: it has a line
 * @last_day:	Of the row at hand, LONG_MAX: none
 * @imported:	NULL, or hears of each entry; borrowed
 * @head:	What has been fed before the separator is known; of JSON, all
 * @is_open:	The separator is known
 * @first_end:	The first of the last days on which a row counts, LONG_MAX: none
 * @n_rows:	Rows that hold something, without headers
 * @n_entries:	Entries that they became
 * @n_errors:	Rows that can't be read
 */
struct import {
	const struct import_spec *spec;
	struct reader *reader;
	const char *file;
	struct guard *guard;
	struct table table;
	struct import_section *sections;
	size_t n_sections;
	bool text_found[IMPORT_TEXTS];
	bool any_ranges;
	bool any_wanted;
	const char *place;
	long last_day;
	struct imported *imported;
	char *head;
	size_t head_size;
	size_t head_capacity;
	bool is_open;
	long first_end;
	size_t n_rows;
	size_t n_entries;
	unsigned n_errors;
};

/* 0, -ENOMEM; to be released by import_done() also when it fails. */
int import_init(struct import *import, const struct import_spec *spec, struct reader *reader, const char *file,
		struct guard *guard);
void import_done(struct import *import);
int import_feed(struct import *import, const void *bytes, size_t size);
int import_finish(struct import *import);

/* Of CSV: the separator that a text has, whether all of its header has been fed, and a piece of it as UTF-8 (owned). */
char import_separator(const struct import_spec *spec, const char *text, size_t size);
bool import_has_header(const struct import_spec *spec, const char *text, size_t size);
char *import_decode(enum import_encoding encoding, const char *text, size_t size, size_t *ret_size);
/* Rows of JSON: import_finish() of a format that is JSON. */
int import_json(struct import *import);
/* A row, from a table or made of JSON: 0, -ENOMEM, -E2BIG, -ECANCELED. */
int import_row(void *userdata, const struct table_row *row);

/* Between the parts of the importer. A row's flaw is reported; 0, -ECANCELED when there have been too many. */
int import_flaw(struct import *import, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A header, for rows of @kind (NULL: all): 0 also when it is reported as unusable, -ENOMEM, -ECANCELED. */
int import_header(struct import *import, const char *kind, const struct table_row *row);
void import_clean(char *text);
/* Whether a filter takes a value. */
bool import_filter_takes(const struct import_filter *filter, const char *value);

#endif
