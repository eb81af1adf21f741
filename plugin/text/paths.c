/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of paths. */

#include "plugin/text/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** path_list_add() - Append a copy of @path; 0 or -ENOMEM */
int path_list_add(struct path_list *list, const char *path)
{
	char **paths = reallocarray(list->paths, list->n_paths + 1, sizeof(*paths));

	if (!paths)
		return -ENOMEM;
	list->paths = paths;
	paths[list->n_paths] = strdup(path);
	return paths[list->n_paths] ? (list->n_paths++, 0) : -ENOMEM;
}

/** is_configuration() - scandir(3) filter: the names that libcni loads */
static int is_configuration(const struct dirent *entry)
{
	static const char *const patterns[] = {"*.conf", "*.conflist", "*.json"};

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (fnmatch(patterns[i], entry->d_name, 0) == 0)
			return 1;
	return 0;
}

/** by_name() - scandir(3) order: bytes, in whatever locale */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/** add_entry() - Append DIRECTORY/NAME */
static int add_entry(struct path_list *list, const char *directory, const char *name)
{
	char *path;
	int r;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return -ENOMEM;
	r = path_list_add(list, path);
	free(path);
	return r;
}

/**
 * path_list_expand() - Append @path, or the configuration files in it when it is a directory
 * @list:	List
 * @path:	File, directory or "-"
 *
 * Return: 0, negative errno when it can't be looked at
 */
int path_list_expand(struct path_list *list, const char *path)
{
	struct dirent **entries;
	struct stat status;
	int n, r = 0;

	if (strcmp(path, "-") == 0)
		return path_list_add(list, path);
	if (stat(path, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return path_list_add(list, path);
	n = scandir(path, &entries, is_configuration, by_name);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (!r)
			r = add_entry(list, path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/** path_list_done() - Release the paths */
void path_list_done(struct path_list *list)
{
	for (size_t i = 0; i < list->n_paths; i++)
		free(list->paths[i]);
	free(list->paths);
	*list = (struct path_list){0};
}
