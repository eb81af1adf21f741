/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_ADOPT_H
#define PLUGIN_HOST_ADOPT_H

/*
 * A new lease store is filled from the kernel: whatever happened to the old one, an address that one of our routes
 * leads to is held by the attachment whose alias stands on the interface. And what is found of a network's ranges in the
 * namespaces that can be reached is held for whoever is there, until it is gone.
 */

#include "ipam/address/range.h"
#include "ipam/lease/lease.h"
#include "ipam/store/store.h"

/** What stands for a container that is known by its namespace alone: this, the inode, and the cookie */
#define ADOPT_PREFIX "netns-"
#define ADOPT_TEXT_MAX 64

struct attachment adopt_attachment(uint64_t inode, uint64_t cookie, const char *ifname,
				   char text[static ADOPT_TEXT_MAX]);

int adopt_in_use(struct store *store, const struct range_set *sets, size_t n_sets);
struct host;
int adopt_from_kernel(struct host *host, struct store *store);

#endif
