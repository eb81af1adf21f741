/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process is at the other end of a unix socket. */

#include "plugin/agent/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rangeguard/cleanup.h"

#define STAT_BYTES 1024
/** Fields after the command's name, up to the one before `starttime` */
#define FIELDS_BEFORE_START 19

/** parse_start() - `starttime` of /proc/PID/stat; the command's name may hold anything, parentheses too: 0, -EBADMSG */
static int parse_start(const char *text, uint64_t *ret_start)
{
	const char *at = strrchr(text, ')');
	uint64_t start = 0;

	for (int field = 0; at && field <= FIELDS_BEFORE_START; field++)
		at = strchr(at + 1, ' ');
	if (!at || at[1] < '0' || at[1] > '9')
		return -EBADMSG;
	for (at++; *at >= '0' && *at <= '9'; at++)
		start = start * 10 + (uint64_t)(*at - '0');
	*ret_start = start;
	return 0;
}

/** read_start() - When a process began: 0, -ESRCH when there is none, another negative errno */
static int read_start(int pid, uint64_t *ret_start)
{
	char path[32], text[STAT_BYTES];
	CLEANUP_CLOSE int fd = -1;
	ssize_t size;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	size = read(fd, text, sizeof(text) - 1);
	if (size < 0)
		return -errno;
	text[size] = '\0';
	return parse_start(text, ret_start);
}

/**
 * process_of_peer() - The process that connected
 * @fd:			Connection of a unix socket
 * @ret_process:	Process
 *
 * Return: 0, -ESRCH when it is not of this PID namespace or has ended, another negative errno
 */
int process_of_peer(int fd, struct process *ret_process)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);
	struct process process;
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	if (peer.pid <= 0)
		return -ESRCH;
	process.pid = peer.pid;
	r = read_start(process.pid, &process.start);
	if (!r)
		*ret_process = process;
	return r;
}

/** process_equal() - Whether they are the same */
bool process_equal(const struct process *a, const struct process *b)
{
	return a->pid == b->pid && a->start == b->start;
}

/** process_runs() - Whether it has not ended; one that can't be looked at runs */
bool process_runs(const struct process *process)
{
	uint64_t start = 0;
	int r = read_start(process->pid, &start);

	return r == -ESRCH ? false : r < 0 || start == process->start;
}
