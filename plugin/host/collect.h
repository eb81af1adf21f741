/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_COLLECT_H
#define PLUGIN_HOST_COLLECT_H

/*
 * What the dead hold is given back, of any network in the store, also of one that no configuration names any more, so
 * that no runtime will ever call DEL or GC for it.
 */

#include "ipam/lease/lease.h"
#include "ipam/store/state.h"
#include "plugin/host/host.h"

/** struct collect - What is wanted: only leases of @network, NULL: all; with @dry_run nothing changes */
struct collect {
	const char *network;
	bool dry_run;
	void (*heard)(void *userdata, const struct lease *lease);
	void *userdata;
};

int collect_dead(struct host *host, const struct state *state, const struct collect *collect, struct error *reterr);

#endif
