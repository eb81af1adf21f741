/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_HISTORY_ARCHIVE_H
#define PLUGIN_HISTORY_ARCHIVE_H

/* Which files a history consists of: those that were renamed and compressed meanwhile, and those of other hosts. */

#include <stddef.h>

#include "rangeguard/outcome.h"

/** enum archive_outcome - Results of archive_add() beside 0 and negative errno */
enum archive_outcome {
	ARCHIVE_E_EMPTY = OUTCOMES_ARCHIVE, /* a directory without a file below it */
};

/** struct archive - Files of one or more histories, each once; owned */
struct archive {
	char **paths;
	size_t n;
};

int archive_add(struct archive *archive, const char *path);
void archive_done(struct archive *archive);

#define ARCHIVE_CLEANUP __attribute__((cleanup(archive_done)))

#endif
