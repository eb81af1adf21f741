/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_REPORT_JSON_TEXT_H
#define PLUGIN_REPORT_JSON_TEXT_H

/* jansson when memory is short: its readers call that a fault of the text, its writer leaves something out. */

#include <errno.h>
#include <jansson.h>

/**
 * json_text() - json_dumps(3) of all of a value, or none
 * @json:	Value; NULL: none
 * @flags:	Of json_dumps(3)
 *
 * jansson 2.14 (do_dump() in dump.c) does not look at what became of a key: without memory for it, the rest of the text
 * follows all the same.
 *
 * Return: Text, to be freed; NULL when there was not enough memory, or nothing to write
 */
static inline char *json_text(const json_t *json, size_t flags)
{
	json_free_t release;
	char *text;

	errno = 0;
	text = json ? json_dumps(json, flags) : NULL;
	if (!text || errno != ENOMEM)
		return text;
	/* It may come from jansson's reserve (program/json_reserve.c). */
	json_get_alloc_funcs(NULL, &release);
	release(text);
	return NULL;
}

#endif
