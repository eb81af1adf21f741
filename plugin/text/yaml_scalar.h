/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_YAML_SCALAR_H
#define PLUGIN_TEXT_YAML_SCALAR_H

/* What a scalar of YAML is: text, number, true, false or null. For yaml.c. */

#include <jansson.h>
#include <stdbool.h>
#include <yaml.h>

#include "plugin/text/scalar.h"

enum scalar_style yaml_scalar_style(const yaml_event_t *event);
json_t *yaml_scalar_value(const yaml_event_t *event);

#endif
