/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_WEIGHT_H
#define PLUGIN_TEXT_WEIGHT_H

/*
 * What a parser would build of a text, counted before it does: a text may consist of so many values that their memory and
 * the time to make them are out of all proportion to it. Pure.
 */

#include <stddef.h>

const char *weight_flaw_json(const char *text, size_t size, size_t *ret_at);
const char *weight_flaw_xml(const char *text, size_t size, size_t *ret_at);

#endif
