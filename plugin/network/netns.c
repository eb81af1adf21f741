/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network namespaces by path. A path is resolved once: what was checked is what is entered, whatever the path becomes
 * meanwhile. O_RDONLY on a path from outside would wait on a FIFO and may have effects on devices, hence O_NONBLOCK.
 */

#include "plugin/network/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "rangeguard/cleanup.h"

/** asm-generic/socket.h of Linux 5.14; a C library may be older */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/**
 * is_netns() - Whether a descriptor is that of a network namespace
 * @fd:	Descriptor
 *
 * Return: 1, 0, negative errno
 */
static int is_netns(int fd)
{
	struct statfs filesystem;
	int type;

	if (fstatfs(fd, &filesystem) < 0)
		return -errno;
	if (filesystem.f_type != NSFS_MAGIC)
		return 0;
	/* A look that fails says nothing of what is there. */
	type = ioctl(fd, NS_GET_NSTYPE);
	return type < 0 ? -errno : type == CLONE_NEWNET;
}

/**
 * netns_open() - Open a network namespace
 * @path:	Path, e.g. "/run/netns/blue" or "/proc/42/ns/net"
 * @ret_netns:	Namespace; netns_done() it
 *
 * Return: 0, NETNS_E_NOT_NETNS when the path is something else, negative errno when it can't be opened
 */
int netns_open(const char *path, struct netns *ret_netns)
{
	int fd CLEANUP_CLOSE = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;
	int r;

	if (fd < 0)
		return -errno;
	r = is_netns(fd);
	if (r <= 0)
		return r < 0 ? r : NETNS_E_NOT_NETNS;
	if (fstat(fd, &status) < 0)
		return -errno;
	*ret_netns = (struct netns){.fd = TAKE_FD(fd), .way_back = -1, .device = status.st_dev, .inode = status.st_ino};
	return 0;
}

/**
 * netns_has_port() - Whether a port is in a namespace
 * @netns:	Namespace; the port's is the way back from it
 * @port:	Port in the calling thread's namespace
 *
 * Return: 1, 0, negative errno
 */
int netns_has_port(struct netns *netns, struct port *port)
{
	int fd CLEANUP_CLOSE = port_open_netns(port);
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (netns->way_back < 0)
		netns->way_back = TAKE_FD(fd);
	return status.st_dev == netns->device && status.st_ino == netns->inode;
}

/** cookie_here() - Number of the calling thread's namespace: 0 also where the kernel gives none, negative errno */
static int cookie_here(uint64_t *ret_cookie)
{
	int fd CLEANUP_CLOSE = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*ret_cookie);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret_cookie, &size) < 0)
		*ret_cookie = 0;
	return 0;
}

/**
 * netns_read_cookie() - Read a namespace's number, from within it; the calling thread comes back
 * @netns:	Namespace; its cookie is set
 *
 * Return: 0, negative errno
 */
int netns_read_cookie(struct netns *netns)
{
	int r;

	if (netns->way_back < 0)
		netns->way_back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (netns->way_back < 0)
		return -errno;
	if (setns(netns->fd, CLONE_NEWNET) < 0)
		return -errno;
	r = cookie_here(&netns->cookie);
	netns_return(netns->way_back);
	return r;
}

/** netns_done() - Close the namespace and the way back, as far as they are open */
void netns_done(struct netns *netns)
{
	cleanup_close(&netns->fd);
	cleanup_close(&netns->way_back);
	netns->fd = netns->way_back = -1;
}
