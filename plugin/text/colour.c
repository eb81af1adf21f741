/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Colours of texts for people, as compilers have them: ECMA-48's "select graphic rendition". */

#include "plugin/text/colour.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rangeguard/array.h"

/**
 * colour_read() - Read the argument of --color
 * @text:	Text
 * @ret_when:	Written on success
 *
 * Return: whether it is one of auto, always and never
 */
bool colour_read(const char *text, enum colour_when *ret_when)
{
	static const char *const names[] = {
		[COLOUR_AUTO] = "auto", [COLOUR_ALWAYS] = "always", [COLOUR_NEVER] = "never"};

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret_when = (enum colour_when)i;
			return true;
		}
	}
	return false;
}

/** colour_wanted() - Whether to colour what goes to @fd: of NO_COLOR any text but "" counts (https://no-color.org) */
bool colour_wanted(enum colour_when when, int fd)
{
	const char *forbidden = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (when != COLOUR_AUTO)
		return when == COLOUR_ALWAYS;
	return isatty(fd) == 1 && !(forbidden && *forbidden) && terminal && strcmp(terminal, "dumb") != 0;
}

/** colour_begin() - What to print before a text; "" where no colours are wanted */
const char *colour_begin(bool wanted, enum colour colour)
{
	static const char *const sequences[] = {
		[COLOUR_PLACE] = "\033[1m",
		[COLOUR_BAD] = "\033[1;31m",
		[COLOUR_DOUBTFUL] = "\033[1;35m",
		[COLOUR_GOOD] = "\033[1;32m",
	};

	return wanted ? sequences[colour] : "";
}

/** colour_end() - What to print after it */
const char *colour_end(bool wanted)
{
	return wanted ? "\033[m" : "";
}
