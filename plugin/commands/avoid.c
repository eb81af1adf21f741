/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses that a configuration uses, by the names of its keys: those of rangeguard, host-local, static and whereabouts
 * at any depth of a network configuration or list, of netavark's networks and Docker's daemon.json. Taking too much is
 * harmless here; what can't be read is an error, never a gap.
 */

#include "plugin/commands/avoid.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/commands/source.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** Containers of the first allocation; it doubles from there */
#define PENDING_FIRST 64U

/** struct pending - Objects and arrays that have not been looked into; borrowed from the document */
struct pending {
	const json_t **values;
	size_t n;
	size_t capacity;
};

/** is_one_of() - Whether @key is in @keys, which ends with NULL */
static bool is_one_of(const char *key, const char *const *keys)
{
	for (; *keys; keys++)
		if (strcmp(key, *keys) == 0)
			return true;
	return false;
}

/** push() - Remember a value if it is an object or array; 0 or REFUSED */
static int push(struct pending *pending, const json_t *value, struct error *reterr)
{
	if (!json_is_object(value) && !json_is_array(value))
		return 0;
	if (pending->n == pending->capacity) {
		size_t capacity = pending->capacity ? pending->capacity * 2 : PENDING_FIRST;
		/* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is meant */
		const json_t **larger = reallocarray((void *)pending->values, capacity, sizeof(*larger));

		if (!larger)
			return error_no_memory(reterr);
		pending->values = larger;
		pending->capacity = capacity;
	}
	pending->values[pending->n++] = value;
	return 0;
}

/**
 * addresses_parse() - Addresses in any of the forms in use
 * @text:	"ADDRESS/LENGTH" with or without host bits: all of the network; "ADDRESS"; "FIRST-LAST"; whereabouts'
 *		"FIRST-LAST/LENGTH": all of the network
 * @ret_span:	Addresses
 *
 * Return: 0, -EINVAL
 */
static int addresses_parse(const char *text, struct span *ret_span)
{
	const char *dash = strchr(text, '-');
	struct address address;
	struct prefix prefix;

	if (address_parse(text, &address) == 0) {
		*ret_span = span_of_address(&address);
		return 0;
	}
	if (span_parse(text, ret_span) == 0)
		return 0;
	if (prefix_parse(dash ? dash + 1 : text, &prefix) < 0)
		return -EINVAL;
	*ret_span = prefix_span(&prefix);
	return 0;
}

/** take_text() - Take the addresses of a member; 0 or REFUSED */
static int take_text(struct gaps *gaps, const char *key, const char *text, struct error *reterr)
{
	struct span span;

	if (addresses_parse(text, &span) < 0)
		return error_set(reterr, ERROR_CONFIG, "%s \"%.64s\" is no address, network or range", key, text);
	return gaps_take(gaps, &span) < 0 ? error_no_memory(reterr) : 0;
}

/** look_into_object() - Take what the members of an object say, and remember those that may say more; 0 or REFUSED */
static int look_into_object(struct gaps *gaps, json_t *object, struct pending *pending, struct error *reterr)
{
	static const char *const taken[] = {"subnet", "range",	    "cidr",	     "address", "bip",
					    "base",   "fixed-cidr", "fixed-cidr-v6", NULL};
	/* Grants open addresses; destinations of routes are others'; results repeat what the ranges say. */
	static const char *const passed[] = {"granted", "routes", "prevResult", NULL};
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach(object, key, value) {
		if (json_is_string(value) && is_one_of(key, taken))
			r = take_text(gaps, key, json_string_value(value), reterr);
		else if (!is_one_of(key, passed))
			r = push(pending, value, reterr);
		if (r)
			return r;
	}
	return 0;
}

/** look_into_array() - Remember the elements that may say something; 0 or REFUSED */
static int look_into_array(const json_t *array, struct pending *pending, struct error *reterr)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (push(pending, json_array_get(array, i), reterr))
			return REFUSED;
	return 0;
}

/** take_document() - Take all that a document says; 0 or REFUSED */
static int take_document(struct gaps *gaps, const json_t *root, struct error *reterr)
{
	struct pending pending = {0};
	int r = push(&pending, root, reterr);

	while (!r && pending.n > 0) {
		const json_t *value = pending.values[--pending.n];

		r = json_is_array(value) ? look_into_array(value, &pending, reterr)
					 : look_into_object(gaps, (json_t *)(uintptr_t)value, &pending, reterr);
	}
	free((void *)pending.values);
	return r;
}

/**
 * avoid_read() - Take the addresses that a file uses
 * @path:	File, "-" for standard input
 * @gaps:	Gaps, not started; what they have been told stays also on failure
 * @reterr:	Why the file can't be read
 *
 * Return: 0, REFUSED
 */
int avoid_read(const char *path, struct gaps *gaps, struct error *reterr)
{
	SOURCE_CLEANUP struct source source = {0};
	json_error_t fault;
	json_t *root;
	int r = source_read(path, LIMIT_CONFIG_FILE, &source);

	if (r < 0)
		return error_set(reterr, ERROR_IO, "%s", strerror(-r));
	root = json_loadb(source.text, source.size, JSON_REJECT_DUPLICATES, &fault);
	if (!root)
		return error_set(reterr, ERROR_DECODE, "not valid JSON: %s", fault.text);
	r = take_document(gaps, root, reterr);
	json_decref(root);
	return r;
}
