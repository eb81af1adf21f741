/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ENFORCE_DEADLINES_H
#define PLUGIN_ENFORCE_DEADLINES_H

/*
 * Until when this host may send with the addresses that hosts share: a map in the kernel, which the classifier looks at for
 * each packet of a container that may get such a source, and the program at the uplink's egress (uplink.h) for each packet
 * that leaves. The agent alone writes it. It is kept by a name below /sys/fs/bpf, apart from the programs, so that those
 * of two versions look at the same one.
 */

#include <stdint.h>

#include "ipam/address/address.h"
#include "plugin/network/port.h"

/** A source that is closed; one that was never open has no deadline at all, which the classifier takes for the same */
#define DEADLINE_CLOSED 0U

void deadlines_key(const struct address *address, uint32_t key[static 4]);
int deadlines_new(void);
uint32_t deadlines_of(const uint32_t *map_ids, uint32_t n);
int deadlines_open(struct port *host);
int deadlines_keep(struct port *host, int map_fd);
int deadlines_open_kept(struct port *host);
int deadlines_put(int map_fd, const struct address *source, uint64_t deadline);
int deadlines_get(int map_fd, const struct address *source, uint64_t *ret_deadline);

#endif
