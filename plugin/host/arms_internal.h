/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_ARMS_INTERNAL_H
#define PLUGIN_HOST_ARMS_INTERNAL_H

/*
 * Shared by the files of arms.h: arms_read.c reads the lease store, arms.c puts containers into the table, arms_check.c
 * compares, arms_away.c takes them out.
 */

#include "plugin/host/arms.h"

int arms_find(struct store *store, const struct attachment *attachment, struct arms *ret_arms);
int arms_make_table(const struct context *context, struct store *store, struct port *netfilter, struct error *reterr);
void arms_done(struct arms *arms);

#define ARMS_CLEANUP CLEANUP(arms_done)

#endif
