/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AGENT_WRITE_WHOLE_H
#define PLUGIN_AGENT_WRITE_WHOLE_H

/* All of a text into a file. */

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

/** write_whole() - All of @text: 0, negative errno; a disk that is full says so with the piece after the one that fitted */
static inline int write_whole(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

#endif
