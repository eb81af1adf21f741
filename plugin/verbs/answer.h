/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_ANSWER_H
#define PLUGIN_VERBS_ANSWER_H

/* What an ADD answers: one JSON document on standard output. Each returns 0, or REFUSED (code 5). */

#include "ipam/lease/ipam.h"
#include "plugin/network/plan.h"
#include "plugin/verbs/context.h"

int answer_attachment(const struct context *context, const struct ipam_grant *grant, const struct plan *plan,
		      struct error *reterr);
int answer_addresses(const struct context *context, const struct ipam_grant *grant, struct error *reterr);
int answer_previous(const struct context *context, struct error *reterr);

#endif
