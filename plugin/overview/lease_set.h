/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_OVERVIEW_LEASE_SET_H
#define PLUGIN_OVERVIEW_LEASE_SET_H

/* All leases of a host at once, for commands that sort and count them; read in parts, so that no ADD waits for long. */

#include "ipam/lease/ipam.h"

/** struct lease_copy - A lease as it is stored; owned */
struct lease_copy {
	void *data;
	size_t size;
};

/**
 * struct lease_set - Leases
 * @copies:	To be read with lease_set_get()
 * @n:		How many
 * @capacity:	For how many there is room
 * @damaged:	Some could not be read
 */
struct lease_set {
	struct lease_copy *copies;
	size_t n;
	size_t capacity;
	bool damaged;
};

int lease_set_read(const char *data_dir, const char *network, struct lease_set *ret_set);
int lease_set_add(void *userdata, const struct lease *lease);
struct lease lease_set_get(const struct lease_set *set, size_t index);
const char *lease_set_outcome(int outcome);
void lease_set_done(struct lease_set *set);

#define LEASE_SET_CLEANUP __attribute__((cleanup(lease_set_done)))

#endif
