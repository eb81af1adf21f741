/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_FLAW_H
#define PLUGIN_TEXT_FLAW_H

/* What is wrong with a text, where its parser's words would not help a person. Pure. */

#include <stdbool.h>
#include <stddef.h>

const char *flaw_of_text(const char *text, size_t size);
const char *flaw_of_json(const char *problem);
const char *flaw_of_yaml(const char *text, size_t size, size_t at);
bool flaw_is_yaml_name(const char *file);

#endif
