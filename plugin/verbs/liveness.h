/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_LIVENESS_H
#define PLUGIN_VERBS_LIVENESS_H

/* Whether the namespace that a lease was made for is still there. */

#include <stdbool.h>

#include "ipam/lease.h"

bool liveness_netns(const struct lease *lease);

#endif
