/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_INVENTORY_H
#define PLUGIN_NETWORK_INVENTORY_H

/*
 * What the kernel knows of this host's attachments: each host end of ours by its alias, with the addresses that our
 * routes lead to it. From this a lost lease store is rebuilt.
 */

#include "plugin/network/port.h"
#include "plugin/network/rtmessage.h"

/** struct inventory_item - One host end and the addresses behind it */
struct inventory_item {
	uint32_t index;
	char name[IFNAMSIZ];
	char alias[IDENTITY_ALIAS_MAX];
	struct address addresses[LIMIT_RANGE_SETS];
	size_t n_addresses;
};

/** struct inventory - All of them, by interface index; owned */
struct inventory {
	struct inventory_item *items;
	size_t n_items;
};

int inventory_read(struct port *host, struct inventory *ret_inventory);
void inventory_done(struct inventory *inventory);

#define INVENTORY_CLEANUP __attribute__((cleanup(inventory_done)))

#endif
