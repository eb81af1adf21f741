/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_INI_H
#define PLUGIN_TEXT_INI_H

/*
 * Files of KEY=VALUE in three dialects: systemd's (systemd.syntax(7)), which podman's quadlet has, too, where keys repeat and
 * lines go on after a backslash; TOML, as far as it is needed to find texts in it (containers.conf(5)); and variables, as
 * /etc/default has them. As values: an object of sections, each an object of keys, each an array of texts as they stand
 * there, with quotes, brackets, backslashes and line breaks of lines that go on; comments within are blanks. What stands
 * before the first section, as all variables do, are keys of the root. Pure.
 */

#include "plugin/text/tree.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno */
enum ini_outcome {
	INI_E_SYNTAX = OUTCOMES_INI, /* neither a section, a comment nor KEY=VALUE; or more keys than are read */
};

enum ini_dialect {
	INI_SYSTEMD,
	INI_TOML,
	INI_VARIABLES,
};

int ini_read(const char *text, size_t size, enum ini_dialect dialect, json_t **ret_root, struct tree *ret_tree,
	     size_t *reterr_at);

#endif
