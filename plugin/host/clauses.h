/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_CLAUSES_H
#define PLUGIN_HOST_CLAUSES_H

/* How packets of a host's containers leave, of all its state directories: each clause as often as definitions have it. */

#include "plugin/host/host.h"
#include "plugin/snat/egress.h"

struct store;

/** clause_fn - Called with each; 0; a negative errno ends the walk */
typedef int (*clause_fn)(void *userdata, const struct egress_clause *clause);

int clauses_each(struct host *host, struct store *store, clause_fn each, void *userdata, struct error *reterr);

#endif
