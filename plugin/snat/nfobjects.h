/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_NFOBJECTS_H
#define PLUGIN_SNAT_NFOBJECTS_H

/* Objects of nftables, many of them: what a batch would make, and what the kernel has, so that they can be compared. */

#include "plugin/snat/nfstage.h"
#include "plugin/snat/nfsurvey.h"

/** struct nf_objects - Objects; owned */
struct nf_objects {
	struct nf_object *all;
	size_t n;
	size_t capacity;
};

int nf_objects_add(struct nf_objects *objects, const struct nf_object *object);
int nf_objects_add_batch(struct nf_objects *objects, struct batch *batch);
int nf_objects_ask_intervals(struct nf_stage *stage, struct nf_objects *objects);
int nf_objects_order(const void *a, const void *b);
void nf_objects_sort(struct nf_objects *objects);
void nf_objects_done(struct nf_objects *objects);

#define NF_OBJECTS_CLEANUP CLEANUP(nf_objects_done)

#endif
