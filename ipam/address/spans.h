/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_ADDRESS_SPANS_H
#define IPAM_ADDRESS_SPANS_H

/* Sets of addresses of one family as arrays of spans; "merged": sorted, with a gap between any two. Pure. */

#include "ipam/address/address.h"

/** Spans of spans_link_scoped() */
#define SPANS_LINK_SCOPED 5U

size_t spans_merge(enum family family, const struct span *spans, size_t n, struct span *room);
size_t spans_complement(enum family family, const struct span *merged, size_t n, struct span *room);
const struct span *spans_find(const struct span *merged, size_t n, const struct address *address);
void spans_link_scoped(struct span room[static SPANS_LINK_SCOPED]);
bool spans_have(const struct span *spans, size_t n, enum family family);

#endif
