/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of records as JSON. What is read was written by anybody who has the engine's password: nothing is trusted. */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/cluster/record_internal.h"
#include "plugin/report/json_text.h"

/** take_text() - Member @key into @buffer; false: no text, or too long */
static bool take_text(const json_t *object, const char *key, char *buffer, size_t size)
{
	const json_t *value = json_object_get(object, key);
	size_t n;

	if (!json_is_string(value))
		return false;
	n = json_string_length(value);
	if (n >= size || strlen(json_string_value(value)) != n)
		return false;
	memcpy(buffer, json_string_value(value), n + 1);
	return true;
}

/** take_name() - take_text() of a host's or pin's name */
static bool take_name(const json_t *object, const char *key, char *buffer)
{
	return take_text(object, key, buffer, RECORD_NAME_MAX) && record_name_valid(buffer);
}

/** is_hex() - @n lower-case hexadecimal digits at @text */
static bool is_hex(const char *text, size_t n)
{
	return strspn(text, "0123456789abcdef") >= n;
}

/** take_machine() - take_text() of a machine id */
static bool take_machine(const json_t *object, char *buffer)
{
	return take_text(object, "machine", buffer, RECORD_ID_MAX) && strlen(buffer) == 32 && is_hex(buffer, 32);
}

/** take_epoch() - take_text() of an epoch, whose three parts have fixed lengths */
static bool take_epoch(const json_t *object, char *buffer)
{
	return take_text(object, "epoch", buffer, RECORD_EPOCH_MAX) && strlen(buffer) == RECORD_EPOCH_MAX - 1 &&
	       is_hex(buffer, 32) && buffer[32] == '.' && is_hex(buffer + 33, 32) && buffer[65] == '.' &&
	       is_hex(buffer + 66, 16);
}

/** take_nonce() - Member `nonce`: 16 hexadecimal digits, since JSON's numbers end at 53 bits for many readers */
static bool take_nonce(const json_t *object, uint64_t *ret_nonce)
{
	char text[17];
	uint64_t nonce = 0;

	if (!take_text(object, "nonce", text, sizeof(text)) || strlen(text) != 16 || !is_hex(text, 16))
		return false;
	for (const char *p = text; *p; p++)
		nonce = nonce << 4 | (uint64_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
	*ret_nonce = nonce;
	return true;
}

/** take_integer() - Member @key between @minimum and @maximum */
static bool take_integer(const json_t *object, const char *key, int64_t minimum, int64_t maximum, int64_t *ret_value)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < minimum || json_integer_value(value) > maximum)
		return false;
	*ret_value = json_integer_value(value);
	return true;
}

static bool take_since(const json_t *object, int64_t *ret_since)
{
	return take_integer(object, "since", 0, INT64_MAX, ret_since);
}

/** take_mac() - Member `mac`; absent is "" */
static bool take_mac(const json_t *object, char *buffer)
{
	if (!json_object_get(object, "mac"))
		return true;
	if (!take_text(object, "mac", buffer, RECORD_MAC_MAX) || strlen(buffer) != RECORD_MAC_MAX - 1)
		return false;
	for (size_t i = 0; i < RECORD_MAC_MAX - 1; i++) {
		if (i % 3 == 2 ? buffer[i] != ':' : !is_hex(buffer + i, 1))
			return false;
	}
	return true;
}

/** take_addresses() - Member `addresses`: at most one of each family */
static bool take_addresses(const json_t *object, struct record_host *host)
{
	const json_t *array = json_object_get(object, "addresses"), *value;
	size_t i;

	if (!json_is_array(array) || json_array_size(array) > RECORD_ADDRESSES)
		return false;
	json_array_foreach(array, i, value) {
		struct address address;

		if (!json_is_string(value) || address_parse(json_string_value(value), &address) != 0)
			return false;
		(void)address_format(&address, host->addresses[i]);
		if (i > 0 && (strchr(host->addresses[0], ':') != NULL) == (address.family == FAMILY_IPV6))
			return false;
	}
	return true;
}

static bool parse_alive(const json_t *object, struct record_alive *alive)
{
	char state[8];
	int64_t ttl;

	if (!take_epoch(object, alive->epoch) || !take_nonce(object, &alive->nonce) ||
	    !take_text(object, "state", state, sizeof(state)) ||
	    !take_integer(object, "ttlMs", RECORD_TTL_MS_MIN, RECORD_TTL_MS_MAX, &ttl))
		return false;
	alive->ttl = ttl * RECORD_MS;
	alive->fenced = strcmp(state, "fenced") == 0;
	return alive->fenced || strcmp(state, "alive") == 0;
}

static bool parse_host(const json_t *object, struct record_host *host)
{
	return take_machine(object, host->machine) && take_addresses(object, host) &&
	       take_since(object, &host->since) && take_nonce(object, &host->nonce);
}

static bool parse_block(const json_t *object, struct record_block *block)
{
	return take_name(object, "host", block->host) && take_machine(object, block->machine) &&
	       take_since(object, &block->since) && take_nonce(object, &block->nonce);
}

static bool parse_source(const json_t *object, struct record_source *source)
{
	return take_name(object, "pin", source->pin) && take_name(object, "host", source->host) &&
	       take_epoch(object, source->epoch) && take_mac(object, source->mac) &&
	       take_since(object, &source->since) && take_nonce(object, &source->nonce);
}

/**
 * record_parse() - Fill a record's member from its text
 * @record:	Kind and text are set
 *
 * Return: whether the text was understood
 */
bool record_parse(struct record *record)
{
	json_t *object;
	bool ok = false;

	if (record->kind == RECORD_POOLS || record->kind == RECORD_POLICY || record->kind == RECORD_OTHER)
		return true;
	object = json_loads(record->text, JSON_REJECT_DUPLICATES, NULL);
	if (record->kind == RECORD_ALIVE)
		ok = parse_alive(object, &record->alive);
	else if (record->kind == RECORD_HOST)
		ok = parse_host(object, &record->host);
	else if (record->kind == RECORD_BLOCK)
		ok = parse_block(object, &record->block);
	else
		ok = parse_source(object, &record->source);
	json_decref(object);
	return ok;
}

/** hex_nonce() - A nonce as take_nonce() reads it */
static const char *hex_nonce(uint64_t nonce, char buffer[static 17])
{
	(void)snprintf(buffer, 17, "%016llx", (unsigned long long)nonce);
	return buffer;
}

static json_t *pack_host(const struct record_host *host)
{
	json_t *addresses = json_array();
	char nonce[17];

	for (size_t i = 0; i < RECORD_ADDRESSES; i++) {
		if (host->addresses[i][0] != '\0')
			(void)json_array_append_new(addresses, json_string(host->addresses[i]));
	}
	return json_pack("{s:s, s:o, s:I, s:s}", "machine", host->machine, "addresses", addresses, "since",
			 (json_int_t)host->since, "nonce", hex_nonce(host->nonce, nonce));
}

static json_t *pack_source(const struct record_source *source)
{
	char nonce[17];

	return json_pack("{s:s, s:s, s:s, s:s*, s:I, s:s}", "pin", source->pin, "host", source->host, "epoch",
			 source->epoch, "mac", source->mac[0] != '\0' ? source->mac : NULL, "since",
			 (json_int_t)source->since, "nonce", hex_nonce(source->nonce, nonce));
}

/**
 * record_write() - Value of a record
 * @record:	Kind and its member are set
 *
 * Return: JSON on one line, for free(); NULL: out of memory, or a kind that has no member
 */
char *record_write(const struct record *record)
{
	json_t *object = NULL;
	char nonce[17];
	char *text;

	if (record->kind == RECORD_ALIVE)
		object = json_pack("{s:s, s:s, s:s, s:I}", "epoch", record->alive.epoch, "nonce",
				   hex_nonce(record->alive.nonce, nonce), "state",
				   record->alive.fenced ? "fenced" : "alive", "ttlMs",
				   (json_int_t)(record->alive.ttl / RECORD_MS));
	else if (record->kind == RECORD_HOST)
		object = pack_host(&record->host);
	else if (record->kind == RECORD_BLOCK)
		object = json_pack("{s:s, s:s, s:I, s:s}", "host", record->block.host, "machine", record->block.machine,
				   "since", (json_int_t)record->block.since, "nonce",
				   hex_nonce(record->block.nonce, nonce));
	else if (record->kind == RECORD_SOURCE)
		object = pack_source(&record->source);
	text = object ? json_text(object, JSON_COMPACT) : NULL;
	json_decref(object);
	return text;
}
