/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_PATHS_H
#define PLUGIN_TEXT_PATHS_H

/* Lists of paths, and the configuration files of a directory in the order in which runtimes read them. */

#include <stdbool.h>
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

/** struct path_set - Files, by the directory and the name they stand under */
struct path_set {
	void *root;
};

int path_list_add(struct path_list *list, const char *path);
const char *path_list_missing(const struct path_list *list);
int path_list_expand(struct path_list *list, const char *path);
void path_list_done(struct path_list *list);
bool path_set_has(const struct path_set *set, const char *path);
int path_set_add(struct path_set *set, const char *path);
void path_set_done(struct path_set *set);

#endif
