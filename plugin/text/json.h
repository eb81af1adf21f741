/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_JSON_H
#define PLUGIN_TEXT_JSON_H

/*
 * Reading typed values out of JSON objects, with a report of what is wrong and where. `null` counts as absent, as it
 * does for Go's programs, whose configurations these are.
 */

#include <jansson.h>
#include <stdint.h>

#include "plugin/report/report.h"

/** struct reader - Who reads what: file, place in it and listener */
struct reader {
	const char *file;
	struct report *report;
	struct pointer at;
};

/* Report at the reader's place, or at member @key of it (NULL: at the place itself). */
void reader_no_memory(struct reader *reader);
void reader_error(struct reader *reader, const char *key, enum rule rule, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void reader_note(struct reader *reader, const char *key, enum rule rule, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void reader_warning(struct reader *reader, const char *key, enum rule rule, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Member @key of @object, NULL when absent or null (or, reported, of another type). Borrowed. */
const json_t *json_member(const json_t *object, const char *key);
const json_t *json_member_object(struct reader *reader, const json_t *object, const char *key);
const json_t *json_member_array(struct reader *reader, const json_t *object, const char *key, size_t limit);
const char *json_member_text(struct reader *reader, const json_t *object, const char *key);

/* Leave *value alone when absent; 0, or REFUSED when reported. */
int json_member_bool(struct reader *reader, const json_t *object, const char *key, bool *value);
int json_member_integer(struct reader *reader, const json_t *object, const char *key, long long minimum,
			long long maximum, long long *value);
/* @names ends with NULL; *value becomes the index of the name. */
int json_member_choice(struct reader *reader, const json_t *object, const char *key, const char *const *names,
		       unsigned *value);

/* Report each null in a value, and in those of @object's members whose keys (NULL behind the last) are named. */
void json_refuse_nulls(struct reader *reader, const json_t *value, enum rule rule);
void json_refuse_null_members(struct reader *reader, const json_t *object, const char *const *keys, enum rule rule);

/* Report each key of @object that is none of @known (ends with NULL), does not begin with "x-" or "cni.dev/". */
void json_check_keys(struct reader *reader, const json_t *object, const char *const *known);

/* Value of a JSON value as compact text, cut to fit; for messages. Return: @buffer. */
const char *json_brief(const json_t *value, char *buffer, size_t size);

#endif
