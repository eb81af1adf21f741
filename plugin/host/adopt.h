/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_ADOPT_H
#define PLUGIN_HOST_ADOPT_H

/*
 * A new lease store is filled from the kernel: whatever happened to the old one, an address that one of our routes
 * leads to is held by the attachment whose alias stands on the interface.
 */

#include "ipam/store/store.h"

int adopt_from_kernel(void *userdata, struct store *store);

#endif
