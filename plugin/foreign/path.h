/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_PATH_H
#define PLUGIN_FOREIGN_PATH_H

/* Paths of struct kind_key: what they lead to in a document. Pure. */

#include <jansson.h>
#include <stdbool.h>

#include "plugin/report/report.h"

/** path_fn - Called with each value that a path leads to, null ones too; @at leads there, and is the same afterwards */
typedef void (*path_fn)(void *userdata, const json_t *value, struct pointer *at);

void path_each(const json_t *value, const char *path, struct pointer *at, path_fn found, void *userdata);
bool path_leads_somewhere(const json_t *value, const char *paths);

#endif
