/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_POSITIONS_H
#define PLUGIN_TEXT_POSITIONS_H

/* Lines and columns of many bytes of one text, in any order: each costs a short walk, however long the text is. Pure. */

#include "plugin/text/scan.h"

/** Bytes between two marks */
#define POSITIONS_STEP ((size_t)4096)

/** struct positions - A text, and the positions of every POSITIONS_STEPth of its bytes, as far as they have been needed */
struct positions {
	const char *text;
	struct position *marks;
	size_t n_marks;
	size_t room;
};

struct position positions_at(struct positions *positions, size_t at);
void positions_done(struct positions *positions);

#endif
