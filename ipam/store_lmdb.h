/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_STORE_LMDB_H
#define IPAM_STORE_LMDB_H

/*
 * The store's seam on LMDB: one file "leases.mdb" in the state directory, opened MDB_NOLOCK under the state's own
 * lock, which is held from store_lmdb_open() to store_close(). Created in a temporary file, synced and renamed, with
 * a ballast of free pages, so that DEL works on a full disk. The state directory must stay open as long as the store.
 */

#include "ipam/state.h"
#include "ipam/store.h"

/** Named outcomes beside 0, negative errno, STATE_E_LOCKED and STATE_E_ABSENT */
enum store_lmdb_outcome {
	STORE_LMDB_E_DAMAGED = 16, /* LMDB refuses the file, or its schema is not this program's */
};

int store_lmdb_open(const struct state *state, enum state_access access, int wait_ms, const char *boot_id,
		    struct store **ret_store);
int store_lmdb_set_aside(const struct state *state, int wait_ms, const char *boot_id);

#endif
