/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text. Positions lie inside it; in what jansson takes for JSON each value is found, what stands at its position
 * parses as that value, and there are duplicate keys just when jansson refuses the text for them.
 */

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/report/report.h"
#include "plugin/text/locate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** struct subject - The text under test, and a pointer into it */
struct subject {
	const char *text;
	size_t size;
	struct pointer at;
};

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** offset_of() - Offset of a position, counted without help of the code under test */
static size_t offset_of(const struct subject *subject, unsigned line, unsigned column)
{
	size_t at = 0;

	for (unsigned i = 1; i < line; i++) {
		const char *newline = memchr(subject->text + at, '\n', subject->size - at);

		require(newline != NULL);
		at = (size_t)(newline - subject->text) + 1;
	}
	for (unsigned i = 1; i < column; i++) {
		require(at < subject->size);
		at++;
		while (at < subject->size && ((unsigned char)subject->text[at] & 0xc0) == 0x80)
			at++;
	}
	return at;
}

/** check_value() - What stands where the pointer leads to is @value */
static void check_value(const struct subject *subject, const json_t *value)
{
	unsigned line, column;
	size_t offset;
	json_t *found;

	require(locate(subject->text, subject->size, subject->at.text, false, &line, &column) == 0);
	offset = offset_of(subject, line, column);
	found = json_loadb(subject->text + offset, subject->size - offset, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK,
			   NULL);
	require(found && json_equal(found, value));
	json_decref(found);
}

/** check_members() - check_value() of each child of @value, but not of theirs */
static void check_members(struct subject *subject, json_t *value)
{
	const char *key;
	json_t *child;
	size_t index;

	json_object_foreach(value, key, child) {
		size_t mark = pointer_push_key(&subject->at, key);

		if (strlen(key) < sizeof(subject->at.text) / 8)
			check_value(subject, child);
		pointer_pop(&subject->at, mark);
	}
	json_array_foreach(value, index, child) {
		size_t mark = pointer_push_index(&subject->at, index);

		check_value(subject, child);
		pointer_pop(&subject->at, mark);
	}
}

/** descend() - check_members() along the last child of each level */
static void descend(struct subject *subject, json_t *value)
{
	for (unsigned depth = 0; depth < 16 && value; depth++) {
		json_t *next = json_array_get(value, json_array_size(value) - 1), *child;
		const char *key, *last = NULL;

		check_members(subject, value);
		json_object_foreach(value, key, child) {
			last = key;
			next = child;
		}
		if (last && strlen(last) > 8)
			return;
		if (last)
			(void)pointer_push_key(&subject->at, last);
		else
			(void)pointer_push_index(&subject->at, json_array_size(value) - 1);
		value = next;
	}
}

/** count() - Listener of locate_duplicates() */
static void count(void *userdata, const char *pointer, unsigned line, unsigned column)
{
	require(pointer[0] == '/' && line > 0 && column > 0);
	++*(unsigned *)userdata;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct subject subject = {.text = (const char *)data, .size = size};
	json_t *json = json_loadb(subject.text, size, 0, NULL);
	unsigned line, column, duplicates = 0;
	json_error_t error;
	int r;

	(void)locate(subject.text, size, "/reserved/0/cidr", true, &line, &column);
	(void)offset_of(&subject, line, column);
	r = locate_duplicates(subject.text, size, count, &duplicates);
	if (!json)
		return 0;
	require(r == 0);
	descend(&subject, json);
	json_decref(json);
	json = json_loadb(subject.text, size, JSON_REJECT_DUPLICATES, &error);
	require(!json == (duplicates > 0));
	require(json || json_error_code(&error) == json_error_duplicate_key);
	json_decref(json);
	return 0;
}
