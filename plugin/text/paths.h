/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_PATHS_H
#define PLUGIN_TEXT_PATHS_H

/* Lists of paths, and the configuration files of a directory in the order in which runtimes read them. */

#include <stddef.h>

#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno */
enum paths_outcome {
	PATHS_E_DIRECTORY = OUTCOMES_PATHS, /* the path was a directory: what was found in it nobody has named */
};

/** struct path_list - Owned paths */
struct path_list {
	char **paths;
	size_t n_paths;
};

int path_list_add(struct path_list *list, const char *path);
const char *path_list_missing(const struct path_list *list);
int path_list_expand(struct path_list *list, const char *path);
void path_list_done(struct path_list *list);

#endif
