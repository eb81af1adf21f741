/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The history's file: appended to by many processes at once, renamed when it is full. Whoever finds it full locks it
 * (flock(2), on the file itself: histories of several state directories may go to one file) and looks whether it still
 * has its name. Who has it open meanwhile appends to the renamed file, where the line is as good.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/history/history.h"
#include "rangeguard/cleanup.h"

#define FILE_MODE 0640U
#define DIRECTORY_MODE 0755U
/** Digits of a number behind the name */
#define SUFFIX_MAX 16U

/** make_directory() - Make the directory of a path, but none above it: 0, negative errno */
static int make_directory(const char *path)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof(directory))
		return -ENOENT;
	*(char *)mempcpy(directory, path, (size_t)(slash - path)) = '\0';
	return mkdir(directory, DIRECTORY_MODE) < 0 && errno != EEXIST ? -errno : 0;
}

/**
 * open_file() - Open the history for appending, making it and its directory where they are missing
 * @path:	Path
 * @ret_fd:	Descriptor
 * @ret_status:	What it is
 *
 * Return: 0, -EINVAL for anything but a regular file: a FIFO could make an ADD wait; another negative errno
 */
static int open_file(const char *path, int *ret_fd, struct stat *ret_status)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	CLEANUP_CLOSE int fd = open(path, flags, FILE_MODE);

	if (fd < 0 && errno == ENOENT && make_directory(path) == 0)
		fd = open(path, flags, FILE_MODE);
	if (fd < 0 || fstat(fd, ret_status) < 0)
		return -errno;
	if (!S_ISREG(ret_status->st_mode))
		return -EINVAL;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/** shift() - Rename FILE.N to FILE.N+1, the oldest first, over the one that is dropped, then FILE to FILE.1 */
static int shift(const struct history *history)
{
	char from[PATH_MAX + SUFFIX_MAX], to[PATH_MAX + SUFFIX_MAX];

	for (unsigned i = history->files; i > 1; i--) {
		(void)snprintf(from, sizeof(from), "%s.%u", history->path, i - 1);
		(void)snprintf(to, sizeof(to), "%s.%u", history->path, i);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	if (!history->files)
		return unlink(history->path) < 0 ? -errno : 0;
	(void)snprintf(to, sizeof(to), "%s.1", history->path);
	return rename(history->path, to) < 0 ? -errno : 0;
}

/** has_name() - Whether a file that is open still has its path */
static bool has_name(const struct history *history, const struct stat *opened)
{
	struct stat named;

	return lstat(history->path, &named) == 0 && named.st_dev == opened->st_dev && named.st_ino == opened->st_ino;
}

/**
 * rotate() - Make room: rename the file, unless somebody else is doing that or has done it
 * @history:	Where
 * @fd:		Descriptor of the full file
 * @opened:	What it is
 *
 * Return: 0, negative errno: then it grows on
 */
static int rotate(const struct history *history, int fd, const struct stat *opened)
{
	int r = 0;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (has_name(history, opened))
		r = shift(history);
	(void)flock(fd, LOCK_UN);
	return r;
}

/** write_line() - Append a line by one write: 0, negative errno; of a part the rest is not tried: it may be elsewhere */
static int write_line(int fd, const struct line *line)
{
	ssize_t written = write(fd, line->data, line->size);

	if (written < 0)
		return -errno;
	return (size_t)written < line->size ? -ENOSPC : 0;
}

/**
 * history_append() - Append a line
 * @history:	Where to; its path is not NULL
 * @line:	Line
 *
 * Return: 0, negative errno
 */
int history_append(const struct history *history, const struct line *line)
{
	CLEANUP_CLOSE int fd = -1, next = -1;
	struct stat status = {0};
	int r = open_file(history->path, &fd, &status);

	if (r < 0)
		return r;
	if ((uint64_t)status.st_size + line->size > history->size && status.st_size > 0 &&
	    rotate(history, fd, &status) == 0 && open_file(history->path, &next, &status) == 0)
		return write_line(next, line);
	return write_line(fd, line);
}
