/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_LINES_H
#define PLUGIN_TEXT_LINES_H

/* The lines on which policy entries stand. Reads each file once more; remembers what has been asked. */

#include "plugin/text/locate.h"
#include "plugin/text/source.h"

/** struct known_line - An answer; texts are borrowed from who asked */
struct known_line {
	const char *file;
	const char *pointer;
	unsigned line;
};

/**
 * struct lines - What has been found
 * @known:	Answers so far
 * @n_known:	How many
 * @source:	Text of the file looked into last
 * @locator:	Finds places in it
 * @file:	Its name, NULL: none; borrowed
 */
struct lines {
	struct known_line *known;
	size_t n_known;
	struct source source;
	struct locator locator;
	const char *file;
};

unsigned lines_find(struct lines *lines, const char *file, const char *pointer);
void lines_done(struct lines *lines);

#endif
