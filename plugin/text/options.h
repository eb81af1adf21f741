/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_OPTIONS_H
#define PLUGIN_TEXT_OPTIONS_H

/*
 * A command line by a table that tells what each option fills. What is wrong is said on standard error: in one line, with
 * the option that was probably meant, and the command's synopsis after it.
 */

#include <stdbool.h>

#include "plugin/text/colour.h"
#include "plugin/text/paths.h"
#include "rangeguard/exit_status.h"

/**
 * struct command_line - What was called with what
 * @program:	"rangeguard list"
 * @help:	Its help, which begins with the synopsis and an empty line
 * @argc, @argv:	Arguments, argv[0] being the command's name
 */
struct command_line {
	const char *program;
	const char *help;
	int argc;
	char **argv;
};

/** option_fn - Read an option's value, NULL where it has none: 0, or the exit status when it was said what is wrong */
typedef int (*option_fn)(const char *value, void *userdata);

/**
 * struct option_rule - An option and what it fills, which is one of these
 * @name:	Without dashes, NULL behind the last rule
 * @text:	Its value, borrowed
 * @paths:	Its value, added to those before
 * @json:	Its value is "text" or "json": whether the latter
 * @colour:	Its value is "auto", "always" or "never"
 * @flag:	It has no value: true
 * @read:	Called with its value; @userdata for it
 * @call:	Called without one; @userdata for it
 */
struct option_rule {
	const char *name;
	const char **text;
	struct path_list *paths;
	bool *json;
	enum colour_when *colour;
	bool *flag;
	option_fn read;
	option_fn call;
	void *userdata;
};

/** Most rules of a table */
#define OPTIONS_MAX 16

int options_usage(const char *program, const char *what, const char *argument);
int options_read(const struct command_line *line, const struct option_rule *rules, int *ret_first);
int options_read_only(const struct command_line *line, const struct option_rule *rules);

#endif
