/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_FAREWELL_H
#define PLUGIN_HOST_FAREWELL_H

/* The end of a lease, for the history: what it said is kept until it is gone. */

#include "plugin/history/recorder.h"
#include "plugin/host/protection.h"
#include "rangeguard/cleanup.h"

/** Sources told of one container: each of its pins has one per family at most */
#define FAREWELL_SOURCES_MAX (2U * LIMIT_PINS_PER_CONTAINER)

/**
 * struct farewell - A lease on its way out
 * @recorder:	Where its end is told; NULL: nowhere
 * @row:	The lease as it was stored, owned; NULL: none
 * @size:	Bytes of it
 */
struct farewell {
	struct recorder *recorder;
	void *row;
	size_t size;
};

void farewell_keep(struct farewell *farewell, const struct lease *lease);
void farewell_note(const struct farewell *farewell, enum release_reason reason, const struct egress *egress);
void farewell_done(struct farewell *farewell);
size_t farewell_sources(const struct egress *egress, struct address *ret_sources, size_t limit);

#define FAREWELL_CLEANUP CLEANUP(farewell_done)

#endif
