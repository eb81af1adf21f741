/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_CENSUS_H
#define PLUGIN_NETWORK_CENSUS_H

/*
 * Which addresses there are in network namespaces that have a name: whoever gave them. For who has to know whether an
 * address is in use. Each namespace is entered for as long as it takes to open a socket there.
 */

#include "ipam/address/address.h"
#include "plugin/network/port.h"

/** census_fn - Called with each address of an interface; a value other than 0 ends the census and is returned by it */
typedef int (*census_fn)(void *userdata, const struct address *address);

int census_directory(const char *directory, census_fn heard, void *userdata);
int census_port(struct port *port, census_fn heard, void *userdata);

#endif
