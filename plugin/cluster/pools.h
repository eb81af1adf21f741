/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_CLUSTER_POOLS_H
#define PLUGIN_CLUSTER_POOLS_H

/*
 * The record `pools`: every range of the cluster with its block length and network. Hosts that are configured
 * differently are found out here, before one of them claims anything. Pure.
 */

#include <stddef.h>

#include "ipam/address/address.h"

/** Pools of a cluster */
#define POOLS_MAX 1024U
/** A network's name, as the record shows it */
#define POOLS_NETWORK_MAX 65

/** struct cluster_pool - A range, cut into blocks; @network is for people */
struct cluster_pool {
	struct prefix prefix;
	uint8_t block_length;
	char network[POOLS_NETWORK_MAX];
};

/** How a pool stands to those that are there */
enum pool_standing {
	POOLS_NEW,	/* none of them has an address of it */
	POOLS_KNOWN,	/* it is one of them */
	POOLS_CONFLICT, /* it overlaps one, or has another block length */
	POOLS_UNREADABLE,
	POOLS_FULL, /* none of them has an address of it, and there are as many as there can be */
};

enum pool_standing pools_judge(const char *text, const struct cluster_pool *pool, struct cluster_pool *ret_other);
char *pools_add(const char *text, const struct cluster_pool *pool);

#endif
