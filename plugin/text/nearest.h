/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_NEAREST_H
#define PLUGIN_TEXT_NEAREST_H

/* Which of some names a misspelt one was probably meant to be. Pure. */

const char *nearest_name(const char *text, const char *const *names);

#endif
