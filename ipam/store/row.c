/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte order and bounds of the keys and values in the lease store. Pure. */

#include "ipam/store/row.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/**
 * row_write_pool() - Write what the keys of a pool's rows begin with
 * @at:		Where; sizeof(@pool->bytes) bytes are written
 * @pool:	Pool
 *
 * Return: the place behind it
 */
uint8_t *row_write_pool(uint8_t *at, const struct pool_id *pool)
{
	return mempcpy(at, pool->bytes, sizeof(pool->bytes));
}

/**
 * row_write_number() - Write a number
 * @at:		Where; ROW_NUMBER_BYTES are written
 * @number:	Number
 *
 * Return: the place behind it
 */
uint8_t *row_write_number(uint8_t *at, uint64_t number)
{
	uint64_t big_endian = htobe64(number);

	return mempcpy(at, &big_endian, sizeof(big_endian));
}

/**
 * row_write_address() - Write an address
 * @at:		Where; ROW_ADDRESS_BYTES are written
 * @address:	Address
 *
 * Return: the place behind it
 */
uint8_t *row_write_address(uint8_t *at, const struct address *address)
{
	*at++ = (uint8_t)address->family;
	at = row_write_number(at, (uint64_t)(address->value >> 64));
	return row_write_number(at, (uint64_t)address->value);
}

/** row_key_of_address() - The key of @address in STORE_ADDRESSES */
struct row_key row_key_of_address(const struct address *address)
{
	struct row_key key = {.size = ROW_ADDRESS_BYTES};

	(void)row_write_address(key.data, address);
	return key;
}

/**
 * row_key_read() - Copy a key that the store handed out, to go on after it
 * @key:	Key
 * @ret_key:	Copy
 *
 * Return: 0, -EUCLEAN when it is longer than any key
 */
int row_key_read(struct bytes key, struct row_key *ret_key)
{
	if (key.size > sizeof(ret_key->data))
		return -EUCLEAN;
	memcpy(ret_key->data, key.data, key.size);
	ret_key->size = key.size;
	return 0;
}

/**
 * row_read() - Take bytes from the front of a row
 * @row:	What is left of the row
 * @ret_data:	Bytes taken
 * @size:	How many
 *
 * Return: 0, -EUCLEAN when the row is shorter
 */
int row_read(struct bytes *row, void *ret_data, size_t size)
{
	if (row->size < size)
		return -EUCLEAN;
	memcpy(ret_data, row->data, size);
	row->data = (const uint8_t *)row->data + size;
	row->size -= size;
	return 0;
}

/**
 * row_read_pool() - Take the pool from the front of a key
 * @row:	What is left of the key
 * @pool:	Pool expected
 *
 * Return: 0, STORE_E_NOT_FOUND when the key is another pool's, -EUCLEAN when it is shorter
 */
int row_read_pool(struct bytes *row, const struct pool_id *pool)
{
	struct pool_id found;

	if (row_read(row, found.bytes, sizeof(found.bytes)) < 0)
		return -EUCLEAN;
	return memcmp(found.bytes, pool->bytes, sizeof(found.bytes)) == 0 ? 0 : STORE_E_NOT_FOUND;
}

/**
 * row_read_number() - Take a number from the front of a row
 * @row:	What is left of the row
 * @ret_number:	Number
 *
 * Return: 0, -EUCLEAN when the row is shorter
 */
int row_read_number(struct bytes *row, uint64_t *ret_number)
{
	uint64_t big_endian;

	if (row_read(row, &big_endian, sizeof(big_endian)) < 0)
		return -EUCLEAN;
	*ret_number = be64toh(big_endian);
	return 0;
}

/**
 * row_read_address() - Take an address from the front of a row
 * @row:		What is left of the row
 * @ret_address:	Address
 *
 * Return: 0, -EUCLEAN when the row is shorter or holds no address
 */
int row_read_address(struct bytes *row, struct address *ret_address)
{
	uint64_t high, low;
	uint8_t family;

	if (row_read(row, &family, 1) < 0 || row_read_number(row, &high) < 0 || row_read_number(row, &low) < 0)
		return -EUCLEAN;
	if (family != FAMILY_IPV4 && family != FAMILY_IPV6)
		return -EUCLEAN;
	if (family == FAMILY_IPV4 && (high || low > UINT32_MAX))
		return -EUCLEAN;
	*ret_address = (struct address){.family = (enum family)family, .value = (u128)high << 64 | low};
	return 0;
}
