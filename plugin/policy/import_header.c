/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the headers of an imported table say of the rows behind them. Pure. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugin/policy/import.h"

/** Name of the first column where rows have a type: the cell in the header names the type, not the column */
#define TYPE_COLUMN "type"
/** Space for a list of columns in a message */
#define NAMES_TEXT_MAX 512

/** struct header - A header row; @kind is the type of the rows that it is for, NULL: all */
struct header {
	const struct table_row *row;
	const char *kind;
};

/** column_name() - Name of a column */
static const char *column_name(const struct header *header, size_t index)
{
	return header->kind && !index ? TYPE_COLUMN : header->row->cells[index];
}

/** find_column() - Column of that name, IMPORT_NONE when there is none; *ret_twice when there are several */
static size_t find_column(const struct header *header, const char *name, bool *ret_twice)
{
	size_t found = IMPORT_NONE;

	*ret_twice = false;
	for (size_t i = 0; i < header->row->n_cells; i++) {
		if (!import_same_name(column_name(header, i), name))
			continue;
		*ret_twice = found != IMPORT_NONE;
		if (*ret_twice)
			break;
		found = i;
	}
	return found;
}

/** list_columns() - "Prefix, Status, Tenant", "..." where it does not fit. Return: @buffer */
static const char *list_columns(const struct header *header, char buffer[static NAMES_TEXT_MAX])
{
	size_t length = 0;

	*buffer = '\0';
	for (size_t i = 0; i < header->row->n_cells; i++) {
		const char *name = column_name(header, i);

		if (length + strlen(name) + sizeof(", ...") > NAMES_TEXT_MAX) {
			(void)snprintf(buffer + length, NAMES_TEXT_MAX - length, "...");
			break;
		}
		length += (size_t)snprintf(buffer + length, NAMES_TEXT_MAX - length, "%s%s", i ? ", " : "", name);
	}
	import_clean(buffer);
	return buffer;
}

/**
 * want_column() - Find a column that the policy names
 * @import:	Import; its reader is where the policy names it, at member @key
 * @header:	Header
 * @key:	Member that names it, for the report
 * @name:	Its name
 *
 * Return: its index, IMPORT_NONE when there is none or several (reported)
 */
static size_t want_column(struct import *import, const struct header *header, const char *key, const char *name)
{
	char names[NAMES_TEXT_MAX];
	bool twice;
	size_t index = find_column(header, name, &twice);

	if (index != IMPORT_NONE && !twice)
		return index;
	if (twice)
		reader_error(import->reader, key, RULE_POLICY,
			     "%.512s line %u has several columns \"%.64s\"; nobody knows which one is meant",
			     import->file, header->row->line, name);
	else
		reader_error(import->reader, key, RULE_POLICY, "%.512s line %u has no column \"%.64s\", only %s%s",
			     import->file, header->row->line, name, list_columns(header, names),
			     header->kind ? "; a filter on \"type\" leaves out rows of other types" : "");
	return IMPORT_NONE;
}

/** is_wanted_kind() - Whether the filters on the type, if any, take rows of that type */
static bool is_wanted_kind(const struct import_spec *spec, const char *kind)
{
	for (size_t i = 0; kind && i < spec->n_filters; i++)
		if (import_same_name(spec->filters[i].column, TYPE_COLUMN) &&
		    !import_filter_takes(&spec->filters[i], kind))
			return false;
	return true;
}

/** find_filters() - The columns of the filters */
static void find_filters(struct import *import, const struct header *header, struct import_section *section)
{
	size_t mark = pointer_push_key(&import->reader->at, "where");

	for (size_t i = 0; i < import->spec->n_filters; i++) {
		const char *column = import->spec->filters[i].column;

		section->filters[i] = want_column(import, header, column, column);
	}
	pointer_pop(&import->reader->at, mark);
}

/**
 * find_texts() - The columns of the texts
 * @import:	Import
 * @header:	Header
 * @section:	Gets them
 *
 * Where rows have types, it is enough that one of them has the column; import_finish() looks after that.
 */
static void find_texts(struct import *import, const struct header *header, struct import_section *section)
{
	for (size_t i = 0; i < IMPORT_TEXTS; i++) {
		const char *column = import->spec->texts[i].column;
		bool twice;

		section->texts[i] = IMPORT_NONE;
		if (!column)
			continue;
		section->texts[i] = find_column(header, column, &twice);
		if (twice || (section->texts[i] == IMPORT_NONE && !header->kind))
			section->texts[i] = want_column(import, header, import_text_keys[i], column);
		import->text_found[i] |= section->texts[i] != IMPORT_NONE;
	}
}

/** find_layout() - The columns of a layout; whether the header has those required, each once */
static bool find_layout(const struct header *header, const struct import_layout *layout,
			size_t columns[static IMPORT_SPAN_COLUMNS])
{
	for (size_t i = 0; i < IMPORT_SPAN_COLUMNS; i++) {
		bool twice = false;

		columns[i] = layout->columns[i] ? find_column(header, layout->columns[i], &twice) : IMPORT_NONE;
		if (twice || (i < layout->n_required && columns[i] == IMPORT_NONE))
			return false;
	}
	return true;
}

/** report_no_layout() - None of the layouts is there */
static int report_no_layout(struct import *import, const struct header *header)
{
	const struct import_layout *layout = NULL;
	char wanted[256] = "", names[NAMES_TEXT_MAX];
	bool one = header->row->n_cells == 1;
	size_t length = 0;

	while ((layout = import_spec_layout_next(import->spec, header->kind, layout)))
		for (size_t i = 0; i < layout->n_required; i++)
			length += (size_t)snprintf(wanted + length, sizeof(wanted) - length, "%s%s",
						   i	    ? " and "
						   : length ? ", or "
							    : "",
						   layout->columns[i]);
	return import_flaw(import, header->row->line, "the header of %s%s must have columns %s, each once, not %s%s",
			   import_format_names[import->spec->format], header->kind ? " rows with ranges" : "", wanted,
			   list_columns(header, names),
			   one && import->spec->format != IMPORT_CSV ? "; columns are separated by commas" : "");
}

/** find_layouts() - Where ranges stand; 0 also when none do (reported), -ECANCELED */
static int find_layouts(struct import *import, const struct header *header, struct import_section *section)
{
	const struct import_layout *layout = NULL;

	while ((layout = import_spec_layout_next(import->spec, header->kind, layout)) &&
	       section->n_layouts < IMPORT_LAYOUTS_MAX) {
		if (!find_layout(header, layout, section->spans[section->n_layouts]))
			continue;
		section->layouts[section->n_layouts++] = layout;
	}
	return section->n_layouts ? 0 : report_no_layout(import, header);
}

/** section_for() - The section of that type, emptied, or a new one: 0, -ENOMEM, -E2BIG */
static int section_for(struct import *import, const char *kind, struct import_section **ret_section)
{
	struct import_section *sections, *section;
	char *copy;

	for (size_t i = 0; i < import->n_sections; i++) {
		section = &import->sections[i];
		if (kind && strcasecmp(section->kind, kind) == 0) {
			*section = (struct import_section){.kind = section->kind};
			*ret_section = section;
			return 0;
		}
	}
	if (import->n_sections == LIMIT_IMPORT_SECTIONS)
		return -E2BIG;
	sections = reallocarray(import->sections, import->n_sections + 1, sizeof(*sections));
	if (!sections)
		return -ENOMEM;
	import->sections = sections;
	copy = kind ? strdup(kind) : NULL;
	if (kind && !copy)
		return -ENOMEM;
	section = &sections[import->n_sections++];
	*section = (struct import_section){.kind = copy};
	*ret_section = section;
	return 0;
}

/**
 * import_header() - Take in a header
 * @import:	Import
 * @kind:	Type of the rows that it is for, NULL: all
 * @row:	The header
 *
 * Return: 0 also when it is unusable (reported, and no row of it is read), -ENOMEM, -ECANCELED
 */
int import_header(struct import *import, const char *kind, const struct table_row *row)
{
	const struct header header = {.row = row, .kind = kind};
	struct import_section *section;
	int r = section_for(import, kind, &section);

	if (r == -E2BIG)
		return import_flaw(import, row->line, "there are headers for more than %u types of rows",
				   LIMIT_IMPORT_SECTIONS);
	if (r < 0)
		return r;
	section->n_columns = row->n_cells;
	if (!import_spec_layout_next(import->spec, kind, NULL))
		return 0;
	import->any_ranges = true;
	if (!is_wanted_kind(import->spec, kind))
		return 0;
	import->any_wanted = true;
	r = find_layouts(import, &header, section);
	if (r < 0)
		return r;
	find_texts(import, &header, section);
	section->valid_until = import->spec->valid_until
				       ? want_column(import, &header, "columns", import->spec->valid_until)
				       : IMPORT_NONE;
	find_filters(import, &header, section);
	return 0;
}
