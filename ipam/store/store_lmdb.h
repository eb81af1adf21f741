/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_STORE_STORE_LMDB_H
#define IPAM_STORE_STORE_LMDB_H

/*
 * The store's seam on LMDB: one file "leases.mdb" in the state directory, opened MDB_NOLOCK under the state's own
 * lock, which is held from store_lmdb_open() to store_close(). Created in a temporary file, synced and renamed, with
 * a ballast of free pages, so that DEL works on a full disk, and filled with what is known from elsewhere. The state directory must stay open as long as the store.
 */

#include <stdint.h>

#include "ipam/store/state.h"
#include "ipam/store/store.h"
#include "rangeguard/outcome.h"

/** The store's file in the state directory */
#define STORE_LMDB_FILE "leases.mdb"

/** Schema that this program writes, the newest that it reads */
#define STORE_LMDB_SCHEMA 3U

/** Named outcomes beside 0, negative errno, STATE_E_LOCKED and STATE_E_ABSENT */
enum store_lmdb_outcome {
	STORE_LMDB_E_DAMAGED = OUTCOMES_STORE_LMDB, /* LMDB refuses the file, or what it begins with is missing */
	STORE_LMDB_E_NEWER,			    /* a later version of this program wrote it */
};

/**
 * struct store_seed - What a new store is filled with before it gets its name
 * @fill:	Called with the store, in no transaction; a negative errno ends the making
 * @userdata:	For it
 * @replaced:	Set when a damaged store was set aside for it
 */
struct store_seed {
	int (*fill)(void *userdata, struct store *store);
	void *userdata;
	bool replaced;
};

int store_lmdb_open(const struct state *state, enum state_access access, int wait_ms, const char *boot_id,
		    struct store_seed *seed, struct store **ret_store);
/* Schema of the store that this process met last with STORE_LMDB_E_NEWER. */
uint64_t store_lmdb_schema_met(void);
/* What a main() may choose; without it, nothing is done to the process as a whole. */
void store_lmdb_on_crash(void (*answer)(void));
void store_lmdb_open_within(int (*within)(int dir_fd, int (*work)(void *userdata), void *userdata));
int store_lmdb_renew(struct store *store, const char *boot_id, struct store_seed *seed);

#endif
