/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys and the life of a record; the values' JSON is in record_json.c. */

#include "plugin/cluster/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/cluster/record_internal.h"
#include "rangeguard/array.h"

static const struct {
	const char *prefix;
	enum record_kind kind;
} kinds[] = {
	{"host/", RECORD_HOST},
	{"alive/", RECORD_ALIVE},
	{"block/", RECORD_BLOCK},
	{"source/", RECORD_SOURCE},
};

/** key_rest() - What follows the kind's prefix in @key, NULL if the kind has none */
static const char *key_rest(const char *key, enum record_kind *ret_kind)
{
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (strncmp(key, kinds[i].prefix, n) == 0) {
			*ret_kind = kinds[i].kind;
			return key + n;
		}
	}
	return NULL;
}

/**
 * record_kind() - What a key names
 * @key:	Below the prefix
 */
enum record_kind record_kind(const char *key)
{
	enum record_kind kind = RECORD_OTHER;

	if (strcmp(key, "pools") == 0)
		return RECORD_POOLS;
	if (strcmp(key, "policy") == 0)
		return RECORD_POLICY;
	(void)key_rest(key, &kind);
	return kind;
}

/**
 * record_name_valid() - Whether a text can be a host's or a pin's name in a record
 * @name:	Text
 *
 * Letters, digits, '.', '_' and '-', at most 64, so that a name is part of a key and of a line of output as it stands.
 */
bool record_name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n > 0 && n < RECORD_NAME_MAX && name[n] == '\0';
}

/** is_canonical_prefix() - The one spelling of a block: without host bits, as prefix_format() writes it */
static bool is_canonical_prefix(const char *text)
{
	char again[PREFIX_TEXT_MAX];
	struct prefix prefix;

	return prefix_parse(text, &prefix) == 0 && !prefix_has_host_bits(&prefix) &&
	       strcmp(prefix_format(&prefix, again), text) == 0;
}

/** is_canonical_address() - The one spelling of an address */
static bool is_canonical_address(const char *text)
{
	char again[ADDRESS_TEXT_MAX];
	struct address address;

	return address_parse(text, &address) == 0 && strcmp(address_format(&address, again), text) == 0;
}

/**
 * record_key_valid() - Whether a key is one that an agent may have written
 * @key:	Below the prefix
 *
 * Two spellings of one address would be two records of it.
 */
bool record_key_valid(const char *key)
{
	enum record_kind kind = record_kind(key), rest_kind;
	const char *rest = key_rest(key, &rest_kind);

	if (strlen(key) >= RECORD_KEY_MAX || kind == RECORD_OTHER)
		return false;
	if (kind == RECORD_BLOCK)
		return is_canonical_prefix(rest);
	if (kind == RECORD_SOURCE)
		return is_canonical_address(rest);
	return !rest || record_name_valid(rest);
}

/**
 * record_epoch() - Name of an epoch
 * @machine:	Machine id
 * @boot:	Boot id
 * @random:	Random number, never used before
 * @buffer:	Filled
 */
void record_epoch(const char *machine, const char *boot, uint64_t random, char buffer[static RECORD_EPOCH_MAX])
{
	(void)snprintf(buffer, RECORD_EPOCH_MAX, "%.32s.%.32s.%016llx", machine, boot, (unsigned long long)random);
}

/**
 * record_epoch_is_of() - Whether an epoch is of this machine
 * @epoch:	Epoch
 * @machine:	Machine id
 * @boot:	Boot id; NULL: any boot of it
 */
bool record_epoch_is_of(const char *epoch, const char *machine, const char *boot)
{
	size_t n = strlen(machine), m = boot ? strlen(boot) : 0;

	if (strncmp(epoch, machine, n) != 0 || epoch[n] != '.')
		return false;
	return !boot || (strncmp(epoch + n + 1, boot, m) == 0 && epoch[n + 1 + m] == '.');
}

/**
 * record_read() - A record from what the engine said
 * @key:	Below the prefix
 * @text:	Value; NULL: the record is absent
 * @revision:	Of the last change, or of the absence
 * @ret_record:	Filled; to be cleared
 *
 * Return: 0; -EINVAL: the key is too long; -ENOMEM
 */
int record_read(const char *key, const char *text, int64_t revision, struct record *ret_record)
{
	struct record record = {.kind = record_kind(key), .revision = revision};
	size_t n = strlen(key);

	if (n >= sizeof(record.key))
		return -EINVAL;
	memcpy(record.key, key, n + 1);
	if (text) {
		record.text = strdup(text);
		if (!record.text)
			return -ENOMEM;
		record.readable = record_parse(&record);
	}
	*ret_record = record;
	return 0;
}

/**
 * record_copy() - A record of one's own
 * @record:	Copied
 * @ret_record:	Filled; to be cleared
 *
 * Return: 0, -ENOMEM
 */
int record_copy(const struct record *record, struct record *ret_record)
{
	char *text = NULL;

	if (record->text) {
		text = strdup(record->text);
		if (!text)
			return -ENOMEM;
	}
	*ret_record = *record;
	ret_record->text = text;
	return 0;
}

/**
 * record_clear() - Forget a record's text
 * @record:	Record; may be zero
 */
void record_clear(struct record *record)
{
	free(record->text);
	record->text = NULL;
}
