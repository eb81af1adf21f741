/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses a configuration uses: what the readers of usages share. Pure. */

#include "plugin/foreign/usage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ipam/address/range.h"
#include "plugin/foreign/network_text.h"
#include "plugin/foreign/usage_reader.h"
#include "rangeguard/array.h"

/** usages_done() - Free what was found */
void usages_done(struct usages *usages)
{
	for (size_t i = 0; i < usages->n_items; i++)
		free(usages->items[i].pointer);
	free(usages->items);
	*usages = (struct usages){0};
}

/** usage_member() - Member @key of @object in the case that it has there; Go's parser takes any */
struct usage_member usage_member(const json_t *object, const char *key)
{
	struct usage_member member = {.key = key, .value = json_member(object, key)};
	const char *name;
	json_t *value;

	if (member.value)
		return member;
	json_object_foreach((json_t *)(uintptr_t)object, name, value) {
		if (strcasecmp(name, key) == 0 && !json_is_null(value))
			return (struct usage_member){.key = name, .value = value};
	}
	return member;
}

/** usage_fault() - Report what is malformed at member @key of the reader's place, NULL: at the place itself */
void usage_fault(struct usage_reader *usage, const char *key, const char *format, ...)
{
	char message[ERROR_MSG_MAX];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (usage->lenient)
		reader_warning(&usage->reader, key, RULE_INVALID_VALUE, "%s", message);
	else
		reader_error(&usage->reader, key, RULE_INVALID_VALUE, "%s", message);
}

/** wrong_type() - Report that a member is not what it should be */
static void wrong_type(struct usage_reader *usage, const struct usage_member *member, const char *wanted)
{
	char text[64];

	usage_fault(usage, member->key, "%s must be %s, not %s", member->key, wanted,
		    json_brief(member->value, text, sizeof(text)));
}

/** usage_array() - Member @key of @object, NULL when absent or (reported) no array */
const json_t *usage_array(struct usage_reader *usage, const json_t *object, const char *key)
{
	struct usage_member member = usage_member(object, key);

	if (!member.value || json_is_array(member.value))
		return member.value;
	wrong_type(usage, &member, "an array");
	return NULL;
}

/** text_of() - Text of a member, NULL when it is absent, empty or (reported) no string */
static const char *text_of(struct usage_reader *usage, const struct usage_member *member)
{
	if (!member->value || (json_is_string(member->value) && !*json_string_value(member->value)))
		return NULL;
	if (json_is_string(member->value))
		return json_string_value(member->value);
	wrong_type(usage, member, "a string");
	return NULL;
}

/** usage_parse_text() - Read "ADDRESS/LENGTH" or "ADDRESS", which then is all of the prefix; whether it is one */
bool usage_parse_text(const char *text, struct prefix *ret_prefix)
{
	struct prefix prefix;

	if (prefix_parse(text, ret_prefix) == 0)
		return true;
	if (address_parse(text, &prefix.address) < 0)
		return false;
	prefix.length = (uint8_t)family_bits(prefix.address.family);
	*ret_prefix = prefix;
	return true;
}

/** refuse_text() - Report a text that is not what it should be: not yet, where it stands for a value that is to come */
static void refuse_text(struct usage_reader *usage, const char *key, const char *text, const char *why)
{
	const char *ambiguity = network_ambiguity(text);

	if (network_is_placeholder(text))
		reader_warning(&usage->reader, key, RULE_INVALID_VALUE,
			       "%s \"%.64s\" stands for a value that is still to come, so it is not checked", key,
			       text);
	else
		usage_fault(usage, key, "%s \"%.64s\" %s", key, text, ambiguity ? ambiguity : why);
}

/**
 * usage_prefix() - Read a network, or an address in one
 * @usage:	Reader
 * @object:	Object
 * @key:	Member
 * @ret_prefix:	As it stands there, host bits too
 *
 * Return: true, false when there is none or (reported) it is malformed
 */
bool usage_prefix(struct usage_reader *usage, const json_t *object, const char *key, struct prefix *ret_prefix)
{
	struct usage_member member = usage_member(object, key);
	const char *text = text_of(usage, &member);

	if (!text)
		return false;
	if (prefix_parse(text, ret_prefix) == 0)
		return true;
	refuse_text(usage, member.key, text, "is not in the form ADDRESS/LENGTH");
	return false;
}

/** usage_address() - Read an address of @family, FAMILY_NONE: of either; see usage_prefix() */
bool usage_address(struct usage_reader *usage, const json_t *object, const char *key, enum family family,
		   struct address *ret_address)
{
	struct usage_member member = usage_member(object, key);
	const char *text = text_of(usage, &member);
	struct address address;

	if (!text)
		return false;
	if (address_parse(text, &address) < 0) {
		refuse_text(usage, member.key, text, "is not an IP address");
		return false;
	}
	if (family != FAMILY_NONE && address.family != family) {
		usage_fault(usage, member.key, "%s %.64s is not of the network's address family", member.key, text);
		return false;
	}
	*ret_address = address;
	return true;
}

/** usage_add() - Keep what was found at member @key of the reader's place, NULL: at the place itself */
void usage_add(struct usage_reader *usage, const char *key, const struct usage *found)
{
	struct usages *usages = usage->usages;
	size_t mark = usage->reader.at.length;

	struct usage *items = array_room(usages->items, usages->n_items, &usages->capacity, sizeof(*items));

	if (!items) {
		usage->failed = true;
		return;
	}
	usages->items = items;
	if (key)
		(void)pointer_push_key(&usage->reader.at, key);
	usages->items[usages->n_items] = *found;
	usages->items[usages->n_items].pointer = strdup(usage->reader.at.text);
	usage->failed |= !usages->items[usages->n_items++].pointer;
	pointer_pop(&usage->reader.at, mark);
}

/** usage_take_gateway() - Read and add the gateway at member @key */
void usage_take_gateway(struct usage_reader *usage, const json_t *object, const char *key)
{
	struct usage found = {.kind = USAGE_GATEWAY};
	struct address address;

	if (!usage_address(usage, object, key, FAMILY_NONE, &address))
		return;
	found.span = span_of_address(&address);
	found.network = (struct prefix){.address = address, .length = (uint8_t)family_bits(address.family)};
	usage_add(usage, usage_member(object, key).key, &found);
}

/** usage_take_network() - Add a range that stands at member @key; @span NULL: all that is usual of @network */
void usage_take_network(struct usage_reader *usage, const char *key, const struct prefix *network,
			const struct span *span)
{
	struct usage found = {.kind = USAGE_RANGE, .network = *network};

	found.network.address.value = prefix_span(network).first;
	found.span = span ? *span : range_default_span(&found.network);
	usage_add(usage, key, &found);
}

/**
 * read_bounds() - Addresses between the bounds, the network's usual ones where they say nothing
 * @usage:	Reader, where the bounds stand
 * @network:	Network, host bits zero
 * @bounds:	Bounds
 *
 * Return: the span; the usual one when (reported) the bounds are malformed
 */
static struct span read_bounds(struct usage_reader *usage, const struct prefix *network,
			       const struct usage_bounds *bounds)
{
	struct span whole = prefix_span(network), usual = range_default_span(network);
	struct address first = {.family = usual.family, .value = usual.first};
	struct address last = {.family = usual.family, .value = usual.last};
	char text[ADDRESS_TEXT_MAX];

	(void)usage_address(usage, bounds->object, bounds->first, usual.family, &first);
	(void)usage_address(usage, bounds->object, bounds->last, usual.family, &last);
	if (span_contains(&whole, &first) && span_contains(&whole, &last) && first.value <= last.value)
		return (struct span){.family = usual.family, .first = first.value, .last = last.value};
	if (span_contains(&whole, &first))
		usage_fault(usage, usage_member(bounds->object, bounds->last).key,
			    "%s %s is not in the network, or before the range's first address", bounds->last,
			    address_format(&last, text));
	else
		usage_fault(usage, usage_member(bounds->object, bounds->first).key, "%s %s is not in the network",
			    bounds->first, address_format(&first, text));
	return usual;
}

/**
 * usage_take_bounded() - Add a range that begins and ends where others members say
 * @usage:	Reader
 * @key:	Where the range's network stands
 * @network:	Network
 * @bounds:	Bounds
 */
void usage_take_bounded(struct usage_reader *usage, const char *key, const struct prefix *network,
			const struct usage_bounds *bounds)
{
	size_t mark = usage->reader.at.length;
	struct prefix proper = *network;
	struct span span;

	proper.address.value = prefix_span(network).first;
	if (bounds->inside)
		(void)pointer_push_key(&usage->reader.at, bounds->inside);
	span = read_bounds(usage, &proper, bounds);
	pointer_pop(&usage->reader.at, mark);
	usage_take_network(usage, key, network, &span);
}

/** usage_use_name() - Who gets addresses of a use */
const char *usage_use_name(enum usage_use use)
{
	static const char *const names[] = {
		[USE_CONTAINERS] = "containers",      [USE_PODS] = "pods",
		[USE_SERVICES] = "services",	      [USE_MACHINES] = "machines",
		[USE_INTERNAL] = "internal networks", [USE_LOAD_BALANCERS] = "load balancers",
		[USE_UNKNOWN] = "unknown users",
	};

	return names[use];
}

/** usage_reach() - Addresses to which a route may lead: all of the network where one is known, else those that are given */
struct span usage_reach(const struct usage *usage)
{
	return usage->network.address.family == FAMILY_NONE ? usage->span : prefix_span(&usage->network);
}
