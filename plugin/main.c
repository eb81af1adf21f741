/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rangeguard: a CNI plugin when CNI_COMMAND is set, a command for people otherwise. Nothing is decided here but which
 * of the two.
 */

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plugin/commands/commands.h"
#include "plugin/verbs/verbs.h"

/**
 * ensure_standard_streams() - See that descriptors 0 to 2 are open
 *
 * Otherwise the next file opened, the lease store say, would become standard output and the result be written into
 * it. What was closed can't be written to either: an ADD then fails and is undone rather than going unheard.
 */
static void ensure_standard_streams(void)
{
	struct pollfd streams[] = {{.fd = STDIN_FILENO}, {.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};

	(void)poll(streams, 3, 0);
	for (int fd = 0; fd < 3; fd++) {
		int opened = fd;

		if (streams[fd].revents & POLLNVAL)
			opened = open("/dev/null", O_RDONLY); /* NOLINT(android-cloexec-open): a standard stream */
		if (opened != fd)
			_exit(EXIT_USAGE);
	}
}

/**
 * leave() - End the program
 * @status:	Exit status
 *
 * A release leaves to the kernel what the libraries' destructors would tidy up in memory: one or two in a hundred of an
 * ADD. Debug builds run them, for it is then that sanitizers and gcov take stock.
 */
static _Noreturn void leave(int status)
{
#ifdef NDEBUG
	(void)fflush(NULL);
	_exit(status);
#else
	exit(status);
#endif
}

int main(int argc, char **argv)
{
	ensure_standard_streams();
	leave(request_present() ? verbs_run() : commands_run(argc, argv));
}
