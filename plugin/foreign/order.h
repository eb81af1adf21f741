/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_ORDER_H
#define PLUGIN_FOREIGN_ORDER_H

/* What the plugins of a list do to each other, where one of them is rangeguard. Pure. */

#include <jansson.h>

#include "plugin/text/json.h"

void order_check(struct reader *reader, const json_t *list);
void order_check_single(struct reader *reader, const json_t *object);
void order_check_alone(struct reader *reader, const json_t *object);

#endif
