/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as XML, read as libvirt's networks are. Reading comes to an end; each address that is found stands in the text at
 * the place that its pointer is told at.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/foreign/subject.h"
#include "plugin/text/values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** hear() - Listener that looks at each finding's texts */
static void hear(struct report *report, const struct finding *finding)
{
	(void)report;
	require(finding->message[0] && finding->file && finding->pointer);
}

/** offset_of() - Offset of a line and column, which lie in the text */
static size_t offset_of(const struct values *values, unsigned line, unsigned column)
{
	struct position position = POSITION_START;

	while (position.line != line || position.column != column) {
		require(position.at < values->size);
		position_advance(&position, values->text, position.at + 1);
	}
	/* The bytes that continue a character have its column. */
	return position.at;
}

/** step_into() - The member or element that the next step of a pointer leads to; @pointer goes on behind it */
static const json_t *step_into(const json_t *value, const char **pointer)
{
	size_t length = strcspn(*pointer + 1, "/");
	char step[256];

	require(length < sizeof(step));
	memcpy(step, *pointer + 1, length);
	step[length] = '\0';
	*pointer += 1 + length;
	return json_is_array(value) ? json_array_get(value, strtoul(step, NULL, 10)) : json_object_get(value, step);
}

/** check_place() - The text that a declaration was read from stands where it is told; entities apart */
static void check_place(struct values *values, const struct declaration *declaration)
{
	const struct values_place place = {.pointer = declaration->pointer, .offset = declaration->offset};
	const char *pointer = declaration->pointer, *text;
	const json_t *value = values->root;
	unsigned line, column;
	size_t at;

	require(values_find(values, &place, &line, &column));
	at = offset_of(values, line, column);
	while (value && *pointer == '/')
		value = step_into(value, &pointer);
	text = json_string_value(value);
	/* Defaults stand nowhere, and a text may be a document of its own. */
	if (!text)
		return;
	if (memchr(values->text + at, '&', values->size - at) || strpbrk(text, " \t\r\n"))
		return;
	require(values->size - at >= strlen(text) && memcmp(values->text + at, text, strlen(text)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DECLARATIONS_CLEANUP struct declarations declarations = {0};
	VALUES_CLEANUP struct values values = {0};
	struct report report = {.heard = hear};
	int r = values_start(&values, (const char *)data, size, VALUES_XML);

	require(r == 0 || (r == VALUES_E_SYNTAX && *values.problem && values.line > 0));
	if (r)
		return 0;
	require(values_next(&values) == 0);
	require(subjects_read(values.root, "network.xml", &declarations, &report) == 0);
	for (size_t i = 0; i < declarations.n_items; i++)
		check_place(&values, &declarations.items[i]);
	return 0;
}
