/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_SOURCE_H
#define PLUGIN_TEXT_SOURCE_H

/* A file's text in memory, for those who need both its JSON and its lines. */

#include <jansson.h>
#include <stddef.h>

/** struct source - Text of a file, @size bytes and a NUL behind them; owned */
struct source {
	char *text;
	size_t size;
};

int source_read(const char *path, size_t limit, struct source *ret_source);
int source_read_again(const char *path, size_t limit, struct source *ret_source);
struct source source_without_mark(const struct source *source);
json_t *source_json(const struct source *source, size_t flags, json_error_t *error);
void source_done(struct source *source);

#define SOURCE_CLEANUP __attribute__((cleanup(source_done)))

#endif
