/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_COLOUR_H
#define PLUGIN_TEXT_COLOUR_H

/* Colours of texts for people, on terminals alone. */

#include <stdbool.h>

/** enum colour_when - What --color says */
enum colour_when {
	COLOUR_AUTO, /* on a terminal, where NO_COLOR does not forbid it */
	COLOUR_ALWAYS,
	COLOUR_NEVER,
};

enum colour {
	COLOUR_PLACE,
	COLOUR_BAD,
	COLOUR_DOUBTFUL,
	COLOUR_GOOD,
};

bool colour_read(const char *text, enum colour_when *ret_when);
bool colour_wanted(enum colour_when when, int fd);
const char *colour_begin(bool wanted, enum colour colour);
const char *colour_end(bool wanted);

#endif
