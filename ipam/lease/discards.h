/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_LEASE_DISCARDS_H
#define IPAM_LEASE_DISCARDS_H

/*
 * What of its ranges a network has the host discard while nobody has the addresses: prefixes, noted in the store before
 * the kernel is told, so that whoever gives back the last lease knows what to take out of it. One row per network.
 */

#include "ipam/address/address.h"
#include "ipam/store/store.h"

/** Prefixes of one network: ranges with holes come to many, and each is a route */
#define DISCARDS_MAX 1024U

/** Name of the row of what was found in the kernel when the store was lost; no network has it */
#define DISCARDS_FOUND "/found"

/** struct discards - Prefixes, owned */
struct discards {
	struct prefix *all;
	size_t n;
};

/** struct discards_row - A network's prefixes; @key is its row's */
struct discards_row {
	uint8_t key[17];
	struct discards discards;
};

/** struct discards_table - Rows of all networks, owned */
struct discards_table {
	struct discards_row *rows;
	size_t n;
};

int discards_add(struct discards *discards, const struct prefix *prefix);
bool discards_have(const struct discards *discards, const struct prefix *prefix);
bool discards_equal(const struct discards *a, const struct discards *b);
void discards_done(struct discards *discards);

int discards_get(struct store *store, const char *network, struct discards *ret_discards);
int discards_put(struct store *store, const char *network, const struct discards *discards);
int discards_forget(struct store *store, const struct discards_row *row);
int discards_read(struct store *store, struct discards_table *ret_table);
struct discards_row *discards_find(struct discards_table *table, const char *network);
int discards_are_used(struct store *store, const struct discards_row *row);
void discards_table_done(struct discards_table *table);

#define DISCARDS_CLEANUP __attribute__((cleanup(discards_done)))
#define DISCARDS_TABLE_CLEANUP __attribute__((cleanup(discards_table_done)))

#endif
