/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_WEED_H
#define PLUGIN_SNAT_WEED_H

/*
 * What somebody put among our rules, or in the place of one. How often a chain is used tells that something is missing, but
 * not that something else stands there, nor what is too much in a chain that grows with the lists. So all rules of a table
 * are compared with those that it is made of. What is not ours goes; what is missing makes the table be made again.
 */

#include <stdbool.h>

#include "plugin/network/port.h"
#include "plugin/report/error.h"

/** struct weeded - What was found; @some: rules of others, which are gone; @lacking: not all that are there with the table */
struct weeded {
	bool some;
	bool lacking;
};

int weed(struct port *netfilter, const char *table, struct batch *wanted, struct weeded *ret_weeded,
	 struct error *reterr);

#endif
