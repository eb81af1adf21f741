/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sysctls below /proc/sys/net, which the kernel resolves for the calling thread's network namespace. A value that is
 * right already is not written: /proc/sys may be mounted read-only, and some writes have side effects (ip_forward
 * resets other settings).
 */

#include "plugin/network/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rangeguard/cleanup.h"

/** Longest path: of an interface's setting, whose name has 15 bytes */
#define SYSCTL_PATH_MAX 128
/** Longest value that is compared; ours are single digits */
#define VALUE_MAX 32

/** Where runtimes name network namespaces, on a tmpfs: its directories have so many bytes an entry (BOGO_DIRENT_SIZE of mm/shmem.c) */
#define NETNS_DIRECTORY "/run/netns"
#define BYTES_PER_ENTRY 20
/** From so many namespaces on a procfs of one's own is the cheaper way: it takes 0.1 ms */
#define CROWD 64

/**
 * struct sysctl_view - Through which procfs the calling thread looks
 * @is_visitor:	In another namespace than its own
 * @has_looked:	It has looked for a sysctl there
 * @root_fd:	A procfs of its own, mounted nowhere; -1: the common one
 *
 * The kernel keeps the names below /proc/sys/net of all namespaces in one place, by procfs: each look-up passes those of all
 * others that were ever looked up, for a thousand containers 2.5 ms of an ADD. So on a host with many, who visits a
 * container's namespace takes a procfs of his own: he passes nothing, and leaves nothing that others have to pass.
 */
struct sysctl_view {
	bool is_visitor;
	bool has_looked;
	int root_fd;
};

static _Thread_local struct sysctl_view view = {.root_fd = -1};

/** is_crowded() - Whether there are many network namespaces; only the time that it takes depends on it */
static bool is_crowded(void)
{
	struct stat status;

	return stat(NETNS_DIRECTORY, &status) == 0 && status.st_size > (off_t)CROWD * BYTES_PER_ENTRY;
}

/** mount_apart() - Another procfs: descriptor of its root; -1: Linux before 5.2, or a policy that forbids to mount */
static int mount_apart(void)
{
	int context CLEANUP_CLOSE = fsopen("proc", FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/**
 * open_sysctl() - Open a sysctl
 * @name:	Path below /proc/sys/net
 * @flags:	Of open(2)
 *
 * Return: descriptor, -ENOENT when the kernel has no such sysctl, negative errno
 */
static int open_sysctl(const char *name, int flags)
{
	char path[SYSCTL_PATH_MAX];
	int r = snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	int fd;

	if (r < 0 || (size_t)r >= sizeof(path))
		return -ENAMETOOLONG;
	if (view.is_visitor && !view.has_looked && is_crowded())
		view.root_fd = mount_apart();
	view.has_looked = true;
	fd = view.root_fd < 0 ? open(path, flags | O_CLOEXEC)
			      : openat(view.root_fd, path + sizeof("/proc"), flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/** sysctl_return() - The calling thread is in its own network namespace again */
void sysctl_return(void)
{
	cleanup_close(&view.root_fd);
	view = (struct sysctl_view){.root_fd = -1};
}

/** sysctl_visit() - The calling thread is in another network namespace than its own, until sysctl_return() */
void sysctl_visit(void)
{
	sysctl_return();
	view.is_visitor = true;
}

/**
 * has_value() - Whether a sysctl says @value
 * @fd:		Sysctl, at its start
 * @value:	Text without newline
 *
 * Return: 1, 0, negative errno
 */
static int has_value(int fd, const char *value)
{
	char text[VALUE_MAX];
	ssize_t size = read(fd, text, sizeof(text));

	if (size < 0)
		return -errno;
	if (size > 0 && text[size - 1] == '\n')
		size--;
	return (size_t)size == strlen(value) && memcmp(text, value, (size_t)size) == 0;
}

/**
 * sysctl_ensure() - Give a sysctl a value
 * @name:	Path below /proc/sys/net, e.g. "ipv4/ip_forward"
 * @value:	Text without newline
 *
 * Return: 0, also when it had that value and can't be written; -ENOENT when the kernel has no such sysctl; negative
 * errno
 */
int sysctl_ensure(const char *name, const char *value)
{
	int fd CLEANUP_CLOSE = open_sysctl(name, O_RDWR);
	int open_error = 0;
	int r;

	if (fd == -EROFS || fd == -EACCES || fd == -EPERM) {
		open_error = fd;
		fd = open_sysctl(name, O_RDONLY);
	}
	if (fd < 0)
		return fd;
	r = has_value(fd, value);
	if (r != 0)
		return r < 0 ? r : 0;
	if (open_error)
		return open_error;
	return pwrite(fd, value, strlen(value), 0) < 0 ? -errno : 0;
}

/**
 * sysctl_ensure_interface() - Give an interface's sysctl a value
 * @family:	"ipv4" or "ipv6"
 * @interface:	Name of the interface; without a slash, which the kernel allows in none
 * @name:	e.g. "accept_ra"
 * @value:	Text without newline
 *
 * Return: as sysctl_ensure()
 */
int sysctl_ensure_interface(const char *family, const char *interface, const char *name, const char *value)
{
	char path[SYSCTL_PATH_MAX];
	int r = snprintf(path, sizeof(path), "%s/conf/%s/%s", family, interface, name);

	if (r < 0 || (size_t)r >= sizeof(path))
		return -ENAMETOOLONG;
	return sysctl_ensure(path, value);
}

/**
 * sysctl_has_value() - Whether a sysctl has a value
 * @name:	Path below /proc/sys/net
 * @value:	Text without newline
 *
 * Return: 1, 0, -ENOENT when the kernel has no such sysctl, negative errno
 */
int sysctl_has_value(const char *name, const char *value)
{
	int fd CLEANUP_CLOSE = open_sysctl(name, O_RDONLY);

	return fd < 0 ? fd : has_value(fd, value);
}

/** parse() - A decimal number and a newline: 0, -EBADMSG */
static int parse(const char *text, size_t size, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (size < 2 || text[size - 1] != '\n')
		return -EBADMSG;
	for (size_t i = 0; i < size - 1; i++) {
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(number, 10U, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number))
			return -EBADMSG;
	}
	*ret_number = number;
	return 0;
}

/**
 * sysctl_number() - Read a number
 * @name:	Path below /proc/sys/net
 * @ret_number:	The number
 *
 * Return: 0, -ENOENT when the kernel has no such sysctl, -EBADMSG when it says something else, negative errno
 */
int sysctl_number(const char *name, uint64_t *ret_number)
{
	int fd CLEANUP_CLOSE = open_sysctl(name, O_RDONLY);
	char text[VALUE_MAX];
	ssize_t size;

	if (fd < 0)
		return fd;
	size = read(fd, text, sizeof(text));
	return size < 0 ? -errno : parse(text, (size_t)size, ret_number);
}
