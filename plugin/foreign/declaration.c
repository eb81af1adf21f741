/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses a configuration uses: what the readers of declarations share. Pure. */

#include "plugin/foreign/declaration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ipam/address/range.h"
#include "plugin/foreign/declaration_reader.h"
#include "plugin/foreign/network_text.h"
#include "rangeguard/array.h"
#include "rangeguard/limits.h"

/** declarations_done() - Free what was found */
void declarations_done(struct declarations *declarations)
{
	for (size_t i = 0; i < declarations->n_items; i++)
		free(declarations->items[i].pointer);
	free(declarations->items);
	*declarations = (struct declarations){0};
}

/** declaration_member() - Member @key of @object in the case that it has there; Go's parser takes any */
struct declaration_member declaration_member(const json_t *object, const char *key)
{
	struct declaration_member member = {.key = key, .value = json_member(object, key)};
	const char *name;
	json_t *value;

	if (member.value)
		return member;
	json_object_foreach((json_t *)(uintptr_t)object, name, value) {
		if (strcasecmp(name, key) == 0 && !json_is_null(value))
			return (struct declaration_member){.key = name, .value = value};
	}
	return member;
}

/** declaration_fault() - Report what is malformed at member @key of the reader's place, NULL: at the place itself */
void declaration_fault(struct declaration_reader *declaration, const char *key, const char *format, ...)
{
	char message[ERROR_MSG_MAX];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (declaration->lenient)
		reader_warning(&declaration->reader, key, RULE_INVALID_VALUE, "%s", message);
	else
		reader_error(&declaration->reader, key, RULE_INVALID_VALUE, "%s", message);
}

/** wrong_type() - Report that a member is not what it should be */
static void wrong_type(struct declaration_reader *declaration, const struct declaration_member *member,
		       const char *wanted)
{
	char text[64];

	declaration_fault(declaration, member->key, "%s must be %s, not %s", member->key, wanted,
			  json_brief(member->value, text, sizeof(text)));
}

/** declaration_array() - Member @key of @object, NULL when absent or (reported) no array */
const json_t *declaration_array(struct declaration_reader *declaration, const json_t *object, const char *key)
{
	struct declaration_member member = declaration_member(object, key);

	if (!member.value || json_is_array(member.value))
		return member.value;
	wrong_type(declaration, &member, "an array");
	return NULL;
}

/** text_of() - Text of a member, NULL when it is absent, empty or (reported) no string */
static const char *text_of(struct declaration_reader *declaration, const struct declaration_member *member)
{
	if (!member->value || (json_is_string(member->value) && !*json_string_value(member->value)))
		return NULL;
	if (json_is_string(member->value))
		return json_string_value(member->value);
	wrong_type(declaration, member, "a string");
	return NULL;
}

/** declaration_parse_text() - Read "ADDRESS/LENGTH" or "ADDRESS", which then is all of the prefix; whether it is one */
bool declaration_parse_text(const char *text, struct prefix *ret_prefix)
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
static void refuse_text(struct declaration_reader *declaration, const char *key, const char *text, const char *why)
{
	const char *ambiguity = network_ambiguity(text);

	if (network_is_placeholder(text))
		reader_warning(&declaration->reader, key, RULE_INVALID_VALUE,
			       "%s \"%.64s\" stands for a value that is still to come, so it is not checked", key,
			       text);
	else
		declaration_fault(declaration, key, "%s \"%.64s\" %s", key, text, ambiguity ? ambiguity : why);
}

/**
 * declaration_prefix() - Read a network, or an address in one
 * @declaration:	Reader
 * @object:	Object
 * @key:	Member
 * @ret_prefix:	As it stands there, host bits too
 *
 * Return: true, false when there is none or (reported) it is malformed
 */
bool declaration_prefix(struct declaration_reader *declaration, const json_t *object, const char *key,
			struct prefix *ret_prefix)
{
	struct declaration_member member = declaration_member(object, key);
	const char *text = text_of(declaration, &member);

	if (!text)
		return false;
	if (prefix_parse(text, ret_prefix) == 0)
		return true;
	refuse_text(declaration, member.key, text, "is not in the form ADDRESS/LENGTH");
	return false;
}

/** declaration_address() - Read an address of @family, FAMILY_NONE: of either; see declaration_prefix() */
bool declaration_address(struct declaration_reader *declaration, const json_t *object, const char *key,
			 enum family family, struct address *ret_address)
{
	struct declaration_member member = declaration_member(object, key);
	const char *text = text_of(declaration, &member);
	struct address address;

	if (!text)
		return false;
	if (address_parse(text, &address) < 0) {
		refuse_text(declaration, member.key, text, "is not an IP address");
		return false;
	}
	if (family != FAMILY_NONE && address.family != family) {
		declaration_fault(declaration, member.key, "%s %.64s is not of the network's address family",
				  member.key, text);
		return false;
	}
	*ret_address = address;
	return true;
}

/** declaration_too_many() - Tell, once, that there is more than is checked */
void declaration_too_many(struct declaration_reader *declaration)
{
	if (declaration->declarations->too_many)
		return;
	/* Whoever does not hear of it thinks that all has been checked. */
	declaration->reader.report->is_full = false;
	reader_error(&declaration->reader, NULL, RULE_INVALID_VALUE,
		     "more than %u ranges and addresses in one document; from here on nothing is checked: split "
		     "it",
		     LIMIT_DECLARED);
	declaration->declarations->too_many = true;
}

/** declaration_add() - Keep what was found at member @key of the reader's place, NULL: at the place itself */
void declaration_add(struct declaration_reader *declaration, const char *key, const struct declaration *found)
{
	struct declarations *declarations = declaration->declarations;
	size_t mark = declaration->reader.at.length;
	struct declaration *items;

	/* Policies may be as long as they like: none of their entries is checked. */
	if (declarations->n_items >= LIMIT_DECLARED && found->kind != DECLARED_RESERVED) {
		declaration_too_many(declaration);
		return;
	}
	items = array_room(declarations->items, declarations->n_items, &declarations->capacity, sizeof(*items));
	if (!items) {
		declaration->failed = true;
		return;
	}
	declarations->items = items;
	if (key)
		(void)pointer_push_key(&declaration->reader.at, key);
	declarations->items[declarations->n_items] = *found;
	declarations->items[declarations->n_items].pointer = strdup(declaration->reader.at.text);
	declaration->failed |= !declarations->items[declarations->n_items++].pointer;
	pointer_pop(&declaration->reader.at, mark);
}

/** declaration_take_gateway() - Read and add the gateway at member @key */
void declaration_take_gateway(struct declaration_reader *declaration, const json_t *object, const char *key)
{
	struct declaration found = {.kind = DECLARED_GATEWAY};
	struct address address;

	if (!declaration_address(declaration, object, key, FAMILY_NONE, &address))
		return;
	found.span = span_of_address(&address);
	found.network = (struct prefix){.address = address, .length = (uint8_t)family_bits(address.family)};
	declaration_add(declaration, declaration_member(object, key).key, &found);
}

/** declaration_take_network() - Add a range that stands at member @key; @span NULL: all that is usual of @network */
void declaration_take_network(struct declaration_reader *declaration, const char *key, const struct prefix *network,
			      const struct span *span)
{
	struct declaration found = {.kind = DECLARED_RANGE, .network = *network};

	found.network.address.value = prefix_span(network).first;
	found.span = span ? *span : range_default_span(&found.network);
	declaration_add(declaration, key, &found);
}

/**
 * read_bounds() - Addresses between the bounds, the network's usual ones where they say nothing
 * @declaration:	Reader, where the bounds stand
 * @network:	Network, host bits zero
 * @bounds:	Bounds
 *
 * Return: the span; the usual one when (reported) the bounds are malformed
 */
static struct span read_bounds(struct declaration_reader *declaration, const struct prefix *network,
			       const struct declaration_bounds *bounds)
{
	struct span whole = prefix_span(network), usual = range_default_span(network);
	struct address first = {.family = usual.family, .value = usual.first};
	struct address last = {.family = usual.family, .value = usual.last};
	char text[ADDRESS_TEXT_MAX];

	(void)declaration_address(declaration, bounds->object, bounds->first, usual.family, &first);
	(void)declaration_address(declaration, bounds->object, bounds->last, usual.family, &last);
	if (span_contains(&whole, &first) && span_contains(&whole, &last) && first.value <= last.value)
		return (struct span){.family = usual.family, .first = first.value, .last = last.value};
	if (span_contains(&whole, &first))
		declaration_fault(declaration, declaration_member(bounds->object, bounds->last).key,
				  "%s %s is not in the network, or before the range's first address", bounds->last,
				  address_format(&last, text));
	else
		declaration_fault(declaration, declaration_member(bounds->object, bounds->first).key,
				  "%s %s is not in the network", bounds->first, address_format(&first, text));
	return usual;
}

/**
 * declaration_take_bounded() - Add a range that begins and ends where others members say
 * @declaration:	Reader
 * @key:	Where the range's network stands
 * @network:	Network
 * @bounds:	Bounds
 */
void declaration_take_bounded(struct declaration_reader *declaration, const char *key, const struct prefix *network,
			      const struct declaration_bounds *bounds)
{
	size_t mark = declaration->reader.at.length;
	struct prefix proper = *network;
	struct span span;

	proper.address.value = prefix_span(network).first;
	if (bounds->inside)
		(void)pointer_push_key(&declaration->reader.at, bounds->inside);
	span = read_bounds(declaration, &proper, bounds);
	pointer_pop(&declaration->reader.at, mark);
	declaration_take_network(declaration, key, network, &span);
}

/** declaration_use_name() - Who gets addresses of a use */
const char *declaration_use_name(enum declaration_use use)
{
	static const char *const names[] = {
		[USE_CONTAINERS] = "containers",      [USE_PODS] = "pods",
		[USE_SERVICES] = "services",	      [USE_MACHINES] = "machines",
		[USE_INTERNAL] = "internal networks", [USE_LOAD_BALANCERS] = "load balancers",
		[USE_UNKNOWN] = "unknown users",
	};

	return names[use];
}

/** declaration_reach() - Addresses to which a route may lead: all of the network where one is known, else those that are given */
struct span declaration_reach(const struct declaration *declaration)
{
	return declaration->network.address.family == FAMILY_NONE ? declaration->span
								  : prefix_span(&declaration->network);
}
