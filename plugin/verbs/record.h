/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_RECORD_H
#define PLUGIN_VERBS_RECORD_H

/* What a call tells the history and the counters. */

#include "ipam/lease/ipam.h"
#include "plugin/verbs/context.h"

void record_prepare(const struct context *context);
void record_add(const struct context *context, const struct lease *lease);
void record_grant(const struct context *context, const struct ipam_grant *grant);
void record_policy(const struct context *context);
void record_end(const struct context *context, const struct error *err);

#endif
