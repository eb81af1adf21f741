/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_LEASE_STORE_H
#define PLUGIN_HOST_LEASE_STORE_H

/* The lease store of a host: opened for one transaction; each outcome in the words that people read. */

#include "ipam/lease/ipam.h"
#include "ipam/store/state.h"
#include "plugin/host/host.h"
#include "plugin/host/protection.h"

int lease_store_error(const char *data_dir, int outcome, struct error *reterr);
int lease_store_open(const char *data_dir, const struct state *state, enum state_access access, int wait_ms,
		     struct store **ret_store, struct error *reterr);
void lease_store_tell_repaired(const struct host *host, struct store *store);
int lease_store_release(struct host *host, const struct state *state, const struct attachment *attachment,
			enum release_reason reason, struct error *reterr);

#endif
