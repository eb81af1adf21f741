/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines on which policy entries stand. */

#include "plugin/text/lines.h"

#include <stdlib.h>
#include <string.h>

#include "plugin/report/report.h"
#include "rangeguard/limits.h"

/** locator_of() - What finds places in @file, NULL when it can't be read */
static struct locator *locator_of(struct lines *lines, const char *file)
{
	struct source text;

	if (lines->file && strcmp(lines->file, file) == 0)
		return &lines->locator;
	source_done(&lines->source);
	lines->file = source_read_again(file, LIMIT_POLICY_FILE, &lines->source) == 0 ? file : NULL;
	text = source_without_mark(&lines->source);
	locator_done(&lines->locator);
	locator_init(&lines->locator, text.text, text.size);
	return lines->file ? &lines->locator : NULL;
}

/** remember() - Keep an answer; where there is no memory for it, it will be looked for again */
static void remember(struct lines *lines, const char *file, const char *pointer, unsigned line)
{
	struct known_line *known = reallocarray(lines->known, lines->n_known + 1, sizeof(*known));

	if (!known)
		return;
	lines->known = known;
	known[lines->n_known++] = (struct known_line){.file = file, .pointer = pointer, .line = line};
}

/**
 * lines_find() - Line on which a value stands
 * @lines:	Lines
 * @file:	File; must live as long as @lines
 * @pointer:	JSON pointer there, or the place of a line; likewise
 *
 * Return: the line from 1, 0 when it can't be found (any more)
 */
unsigned lines_find(struct lines *lines, const char *file, const char *pointer)
{
	unsigned line = pointer_line(pointer), column;
	struct locator *locator;

	if (line)
		return line;
	for (size_t i = 0; i < lines->n_known; i++)
		if (strcmp(lines->known[i].pointer, pointer) == 0 && strcmp(lines->known[i].file, file) == 0)
			return lines->known[i].line;
	locator = locator_of(lines, file);
	if (locator && locator_find(locator, pointer, false, &line, &column))
		line = 0;
	remember(lines, file, pointer, line);
	return line;
}

/** lines_done() - Release all */
void lines_done(struct lines *lines)
{
	source_done(&lines->source);
	locator_done(&lines->locator);
	free(lines->known);
	*lines = (struct lines){0};
}
