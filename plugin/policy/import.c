/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CSV exports of address managers into reserved entries of the guard. Pure. */

#include "plugin/policy/import.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugin/policy/policy_internal.h"
#include "plugin/report/utf8.h"
#include "rangeguard/bytes.h"
#include "rangeguard/cleanup.h"

/** Begins the first cell of an Infoblox header; the type of the rows follows */
#define HEADER "header-"

const char *const import_text_keys[IMPORT_TEXTS] = {"owner", "reason", "ref"};

/** import_clean() - Make what a table holds fit for one line of a message: UTF-8 without control characters */
void import_clean(char *text)
{
	utf8_mend(text);
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			*text = ' ';
}

/**
 * import_flaw() - Report that a row can't be read
 * @import:	Import
 * @line:	Its line
 * @format:	What is wrong with it
 *
 * Return: 0, -ECANCELED when there have been so many that nobody reads on
 */
int import_flaw(struct import *import, unsigned line, const char *format, ...)
{
	char message[ERROR_MSG_MAX], line_text[POINTER_LINE_MAX];
	const char *place = import->place ? import->place : pointer_of_line(line, line_text);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	import_clean(message);
	report_error(import->reader->report, RULE_POLICY, import->file, place, "%s", message);
	if (++import->n_errors < LIMIT_IMPORT_ERRORS)
		return 0;
	report_error(import->reader->report, RULE_POLICY, import->file, place,
		     "%u rows can't be read; what follows is not looked at", import->n_errors);
	return -ECANCELED;
}

/** import_filter_takes() - Whether @value is one of those wanted */
bool import_filter_takes(const struct import_filter *filter, const char *value)
{
	for (size_t i = 0; i < filter->n_values; i++)
		if (strcasecmp(filter->values[i], value) == 0)
			return true;
	return false;
}

/** cell() - Text of a column, "" where the row has none */
static const char *cell(const struct table_row *row, size_t column)
{
	return column < row->n_cells ? row->cells[column] : "";
}

/** is_wanted() - Whether all filters take a row */
static bool is_wanted(const struct import *import, const struct import_section *section, const struct table_row *row)
{
	for (size_t i = 0; i < import->spec->n_filters; i++)
		if (!import_filter_takes(&import->spec->filters[i], cell(row, section->filters[i])))
			return false;
	return true;
}

/**
 * text_of() - A text of an entry, fit for one line of an error message
 * @source:	Where it comes from
 * @text:	Text of its column
 * @buffer:	Space for it
 *
 * Return: the text
 */
static const char *text_of(const struct import_source *source, const char *text,
			   char buffer[static LIMIT_IMPORT_TEXT + 1])
{
	if (source->constant)
		return source->constant;
	(void)snprintf(buffer, LIMIT_IMPORT_TEXT + 1, "%s", text);
	if (strlen(text) > LIMIT_IMPORT_TEXT)
		utf8_drop_cut_character(buffer);
	import_clean(buffer);
	return buffer;
}

/** add_entry() - A range with the texts of its row: 0, -ENOMEM, -E2BIG, what who hears of it returned */
static int add_entry(struct import *import, const struct import_section *section, const struct table_row *row,
		     const struct span *span)
{
	char texts[IMPORT_TEXTS][LIMIT_IMPORT_TEXT + 1], place[POINTER_LINE_MAX];
	const char *values[IMPORT_TEXTS];
	int r;
	struct guard_entry entry = {
		.kind = GUARD_RESERVED,
		.span = *span,
		.file = import->file,
		.pointer = row->place ? row->place : pointer_of_line(row->line, place),
	};

	for (size_t i = 0; i < IMPORT_TEXTS; i++)
		values[i] = text_of(&import->spec->texts[i], cell(row, section->texts[i]), texts[i]);
	entry.owner = values[IMPORT_OWNER];
	entry.reason = values[IMPORT_REASON];
	entry.ref = values[IMPORT_REF];
	import->n_entries++;
	r = guard_add(import->guard, &entry);
	return r || !import->imported ? r : import->imported->heard(import->imported, &entry, import->last_day);
}

/**
 * read_span() - One of the ranges that a row may hold
 * @import:	Import
 * @section:	Its header
 * @row:	The row
 * @layout:	Index of the layout in @section
 *
 * Return: 0 also when it can't be read (reported), -ENOMEM, -E2BIG, -ECANCELED
 */
static int read_span(struct import *import, const struct import_section *section, const struct table_row *row,
		     size_t layout)
{
	const char *cells[IMPORT_SPAN_COLUMNS];
	char flaw[IMPORT_FLAW_MAX];
	struct span span;
	int r;

	for (size_t i = 0; i < IMPORT_SPAN_COLUMNS; i++)
		cells[i] = cell(row, section->spans[layout][i]);
	r = import_span_read(section->layouts[layout], cells, &span, flaw);
	if (r == IMPORT_E_UNREADABLE)
		return import_flaw(import, row->line, "%s", flaw);
	return r ? 0 : add_entry(import, section, row, &span);
}

/**
 * is_past() - Whether a row's last day, which is noted, is over
 * @import:	Import
 * @text:	The day, "": the row counts for ever
 * @line:	Line of the row
 * @ret_flaw:	What import_flaw() returned, when it is not a day (reported)
 */
static bool is_past(struct import *import, const char *text, unsigned line, int *ret_flaw)
{
	import->last_day = LONG_MAX;
	if (!*text)
		return false;
	if (!policy_parse_date(text, &import->last_day)) {
		*ret_flaw = import_flaw(import, line, "%s \"%.32s\" must be a day, YYYY-MM-DD",
					import->spec->valid_until, text);
		return false;
	}
	if (import->last_day < import->spec->today)
		return true;
	if (import->last_day < import->first_end)
		import->first_end = import->last_day;
	return false;
}

/** read_spans() - All ranges of a row: those whose first column is not empty; there must be one */
static int read_spans(struct import *import, const struct import_section *section, const struct table_row *row)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < section->n_layouts && !r; i++) {
		if (!*cell(row, section->spans[i][0]))
			continue;
		any = true;
		r = read_span(import, section, row, i);
	}
	if (r || any)
		return r;
	return import_flaw(import, row->line, "%s is empty", section->layouts[0]->columns[0]);
}

/** is_no_route() - Whether a row is the default route, which says nothing of where addresses are in use */
static bool is_no_route(const struct import *import, const struct import_section *section, const struct table_row *row)
{
	return import->spec->format == IMPORT_ROUTES && strcmp(cell(row, section->spans[0][0]), "default") == 0;
}

/**
 * read_row() - A row that is no header
 * @import:	Import
 * @section:	Its header
 * @row:	The row
 *
 * Return: 0 also when it can't be read (reported), -ENOMEM, -E2BIG, -ECANCELED
 */
static int read_row(struct import *import, const struct import_section *section, const struct table_row *row)
{
	size_t n = row->n_cells;
	int r = 0;

	import->n_rows++;
	if (!section->n_layouts)
		return 0;
	/* Separators that end a row too much are harmless; Infoblox' own examples leave some out. */
	while (n > section->n_columns && !*row->cells[n - 1])
		n--;
	if (n > section->n_columns || (n < section->n_columns && !section->kind))
		return import_flaw(import, row->line,
				   "the row has %zu columns and its header %zu; is a quote missing, or is it cut off?",
				   n, section->n_columns);
	if (!is_wanted(import, section, row) || is_no_route(import, section, row) ||
	    is_past(import, cell(row, section->valid_until), row->line, &r))
		return r;
	return r ? r : read_spans(import, section, row);
}

/** section_of() - The header for rows of that type, NULL when there has been none */
static const struct import_section *section_of(const struct import *import, const char *kind)
{
	for (size_t i = 0; i < import->n_sections; i++)
		if (strcasecmp(import->sections[i].kind, kind) == 0)
			return &import->sections[i];
	return NULL;
}

/** take_typed_row() - A row of a format whose rows have types: a header, or a row behind one */
static int take_typed_row(struct import *import, const struct table_row *row)
{
	const struct import_section *section;

	if (strncasecmp(row->cells[0], HEADER, strlen(HEADER)) == 0)
		return import_header(import, row->cells[0] + strlen(HEADER), row);
	section = section_of(import, row->cells[0]);
	if (section)
		return read_row(import, section, row);
	return import_flaw(import, row->line, "rows of type \"%.64s\" must follow a header-%.64s", row->cells[0],
			   row->cells[0]);
}

/** is_blank() - Whether a row has separators only, as spreadsheets write below a table */
static bool is_blank(const struct table_row *row)
{
	for (size_t i = 0; i < row->n_cells; i++)
		if (*row->cells[i])
			return false;
	return true;
}

/** is_title() - Whether a row stands before the header: Excel's "sep=;", and titles where the policy names the header's line */
static bool is_title(const struct import *import, const struct table_row *row)
{
	if (import->n_sections || import->spec->format != IMPORT_CSV)
		return false;
	return strncmp(row->cells[0], "sep=", 4) == 0 || row->line < import->spec->header;
}

/** import_row() - A row of the table */
int import_row(void *userdata, const struct table_row *row)
{
	struct import *import = userdata;

	if (is_blank(row) || is_title(import, row))
		return 0;
	import->place = row->place;
	if (import->spec->format == IMPORT_INFOBLOX)
		return take_typed_row(import, row);
	if (!import->n_sections)
		return import_header(import, NULL, row);
	return read_row(import, &import->sections[0], row);
}

/** import_init() - Begin to import a file */
int import_init(struct import *import, const struct import_spec *spec, struct reader *reader, const char *file,
		struct guard *guard)
{
	*import = (struct import){.spec = spec, .reader = reader, .file = file, .guard = guard, .first_end = LONG_MAX};
	import->is_open = spec->format < IMPORT_CSV;
	return table_init(&import->table, import_row, import);
}

/** import_done() - Release all */
void import_done(struct import *import)
{
	table_done(&import->table);
	free(import->head);
	for (size_t i = 0; i < import->n_sections; i++)
		free(import->sections[i].kind);
	free(import->sections);
}

/** report_table() - Say why the table can't be read on; 0, or what was no outcome of the table */
static int report_table(struct import *import, int outcome)
{
	static const char *const texts[] = {
		[TABLE_E_QUOTES - OUTCOMES_TABLE] =
			"a quote stands inside a cell, or something between a closing quote and the comma",
		[TABLE_E_UNCLOSED - OUTCOMES_TABLE] = "the quote of a cell that begins here is never closed",
		[TABLE_E_TOO_LONG - OUTCOMES_TABLE] = "the row is too long; is a quote missing?",
		[TABLE_E_NUL - OUTCOMES_TABLE] = "there is a NUL byte; the file must be text in UTF-8, not in UTF-16",
	};

	if (outcome < TABLE_E_QUOTES || outcome > TABLE_E_NUL)
		return outcome == -ECANCELED ? 0 : outcome;
	(void)import_flaw(import, import->table.line, "%s", texts[outcome - OUTCOMES_TABLE]);
	return 0;
}

/** feed_table() - Feed the table: 0, REFUSED when reading must end (reported), -ENOMEM, -E2BIG */
static int feed_table(struct import *import, const void *bytes, size_t size)
{
	int r = table_feed(&import->table, bytes, size);

	if (!r)
		return 0;
	r = report_table(import, r);
	return r < 0 ? r : REFUSED;
}

/** keep_head() - Keep what is fed for later; 0 or -ENOMEM */
static int keep_head(struct import *import, const void *bytes, size_t size)
{
	char *head = bytes_room(import->head, import->head_size, size, &import->head_capacity);

	if (!head)
		return -ENOMEM;
	import->head = head;
	memcpy(import->head + import->head_size, bytes, size);
	import->head_size += size;
	return 0;
}

/** open_table() - The separator is known, or the text has ended: feed what has been kept */
static int open_table(struct import *import)
{
	import->is_open = true;
	table_separate(&import->table, import_separator(import->spec, import->head, import->head_size));
	return feed_table(import, import->head ? import->head : "", import->head_size);
}

/** feed_text() - Feed a piece in UTF-8 */
static int feed_text(struct import *import, const void *bytes, size_t size)
{
	int r;

	if (import->is_open)
		return feed_table(import, bytes, size);
	r = keep_head(import, bytes, size);
	if (r < 0 || import->spec->format != IMPORT_CSV)
		return r;
	if (import->head_size < LIMIT_IMPORT_ROW && !import_has_header(import->spec, import->head, import->head_size))
		return 0;
	return open_table(import);
}

/**
 * import_feed() - Import the next piece of the file
 * @import:	Import
 * @bytes:	The piece; the first one holds a byte order mark whole, if there is one
 * @size:	Its size
 *
 * Return: 0, REFUSED when reading must end (reported), -ENOMEM, -E2BIG
 */
int import_feed(struct import *import, const void *bytes, size_t size)
{
	CLEANUP_FREE char *decoded = NULL;
	size_t n;

	if (import->spec->encoding == IMPORT_UTF8)
		return feed_text(import, bytes, size);
	decoded = import_decode(import->spec->encoding, bytes, size, &n);
	return decoded ? feed_text(import, decoded, n) : -ENOMEM;
}

/** report_missing() - What the whole file lacks */
static void report_missing(struct import *import)
{
	bool typed = import->spec->format == IMPORT_INFOBLOX;

	if (import->n_errors)
		return;
	if (!import->n_sections)
		(void)import_flaw(import, 1, typed ? "there is no header-network line" : "there is no header line");
	else if (!import->any_ranges)
		(void)import_flaw(import, 1, "no header line announces rows with ranges, as header-network does");
	for (size_t i = 0; typed && import->any_wanted && i < IMPORT_TEXTS; i++)
		if (import->spec->texts[i].column && !import->text_found[i])
			reader_error(import->reader, import_text_keys[i], RULE_POLICY,
				     "no header of %.512s that is of rows with ranges has a column \"%.64s\"",
				     import->file, import->spec->texts[i].column);
}

/**
 * import_finish() - The file has ended
 * @import:	Import
 *
 * Return: 0 also when something was reported, -ENOMEM, -E2BIG
 */
int import_finish(struct import *import)
{
	int r = 0;

	if (import->spec->format > IMPORT_CSV) {
		r = import_json(import);
		return r == -ECANCELED || r == REFUSED ? 0 : r;
	}
	if (!import->is_open)
		r = open_table(import);
	if (r)
		return r;
	r = table_finish(&import->table);
	if (r)
		return report_table(import, r);
	report_missing(import);
	return 0;
}
