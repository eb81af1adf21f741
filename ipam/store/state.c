/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state directory. Whoever can write to the directory decides who gets which address, so it is
 * used only when nobody but root, or the user this program runs as, had a hand in it.
 */

#include "ipam/store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipam/store/state_internal.h"
#include "rangeguard/cleanup.h"

/** Modes of what is created: a directory on the way, the state directory itself, the lock */
#define PARENT_MODE 0755U
#define STATE_MODE 0700U
#define LOCK_MODE 0600U
/** Symbolic links followed on the way, as in path_resolution(7) */
#define LINKS_MAX 40U
/** A UUID in text; a newline follows */
#define BOOT_ID_LENGTH 36U

/**
 * struct directory_walk - A path being followed component by component
 * @create:	Missing directories are made
 * @links_left:	Symbolic links that may still be followed
 */
struct directory_walk {
	bool create;
	unsigned links_left;
};

static int walk_path(struct directory_walk *walk, int at_fd, const char *path, int *ret_fd);

/** is_trusted() - Whether the owner in @status is root or the user this program runs as */
static bool is_trusted(const struct stat *status)
{
	return status->st_uid == 0 || status->st_uid == geteuid();
}

/**
 * open_component() - Open one component of a path, a symbolic link as such
 * @walk:	Path being followed
 * @at_fd:	Directory it is in
 * @name:	Component
 * @mode:	Mode of the directory that is made where it is missing
 * @ret_fd:	O_PATH descriptor
 *
 * Return: 0, negative errno
 */
static int open_component(const struct directory_walk *walk, int at_fd, const char *name, mode_t mode, int *ret_fd)
{
	int fd = openat(at_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && walk->create) {
		if (mkdirat(at_fd, name, mode) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(at_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/**
 * follow() - Follow a symbolic link
 * @walk:	Path being followed
 * @at_fd:	Directory the link is in
 * @link_fd:	O_PATH descriptor of the link
 * @ret_fd:	O_PATH descriptor of what it points to
 *
 * Return: 0, STATE_E_UNSAFE for a link that somebody else made, negative errno
 */
/* NOLINTNEXTLINE(misc-no-recursion): at most LINKS_MAX deep, each level spends a link */
static int follow(struct directory_walk *walk, int at_fd, int link_fd, int *ret_fd)
{
	char target[PATH_MAX];
	struct stat status;
	ssize_t length;

	if (fstat(link_fd, &status) < 0)
		return -errno;
	if (!is_trusted(&status))
		return STATE_E_UNSAFE;
	if (!walk->links_left--)
		return -ELOOP;
	length = readlinkat(link_fd, "", target, sizeof(target));
	if (length < 0)
		return -errno;
	if ((size_t)length >= sizeof(target))
		return -ENAMETOOLONG;
	target[length] = '\0';
	return walk_path(walk, at_fd, target, ret_fd);
}

/**
 * take_component() - Copy the first component of a path
 * @path:	Path without leading slash; afterwards what follows the component, again without
 * @name:	Space for the component
 *
 * Return: 0, -ENAMETOOLONG
 */
static int take_component(const char **path, char name[static NAME_MAX + 1])
{
	size_t length = strcspn(*path, "/");

	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, *path, length);
	name[length] = '\0';
	*path += length;
	*path += strspn(*path, "/");
	return 0;
}

/**
 * walk_path() - Follow a path, and symbolic links only where root or the own user made them
 * @walk:	How
 * @at_fd:	Where a relative path begins
 * @path:	Path
 * @ret_fd:	O_PATH descriptor of its end
 *
 * Return: 0, STATE_E_UNSAFE, negative errno
 */
/* NOLINTNEXTLINE(misc-no-recursion): see follow() */
static int walk_path(struct directory_walk *walk, int at_fd, const char *path, int *ret_fd)
{
	CLEANUP_CLOSE int fd = openat(at_fd, *path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[NAME_MAX + 1];

	if (fd < 0)
		return -errno;
	path += strspn(path, "/");
	while (*path) {
		CLEANUP_CLOSE int next = -1;
		struct stat status;
		int r;

		r = take_component(&path, name);
		if (r < 0)
			return r;
		r = open_component(walk, fd, name, *path ? PARENT_MODE : STATE_MODE, &next);
		if (r < 0)
			return r;
		if (fstat(next, &status) < 0)
			return -errno;
		if (S_ISLNK(status.st_mode)) {
			CLEANUP_CLOSE int link = TAKE_FD(next);

			r = follow(walk, fd, link, &next);
			if (r)
				return r;
		}
		(void)close(fd);
		fd = TAKE_FD(next);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/**
 * open_without_links() - Open a directory that is there and behind no symbolic link, in one system call
 * @path:	Directory
 * @ret_fd:	Descriptor
 *
 * Return: 0, negative errno: -ELOOP for a symbolic link, -ENOSYS before Linux 5.6
 */
static int open_without_links(const char *path, int *ret_fd)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd < 0)
		return -errno;
	*ret_fd = (int)fd;
	return 0;
}

/**
 * open_directory() - Open the state directory
 * @path:	Directory
 * @create:	It and its parents are made where they are missing
 * @ret_fd:	Descriptor
 *
 * Return: 0, STATE_E_UNSAFE for a symbolic link that somebody else made, negative errno
 */
static int open_directory(const char *path, bool create, int *ret_fd)
{
	struct directory_walk walk = {.create = create, .links_left = LINKS_MAX};
	CLEANUP_CLOSE int path_fd = -1;
	int r = open_without_links(path, ret_fd);

	if (r != -ELOOP && r != -ENOSYS && r != -EPERM && !(r == -ENOENT && create))
		return r;
	r = walk_path(&walk, AT_FDCWD, path, &path_fd);
	if (r)
		return r;
	r = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r < 0)
		return -errno;
	*ret_fd = r;
	return 0;
}

/**
 * check_directory() - Whether nobody else can have written to the state directory
 * @dir_fd:	Directory
 *
 * Return: 0, STATE_E_UNSAFE, negative errno
 */
static int check_directory(int dir_fd)
{
	struct stat status;

	if (fstat(dir_fd, &status) < 0)
		return -errno;
	return is_trusted(&status) && !(status.st_mode & (S_IWGRP | S_IWOTH)) ? 0 : STATE_E_UNSAFE;
}

/**
 * state_open() - Open the state directory and its lock file, and look whether it can be trusted
 * @path:	Directory
 * @access:	STATE_WRITE makes what is missing: parents 0755, the directory 0700, the lock file 0600
 * @ret_state:	State, to be released with state_done()
 *
 * Return: 0, STATE_E_UNSAFE, STATE_E_ABSENT (not with STATE_WRITE), negative errno
 */
int state_open(const char *path, enum state_access access, struct state *ret_state)
{
	/* O_NONBLOCK: a FIFO in its place must not hang who only reads. */
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | (access == STATE_READ ? O_RDONLY : O_RDWR) |
		    (access == STATE_WRITE ? O_CREAT : 0);
	STATE_CLEANUP struct state state = STATE_INIT;
	int r;

	r = open_directory(path, access == STATE_WRITE, &state.dir_fd);
	if (r == -ENOENT && access != STATE_WRITE)
		return STATE_E_ABSENT;
	if (r)
		return r;
	r = check_directory(state.dir_fd);
	if (r)
		return r;
	state.lock_fd = openat(state.dir_fd, LOCK_FILE, flags, LOCK_MODE);
	if (state.lock_fd < 0)
		return errno == ENOENT && access != STATE_WRITE ? STATE_E_ABSENT : -errno;
	*ret_state = (struct state){.dir_fd = TAKE_FD(state.dir_fd), .lock_fd = TAKE_FD(state.lock_fd)};
	return 0;
}

/** struct boot - The boot id, once it has been read: it stays the same as long as this process lives */
static struct {
	pthread_mutex_t mutex;
	char id[BOOT_ID_MAX];
} boot = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/** read_boot_id() - Read it whole: of another boot than that of a part all leases would be void. 0, negative errno */
static int read_boot_id(char id[static BOOT_ID_MAX])
{
	CLEANUP_CLOSE int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, id, BOOT_ID_MAX - 1);

	if (size < 0)
		return -errno;
	if ((size_t)size < BOOT_ID_LENGTH)
		return -EIO;
	id[size] = '\0';
	return 0;
}

/**
 * state_boot_id() - Which boot of the machine this is: state lives as long as the containers do
 * @ret_boot_id:	/proc/sys/kernel/random/boot_id
 *
 * Return: 0, negative errno
 */
int state_boot_id(char ret_boot_id[static BOOT_ID_MAX])
{
	int r = 0;

	(void)pthread_mutex_lock(&boot.mutex);
	/* What fails may work the next time: an agent lives long. */
	if (!*boot.id) {
		char id[BOOT_ID_MAX];

		r = read_boot_id(id);
		if (!r)
			memcpy(boot.id, id, BOOT_ID_MAX);
	}
	if (!r)
		memcpy(ret_boot_id, boot.id, BOOT_ID_MAX);
	(void)pthread_mutex_unlock(&boot.mutex);
	return r;
}

/**
 * state_done() - Close the state directory; all its locks are released
 * @state:	State, STATE_INIT afterwards
 */
void state_done(struct state *state)
{
	cleanup_close(&state->lock_fd);
	cleanup_close(&state->dir_fd);
	*state = (struct state)STATE_INIT;
}
