/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_STORE_STORE_LMDB_INTERNAL_H
#define IPAM_STORE_STORE_LMDB_INTERNAL_H

/*
 * Shared by the files of the store on LMDB: store_lmdb.c opens and creates, store_lmdb_ops.c is the seam,
 * store_lmdb_check.c looks at a file before it is trusted, store_lmdb_crash.c is for when that was not enough.
 */

#include <lmdb.h>
#include <signal.h>
#include <sys/types.h>

#include "ipam/store/state.h"
#include "ipam/store/store.h"
#include "ipam/store/store_lmdb.h"
#include "rangeguard/outcome.h"

/**
 * struct lmdb_store - An open store
 * @base:	The seam
 * @state:	State directory whose store lock is held; borrowed
 * @env:	LMDB's file
 * @txn:	Transaction, NULL between two
 * @cursor:	Cursor of the transaction, NULL until needed
 * @dbi:	Main database
 * @size:	Size of the file
 */
struct lmdb_store {
	struct store base;
	const struct state *state;
	MDB_env *env;
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_dbi dbi;
	off_t size;
};

#define STORE_FILE STORE_LMDB_FILE
#define STORE_FILE_NEW "leases.mdb.new"
#define STORE_FILE_DAMAGED "leases.mdb.damaged"

/** Named outcomes of lmdb_check_file() beside 0 and negative errno */
enum lmdb_file_outcome {
	LMDB_FILE_ABSENT = OUTCOMES_LMDB_FILE,
	LMDB_FILE_DAMAGED,
};

extern const struct store_ops lmdb_ops;

/** Whether LMDB works at this moment, so that a crash is its own */
extern volatile sig_atomic_t lmdb_at_work;

/** LMDB_VOID() - Call a function of LMDB that returns nothing */
#define LMDB_VOID(call)                                                                                                \
	do {                                                                                                           \
		lmdb_at_work = 1;                                                                                      \
		call;                                                                                                  \
		lmdb_at_work = 0;                                                                                      \
	} while (0)

/** LMDB() - Call a function of LMDB; its return code as an outcome of the seam */
#define LMDB(call)                                                                                                     \
	__extension__({                                                                                                \
		int code_;                                                                                             \
		LMDB_VOID(code_ = (call));                                                                             \
		lmdb_outcome(code_);                                                                                   \
	})

int lmdb_outcome(int code);
void lmdb_close_file(struct lmdb_store *lmdb);
void lmdb_watch(int dir_fd);
void lmdb_unwatch(void);
void lmdb_asserted(MDB_env *env, const char *message);
int lmdb_check_file(int dir_fd, const char *name, off_t *ret_size);

#endif
