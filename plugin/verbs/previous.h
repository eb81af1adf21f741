/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_PREVIOUS_H
#define PLUGIN_VERBS_PREVIOUS_H

/* What earlier plugins of a list gave, against the guard. */

#include "plugin/verbs/context.h"

int previous_judge(const struct context *context, struct error *reterr);

#endif
