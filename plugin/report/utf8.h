/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_REPORT_UTF8_H
#define PLUGIN_REPORT_UTF8_H

/*
 * UTF-8 as RFC 3629 has it. Texts from outside the JSON (environment, kernel, file names) may hold any bytes, JSON
 * may not: what goes into a document is checked or mended here. Pure, and independent of the locale.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t utf8_decode(const char *text, uint32_t *ret_character);
bool utf8_valid(const char *text);
void utf8_mend(char *text);
void utf8_drop_cut_character(char *text);

#endif
