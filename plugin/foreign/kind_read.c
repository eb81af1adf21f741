/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A document as its kind's row has it: the addresses at each path, and the defaults of what is left out. Pure. */

#include <errno.h>
#include <string.h>

#include "plugin/foreign/declaration_reader.h"
#include "plugin/foreign/flags.h"
#include "plugin/foreign/kind.h"
#include "plugin/foreign/network_text.h"
#include "plugin/foreign/path.h"
#include "rangeguard/limits.h"

/** struct key_reader - A key being read; @used: bits of uses that have been met */
struct key_reader {
	struct declaration_reader declaration;
	const struct kind_key *key;
	bool mild;
	unsigned used;
};

/** add() - Keep addresses, as the key has them */
static void add(struct key_reader *reader, struct declaration *found, size_t offset)
{
	const struct kind_key *key = reader->key;

	found->kind = key->kind;
	found->use = key->use;
	found->offset = offset;
	found->mild = reader->mild || key->mild;
	found->is_pool = key->is_pool;
	declaration_add(&reader->declaration, NULL, found);
}

/** read_part() - One network of a text */
static void read_part(struct key_reader *reader, const struct text_part *part)
{
	const char *ambiguity = network_ambiguity(part->text);
	struct declaration found = {0};

	if (network_is_placeholder(part->text))
		reader_warning(&reader->declaration.reader, NULL, RULE_INVALID_VALUE,
			       "\"%.64s\" stands for a value that is still to come, so it is not checked", part->text);
	else if (ambiguity)
		declaration_fault(&reader->declaration, NULL, "\"%.64s\" %s; write it without them", part->text,
				  ambiguity);
	else if (network_read(part->text, reader->key->forms, &found))
		add(reader, &found, part->offset);
	else if (!(reader->key->forms & FORM_WORDS))
		declaration_fault(&reader->declaration, NULL, "\"%.64s\" is not a network or address that can be read",
				  part->text);
}

/** read_parts() - Each network of a text that begins at @offset of the value */
static void read_parts(struct key_reader *reader, const char *text, size_t offset)
{
	struct text_part part;
	size_t at = 0;

	for (size_t n = 0; text_next(text, &at, &part); n++) {
		if (n == LIMIT_DECLARED) {
			declaration_too_many(&reader->declaration);
			return;
		}
		part.offset += offset;
		if (reader->key->forms & FORM_OPTIONS)
			text_option(&part);
		read_part(reader, &part);
	}
}

/** read_text() - A text of networks; what stands for all that is to come is told once, and its default read */
static void read_text(struct key_reader *reader, const char *text)
{
	struct text_part part = {.offset = 0}, usual;

	if (!network_is_placeholder(text)) {
		read_parts(reader, text, 0);
	} else if (network_placeholder_default(text, &usual)) {
		reader_warning(&reader->declaration.reader, NULL, RULE_INVALID_VALUE,
			       "\"%.64s\" stands for a value that is still to come; only its default is checked", text);
		read_parts(reader, usual.text, usual.offset);
	} else {
		(void)snprintf(part.text, sizeof(part.text), "%s", text);
		read_part(reader, &part);
	}
}

/** read_bounds() - An object with a first and a last address, or an address and its prefix length */
static void read_bounds(struct key_reader *reader, const json_t *object)
{
	const struct kind_key *key = reader->key;
	const char *first = json_string_value(json_object_get(object, key->first));
	const json_t *length = json_object_get(object, key->last);
	const char *last = json_string_value(length);
	unsigned forms = json_is_integer(length) ? FORM_CIDR : FORM_RANGE;
	char text[2 * PREFIX_TEXT_MAX];
	struct declaration found = {0};
	size_t mark;

	if (!first)
		return;
	if (json_is_integer(length))
		(void)snprintf(text, sizeof(text), "%.45s/%lld", first, (long long)json_integer_value(length));
	else
		(void)snprintf(text, sizeof(text), "%.45s-%.45s", first, last ? last : first);
	mark = pointer_push_key(&reader->declaration.reader.at, key->first);
	if (network_read(text, forms, &found))
		add(reader, &found, 0);
	else
		declaration_fault(&reader->declaration, NULL, "%s \"%.64s\" and %s \"%.64s\" are not a range",
				  key->first, first, key->last, last ? last : "");
	pointer_pop(&reader->declaration.reader.at, mark);
}

static void read_value(void *userdata, const json_t *value, struct pointer *at);

/** read_elements() - Each element of an array */
static void read_elements(struct key_reader *reader, const json_t *array, struct pointer *at)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		size_t mark = pointer_push_index(at, i);

		read_value(reader, json_array_get(array, i), at);
		pointer_pop(at, mark);
	}
}

/** read_value() - What a path leads to */
static void read_value(void *userdata, const json_t *value, struct pointer *at)
{
	struct key_reader *reader = userdata;
	char text[64];

	reader->declaration.reader.at = *at;
	if (json_is_null(value) || (reader->key->forms & FORM_TEXT))
		return;
	reader->used |= 1U << reader->key->use;
	if (reader->key->forms & FORM_FLAGS)
		flags_read(&reader->declaration, value, reader->key->forms & FORM_PODMAN);
	else if (json_is_array(value))
		read_elements(reader, value, at);
	else if (json_is_string(value))
		read_text(reader, json_string_value(value));
	else if (*reader->key->first && json_is_object(value))
		read_bounds(reader, value);
	else if (!(reader->key->forms & FORM_WORDS))
		declaration_fault(&reader->declaration, NULL, "%s is not a network or address that can be read",
				  json_brief(value, text, sizeof(text)));
}

/** has_member() - Whether one of several members, separated by blanks, is there: in any case, and not an empty text or array */
static bool has_member(const json_t *object, const char *keys)
{
	char key[64];

	while (*keys) {
		size_t length = strcspn(keys, " ");
		const json_t *value;

		(void)snprintf(key, sizeof(key), "%.*s", (int)length, keys);
		value = declaration_member(object, key).value;
		if (value && !(json_is_string(value) && !json_string_length(value)) &&
		    !(json_is_array(value) && !json_array_size(value)))
			return true;
		keys += length + strspn(keys + length, " ");
	}
	return false;
}

/** is_said() - Whether a document says something, so that a default does not hold */
static bool is_said(const struct key_reader *reader, const struct kind *kind, const json_t *object)
{
	const char *unless = reader->key->unless;

	if (!*unless)
		return reader->used >> reader->key->use & 1;
	return kind->any_case ? has_member(object, unless) : path_leads_somewhere(object, unless);
}

/** read_default() - What holds where a key is left out */
static void read_default(struct key_reader *reader, const struct kind *kind, const json_t *object)
{
	const struct kind_key *key = reader->key;
	struct text_part part;
	size_t at = 0;

	if (!*key->usual || is_said(reader, kind, object))
		return;
	if (*key->where && !path_leads_somewhere(object, key->where))
		return;
	while (text_next(key->usual, &at, &part)) {
		struct declaration found;

		if (!network_read(part.text, FORM_CIDR | FORM_RANGE, &found))
			continue;
		found.default_of = kind->name;
		add(reader, &found, 0);
	}
}

/** note_true() - A document says itself that nothing is given */
static void note_true(void *userdata, const json_t *value, struct pointer *at)
{
	(void)at;
	*(bool *)userdata |= json_is_true(value);
}

/** read_keys() - Each key of a row, then the defaults */
static void read_keys(struct key_reader *reader, const struct kind *kind, const json_t *object)
{
	struct pointer at = reader->declaration.reader.at;

	for (reader->key = kind->keys; reader->key && *reader->key->path; reader->key++)
		path_each(object, reader->key->path, &at, read_value, reader);
	reader->declaration.reader.at = at;
	for (reader->key = kind->keys; reader->key && *reader->key->path; reader->key++)
		read_default(reader, kind, object);
}

/**
 * kind_read() - Addresses that a document declares
 * @kind:	Its kind
 * @object:	The document
 * @file:	Its file
 * @pointer:	JSON pointer there
 * @declarations:	Get what is found
 * @report:	Hears what is malformed
 *
 * Return: 0 also with errors, -ENOMEM
 */
int kind_read(const struct kind *kind, const json_t *object, const char *file, const char *pointer,
	      struct declarations *declarations, struct report *report)
{
	struct key_reader reader = {
		.declaration = {.reader = {.file = file, .report = report}, .declarations = declarations}};
	struct pointer *at = &reader.declaration.reader.at;
	struct pointer nowhere = {.length = 0};
	int r = kind->read ? kind->read(object, file, pointer, declarations, report) : 0;

	if (r < 0)
		return r;
	*at = pointer_of(pointer);
	if (kind->disabled)
		path_each(object, kind->disabled, &nowhere, note_true, &reader.mild);
	read_keys(&reader, kind, object);
	return reader.declaration.failed ? -ENOMEM : 0;
}
