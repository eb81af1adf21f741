/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_VALUES_INTERNAL_H
#define PLUGIN_TEXT_VALUES_INTERNAL_H

/* What values.c and values_find.c share. */

#include "plugin/text/values.h"

struct values_inner *values_inner_free(struct values_inner *inner);

#endif
