/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_PROTECTION_INTERNAL_H
#define PLUGIN_HOST_PROTECTION_INTERNAL_H

/*
 * Shared by the files of protection.h: protection_read.c reads the lease store, protection.c puts containers into the table, protection_check.c
 * compares, protection_remove.c takes them out.
 */

#include "plugin/host/farewell.h"
#include "plugin/host/protection.h"

int protection_find(struct store *store, const struct attachment *attachment, struct farewell *farewell,
		    struct protection *ret_arms);
int protection_make_table(struct host *host, struct store *store, struct error *reterr);
int protection_rebuild(struct host *host, const struct state *state, struct error *reterr);
bool protection_mend_short_cut(struct host *host, const struct state *state);
void protection_mend_device(struct host *host, const struct state *state, const struct protection *protection);
int protection_restore(struct host *host, const struct state *state, uint32_t ifindex,
		       const struct protection *protection, struct error *reterr);
int protection_close_fence(struct host *host, const struct protection *protection, struct error *reterr);
int protection_forget_flows(struct host *host, const struct member *member, struct error *reterr);
void protection_done(struct protection *protection);

#define PROTECTION_CLEANUP CLEANUP(protection_done)

#endif
