/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of STORE_EGRESS: number of leases (8 bytes), then the definition. */

#include "ipam/lease/egress_row.h"

#include <errno.h>
#include <string.h>

#include "ipam/store/row.h"
#include "rangeguard/cleanup.h"

/** key_of() - The key of a digest; @key is its space */
static struct bytes key_of(uint64_t digest, uint8_t key[static ROW_NUMBER_BYTES])
{
	(void)row_write_number(key, digest);
	return bytes_of(key, ROW_NUMBER_BYTES);
}

/** write_row() - Write a row */
static int write_row(struct store *store, uint64_t digest, uint64_t users, struct bytes definition)
{
	size_t size = ROW_NUMBER_BYTES + definition.size;
	CLEANUP_FREE uint8_t *row = malloc(size);
	uint8_t key[ROW_NUMBER_BYTES];

	if (!row)
		return -ENOMEM;
	memcpy(row_write_number(row, users), definition.data, definition.size);
	return store->ops->put(store, STORE_EGRESS, key_of(digest, key), bytes_of(row, size));
}

/**
 * egress_row_get() - Read a row
 * @store:	Store, in a transaction
 * @digest:	Digest
 * @ret_egress:	Definition and number of leases; borrowed until the next change
 *
 * Return: 0, IPAM_E_NOT_FOUND, -EUCLEAN, negative errno
 */
int egress_row_get(struct store *store, uint64_t digest, struct ipam_egress *ret_egress)
{
	uint8_t key[ROW_NUMBER_BYTES];
	struct bytes row;
	int r = store->ops->get(store, STORE_EGRESS, key_of(digest, key), &row);

	if (r)
		return r < 0 ? r : IPAM_E_NOT_FOUND;
	ret_egress->digest = digest;
	if (row_read_number(&row, &ret_egress->users) < 0)
		return -EUCLEAN;
	ret_egress->definition = row;
	return 0;
}

/**
 * egress_row_take() - One more lease names it
 * @store:	Store, in a writing transaction
 * @digest:	Digest, 0: none
 * @definition:	What it stands for, written when the row is new
 *
 * Return: 0, negative errno
 */
int egress_row_take(struct store *store, uint64_t digest, struct bytes definition)
{
	struct ipam_egress egress = {0};
	int r = digest ? egress_row_get(store, digest, &egress) : 0;

	if (!digest || r < 0)
		return r;
	return write_row(store, digest, egress.users + 1, definition);
}

/** egress_row_release() - One lease less names @digest (0: none): 0, negative errno */
int egress_row_release(struct store *store, uint64_t digest)
{
	CLEANUP_FREE void *copy = NULL;
	struct ipam_egress egress = {0};
	int r = digest ? egress_row_get(store, digest, &egress) : IPAM_E_NOT_FOUND;

	if (r || !egress.users)
		return r < 0 ? r : 0;
	/* What the store handed out does not outlive a change. */
	copy = malloc(egress.definition.size + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, egress.definition.data, egress.definition.size);
	return write_row(store, digest, egress.users - 1, bytes_of(copy, egress.definition.size));
}

/** egress_row_remove() - The row away, if no lease names it: 0, negative errno */
int egress_row_remove(struct store *store, uint64_t digest)
{
	struct ipam_egress egress = {0};
	uint8_t key[ROW_NUMBER_BYTES];
	int r = egress_row_get(store, digest, &egress);

	if (r || egress.users)
		return r < 0 ? r : 0;
	return store->ops->remove(store, STORE_EGRESS, key_of(digest, key));
}

/**
 * egress_row_next() - The next row by digest
 * @store:	Store, in a transaction
 * @after:	Digest of the row before, when @begun; that of the row found
 * @begun:	This is not the first one
 * @ret_egress:	Row; borrowed until the next change
 *
 * Return: 0, IPAM_E_NOT_FOUND when there is none, -EUCLEAN, negative errno
 */
int egress_row_next(struct store *store, uint64_t *after, bool begun, struct ipam_egress *ret_egress)
{
	uint8_t space[ROW_NUMBER_BYTES] = {0};
	struct bytes key = begun ? key_of(*after, space) : bytes_of(space, 0), row;
	int r = store->ops->seek(store, STORE_EGRESS, key, begun, &key, &row);

	if (r)
		return r < 0 ? r : IPAM_E_NOT_FOUND;
	if (row_read_number(&key, after) < 0 || row_read_number(&row, &ret_egress->users) < 0)
		return -EUCLEAN;
	ret_egress->digest = *after;
	ret_egress->definition = row;
	return 0;
}
