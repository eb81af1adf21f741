/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_UNUSED_H
#define PLUGIN_HOST_UNUSED_H

/*
 * What containers share goes with the last of them: lists of destinations in the nftables table, the fence around
 * them, source addresses that rangeguard put on interfaces.
 */

#include "ipam/lease/ipam.h"
#include "plugin/host/host.h"

int unused_remove(struct store *store, struct host *host, struct error *reterr);

#endif
