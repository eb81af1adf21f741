/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who can write a policy, or what it imports, or put another one in its place. */

#include "plugin/policy/writers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** The user that stands for all who have no id in a user namespace; user_namespaces(7) */
#define OVERFLOW_USER 65534U
/** Space for a directory in a message */
#define DIRECTORY_TEXT 200

/** is_trusted() - Whether a file is root's or the caller's */
static bool is_trusted(const struct stat *status)
{
	return status->st_uid == 0 || status->st_uid == geteuid();
}

/** is_in_user_namespace() - Whether ids are mapped: the first namespace's map has all of them */
static bool is_in_user_namespace(void)
{
	static const char all[] = "0 0 4294967295";
	char map[64], *word, *rest = map, text[sizeof(map)] = "";
	int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, map, sizeof(map) - 1);

	if (fd >= 0)
		(void)close(fd);
	if (size <= 0)
		return false;
	map[size] = '\0';
	while ((word = strsep(&rest, " \t\n"))) {
		if (*word && *text)
			(void)strncat(text, " ", sizeof(text) - strlen(text) - 1);
		(void)strncat(text, word, sizeof(text) - strlen(text) - 1);
	}
	return strcmp(text, all) != 0;
}

/** foreign_owner() - Say that a file is somebody else's. Return: @buffer */
static const char *foreign_owner(const struct stat *status, char buffer[static WRITERS_TEXT_MAX])
{
	if (status->st_uid == OVERFLOW_USER && is_in_user_namespace())
		(void)snprintf(buffer, WRITERS_TEXT_MAX,
			       "belongs to a user who has no id in this user namespace (it shows as %u), and may be "
			       "anybody; use a copy that belongs to this namespace's root",
			       OVERFLOW_USER);
	else
		(void)snprintf(buffer, WRITERS_TEXT_MAX, "belongs to user %u, who can change it; make it root's",
			       (unsigned)status->st_uid);
	return buffer;
}

/**
 * writers_flaw() - Who else than root and the caller can write a file
 * @status:	Its fstat(2), not that of a symlink to it
 * @buffer:	Space for the text
 *
 * Return: NULL when nobody can, or @buffer: "belongs to user 1000, …", what to do
 */
const char *writers_flaw(const struct stat *status, char buffer[static WRITERS_TEXT_MAX])
{
	if (!is_trusted(status))
		return foreign_owner(status, buffer);
	if (!(status->st_mode & (S_IWGRP | S_IWOTH)))
		return NULL;
	(void)snprintf(buffer, WRITERS_TEXT_MAX, "is writable by others than its owner (mode %04o); use chmod go-w",
		       (unsigned)(status->st_mode & ALLPERMS));
	return buffer;
}

/** say_directory() - Say what is wrong with a directory on the way. Return: @buffer */
static const char *say_directory(const char *directory, const char *flaw, char buffer[static WRITERS_TEXT_MAX])
{
	char text[WRITERS_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s", flaw);
	(void)snprintf(buffer, WRITERS_TEXT_MAX, "lies in %.*s, which %.*s", DIRECTORY_TEXT, directory,
		       WRITERS_TEXT_MAX - DIRECTORY_TEXT - 32, text);
	return buffer;
}

/** unknown() - Say that a directory can't be looked at: nobody knows who can write to it. Return: @buffer */
static const char *unknown(const char *directory, char buffer[static WRITERS_TEXT_MAX])
{
	char text[64];

	(void)snprintf(text, sizeof(text), "can't be looked at: %s", strerror(errno));
	return say_directory(directory, text, buffer);
}

/**
 * directory_flaw() - Whether somebody else can put another entry into the place of one in a directory
 * @directory:	Directory, or a symlink on the way to one
 * @ret_link:	Set when it is a symlink
 * @ret_absent:	Set when nothing stands there
 * @buffer:	Space for the text
 *
 * In a sticky directory (/tmp) nobody can touch what is root's.
 *
 * Return: NULL, or @buffer
 */
static const char *directory_flaw(const char *directory, bool *ret_link, bool *ret_absent,
				  char buffer[static WRITERS_TEXT_MAX])
{
	struct stat status;

	if (lstat(directory, &status) < 0) {
		*ret_absent = errno == ENOENT || errno == ENOTDIR;
		return *ret_absent ? NULL : unknown(directory, buffer);
	}
	if (S_ISLNK(status.st_mode)) {
		*ret_link = true;
		if (!is_trusted(&status))
			return say_directory(directory, foreign_owner(&status, buffer), buffer);
		if (stat(directory, &status) == 0)
			return NULL;
		return errno == ENOENT ? say_directory(directory, "is a symlink that leads nowhere", buffer)
				       : unknown(directory, buffer);
	}
	if (status.st_mode & S_ISVTX)
		return is_trusted(&status) ? NULL : say_directory(directory, foreign_owner(&status, buffer), buffer);
	return writers_flaw(&status, buffer) ? say_directory(directory, buffer, buffer) : NULL;
}

/** walk() - directory_flaw() of each directory above the last component of an absolute path */
static const char *walk(const char *path, bool *ret_link, char buffer[static WRITERS_TEXT_MAX])
{
	char directory[PATH_MAX];
	bool absent = false;

	for (const char *slash = strchr(path, '/'); slash && !absent; slash = strchr(slash + 1, '/')) {
		size_t length = slash > path ? (size_t)(slash - path) : 1;
		const char *flaw;

		if (length >= sizeof(directory))
			return NULL;
		memcpy(directory, path, length);
		directory[length] = '\0';
		flaw = directory_flaw(directory, ret_link, &absent, buffer);
		if (flaw)
			return flaw;
	}
	return NULL;
}

/**
 * writers_path_flaw() - Who else than root and the caller can put something else at a path
 * @path:	Absolute path; that there is nothing is no flaw, unless a symlink on the way leads nowhere
 * @buffer:	Space for the text
 *
 * Return: NULL when nobody can, or @buffer: "lies in DIRECTORY, which …"
 */
const char *writers_path_flaw(const char *path, char buffer[static WRITERS_TEXT_MAX])
{
	char real[PATH_MAX];
	bool link = false;
	const char *flaw = walk(path, &link, buffer);

	if (flaw || !link)
		return flaw;
	if (!realpath(path, real))
		return errno == ENOENT || errno == ENOTDIR ? NULL : unknown(path, buffer);
	return walk(real, &link, buffer);
}
