/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_INI_H
#define PLUGIN_TEXT_INI_H

/*
 * systemd's dialect of INI (systemd.syntax(7)), which podman's quadlet has, too: keys repeat, lines go on after a
 * backslash. As values: an object of sections, each an object of keys, each an array of texts as they stand there, with
 * backslashes and line breaks of lines that go on. Pure.
 */

#include "plugin/text/tree.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno */
enum ini_outcome {
	INI_E_SYNTAX = OUTCOMES_INI, /* neither a section, a comment nor KEY=VALUE; or more keys than are read */
};

int ini_read(const char *text, size_t size, json_t **ret_root, struct tree *ret_tree, size_t *reterr_at);

#endif
