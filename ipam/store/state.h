/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_STORE_STATE_H
#define IPAM_STORE_STATE_H

/*
 * The state directory: who may have made it, and its locks. One lock file carries two kinds: flock(2) on the file for
 * the store, and an open-file-description lock (fcntl(2), F_OFD_SETLK) on one byte per attachment, so that ADD and
 * DEL of one attachment never overlap while those of others do. A killed holder's locks are the kernel's to release.
 * One more byte is the gate that leads to the store's lock: a writer that waits keeps it, so that readers, who share
 * the lock, can't go on for ever without letting it in.
 */

#include <stdint.h>

#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno */
enum state_outcome {
	/* the directory is not root's, writable by others, or behind a symlink root did not make */
	STATE_E_UNSAFE = OUTCOMES_STATE,
	STATE_E_LOCKED, /* somebody else held the lock until the deadline */
	STATE_E_ABSENT, /* there is no state yet (only when opened for reading) */
};

/** What a state directory or a store is opened for */
enum state_access {
	STATE_READ,   /* shared; creates nothing */
	STATE_UPDATE, /* exclusive; creates nothing */
	STATE_WRITE,  /* exclusive; creates directory, lock and store where they are missing */
};

/** struct state - An open state directory: its descriptor and the descriptor of the lock file */
struct state {
	int dir_fd;
	int lock_fd;
};

#define STATE_INIT                                                                                                     \
	{                                                                                                              \
		.dir_fd = -1, .lock_fd = -1                                                                            \
	}

/** Space for a boot id: 36 characters and a NUL, random(4) */
#define BOOT_ID_MAX 37

int state_boot_id(char ret_boot_id[static BOOT_ID_MAX]);
int state_open(const char *path, enum state_access access, struct state *ret_state);
int state_writable(const char *path);
void state_done(struct state *state);
void state_wake_by(int (*prepare)(void)); /* what a main() may choose */
int state_lock_store(const struct state *state, enum state_access access, int wait_ms);
void state_unlock_store(const struct state *state);
int state_lock_attachment(const struct state *state, uint64_t attachment_hash, int wait_ms);
void state_unlock_attachment(const struct state *state, uint64_t attachment_hash);

#define STATE_CLEANUP __attribute__((cleanup(state_done)))

#endif
