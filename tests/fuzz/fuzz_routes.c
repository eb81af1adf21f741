/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any JSON as the routes of a host. Each that is read has a destination of its family, stands where its index says, and
 * can be described; what can't be read has an error that says so.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/netconf/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** check_route() - What must hold for a route of a document of so many elements */
static void check_route(const struct known_route *route, size_t n)
{
	const struct prefix *destination = &route->rule.destination;
	char text[ROUTE_TEXT_MAX];

	require(destination->address.family == FAMILY_IPV4 || destination->address.family == FAMILY_IPV6);
	require(destination->length <= family_bits(destination->address.family));
	require(route->table <= TABLE_OTHER && route->index < n);
	require(strnlen(routes_describe(route, text), sizeof(text)) < sizeof(text) && *text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ROUTES_CLEANUP struct routes routes = {0};
	struct error err = {.code = 0};
	json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (!json)
		return 0;
	if (routes_read(json, "routes.json", &routes, &err) == 0)
		for (size_t i = 0; i < routes.n_items; i++)
			check_route(&routes.items[i], json_array_size(json));
	else
		require(err.code != 0 && *err.msg);
	json_decref(json);
	return 0;
}
