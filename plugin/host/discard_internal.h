/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_DISCARD_INTERNAL_H
#define PLUGIN_HOST_DISCARD_INTERNAL_H

/* What discard.c and discard_mend.c share. */

#include "ipam/lease/discards.h"
#include "plugin/host/host.h"
#include "plugin/network/stage.h"

void discard_stage(struct stage *stage, const struct host *host, struct error *reterr);
int discard_put_routes(const struct host *host, const struct discards *discards, struct error *reterr);
int discard_delete_routes(const struct host *host, const struct discards *discards, struct error *reterr);
int discard_store_error(int outcome, struct error *reterr);

#endif
