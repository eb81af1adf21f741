/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HISTORY_HELD_INTERNAL_H
#define PLUGIN_HISTORY_HELD_INTERNAL_H

/* Shared by the files of held.h: held.c matches events, held_gaps.c finds what is missing between them. */

#include "plugin/history/held.h"

/** Digits of the name of a run that name the boot */
#define HELD_BOOT_DIGITS 8U

const char *held_text(const json_t *event, const char *key);
uint64_t held_number(const json_t *event, const char *key);
json_t *held_parse(const char *line, size_t size);
int held_find_gaps(const struct search *search, struct held *held);
void held_gaps_done(struct held *held);

#endif
