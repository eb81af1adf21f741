/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files beside the state that can be rebuilt at any time. */

#include "ipam/store/state_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "rangeguard/cleanup.h"

#define NEW_SUFFIX ".new"
#define CACHE_MODE 0600U
/** A file counts as used this many seconds after it was: most uses need not write that down */
#define USED_FOR_S 3600

/** new_name() - The name under which @name is written. Return: @buffer */
static const char *new_name(const char *name, char buffer[static STATE_CACHE_NAME_MAX])
{
	(void)snprintf(buffer, STATE_CACHE_NAME_MAX, "%.*s" NEW_SUFFIX,
		       (int)(STATE_CACHE_NAME_MAX - sizeof(NEW_SUFFIX)), name);
	return buffer;
}

/** hash_of() - What the lock of @name is taken on, beside those of attachments */
static uint64_t hash_of(const char *name)
{
	return XXH3_64bits(name, strlen(name));
}

/**
 * state_cache_lock() - Be the one that rebuilds a file; until the state is closed
 * @state:	State directory not opened for STATE_READ
 * @name:	Name of the file
 * @wait_ms:	Milliseconds to wait, at most
 *
 * Return: 0, STATE_E_LOCKED, negative errno
 */
int state_cache_lock(const struct state *state, const char *name, int wait_ms)
{
	return state_lock_attachment(state, hash_of(name), wait_ms);
}

/** is_ours() - Whether a file is one that nobody else can have written */
static bool is_ours(const struct stat *status)
{
	return S_ISREG(status->st_mode) && (status->st_uid == 0 || status->st_uid == geteuid()) &&
	       !(status->st_mode & (S_IWGRP | S_IWOTH));
}

/**
 * state_cache_open() - Open a file for reading, and note that it is used
 * @state:	State directory
 * @name:	Name of the file
 * @ret_fd:	Its descriptor
 *
 * Return: 0, STATE_E_ABSENT, STATE_E_UNSAFE when others may have written it, negative errno
 */
int state_cache_open(const struct state *state, const char *name, int *ret_fd)
{
	CLEANUP_CLOSE int fd = openat(state->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct timespec now;
	struct stat status;

	if (fd < 0 && errno == ELOOP)
		return STATE_E_UNSAFE;
	if (fd < 0)
		return errno == ENOENT ? STATE_E_ABSENT : -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!is_ours(&status))
		return STATE_E_UNSAFE;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - status.st_mtim.tv_sec > USED_FOR_S || now.tv_sec < status.st_mtim.tv_sec)
		(void)futimens(fd, NULL);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/** state_cache_remove() - Remove a file, if it is there */
void state_cache_remove(const struct state *state, const char *name)
{
	(void)unlinkat(state->dir_fd, name, 0);
}

/**
 * state_cache_create() - Begin to write a file
 * @state:	State directory; the lock of the name is held
 * @name:	Name of the file
 * @ret_fd:	Descriptor for writing; state_cache_commit() or state_cache_discard() follows
 *
 * Return: 0, negative errno
 */
int state_cache_create(const struct state *state, const char *name, int *ret_fd)
{
	char buffer[STATE_CACHE_NAME_MAX];
	int fd;

	/* Whoever held the lock before may have been killed. */
	state_cache_discard(state, name);
	fd = openat(state->dir_fd, new_name(name, buffer), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    CACHE_MODE);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/**
 * state_cache_commit() - Put what has been written in its place
 * @state:	State directory; the lock of the name is held
 * @name:	Name of the file
 * @fd:		Its descriptor
 *
 * Return: 0, negative errno
 */
int state_cache_commit(const struct state *state, const char *name, int fd)
{
	char buffer[STATE_CACHE_NAME_MAX];

	if (fdatasync(fd) < 0 || renameat(state->dir_fd, new_name(name, buffer), state->dir_fd, name) < 0)
		return -errno;
	return 0;
}

/** state_cache_discard() - Remove what has been written of a file, if anything has */
void state_cache_discard(const struct state *state, const char *name)
{
	char buffer[STATE_CACHE_NAME_MAX];

	state_cache_remove(state, new_name(name, buffer));
}

/** struct tidying - What is looked for in the directory: files by name, and the one that has been unused longest */
struct tidying {
	const struct state *state;
	const char *stem;
	const char *keep;
	unsigned n;
	struct timespec oldest_time;
	char oldest[STATE_CACHE_NAME_MAX];
};

/** discard_dead() - Remove what somebody has begun to write who does no longer: the lock of its name is free */
static void discard_dead(const struct tidying *tidying, const char *name, size_t length)
{
	char stem[STATE_CACHE_NAME_MAX];
	uint64_t hash;

	(void)snprintf(stem, sizeof(stem), "%.*s", (int)length, name);
	/* We hold this one ourselves, and would give it up. */
	if (!strcmp(stem, tidying->keep))
		return;
	hash = hash_of(stem);
	if (state_lock_attachment(tidying->state, hash, 0) != 0)
		return;
	state_cache_remove(tidying->state, name);
	state_unlock_attachment(tidying->state, hash);
}

/** is_older() - Whether @a was before @b */
static bool is_older(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/** look_at() - Count a file, or remove it when it is the beginning of one that nobody finishes */
static void look_at(struct tidying *tidying, const char *name)
{
	size_t length = strlen(name), suffix = strlen(NEW_SUFFIX);
	struct stat status;

	if (length >= STATE_CACHE_NAME_MAX || strncmp(name, tidying->stem, strlen(tidying->stem)) != 0)
		return;
	if (length > suffix && !strcmp(name + length - suffix, NEW_SUFFIX)) {
		discard_dead(tidying, name, length - suffix);
		return;
	}
	if (!strcmp(name, tidying->keep) || fstatat(tidying->state->dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (!tidying->n++ || is_older(&status.st_mtim, &tidying->oldest_time)) {
		tidying->oldest_time = status.st_mtim;
		(void)snprintf(tidying->oldest, sizeof(tidying->oldest), "%s", name);
	}
}

/** dir_cleanup() - closedir(3) for a cleanup attribute */
static void dir_cleanup(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/** survey() - Look at all files of a stem: 0, negative errno */
static int survey(struct tidying *tidying)
{
	CLEANUP_CLOSE int fd = openat(tidying->state->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(dir_cleanup) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return -errno;
	(void)TAKE_FD(fd);
	while ((entry = readdir(dir)))
		look_at(tidying, entry->d_name);
	return 0;
}

/**
 * state_cache_tidy() - Remove files that are too many, and beginnings of files whose writers were killed
 * @state:	State directory; the lock of @keep is held
 * @stem:	What the names begin with
 * @keep:	Name of the file that has just been written
 * @limit:	How many files may stay, at least one
 *
 * Each time one file has been added; so one is removed. More are there only when somebody else puts them there.
 */
void state_cache_tidy(const struct state *state, const char *stem, const char *keep, unsigned limit)
{
	unsigned n_before = UINT32_MAX;

	for (;;) {
		struct tidying tidying = {.state = state, .stem = stem, .keep = keep};

		if (survey(&tidying) < 0 || tidying.n < limit || tidying.n >= n_before)
			return;
		n_before = tidying.n;
		state_cache_remove(state, tidying.oldest);
	}
}
