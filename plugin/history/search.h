/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HISTORY_SEARCH_H
#define PLUGIN_HISTORY_SEARCH_H

/*
 * Lines of a history that a question needs, out of many millions: found by what must stand in them, without a look at
 * the others; on all processors, a file each.
 */

#include "plugin/history/archive.h"

/** Texts that are looked for at most */
#define SEARCH_NEEDLES_MAX 2

/**
 * struct search_file - What was found in a file
 * @lines:	Its first line, those with a needle, its last line, each with its newline; owned
 * @size:	Bytes of them
 * @outcome:	0, negative errno
 */
struct search_file {
	char *lines;
	size_t size;
	size_t capacity;
	int outcome;
};

/**
 * struct search - A question
 * @archive:	Files
 * @needles:	Texts, one of which a line must have; NULL ends the list
 * @found:	What was found, a member per file; owned
 */
struct search {
	const struct archive *archive;
	const char *needles[SEARCH_NEEDLES_MAX + 1];
	struct search_file *found;
	size_t next;
};

int search_run(struct search *search);
void search_done(struct search *search);

#define SEARCH_CLEANUP __attribute__((cleanup(search_done)))

#endif
