/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names in bpffs. */

#include "plugin/enforce/bpffs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "rangeguard/cleanup.h"

#define BPFFS "/sys/fs/bpf"

/**
 * bpffs_path() - The name of a program or map
 * @host:	Port of the host's namespace
 * @what:	BPFFS_CLASSIFIER, …
 * @digest:	Version of the program, 0 for what is the same for all versions
 * @path:	Filled
 *
 * Return: 0, negative errno
 */
int bpffs_path(struct port *host, const char *what, uint64_t digest, char path[static BPFFS_PATH_MAX])
{
	int fd CLEANUP_CLOSE = port_open_netns(host);
	struct stat status;

	if (fd < 0)
		return TAKE_FD(fd);
	if (fstat(fd, &status) < 0)
		return -errno;
	(void)snprintf(path, BPFFS_PATH_MAX, BPFFS "/rangeguard/%ju/%s-%016" PRIx64, (uintmax_t)status.st_ino, what,
		       digest);
	return 0;
}

/** is_mounted() - Whether bpffs is where it belongs: 1, 0, negative errno */
static int is_mounted(void)
{
	struct statfs status;

	if (statfs(BPFFS, &status) < 0)
		return -errno;
	return (uint32_t)status.f_type == BPF_FS_MAGIC;
}

/**
 * ensure_mounted() - Mount bpffs where nobody did
 *
 * One at a time: a second mount would hide what is in the first one. The lock is on the directory below.
 *
 * Return: 0, negative errno
 */
static int ensure_mounted(void)
{
	int fd CLEANUP_CLOSE = -1;
	int r = is_mounted();

	if (r)
		return r < 0 ? r : 0;
	fd = open(BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return -errno;
	r = is_mounted();
	if (r)
		return r < 0 ? r : 0;
	return mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0 ? -errno : 0;
}

/** make_directory() - Make one directory unless it is there: 0, negative errno */
static int make_directory(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/**
 * bpffs_make_directories() - Make the directories that lead to a name
 * @path:	Of bpffs_path()
 *
 * Return: 0, negative errno
 */
int bpffs_make_directories(const char *path)
{
	char directory[BPFFS_PATH_MAX];
	int r = ensure_mounted();

	for (const char *at = path + strlen(BPFFS) + 1; !r && (at = strchr(at, '/')); at++) {
		(void)snprintf(directory, sizeof(directory), "%.*s", (int)(at - path), path);
		r = make_directory(directory);
	}
	return r;
}
