/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_HOST_LOCAL_H
#define PLUGIN_HOST_HOST_LOCAL_H

/*
 * The lease files of the reference plugin host-local, for a network of the same name (`ipam.adopt`): DIRECTORY/NETWORK
 * with a file per address, in which the container's id and interface stand. As long as the directory is there, both
 * plugins can serve the network, one after the other or at once: its lock is held, its files are honoured, and written
 * for what rangeguard gives.
 */

#include "ipam/lease/lease.h"
#include "ipam/store/store.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno */
enum host_local_outcome {
	HOST_LOCAL_E_LOCKED = OUTCOMES_HOST_LOCAL, /* host-local held its lock until the deadline */
};

/** struct host_local - The directory, and its lock, which is held; both -1: there is no such directory */
struct host_local {
	int dir_fd;
	int lock_fd;
};

#define HOST_LOCAL_INIT                                                                                                \
	{                                                                                                              \
		.dir_fd = -1, .lock_fd = -1                                                                            \
	}

int host_local_open(const char *directory, const char *network, struct host_local *ret_files);
int host_local_adopt(const struct host_local *files, const char *network, struct store *store);
bool host_local_is_taken(const struct host_local *files, const struct address *address,
			 const struct attachment *attachment);
int host_local_put(const struct host_local *files, const struct address *address, const struct attachment *attachment);
void host_local_forget(const char *directory, const struct attachment *attachment, const struct address *addresses,
		       size_t n_addresses);
void host_local_forget_all(const char *directory, const struct attachment *attachment);
void host_local_done(struct host_local *files);

#define HOST_LOCAL_CLEANUP CLEANUP(host_local_done)

#endif
