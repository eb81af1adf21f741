/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_FINDINGS_H
#define PLUGIN_COMMANDS_FINDINGS_H

/* `validate`'s listener: keeps every finding, finds its line and column, prints them in the formats that tools read. */

#include <jansson.h>
#include <stdio.h>

#include "plugin/foreign/survey.h"
#include "plugin/report/report.h"
#include "plugin/text/paths.h"
#include "plugin/text/source.h"
#include "plugin/text/values.h"

/**
 * struct place - Somewhere in a file
 * @file, @pointer: Owned; @pointer and @offset as in struct finding
 * @line:	0: unknown
 * @alias_line:	Line of the alias of YAML that stands for it, through which it was met; 0: none
 */
struct place {
	char *file;
	char *pointer;
	unsigned line;
	unsigned column;
	size_t offset;
	unsigned alias_line;
	unsigned alias_column;
};

/** struct kept_finding - A finding of its own; @related.file NULL: none */
struct kept_finding {
	enum rule rule;
	enum severity severity;
	bool on_key;
	char *message;
	struct place at;
	struct place related;
};

/** struct kept_source - A text that can't be read a second time: standard input, a pipe; owned */
struct kept_source {
	char *file;
	struct source source;
};

/** Kinds of names of files that were passed over */
enum passed_over {
	PASSED_JSON,
	PASSED_YAML,
	PASSED_OTHER,
	N_PASSED_OVER,
};

/**
 * struct findings - All of them, in the order they were heard
 * @report:		Must stay first
 * @files:		Names of the files read
 * @sources:		Texts that can't be read a second time; owned
 * @n_passed_over:	Files of directories that are of no kind that is read, by their names
 * @unread:		Kinds of resources that are not read; borrowed
 * @hits:		What reservations would hit of what is there, by owner; borrowed
 * @n_reserved:		Reservations that were read
 * @most:		Items from which on further ones are only counted; 0: all are kept
 * @strict:		Warnings count as errors
 * @colour:		What is printed as text is coloured
 * @failed:		Memory ran out: not every finding was kept
 */
struct findings {
	struct report report;
	struct kept_finding *items;
	size_t n_items;
	size_t capacity;
	struct path_list files;
	struct kept_source *sources;
	size_t n_sources;
	size_t n_passed_over[N_PASSED_OVER];
	const struct unread *unread;
	size_t n_unread;
	const struct hits *hits;
	size_t n_hits;
	size_t n_reserved;
	size_t most;
	bool strict;
	bool colour;
	bool failed;
};

void findings_init(struct findings *findings);
void findings_done(struct findings *findings);
void findings_locate(struct findings *findings, size_t from, const char *file, struct values *values);
void findings_keep_source(struct findings *findings, const char *file, struct source *source);
void findings_begin_file(struct findings *findings);
void findings_end_file(struct findings *findings, const char *file);
void findings_finish(struct findings *findings);

void findings_pass_over(struct findings *findings, const char *file);
size_t findings_n_passed_over(const struct findings *findings);
const char *findings_severity(enum severity severity);
const char *findings_pointer(const struct place *place);
bool findings_alias(const struct place *place, struct place *ret_alias);
const char *findings_path(const char *file);
json_t *findings_json_text(const char *text);

/* Each prints all findings, located, to @stream. 0, -1 when it can't be written. */
int findings_print_text(const struct findings *findings, FILE *stream);
int findings_print_json(const struct findings *findings, FILE *stream);
int findings_print_sarif(const struct findings *findings, FILE *stream);
int findings_print_junit(const struct findings *findings, FILE *stream);
int findings_print_github(const struct findings *findings, FILE *stream);

/** struct findings_format - A format by its name, as --format has it */
struct findings_format {
	const char *name;
	int (*print)(const struct findings *findings, FILE *stream);
};

const struct findings_format *findings_format(const char *name);

#endif
