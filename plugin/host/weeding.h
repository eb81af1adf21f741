/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HOST_WEEDING_H
#define PLUGIN_HOST_WEEDING_H

/* Rules that others put into our tables. */

#include "plugin/host/host.h"

int weeding(struct host *host, bool *ret_weeded, struct error *reterr);

#endif
