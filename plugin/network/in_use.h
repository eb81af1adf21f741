/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_IN_USE_H
#define PLUGIN_NETWORK_IN_USE_H

/*
 * Addresses that somebody has in a network namespace: each that can be reached by a name (/run/netns,
 * /run/docker/netns) or by a process in it is asked, whoever gave them. It is entered for as long as it takes to open a
 * socket there.
 */

#include <net/if.h>
#include <stdint.h>

#include "ipam/address/address.h"
#include "plugin/network/port.h"
#include "rangeguard/cleanup.h"

/** struct used_address - An address, and where it is; of the port's own namespace only the address is told */
struct used_address {
	struct address address;
	uint32_t interface;
	uint64_t inode;
	uint64_t cookie;
	char ifname[IFNAMSIZ];
};

/**
 * struct in_use - All of them, by address; owned
 * @n_closed:	Namespaces that the kernel did not let us look into: they may have any address
 */
struct in_use {
	struct used_address *items;
	size_t n_items;
	size_t capacity;
	size_t n_closed;
};

int in_use_read(struct port *own, struct in_use *ret_in_use);
bool in_use_has(const struct in_use *in_use, const struct span *span);
void in_use_done(struct in_use *in_use);

#define IN_USE_CLEANUP CLEANUP(in_use_done)

#endif
