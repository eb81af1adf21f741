/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_RESTORE_H
#define PLUGIN_HOST_RESTORE_H

/*
 * Put back what somebody took out of the kernel, for all containers: each of the objects that protect one, or lead to it,
 * is looked at. The leases say what there should be.
 */

#include "plugin/host/host.h"

/**
 * struct restored - What a look has found
 * @looked:	Containers that were looked at
 * @missing:	Of these, how many lacked something that is there again
 * @failed:	Of these, how many lack something still
 */
struct restored {
	size_t looked;
	size_t missing;
	size_t failed;
};

int restore_containers(struct host *host, struct restored *ret_restored, struct error *reterr);
int restore_shared(struct host *host, struct error *reterr);

#endif
