/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_OVERVIEW_POOL_USAGE_H
#define PLUGIN_OVERVIEW_POOL_USAGE_H

/* How full the ranges of networks are. */

#include "ipam/guard/guard.h"
#include "plugin/netconf/netconf.h"
#include "plugin/overview/lease_set.h"

/** Space for the owners of what is reserved in a range */
#define POOL_OWNERS_MAX 256

/**
 * struct pool_usage - One range of a network; numbers of addresses
 * @network:	Name; borrowed
 * @set:	Index of its range set: which address of a container it gives
 * @span:	Addresses that may be given
 * @size:	How many these are
 * @reserved:	Of these, reserved by the policy
 * @held:	Of these, held, whatever network holds them
 * @resting:	Of these, released less than `reuseDelay` ago
 * @free:	Of these, neither reserved nor held nor excluded (gateway, next hop)
 * @owners:	Who reserves them
 */
struct pool_usage {
	const char *network;
	size_t set;
	struct span span;
	u128 size;
	u128 reserved;
	u128 held;
	u128 resting;
	u128 free;
	char owners[POOL_OWNERS_MAX];
};

/** struct held_addresses - Addresses, sorted; owned */
struct held_addresses {
	struct address *all;
	size_t n;
};

/** struct pool_measure - What ranges are measured with; borrowed */
struct pool_measure {
	const struct guard *guard;
	const struct held_addresses *held;
	const struct held_addresses *resting;
};

/** Space for a number of addresses */
#define POOL_NUMBER_MAX 40

/** pool_usage_fn - Called for each range; a value other than 0 ends the walk and is returned by it */
typedef int (*pool_usage_fn)(void *userdata, const struct pool_usage *usage);

int held_addresses_of(const struct lease_set *leases, struct held_addresses *ret_held);
int held_addresses_resting(const char *data_dir, uint32_t reuse_delay, struct held_addresses *ret_resting);
void held_addresses_done(struct held_addresses *held);
size_t held_addresses_count(const struct held_addresses *held, const struct span *span);
int pool_usage_each(const struct netconf *netconf, const struct pool_measure *with, pool_usage_fn each, void *userdata);
const char *pool_number(u128 number, char buffer[static POOL_NUMBER_MAX]);

#define HELD_ADDRESSES_CLEANUP __attribute__((cleanup(held_addresses_done)))

#endif
