/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_PRINTABLE_H
#define PLUGIN_TEXT_PRINTABLE_H

/*
 * Texts of others on their way to a terminal: pod names, keys, owners. A control character in them could move the
 * cursor, or pretend to be a line of ours.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

size_t printable_print(const char *text, FILE *stream);
size_t print_printable(const char *text, FILE *stream);
void print_complaint(const char *command, const char *what, const char *why);

#endif
