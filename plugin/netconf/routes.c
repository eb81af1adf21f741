/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host's routes out of JSON. What can't be read is an error, never a gap: a route that is passed over is a clash that
 * nobody hears of. Pure.
 */

#include "plugin/netconf/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/text/json.h"
#include "rangeguard/array.h"

/** What ip(8) calls the prefix of length 0 */
#define DEFAULT "default"
/** Protocol of rangeguard's routes; no name is registered for it, so the number is printed */
#define OWN_PROTOCOL "82"

/** text_of() - Member @key of @element when it is a text, else NULL */
static const char *text_of(const json_t *element, const char *key)
{
	return json_string_value(json_object_get(element, key));
}

/** has_gateway() - Whether a route, or the first next hop of one with several, leads through another host */
static bool has_gateway(const json_t *element)
{
	const json_t *hop = json_array_get(json_object_get(element, "nexthops"), 0);

	if (hop)
		element = hop;
	return json_object_get(element, "gateway") || json_object_get(element, "via");
}

/** default_family() - Family of a default route, which does not name it: its gateway's; else only IPv6 has `pref` */
static enum family default_family(const json_t *element)
{
	const char *gateway = text_of(element, "gateway");
	struct address address;

	if (gateway && address_parse(gateway, &address) == 0)
		return address.family;
	return json_object_get(element, "pref") ? FAMILY_IPV6 : FAMILY_IPV4;
}

/** read_destination() - `dst`: "default", an address or a prefix; return 0 or -EINVAL */
static int read_destination(const json_t *element, const char *text, struct prefix *ret_destination)
{
	struct address address;

	if (strcmp(text, DEFAULT) == 0) {
		*ret_destination = (struct prefix){.address.family = default_family(element)};
		return 0;
	}
	if (address_parse(text, &address) == 0) {
		*ret_destination = (struct prefix){.address = address, .length = (uint8_t)family_bits(address.family)};
		return 0;
	}
	return prefix_parse(text, ret_destination);
}

/** kind_of() - What becomes of a packet that a route of type @type matches */
static enum hostroute_kind kind_of(const char *type)
{
	static const struct {
		const char *type;
		enum hostroute_kind kind;
	} kinds[] = {
		{"unicast", HOSTROUTE_UNICAST},	    {"local", HOSTROUTE_LOCAL},	     {"broadcast", HOSTROUTE_LOCAL},
		{"anycast", HOSTROUTE_LOCAL},	    {"throw", HOSTROUTE_THROW},	     {"blackhole", HOSTROUTE_DISCARD},
		{"unreachable", HOSTROUTE_DISCARD}, {"prohibit", HOSTROUTE_DISCARD},
	};

	for (size_t i = 0; type && i < ARRAY_LENGTH(kinds); i++)
		if (strcmp(type, kinds[i].type) == 0)
			return kinds[i].kind;
	return type ? HOSTROUTE_LOCAL : HOSTROUTE_UNICAST;
}

/** table_of() - Table of that name, or number (`ip -N`); NULL is main, which ip(8) leaves out */
static enum route_table table_of(const char *name)
{
	static const struct {
		const char *name;
		enum route_table table;
	} tables[] = {
		{"local", TABLE_LOCAL}, {"255", TABLE_LOCAL},	{"main", TABLE_MAIN},
		{"254", TABLE_MAIN},	{"253", TABLE_DEFAULT}, {DEFAULT, TABLE_DEFAULT},
	};

	for (size_t i = 0; name && i < ARRAY_LENGTH(tables); i++)
		if (strcmp(name, tables[i].name) == 0)
			return tables[i].table;
	return name ? TABLE_OTHER : TABLE_MAIN;
}

/** is_own() - Whether rangeguard made the route */
static bool is_own(const json_t *element)
{
	const char *protocol = text_of(element, "protocol");

	return protocol && strcmp(protocol, OWN_PROTOCOL) == 0;
}

/** read_route() - One element of the document; return 0, REFUSED when it is no route */
static int read_route(const json_t *element, size_t index, struct known_route *ret_route, struct error *reterr)
{
	const char *destination = text_of(element, "dst");
	char text[64];
	struct known_route route = {
		.rule = {.kind = kind_of(text_of(element, "type")), .has_gateway = has_gateway(element)},
		.table = table_of(text_of(element, "table")),
		.table_name = text_of(element, "table"),
		.type = text_of(element, "type"),
		.device = text_of(element, "dev"),
		.metric = (uint32_t)json_integer_value(json_object_get(element, "metric")),
		.own = is_own(element),
		.index = index,
	};

	route.rule.before_main = route.table == TABLE_OTHER;
	if (!destination || read_destination(element, destination, &route.rule.destination))
		return error_set(reterr, ERROR_DECODE, "element %zu is not a route with a destination (dst): %s", index,
				 json_brief(element, text, sizeof(text)));
	*ret_route = route;
	return 0;
}

/**
 * routes_read() - Read routes
 * @root:	Document, an array
 * @file:	Where it came from; must live as long as the routes
 * @ret_routes:	Routes, released by routes_done()
 * @reterr:	What is wrong
 *
 * Return: 0, REFUSED
 */
int routes_read(json_t *root, const char *file, struct routes *ret_routes, struct error *reterr)
{
	ROUTES_CLEANUP struct routes routes = {.file = file, .root = json_incref(root)};
	size_t index;
	json_t *element;

	if (!json_is_array(root))
		return error_set(reterr, ERROR_DECODE,
				 "not an array of routes: ip -json route show table all prints one");
	routes.items = calloc(json_array_size(root) + 1, sizeof(*routes.items));
	if (!routes.items)
		return error_no_memory(reterr);
	json_array_foreach(root, index, element)
		if (read_route(element, index, &routes.items[routes.n_items++], reterr))
			return REFUSED;
	*ret_routes = routes;
	routes = (struct routes){0};
	return 0;
}

/**
 * routes_describe() - A route in the words of ip(8)
 * @route:	Route
 * @buffer:	Space for it
 *
 * Return: @buffer, "blackhole 10.5.0.0/16", "10.1.2.0/24 dev wg0 table 52"
 */
const char *routes_describe(const struct known_route *route, char buffer[static ROUTE_TEXT_MAX])
{
	char destination[PREFIX_TEXT_MAX];
	bool local = route->table == TABLE_MAIN || route->table == TABLE_LOCAL;

	(void)snprintf(buffer, ROUTE_TEXT_MAX, "%.32s%s%s%s%.32s%s%.64s", route->type ? route->type : "",
		       route->type ? " " : "", prefix_format(&route->rule.destination, destination),
		       route->device ? " dev " : "", route->device ? route->device : "", local ? "" : " table ",
		       local ? "" : route->table_name);
	return buffer;
}

/** routes_done() - Release the routes */
void routes_done(struct routes *routes)
{
	json_decref(routes->root);
	free(routes->items);
	*routes = (struct routes){0};
}
