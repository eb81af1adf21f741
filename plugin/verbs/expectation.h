/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_EXPECTATION_H
#define PLUGIN_VERBS_EXPECTATION_H

/* From prevResult to what the kernel is expected to have of one attachment. Pure. */

#include "plugin/cni/result.h"
#include "plugin/network/attach.h"

struct attach_expectation expectation_of_result(const struct result *result, const char *ifname,
						struct prefix *addresses);

#endif
