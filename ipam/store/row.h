/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_STORE_ROW_H
#define IPAM_STORE_ROW_H

/*
 * Byte order and bounds of the keys and values in the lease store: numbers stand in network order, so that memcmp(3)
 * sorts keys as numbers, whatever the machine. Writers return the place behind what they wrote, as mempcpy(3) does;
 * the caller has made room. Readers take what they read from the front of a byte string and check its length. Pure.
 */

#include <stdint.h>

#include "ipam/address/address.h"
#include "ipam/store/store.h"

/** Bytes of a number in a row */
#define ROW_NUMBER_BYTES 8U
/** Bytes of an address in a row: family, then value in 128 bits */
#define ROW_ADDRESS_BYTES 17U
/** Bytes of a key: the longest is a digest, a number and an address */
#define ROW_KEY_MAX 48U

/** struct pool_id - Tells the pools of pool.h apart; the keys of a pool's rows begin with it */
struct pool_id {
	uint8_t bytes[16];
};

/** struct row_key - A key with its own space */
struct row_key {
	uint8_t data[ROW_KEY_MAX];
	size_t size;
};

uint8_t *row_write_pool(uint8_t *at, const struct pool_id *pool);
uint8_t *row_write_number(uint8_t *at, uint64_t number);
uint8_t *row_write_address(uint8_t *at, const struct address *address);

struct row_key row_key_of_address(const struct address *address);

int row_key_read(struct bytes key, struct row_key *ret_key);
int row_read(struct bytes *row, void *ret_data, size_t size);
int row_read_pool(struct bytes *row, const struct pool_id *pool);
int row_read_number(struct bytes *row, uint64_t *ret_number);
int row_read_address(struct bytes *row, struct address *ret_address);

/** row_key_bytes() - @key as a byte string */
static inline struct bytes row_key_bytes(const struct row_key *key)
{
	return bytes_of(key->data, key->size);
}

#endif
