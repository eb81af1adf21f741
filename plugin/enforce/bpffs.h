/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ENFORCE_BPFFS_H
#define PLUGIN_ENFORCE_BPFFS_H

/*
 * Names in bpffs, /sys/fs/bpf: below rangeguard/ a directory per network namespace, since interfaces are told apart by
 * indices that each namespace has of its own (a host that runs "nodes" in containers may share one bpffs among them).
 * Systemd mounts it at boot; where nobody did, it is mounted here, as iproute2 does.
 */

#include <stdint.h>

#include "plugin/network/port.h"

#define BPFFS_PATH_MAX 128

/* What has a name there */
#define BPFFS_CLASSIFIER "classifier"
#define BPFFS_UPLINK "uplink"
#define BPFFS_DEADLINES "deadlines"

int bpffs_path(struct port *host, const char *what, uint64_t digest, char path[static BPFFS_PATH_MAX]);
int bpffs_make_directories(const char *path);

#endif
