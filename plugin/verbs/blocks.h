/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_BLOCKS_H
#define PLUGIN_VERBS_BLOCKS_H

/*
 * A network whose ranges are a cluster's (`ipam.blocks`): this host gives from the blocks of them that it holds. The
 * agent gets blocks; a verb only asks it, at the local socket, and only when none has a free address left.
 */

#include "plugin/host/own_ranges.h"
#include "plugin/verbs/context.h"

int blocks_ask(const struct context *context, size_t set, struct error *reterr);
int blocks_foreign_error(const struct context *context, const struct address *address, struct error *reterr);

#endif
