/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_CHAINED_H
#define PLUGIN_VERBS_CHAINED_H

/*
 * The chained role's pins and masquerading: for addresses that other plugins gave. It notes what it armed in a lease of
 * its own, so that DEL, GC and whoever rebuilds the nftables table find it.
 */

#include "plugin/host/host.h"
#include "plugin/verbs/context.h"

int chained_add(struct context *context, struct error *reterr);
int chained_del(const struct context *context, struct host *host, struct error *reterr);
int chained_check(const struct context *context, struct error *reterr);

#endif
