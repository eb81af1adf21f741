/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETCONF_ROUTES_H
#define PLUGIN_NETCONF_ROUTES_H

/* A host's routes as `ip -json route show table all` (iproute2) printed them, as values. Pure. */

#include <jansson.h>
#include <stdint.h>

#include "ipam/address/hostroute_rule.h"
#include "plugin/report/error.h"

/** Tables, in the order in which the kernel's own rules (0, 32766, 32767) look into them */
enum route_table {
	TABLE_LOCAL,
	TABLE_MAIN,
	TABLE_DEFAULT,
	TABLE_OTHER, /* only a rule that somebody added leads there; such rules are not in the file */
};

/**
 * struct known_route - One route; texts are borrowed from the document
 * @rule:	What the clash rule asks
 * @table:	Which table
 * @table_name:	Its name, NULL: main
 * @type:	"blackhole" and so on, NULL: unicast
 * @device:	NULL: none
 * @metric:	Of equally specific routes the one with the least counts
 * @own:	rangeguard made it, for a container
 * @index:	Which element of the document
 */
struct known_route {
	struct hostroute rule;
	enum route_table table;
	const char *table_name;
	const char *type;
	const char *device;
	uint32_t metric;
	bool own;
	size_t index;
};

/**
 * struct routes - All of them, in the order of the document
 * @file:	Where they came from, for messages; borrowed
 * @root:	The document; owned (a reference)
 */
struct routes {
	const char *file;
	json_t *root;
	struct known_route *items;
	size_t n_items;
};

/** Space for routes_describe() */
#define ROUTE_TEXT_MAX 256

int routes_read(json_t *root, const char *file, struct routes *ret_routes, struct error *reterr);
const char *routes_describe(const struct known_route *route, char buffer[static ROUTE_TEXT_MAX]);
void routes_done(struct routes *routes);

#define ROUTES_CLEANUP __attribute__((cleanup(routes_done)))

#endif
