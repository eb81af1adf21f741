/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The systemd journal, by its native protocol. */

#include "plugin/history/journal.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "rangeguard/cleanup.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/**
 * journal_open() - A way to the journal
 * @ret_fd:	Socket
 *
 * Return: 0, negative errno: -ENOENT, -ECONNREFUSED where there is no journal
 */
int journal_open(int *ret_fd)
{
	static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/**
 * journal_send() - Send an entry, never waiting: a journal that does not keep up loses it
 * @fd:		Socket
 * @line:	Its fields
 *
 * Return: 0, negative errno
 */
int journal_send(int fd, const struct line *line)
{
	return send(fd, line->data, line->size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
