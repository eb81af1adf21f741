/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HISTORY_WHEN_H
#define PLUGIN_HISTORY_WHEN_H

/* Times of the history: RFC 3339, UTC, milliseconds. Reading takes what people type, too. Pure. */

#include <stdbool.h>
#include <stdint.h>

/** Space for "2026-11-28T21:10:03.123Z" and for years to come */
#define WHEN_TEXT_MAX 32

const char *when_format(int64_t milliseconds, char buffer[static WHEN_TEXT_MAX]);
bool when_parse(const char *text, int64_t *ret_milliseconds);

#endif
