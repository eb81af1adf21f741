/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of paths. */

#include "plugin/text/paths.h"

#include <errno.h>
#include <fnmatch.h>
#include <fts.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

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

/** path_list_missing() - The first path that can't be reached, errno says why; NULL: all are there */
const char *path_list_missing(const struct path_list *list)
{
	for (size_t i = 0; i < list->n_paths; i++)
		if (access(list->paths[i], F_OK) < 0)
			return list->paths[i];
	return NULL;
}

/** is_configuration() - Whether a file has a name that runtimes load, or that address plans have */
static bool is_configuration(const char *path)
{
	static const char patterns[][24] = {"*.conf",
					    "*.conflist",
					    "*.json",
					    "*.yaml",
					    "*.yml",
					    "*.network",
					    "*.container",
					    "*.pod",
					    "*.kube",
					    "*.service",
					    "*.xml",
					    "*/default/docker",
					    "*/default/kubelet",
					    "*/sysconfig/docker",
					    "*/sysconfig/kubelet"};

	for (size_t i = 0; i < ARRAY_LENGTH(patterns); i++)
		if (fnmatch(patterns[i], path, FNM_CASEFOLD) == 0)
			return true;
	return false;
}

/** by_name() - fts(3) order: bytes, in whatever locale */
static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/** is_file() - Whether an entry is a file, or a symlink to one (as a mounted ConfigMap has them) or to nowhere */
static bool is_file(const FTSENT *entry)
{
	struct stat status;

	if (entry->fts_info != FTS_SL)
		return entry->fts_info == FTS_F || entry->fts_info == FTS_SLNONE;
	return stat(entry->fts_accpath, &status) < 0 || S_ISREG(status.st_mode);
}

/** add_entry() - Append what fts(3) met, if it is a configuration; 0 or negative errno */
static int add_entry(struct path_list *list, FTS *tree, FTSENT *entry)
{
	bool hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';

	switch (entry->fts_info) {
	case FTS_D:
		/* .git, and what a mounted ConfigMap's links lead to. Hidden files, in contrast, runtimes load. */
		if (hidden)
			(void)fts_set(tree, entry, FTS_SKIP);
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return -entry->fts_errno;
	default:
		return is_configuration(entry->fts_path) && is_file(entry) ? path_list_add(list, entry->fts_path) : 0;
	}
}

/** walk() - Append the configurations below a directory; 0 or negative errno */
static int walk(struct path_list *list, const char *path)
{
	CLEANUP_FREE char *root = strdup(path);
	char *const roots[] = {root, NULL};
	FTSENT *entry;
	FTS *tree;
	int r = 0;

	if (!root)
		return -ENOMEM;
	tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	if (!tree)
		return -errno;
	for (errno = 0; !r && (entry = fts_read(tree)) != NULL; errno = 0)
		r = add_entry(list, tree, entry);
	if (!r)
		r = -errno;
	(void)fts_close(tree);
	return r;
}

/**
 * path_list_expand() - Append @path, or the configuration files below it when it is a directory
 * @list:	List
 * @path:	File, directory or "-"
 *
 * Directories are read with all that is in them, except hidden directories; symlinks to directories are not followed.
 *
 * Return: 0, PATHS_E_DIRECTORY when it is a directory, negative errno when it can't be looked at
 */
int path_list_expand(struct path_list *list, const char *path)
{
	struct stat status;
	int r;

	if (strcmp(path, "-") == 0)
		return path_list_add(list, path);
	if (stat(path, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return path_list_add(list, path);
	r = walk(list, path);
	return r < 0 ? r : PATHS_E_DIRECTORY;
}

/** struct path_entry - Where a file stands: it may have other names, which count as other files */
struct path_entry {
	dev_t device;
	ino_t directory;
	char name[NAME_MAX + 1];
};

/** find_entry() - Where a path leads; false: nowhere that can be told */
static bool find_entry(const char *path, struct path_entry *ret_entry)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	CLEANUP_FREE char *directory = slash ? strndup(path, (size_t)(name - path)) : strdup(".");
	struct stat status;

	if (!directory || strlen(name) > NAME_MAX || stat(directory, &status) < 0)
		return false;
	*ret_entry = (struct path_entry){.device = status.st_dev, .directory = status.st_ino};
	(void)snprintf(ret_entry->name, sizeof(ret_entry->name), "%s", name);
	return true;
}

/** by_entry() - tsearch(3) order */
static int by_entry(const void *a, const void *b)
{
	const struct path_entry *left = a, *right = b;
	int r = (left->device > right->device) - (left->device < right->device);

	if (!r)
		r = (left->directory > right->directory) - (left->directory < right->directory);
	return r ? r : strcmp(left->name, right->name);
}

/** path_set_has() - Whether a file was added, by whatever path: a/b.json, ./a/b.json */
bool path_set_has(const struct path_set *set, const char *path)
{
	struct path_entry entry;

	return find_entry(path, &entry) && tfind(&entry, &set->root, by_entry);
}

/** path_set_add() - Add a file that the set has not; one whose place can't be told is left out: 0, -ENOMEM */
int path_set_add(struct path_set *set, const char *path)
{
	CLEANUP_FREE struct path_entry *entry = malloc(sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	if (!find_entry(path, entry))
		return 0;
	if (!tsearch(entry, &set->root, by_entry))
		return -ENOMEM;
	TAKE_PTR(entry);
	return 0;
}

/** path_set_done() - Release what was added */
void path_set_done(struct path_set *set)
{
	tdestroy(set->root, free);
	set->root = NULL;
}

/** path_list_done() - Release the paths */
void path_list_done(struct path_list *list)
{
	for (size_t i = 0; i < list->n_paths; i++)
		free(list->paths[i]);
	free(list->paths);
	*list = (struct path_list){0};
}
