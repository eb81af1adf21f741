/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lease store of a host, and what is wrong with it in words. */

#include "plugin/host/lease_store.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "ipam/store/store_lmdb.h"
#include "plugin/host/protection.h"
#include "plugin/report/log.h"
#include "rangeguard/limits.h"

/** Less than what a transaction may write, in bytes */
#define LITTLE_SPACE (1U << 20)

/** is_full() - Whether a state directory's file system has no room for what the store writes */
static bool is_full(const char *data_dir)
{
	struct statvfs fs;

	return statvfs(data_dir, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_bsize < LITTLE_SPACE;
}

/**
 * lease_store_error() - Say why the state can't be had or used
 * @data_dir:	State directory
 * @outcome:	Of state_open(), state_lock_…(), store_lmdb_open() or the IPAM: not 0
 * @reterr:	Code 11 for a lock, 106 otherwise
 *
 * Return: REFUSED
 */
int lease_store_error(const char *data_dir, int outcome, struct error *reterr)
{
	/* LMDB says that of a write that came to less than was asked for. */
	if (outcome == -EIO && is_full(data_dir))
		outcome = -ENOSPC;
	switch (outcome) {
	case STATE_E_LOCKED:
		return error_set(
			reterr, ERROR_TRY_AGAIN,
			"another rangeguard holds the lock of %.256s or of this attachment for longer than %d s; "
			"try again later",
			data_dir, LIMIT_LOCK_WAIT_MS / 1000);
	case STATE_E_UNSAFE:
		return error_set(
			reterr, ERROR_STORE,
			"state directory %.256s is not safe: it must be root's, writable by nobody else, and not "
			"be reached through a symlink that root did not make",
			data_dir);
	case STATE_E_ABSENT:
		return error_set(reterr, ERROR_STORE, "there is no state in %.256s", data_dir);
	case -ENOMEM:
		return error_no_memory(reterr);
	case STORE_LMDB_E_DAMAGED:
	case IPAM_E_DAMAGED:
	case -EUCLEAN:
		return error_set(reterr, ERROR_STORE,
				 "the lease store %.256s/leases.mdb is damaged; the next ADD or DEL repairs it",
				 data_dir);
	case STORE_LMDB_E_NEWER:
		return error_set(reterr, ERROR_STORE,
				 "the lease store %.256s/leases.mdb was written by a newer version of rangeguard than "
				 "this one (%s): its schema is %" PRIu64 ", and this version knows up to %" PRIu64
				 "; use that "
				 "version, or remove the file once no container runs",
				 data_dir, RANGEGUARD_VERSION, store_lmdb_schema_met(), (uint64_t)STORE_LMDB_SCHEMA);
	case -ENOSPC:
		return error_set(reterr, ERROR_STORE,
				 "the lease store in %.256s can't be used: no space is left on its file system",
				 data_dir);
	default:
		return error_set(reterr, ERROR_STORE, "the lease store in %.256s can't be used: %s", data_dir,
				 outcome < 0 ? strerror(-outcome) : "this program does not know why; please report it");
	}
}

/**
 * lease_store_open() - Open the store of a state as it is; it stays locked until it is closed
 * @data_dir:	State directory
 * @state:	State
 * @access:	STATE_READ or STATE_UPDATE
 * @wait_ms:	How long to wait for the lock, in milliseconds
 * @ret_store:	Store
 * @reterr:	Codes 11, 106
 *
 * Return: 0, STATE_E_ABSENT (error not filled), REFUSED
 */
int lease_store_open(const char *data_dir, const struct state *state, enum state_access access, int wait_ms,
		     struct store **ret_store, struct error *reterr)
{
	char boot_id[BOOT_ID_MAX];
	int r = state_boot_id(boot_id);

	if (!r)
		r = store_lmdb_open(state, access, wait_ms, boot_id, NULL, ret_store);
	if (r == STATE_E_ABSENT)
		return r;
	return r ? lease_store_error(data_dir, r, reterr) : 0;
}

/** lease_store_tell_repaired() - Say, once, that rows could not be read: somebody should look at the disk */
void lease_store_tell_repaired(const struct host *host, struct store *store)
{
	if (!store->n_repaired)
		return;
	recorder_count(host->recorder, COUNTER_STORE_REPAIRED);
	log_line(
		"the lease store %s/leases.mdb was damaged: %zu rows have been repaired, and every lease that can be read is "
		"kept; check the file system, and memory",
		host->data_dir, store->n_repaired);
	store->n_repaired = 0;
}

/**
 * lease_store_release() - Disarm an attachment and give its addresses back; that it holds none is fine
 * @host:	Host
 * @state:	State
 * @attachment:	Whose
 * @reason:	Why
 * @reterr:	Codes 11, 106, 107
 *
 * The store stays locked from one to the other: who rebuilds the nftables table meanwhile, from all leases, would
 * put back what was just taken out.
 *
 * Return: 0, REFUSED
 */
int lease_store_release(struct host *host, const struct state *state, const struct attachment *attachment,
			enum release_reason reason, struct error *reterr)
{
	STORE_CLEANUP struct store *store = NULL;
	int r = lease_store_open(host->data_dir, state, STATE_UPDATE, LIMIT_LOCK_WAIT_MS, &store, reterr);

	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	r = protection_release(store, host, attachment, reason, time(NULL), reterr);
	return r && r != REFUSED ? lease_store_error(host->data_dir, r, reterr) : r;
}
