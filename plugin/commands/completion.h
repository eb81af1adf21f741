/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_COMPLETION_H
#define PLUGIN_COMMANDS_COMPLETION_H

/* What shells need to complete commands and options, made of the commands' help. */

#include <stddef.h>
#include <stdio.h>

/** struct completed - A command: its name, a line about it, and its help, whose synopsis has each option */
struct completed {
	const char *name;
	const char *summary;
	const char *help;
};

extern const char command_completion_help[];

int completion_print(const char *shell, const struct completed *commands, size_t n, FILE *stream);

#endif
