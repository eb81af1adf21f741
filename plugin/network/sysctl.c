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

#include "rangeguard/cleanup.h"

/** Longest path: of an interface's setting, whose name has 15 bytes */
#define SYSCTL_PATH_MAX 128
/** Longest value that is compared; ours are single digits */
#define VALUE_MAX 32

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

/** sysctl_path() - Where sysctl @name is: 0, -ENAMETOOLONG */
static int sysctl_path(const char *name, char path[static SYSCTL_PATH_MAX])
{
	int r = snprintf(path, SYSCTL_PATH_MAX, "/proc/sys/net/%s", name);

	return r < 0 || r >= SYSCTL_PATH_MAX ? -ENAMETOOLONG : 0;
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
	char path[SYSCTL_PATH_MAX];
	int fd CLEANUP_CLOSE = -1;
	int open_error = 0;
	int r;

	r = sysctl_path(name, path);
	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && (errno == EROFS || errno == EACCES || errno == EPERM)) {
		open_error = errno;
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	r = has_value(fd, value);
	if (r != 0)
		return r < 0 ? r : 0;
	if (open_error)
		return -open_error;
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
	char path[SYSCTL_PATH_MAX];
	int fd CLEANUP_CLOSE = -1;
	int r = sysctl_path(name, path);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : has_value(fd, value);
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
	char path[SYSCTL_PATH_MAX], text[VALUE_MAX];
	int fd CLEANUP_CLOSE = -1;
	int r = sysctl_path(name, path);
	ssize_t size;

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size = read(fd, text, sizeof(text));
	return size < 0 ? -errno : parse(text, (size_t)size, ret_number);
}
