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
 * @definition:	What it stands for, written in place of what the row says
 *
 * Return: 0, IPAM_E_DAMAGED when the number of its leases was lost and egress_row_recount() has to follow, negative errno
 */
int egress_row_take(struct store *store, uint64_t digest, struct bytes definition)
{
	struct ipam_egress egress = {0};
	int found = digest ? egress_row_get(store, digest, &egress) : 0;
	int r;

	if (!digest || (found < 0 && found != -EUCLEAN))
		return found;
	r = write_row(store, digest, egress.users + 1, definition);
	return r == 0 && found == -EUCLEAN ? IPAM_E_DAMAGED : r;
}

/** egress_row_set_users() - Write the number of its leases into a row that was read: 0, negative errno */
int egress_row_set_users(struct store *store, const struct ipam_egress *egress, uint64_t users)
{
	/* What the store handed out does not outlive a change. */
	CLEANUP_FREE void *copy = malloc(egress->definition.size + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, egress->definition.data, egress->definition.size);
	return write_row(store, egress->digest, users, bytes_of(copy, egress->definition.size));
}

/** egress_row_release() - One lease less names @digest (0: none), of which nothing may be known: 0, negative errno */
int egress_row_release(struct store *store, uint64_t digest)
{
	struct ipam_egress egress = {0};
	int r = digest ? egress_row_get(store, digest, &egress) : IPAM_E_NOT_FOUND;

	if (r == IPAM_E_NOT_FOUND || r == -EUCLEAN)
		return 0;
	return r || !egress.users ? r : egress_row_set_users(store, &egress, egress.users - 1);
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
 * @at:		Key of the row before, empty for the first row; that of the row found, also when it can't be read
 * @ret_egress:	Row; borrowed until the next change
 *
 * Return: 0, IPAM_E_NOT_FOUND when there is none, IPAM_E_DAMAGED: the next one can be asked for all the same, negative
 *	errno
 */
int egress_row_next(struct store *store, struct row_key *at, struct ipam_egress *ret_egress)
{
	struct bytes key = row_key_bytes(at), row;
	int r = store->ops->seek(store, STORE_EGRESS, key, key.size, &key, &row);

	if (r == STORE_E_NOT_FOUND)
		return IPAM_E_NOT_FOUND;
	if (r == 0)
		r = row_key_read(key, at);
	if (r)
		return r;
	if (row_read_number(&key, &ret_egress->digest) < 0 || key.size || row_read_number(&row, &ret_egress->users) < 0)
		return IPAM_E_DAMAGED;
	ret_egress->definition = row;
	return 0;
}
