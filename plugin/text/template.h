/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_TEMPLATE_H
#define PLUGIN_TEXT_TEMPLATE_H

/* Whether a text is a template of Helm, Jinja or Go: what it says is known when it is rendered. Pure. */

#include <stdbool.h>
#include <stddef.h>

bool template_find(const char *text, size_t size);

#endif
