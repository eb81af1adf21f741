/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files a history consists of. A file stands for itself and for what it was renamed to (FILE.1, FILE.2.gz); a
 * directory for each file below it.
 */

#include "plugin/history/archive.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rangeguard/cleanup.h"

/** is_known() - Whether a path is in the archive */
static bool is_known(const struct archive *archive, const char *path)
{
	for (size_t i = 0; i < archive->n; i++)
		if (!strcmp(archive->paths[i], path))
			return true;
	return false;
}

/** add_file() - Add one file, unless it is known: 0, -ENOMEM */
static int add_file(struct archive *archive, const char *path)
{
	char **paths;

	if (is_known(archive, path))
		return 0;
	paths = reallocarray(archive->paths, archive->n + 1, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	archive->paths = paths;
	paths[archive->n] = strdup(path);
	return paths[archive->n] ? (archive->n++, 0) : -ENOMEM;
}

/** fts_cleanup() - fts_close(3) for a cleanup attribute */
static void fts_cleanup(FTS **tree)
{
	if (*tree)
		(void)fts_close(*tree);
}

/** by_name() - fts_open(3) order */
static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/** is_file() - Whether an entry is a file, or a symlink to one or to nowhere, which is told when it is read */
static bool is_file(const FTSENT *entry)
{
	struct stat status;

	if (entry->fts_info != FTS_SL)
		return entry->fts_info == FTS_F || entry->fts_info == FTS_SLNONE;
	return stat(entry->fts_accpath, &status) < 0 || S_ISREG(status.st_mode);
}

/** add_tree() - Add each file below a directory: 0, negative errno */
static int add_tree(struct archive *archive, const char *path)
{
	CLEANUP_FREE char *root = strdup(path);
	CLEANUP(fts_cleanup) FTS *tree = NULL;
	const FTSENT *entry;
	int r = 0;

	if (!root)
		return -ENOMEM;
	tree = fts_open((char *const[]){root, NULL}, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	if (!tree)
		return -errno;
	while (!r && (entry = fts_read(tree))) {
		if (is_file(entry))
			r = add_file(archive, entry->fts_path);
		else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
			r = -entry->fts_errno;
	}
	return r;
}

/** is_successor() - Whether @name is what @base was renamed to: a number, perhaps compressed */
static bool is_successor(const char *name, const char *base)
{
	size_t length = strlen(base);

	if (strncmp(name, base, length) || name[length] != '.' || !isdigit((unsigned char)name[length + 1]))
		return false;
	name += length + 1;
	name += strspn(name, "0123456789");
	return !*name || !strcmp(name, ".gz");
}

/** dir_cleanup() - closedir(3) for a cleanup attribute */
static void dir_cleanup(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/** add_successors() - Add what a file was renamed to: 0, negative errno */
static int add_successors(struct archive *archive, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	int length = slash ? (int)(slash - path) + 1 : 0;
	char directory[PATH_MAX], full[2 * PATH_MAX];
	CLEANUP(dir_cleanup) DIR *dir = NULL;
	const struct dirent *entry;
	int r = 0;

	(void)snprintf(directory, sizeof(directory), "%.*s", length, path);
	dir = opendir(length ? directory : ".");
	if (!dir)
		return -errno;
	while (!r && (entry = readdir(dir))) {
		(void)snprintf(full, sizeof(full), "%s%s", directory, entry->d_name);
		if (is_successor(entry->d_name, base))
			r = add_file(archive, full);
	}
	return r;
}

/**
 * archive_add() - Add the files that a path stands for
 * @archive:	Archive
 * @path:	File or directory
 *
 * Symlinks to directories below one are not followed.
 *
 * Return: 0, ARCHIVE_E_EMPTY: a directory without files; negative errno: -ENOENT also when only renamed files of it are
 * there no more
 */
int archive_add(struct archive *archive, const char *path)
{
	size_t before = archive->n;
	struct stat status;
	int r;

	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (stat(path, &status) == 0) {
		if (S_ISDIR(status.st_mode)) {
			r = add_tree(archive, path);
			return !r && archive->n == before ? ARCHIVE_E_EMPTY : r;
		}
		r = add_file(archive, path);
	} else {
		r = errno == ENOENT ? 0 : -errno;
	}
	if (!r)
		r = add_successors(archive, path);
	return !r && archive->n == before ? -ENOENT : r;
}

/** archive_done() - Release what is owned */
void archive_done(struct archive *archive)
{
	for (size_t i = 0; i < archive->n; i++)
		free(archive->paths[i]);
	free(archive->paths);
	*archive = (struct archive){.n = 0};
}
