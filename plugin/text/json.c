/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading typed values out of JSON objects, with a report of what is wrong and where. Pure. */

#include "plugin/text/json.h"

#include <string.h>

#include "plugin/text/nearest.h"

/** reader_tell() - One finding at the reader's place or at member @key of it */
static void reader_tell(struct reader *reader, const char *key, struct finding *finding, const char *format,
			va_list arguments) __attribute__((format(printf, 4, 0)));

static void reader_tell(struct reader *reader, const char *key, struct finding *finding, const char *format,
			va_list arguments)
{
	size_t mark = reader->at.length;
	char message[ERROR_MSG_MAX];

	if (reader->report->is_full) {
		finding->message = "";
		report_finding(reader->report, finding);
		return;
	}
	if (key)
		(void)pointer_push_key(&reader->at, key);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	finding->file = reader->file;
	finding->pointer = reader->at.text;
	finding->message = message;
	report_finding(reader->report, finding);
	pointer_pop(&reader->at, mark);
}

/**
 * reader_error() - Report an error
 * @reader:	Reader
 * @key:	Member of the object at the reader's place, NULL: the place itself
 * @rule:	Rule
 * @format:	What, and what to do
 */
void reader_error(struct reader *reader, const char *key, enum rule rule, const char *format, ...)
{
	struct finding finding = {.rule = rule, .severity = SEVERITY_ERROR, .on_key = rule == RULE_UNKNOWN_KEY};
	va_list arguments;

	va_start(arguments, format);
	reader_tell(reader, key, &finding, format, arguments);
	va_end(arguments);
}

/** reader_no_memory() - Report that what is at the reader's place could not be read for lack of memory */
void reader_no_memory(struct reader *reader)
{
	report_no_memory(reader->report, reader->file, reader->at.text);
}

/** reader_warning() - reader_error() for what an ADD does not mind */
void reader_warning(struct reader *reader, const char *key, enum rule rule, const char *format, ...)
{
	struct finding finding = {.rule = rule, .severity = SEVERITY_WARNING};
	va_list arguments;

	va_start(arguments, format);
	reader_tell(reader, key, &finding, format, arguments);
	va_end(arguments);
}

/** reader_note() - reader_error() for what is wrong only in some places where the file may be used */
void reader_note(struct reader *reader, const char *key, enum rule rule, const char *format, ...)
{
	struct finding finding = {.rule = rule, .severity = SEVERITY_NOTE};
	va_list arguments;

	va_start(arguments, format);
	reader_tell(reader, key, &finding, format, arguments);
	va_end(arguments);
}

/** json_brief() - Compact text of @value in @buffer of @size bytes (at least 4), "..." where it does not fit */
const char *json_brief(const json_t *value, char *buffer, size_t size)
{
	size_t length;

	/* json_dumpb() leaves gaps where a piece did not fit. */
	memset(buffer, 0, size);
	/* 15 digits: with 17 of them 1.1 is 1.1000000000000001. */
	length = json_dumpb(value, buffer, size - 1,
			    JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	if (length >= size) {
		size_t kept = strlen(buffer);

		memcpy(buffer + (kept < size - 4 ? kept : size - 4), "...", 4);
	}
	return buffer;
}

/** wrong_type() - Report that member @key is not @wanted */
static void wrong_type(struct reader *reader, const char *key, const json_t *value, const char *wanted)
{
	char text[64];

	reader_error(reader, key, RULE_INVALID_VALUE, "%s must be %s, not %s", key, wanted,
		     json_brief(value, text, sizeof(text)));
}

/** json_member() - Member @key of @object, NULL when it is absent or null */
const json_t *json_member(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

/** json_member_object() - Member @key of @object, NULL when absent or (reported) no object */
const json_t *json_member_object(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_member(object, key);

	if (!value || json_is_object(value))
		return value;
	wrong_type(reader, key, value, "an object");
	return NULL;
}

/** json_member_array() - Member @key of @object, NULL when absent or (reported) no array of at most @limit elements */
const json_t *json_member_array(struct reader *reader, const json_t *object, const char *key, size_t limit)
{
	const json_t *value = json_member(object, key);

	if (!value)
		return NULL;
	if (!json_is_array(value)) {
		wrong_type(reader, key, value, "an array");
		return NULL;
	}
	if (json_array_size(value) > limit) {
		reader_error(reader, key, RULE_INVALID_VALUE, "%s has %zu elements; at most %zu are supported", key,
			     json_array_size(value), limit);
		return NULL;
	}
	return value;
}

/** json_member_text() - Member @key of @object, NULL when absent or (reported) no string */
const char *json_member_text(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_member(object, key);

	if (!value || json_is_string(value))
		return json_string_value(value);
	wrong_type(reader, key, value, "a string");
	return NULL;
}

/**
 * json_member_bool() - Read a boolean
 * @reader:	Reader
 * @object:	Object
 * @key:	Member
 * @value:	Left alone when the member is absent
 *
 * Return: 0, REFUSED when it is of another type (reported)
 */
int json_member_bool(struct reader *reader, const json_t *object, const char *key, bool *value)
{
	const json_t *member = json_member(object, key);

	if (!member)
		return 0;
	if (!json_is_boolean(member)) {
		wrong_type(reader, key, member, "true or false");
		return REFUSED;
	}
	*value = json_is_true(member);
	return 0;
}

/**
 * json_member_integer() - Read an integer between @minimum and @maximum
 * @reader:	Reader
 * @object:	Object
 * @key:	Member
 * @minimum:	Least value allowed
 * @maximum:	Greatest value allowed
 * @value:	Left alone when the member is absent
 *
 * Return: 0, REFUSED when it is of another type or out of bounds (reported)
 */
int json_member_integer(struct reader *reader, const json_t *object, const char *key, long long minimum,
			long long maximum, long long *value)
{
	const json_t *member = json_member(object, key);

	if (!member)
		return 0;
	if (!json_is_integer(member)) {
		wrong_type(reader, key, member, "an integer");
		return REFUSED;
	}
	if (json_integer_value(member) < minimum || json_integer_value(member) > maximum) {
		reader_error(reader, key, RULE_INVALID_VALUE, "%s is %lld; it must be between %lld and %lld", key,
			     (long long)json_integer_value(member), minimum, maximum);
		return REFUSED;
	}
	*value = json_integer_value(member);
	return 0;
}

/**
 * json_member_choice() - Read one of several names
 * @reader:	Reader
 * @object:	Object
 * @key:	Member
 * @names:	Names, NULL behind the last
 * @value:	Index of the name; left alone when the member is absent
 *
 * Return: 0, REFUSED when it is none of them (reported)
 */
int json_member_choice(struct reader *reader, const json_t *object, const char *key, const char *const *names,
		       unsigned *value)
{
	const json_t *member = json_member(object, key);
	char text[64], all[256] = "";
	const char *nearest;

	if (!member)
		return 0;
	for (unsigned i = 0; names[i]; i++) {
		if (json_is_string(member) && !strcmp(json_string_value(member), names[i])) {
			*value = i;
			return 0;
		}
		(void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s\"%s\"", i ? ", " : "", names[i]);
	}
	nearest = json_is_string(member) ? nearest_name(json_string_value(member), names) : NULL;
	reader_error(reader, key, RULE_INVALID_VALUE, "%s is %s; it must be one of %s%s%s%s", key,
		     json_brief(member, text, sizeof(text)), all, nearest ? " (did you mean \"" : "",
		     nearest ? nearest : "", nearest ? "\"?)" : "");
	return REFUSED;
}

/**
 * json_refuse_nulls() - Report each null in a value, comments apart: what was to fill it in has failed, and to take it for
 * absent would make what is for somebody one for everybody, or for ever
 * @reader:	Reader at the value
 * @value:	Value; NULL: there is none
 * @rule:	Rule of what it is in
 */
/* NOLINTNEXTLINE(misc-no-recursion): jansson has bounded the depth */
void json_refuse_nulls(struct reader *reader, const json_t *value, enum rule rule)
{
	size_t mark, index;
	const char *key;
	json_t *member;

	if (json_is_null(value))
		reader_error(reader, NULL, rule,
			     "null stands where a value was to be filled in; write the value, or leave the key out");
	json_object_foreach((json_t *)(uintptr_t)value, key, member) {
		if (strncmp(key, "x-", 2) == 0)
			continue;
		mark = pointer_push_key(&reader->at, key);
		json_refuse_nulls(reader, member, rule);
		pointer_pop(&reader->at, mark);
	}
	json_array_foreach((json_t *)(uintptr_t)value, index, member) {
		mark = pointer_push_index(&reader->at, index);
		json_refuse_nulls(reader, member, rule);
		pointer_pop(&reader->at, mark);
	}
}

/** json_refuse_null_members() - json_refuse_nulls() of some members of an object, NULL behind the last key */
void json_refuse_null_members(struct reader *reader, const json_t *object, const char *const *keys, enum rule rule)
{
	for (; *keys; keys++) {
		size_t mark = pointer_push_key(&reader->at, *keys);

		json_refuse_nulls(reader, json_object_get(object, *keys), rule);
		pointer_pop(&reader->at, mark);
	}
}

/** is_known() - Whether @key is one of @known, a comment ("x-…"), the runtime's ("cni.dev/…") or an editor's */
static bool is_known(const char *key, const char *const *known)
{
	if (!strncmp(key, "x-", 2) || !strncmp(key, "cni.dev/", 8) || !strcmp(key, "$schema"))
		return true;
	for (; *known; known++)
		if (!strcmp(key, *known))
			return true;
	return false;
}

/**
 * json_check_keys() - Report each key that nobody reads, and the key that was probably meant
 * @reader:	Reader, at @object
 * @object:	Object
 * @known:	Keys that are read, NULL behind the last
 */
void json_check_keys(struct reader *reader, const json_t *object, const char *const *known)
{
	const char *key;
	json_t *value;

	/* jansson's iteration takes a non-const object although it changes nothing. */
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		const char *nearest;
		char text[64];

		if (is_known(key, known))
			continue;
		if (reader->report->is_full) {
			reader_error(reader, key, RULE_UNKNOWN_KEY, "unknown key");
			continue;
		}
		nearest = nearest_name(key, known);
		reader_error(reader, key, RULE_UNKNOWN_KEY, "unknown key \"%.64s\" with value %s%s%s%s", key,
			     json_brief(value, text, sizeof(text)), nearest ? "; did you mean \"" : "",
			     nearest ? nearest : "; remove it, or prefix it with \"x-\" to keep it as a comment",
			     nearest ? "\"?" : "");
	}
}
