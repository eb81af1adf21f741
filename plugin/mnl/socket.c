/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libmnl's interface for static programs, see attribute.c: the socket. */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>

struct mnl_socket {
	int fd;
	struct sockaddr_nl address;
};

static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	struct mnl_socket *nl = calloc(1, sizeof(*nl));

	if (!nl)
		return NULL;
	nl->fd = socket(AF_NETLINK, SOCK_RAW | flags, bus);
	if (nl->fd >= 0)
		return nl;
	free(nl);
	return NULL;
}

struct mnl_socket *mnl_socket_open(int bus)
{
	return mnl_socket_open2(bus, 0);
}

int mnl_socket_close(struct mnl_socket *nl)
{
	int r = close(nl->fd);

	free(nl);
	return r;
}

int mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid)
{
	socklen_t size = sizeof(nl->address);

	nl->address = (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_groups = groups, .nl_pid = (uint32_t)pid};
	if (bind(nl->fd, (const struct sockaddr *)&nl->address, size) < 0 ||
	    getsockname(nl->fd, (struct sockaddr *)&nl->address, &size) < 0)
		return -1;
	if (size == sizeof(nl->address) && nl->address.nl_family == AF_NETLINK)
		return 0;
	errno = EINVAL;
	return -1;
}

int mnl_socket_get_fd(const struct mnl_socket *nl)
{
	return nl->fd;
}

unsigned int mnl_socket_get_portid(const struct mnl_socket *nl)
{
	return nl->address.nl_pid;
}

int mnl_socket_setsockopt(const struct mnl_socket *nl, int type, void *buf, socklen_t len)
{
	return setsockopt(nl->fd, SOL_NETLINK, type, buf, len);
}

ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *req, size_t siz)
{
	return sendto(nl->fd, req, siz, 0, (const struct sockaddr *)&kernel, sizeof(kernel));
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t siz)
{
	struct sockaddr_nl sender = {0};
	socklen_t sender_size = sizeof(sender);
	ssize_t size = recvfrom(nl->fd, buf, siz, MSG_TRUNC, (struct sockaddr *)&sender, &sender_size);

	if (size < 0)
		return size;
	if ((size_t)size <= siz && sender_size == sizeof(sender))
		return size;
	errno = (size_t)size > siz ? ENOSPC : EINVAL;
	return -1;
}
