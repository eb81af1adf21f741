/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_COMMANDS_DOCUMENT_H
#define PLUGIN_COMMANDS_DOCUMENT_H

/* The files that `validate` reads: JSON, YAML and INI, each document of them surveyed, and its findings with their places. */

#include "plugin/commands/findings.h"
#include "plugin/foreign/survey.h"

/** struct documents - What has been read, and what was found */
struct documents {
	struct survey survey;
	struct findings findings;
};

void documents_init(struct documents *documents, const struct path_list *policies);
int documents_read(struct documents *documents, const char *path, bool named);
void documents_compare(struct documents *documents);
void documents_done(struct documents *documents);

#endif
