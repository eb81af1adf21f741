/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_PLAN_H
#define PLUGIN_FOREIGN_PLAN_H

/* What is wrong with an address plan by itself, whatever is reserved: its ranges overlap, or are not for private use. */

#include "ipam/guard/guard.h"
#include "plugin/foreign/declaration.h"

int plan_check(const struct declarations *declarations, const char *file, const struct guard *guard,
	       struct report *report);

#endif
