/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_STORE_STORE_H
#define IPAM_STORE_STORE_H

/*
 * The lease store's seam: a few ordered tables of byte strings under one transaction at a time. The IPAM's logic is
 * written against this interface; LMDB stands behind it in the plugin (store_lmdb.c), a table in memory that can fail
 * its n-th call in the tests.
 *
 * Returns: 0, a negative errno to pass up unchanged, or STORE_E_NOT_FOUND. After a negative errno the transaction can
 * only be aborted. Bytes handed out stay valid until the next change or the end of the transaction.
 */

#include <stdbool.h>
#include <stddef.h>

#include "rangeguard/outcome.h"

enum store_table {
	STORE_META,	  /* schema, boot id, cursors */
	STORE_LEASES,	  /* attachment key -> lease */
	STORE_ADDRESSES,  /* address -> attachment key: what is held, whatever the network */
	STORE_POOLS,	  /* pool id -> the spans it was built from */
	STORE_FREE,	  /* pool id, first address -> last address: free extents */
	STORE_RESTING,	  /* pool id, time of release, address: released, not given again yet */
	STORE_RESTING_AT, /* pool id, address -> time of release */
	STORE_EGRESS,	  /* digest -> how many leases have it, what it stands for */
	STORE_N_TABLES,
};

enum store_outcome {
	STORE_E_NOT_FOUND = OUTCOMES_STORE,
};

/** struct bytes - Borrowed byte string */
struct bytes {
	const void *data;
	size_t size;
};

struct store;

struct store_ops {
	int (*begin)(struct store *store, bool write);
	int (*commit)(struct store *store);
	void (*abort)(struct store *store);
	int (*get)(struct store *store, enum store_table table, struct bytes key, struct bytes *ret_value);
	int (*put)(struct store *store, enum store_table table, struct bytes key, struct bytes value);
	int (*remove)(struct store *store, enum store_table table, struct bytes key);
	/* First row whose key is >= @key (> @key when @after), in memcmp(3) order */
	int (*seek)(struct store *store, enum store_table table, struct bytes key, bool after, struct bytes *ret_key,
		    struct bytes *ret_value);
	/* Last row whose key is <= @key */
	int (*seek_back)(struct store *store, enum store_table table, struct bytes key, struct bytes *ret_key,
			 struct bytes *ret_value);
	void (*close)(struct store *store);
};

/** struct store - Embedded as the first member by each implementation; @n_repaired: rows that ipam_mend() repaired */
struct store {
	const struct store_ops *ops;
	size_t n_repaired;
};

static inline struct bytes bytes_of(const void *data, size_t size)
{
	return (struct bytes){.data = data, .size = size};
}

/** store_end() - Commit the transaction of @store when @r is 0, else abort it: 0, @r, the commit's negative errno */
static inline int store_end(struct store *store, int r)
{
	if (r == 0)
		return store->ops->commit(store);
	store->ops->abort(store);
	return r;
}

static inline struct store *store_close(struct store *store)
{
	if (store)
		store->ops->close(store);
	return NULL;
}

static inline void store_cleanup(struct store **store)
{
	*store = store_close(*store);
}

#define STORE_CLEANUP __attribute__((cleanup(store_cleanup)))

#endif
