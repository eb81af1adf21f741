/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store's seam on LMDB: transactions, rows, cursor. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipam/store/row.h"
#include "ipam/store/store_lmdb_internal.h"
#include "rangeguard/cleanup.h"

/** A file with less than this behind its last page is made longer, see keep_slack() */
#define SLACK_BYTES ((off_t)512 << 10)

/** struct lmdb_key - Table and key as one */
struct lmdb_key {
	uint8_t data[1 + ROW_KEY_MAX];
	size_t size;
};

/** lmdb_of() - The LMDB store behind the seam */
static struct lmdb_store *lmdb_of(struct store *store)
{
	return (struct lmdb_store *)store;
}

/**
 * lmdb_outcome() - What LMDB's return code means at the seam; the one place where its codes are known
 * @code:	Return code of an mdb_ function
 *
 * Return: 0, STORE_E_NOT_FOUND, negative errno: -EUCLEAN when the file is damaged
 */
int lmdb_outcome(int code)
{
	switch (code) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return STORE_E_NOT_FOUND;
	case MDB_CORRUPTED:
	case MDB_CURSOR_FULL:
	case MDB_INVALID:
	case MDB_PAGE_NOTFOUND:
	case MDB_VERSION_MISMATCH:
		return -EUCLEAN;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -ENOSPC;
	case MDB_BAD_VALSIZE:
		return -EINVAL;
	default:
		return code > 0 ? -code : -EIO;
	}
}

/**
 * lmdb_key() - Key within LMDB's main database
 * @table:	Table
 * @key:	Key within the table
 * @ret_key:	Table and key as one
 *
 * Return: 0, -EINVAL for a key that is too long
 */
static int lmdb_key(enum store_table table, struct bytes key, struct lmdb_key *ret_key)
{
	if (key.size > ROW_KEY_MAX)
		return -EINVAL;
	ret_key->data[0] = (uint8_t)table;
	memcpy(ret_key->data + 1, key.data, key.size);
	ret_key->size = 1 + key.size;
	return 0;
}

/** val_of() - @key for LMDB */
static MDB_val val_of(struct lmdb_key *key)
{
	return (MDB_val){.mv_data = key->data, .mv_size = key->size};
}

/** bytes_in() - What LMDB handed out, without the first @skip bytes */
static struct bytes bytes_in(const MDB_val *val, size_t skip)
{
	return bytes_of((const uint8_t *)val->mv_data + skip, val->mv_size - skip);
}

static int lmdb_begin(struct store *store, bool write)
{
	struct lmdb_store *lmdb = lmdb_of(store);
	int r;

	r = LMDB(mdb_txn_begin(lmdb->env, NULL, write ? 0 : MDB_RDONLY, &lmdb->txn));
	if (r < 0)
		return r;
	r = LMDB(mdb_dbi_open(lmdb->txn, NULL, 0, &lmdb->dbi));
	if (r < 0)
		store->ops->abort(store);
	return r;
}

/** close_cursor() - LMDB wants cursors closed before their transaction ends */
static void close_cursor(struct lmdb_store *lmdb)
{
	if (lmdb->cursor)
		LMDB_VOID(mdb_cursor_close(lmdb->cursor));
	lmdb->cursor = NULL;
}

/**
 * keep_slack() - Keep the file longer than its last page
 * @lmdb:	Store after a commit
 *
 * LMDB need not write the last pages it took when they were free again at the commit. The file would end before its
 * last page, as a truncated one does, which store_lmdb_file_check() refuses. The slack is a hole and takes no space.
 * A file system that will not have it leaves us where we were.
 */
static void keep_slack(struct lmdb_store *lmdb)
{
	MDB_envinfo info;
	off_t used;
	int fd;

	if (mdb_env_info(lmdb->env, &info) || mdb_env_get_fd(lmdb->env, &fd))
		return;
	used = (off_t)(info.me_last_pgno + 1) * sysconf(_SC_PAGESIZE);
	if (lmdb->size - used < SLACK_BYTES && ftruncate(fd, used + 2 * SLACK_BYTES) == 0)
		lmdb->size = used + 2 * SLACK_BYTES;
}

static int lmdb_commit(struct store *store)
{
	struct lmdb_store *lmdb = lmdb_of(store);
	MDB_txn *txn = TAKE_PTR(lmdb->txn);
	int r;

	close_cursor(lmdb);
	r = LMDB(mdb_txn_commit(txn));
	if (r == 0)
		keep_slack(lmdb);
	return r;
}

static void lmdb_abort(struct store *store)
{
	struct lmdb_store *lmdb = lmdb_of(store);

	close_cursor(lmdb);
	LMDB_VOID(mdb_txn_abort(TAKE_PTR(lmdb->txn)));
}

static int lmdb_get(struct store *store, enum store_table table, struct bytes key, struct bytes *ret_value)
{
	struct lmdb_store *lmdb = lmdb_of(store);
	MDB_val key_val, value;
	struct lmdb_key full;
	int r;

	r = lmdb_key(table, key, &full);
	if (r < 0)
		return r;
	key_val = val_of(&full);
	r = LMDB(mdb_get(lmdb->txn, lmdb->dbi, &key_val, &value));
	if (r == 0)
		*ret_value = bytes_in(&value, 0);
	return r;
}

static int lmdb_put(struct store *store, enum store_table table, struct bytes key, struct bytes value)
{
	struct lmdb_store *lmdb = lmdb_of(store);
	struct lmdb_key full;
	MDB_val key_val, data;
	int r;

	r = lmdb_key(table, key, &full);
	if (r < 0)
		return r;
	key_val = val_of(&full);
	data.mv_size = value.size;
	/* Room to copy to: MDB_val has no const. */
	r = LMDB(mdb_put(lmdb->txn, lmdb->dbi, &key_val, &data, MDB_RESERVE));
	if (r == 0 && value.size)
		memcpy(data.mv_data, value.data, value.size);
	return r;
}

static int lmdb_remove(struct store *store, enum store_table table, struct bytes key)
{
	struct lmdb_store *lmdb = lmdb_of(store);
	struct lmdb_key full;
	MDB_val key_val;
	int r;

	r = lmdb_key(table, key, &full);
	if (r < 0)
		return r;
	key_val = val_of(&full);
	return LMDB(mdb_del(lmdb->txn, lmdb->dbi, &key_val, NULL));
}

/**
 * move() - Move the transaction's cursor
 * @lmdb:	Store
 * @operation:	Where to
 * @key:	Key to move to (MDB_SET_RANGE); the key found
 * @ret_value:	Value found
 *
 * Return: 0, STORE_E_NOT_FOUND at the end, negative errno
 */
static int move(struct lmdb_store *lmdb, MDB_cursor_op operation, MDB_val *key, MDB_val *ret_value)
{
	int r;

	if (!lmdb->cursor) {
		r = LMDB(mdb_cursor_open(lmdb->txn, lmdb->dbi, &lmdb->cursor));
		if (r < 0)
			return r;
	}
	return LMDB(mdb_cursor_get(lmdb->cursor, key, ret_value, operation));
}

/** is_key() - Whether the key that the cursor found is @key */
static bool is_key(const MDB_val *found, const struct lmdb_key *key)
{
	return found->mv_size == key->size && memcmp(found->mv_data, key->data, key->size) == 0;
}

/**
 * row_in() - Hand out the row under the cursor if it is one of a table
 * @table:	Table
 * @found:	Key under the cursor
 * @value:	Value under the cursor
 * @ret_key:	Key within the table
 * @ret_value:	Value
 *
 * Return: 0, STORE_E_NOT_FOUND, -EUCLEAN for a key that no table has
 */
static int row_in(enum store_table table, const MDB_val *found, const MDB_val *value, struct bytes *ret_key,
		  struct bytes *ret_value)
{
	if (found->mv_size < 1 || found->mv_size > 1 + ROW_KEY_MAX)
		return -EUCLEAN;
	if (*(const uint8_t *)found->mv_data != (uint8_t)table)
		return STORE_E_NOT_FOUND;
	*ret_key = bytes_in(found, 1);
	*ret_value = bytes_in(value, 0);
	return 0;
}

static int lmdb_seek(struct store *store, enum store_table table, struct bytes key, bool after, struct bytes *ret_key,
		     struct bytes *ret_value)
{
	struct lmdb_store *lmdb = lmdb_of(store);
	struct lmdb_key full;
	MDB_val found, value;
	int r;

	r = lmdb_key(table, key, &full);
	if (r < 0)
		return r;
	found = val_of(&full);
	r = move(lmdb, MDB_SET_RANGE, &found, &value);
	if (r == 0 && after && is_key(&found, &full))
		r = move(lmdb, MDB_NEXT, &found, &value);
	if (r)
		return r;
	return row_in(table, &found, &value, ret_key, ret_value);
}

static int lmdb_seek_back(struct store *store, enum store_table table, struct bytes key, struct bytes *ret_key,
			  struct bytes *ret_value)
{
	struct lmdb_store *lmdb = lmdb_of(store);
	struct lmdb_key full;
	MDB_val found, value;
	int r;

	r = lmdb_key(table, key, &full);
	if (r < 0)
		return r;
	found = val_of(&full);
	r = move(lmdb, MDB_SET_RANGE, &found, &value);
	if (r == STORE_E_NOT_FOUND)
		r = move(lmdb, MDB_LAST, &found, &value);
	else if (r == 0 && !is_key(&found, &full))
		r = move(lmdb, MDB_PREV, &found, &value);
	if (r)
		return r;
	return row_in(table, &found, &value, ret_key, ret_value);
}

/**
 * lmdb_close_file() - Close LMDB's file; the store lock stays
 * @lmdb:	Store
 */
void lmdb_close_file(struct lmdb_store *lmdb)
{
	if (lmdb->txn)
		lmdb_abort(&lmdb->base);
	if (lmdb->env)
		LMDB_VOID(mdb_env_close(lmdb->env));
	lmdb->env = NULL;
	lmdb_unwatch();
}

static void lmdb_close(struct store *store)
{
	struct lmdb_store *lmdb = lmdb_of(store);

	lmdb_close_file(lmdb);
	state_unlock_store(lmdb->state);
	free(lmdb);
}

const struct store_ops lmdb_ops = {
	.begin = lmdb_begin,
	.commit = lmdb_commit,
	.abort = lmdb_abort,
	.get = lmdb_get,
	.put = lmdb_put,
	.remove = lmdb_remove,
	.seek = lmdb_seek,
	.seek_back = lmdb_seek_back,
	.close = lmdb_close,
};
