/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_OTHER_STORES_H
#define PLUGIN_HOST_OTHER_STORES_H

/*
 * The lease stores of a host's other state directories. Networks with directories of their own share the kernel's tables
 * all the same; that there are such, the classifier's elements tell (data_dir).
 */

#include "ipam/store/store.h"
#include "plugin/host/host.h"

/**
 * other_store_fn - Called with each store, open for reading, locked
 *
 * Return: 0; another value ends the walk
 */
typedef int (*other_store_fn)(void *userdata, struct store *store);

int other_stores_each(struct host *host, other_store_fn each, void *userdata, struct error *reterr);

#endif
