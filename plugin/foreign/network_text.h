/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_NETWORK_TEXT_H
#define PLUGIN_FOREIGN_NETWORK_TEXT_H

/* Networks, ranges and addresses as people write them: one, or several in a text. Pure. */

#include "plugin/foreign/kind.h"

/** struct text_part - A part of a text between commas and blanks, and where it begins */
struct text_part {
	char text[2 * PREFIX_TEXT_MAX];
	size_t offset;
};

bool text_next(const char *text, size_t *at, struct text_part *ret_part);
bool network_read(const char *text, unsigned forms, struct declaration *ret_declaration);
void text_option(struct text_part *part);
bool network_is_placeholder(const char *text);
bool network_placeholder_default(const char *text, struct text_part *ret_default);
const char *network_ambiguity(const char *text);

#endif
