/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_FINDINGS_H
#define PLUGIN_COMMANDS_FINDINGS_H

/* `validate`'s listener: keeps every finding, finds its line and column, prints them as text or JSON. */

#include <stdio.h>

#include "plugin/commands/source.h"
#include "plugin/config/report.h"

/** struct place - Somewhere in a file; texts are owned, @line 0: unknown */
struct place {
	char *file;
	char *pointer;
	unsigned line;
	unsigned column;
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

/**
 * struct findings - All of them, in the order they were heard
 * @report:		Must stay first
 * @source:		Text of the file being read, in which findings are located at once; NULL: none
 * @source_file:	Its name
 * @failed:		Memory ran out: not every finding was kept
 */
struct findings {
	struct report report;
	const struct source *source;
	const char *source_file;
	struct kept_finding *items;
	size_t n_items;
	bool failed;
};

void findings_init(struct findings *findings);
void findings_done(struct findings *findings);
void findings_locate(struct findings *findings);
int findings_print_text(const struct findings *findings, size_t n_files, FILE *stream);
int findings_print_json(const struct findings *findings, size_t n_files, FILE *stream);

#endif
