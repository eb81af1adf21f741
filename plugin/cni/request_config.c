/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration as the runtime hands it over: bytes on standard input, taken whole and unread. */

#include "plugin/cni/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

/** Room at first, doubled as needed; most configurations fit at once */
#define FIRST_CAPACITY (4U << 10)

/**
 * grow() - Make room for more text, up to one byte above the limit (where the NUL goes, if nothing follows)
 * @text:	Buffer
 * @capacity:	Its size
 *
 * Return: 0, -ENOMEM
 */
static int grow(char **text, size_t *capacity)
{
	size_t wanted = *capacity ? *capacity * 2 : FIRST_CAPACITY;
	char *larger;

	if (wanted > LIMIT_STDIN + 1)
		wanted = LIMIT_STDIN + 1;
	larger = realloc(*text, wanted);
	if (!larger)
		return -ENOMEM;
	*text = larger;
	*capacity = wanted;
	return 0;
}

/**
 * read_all() - Read a descriptor to its end
 * @fd:		Descriptor
 * @ret_text:	Bytes read and a NUL behind them, for free(3)
 * @ret_size:	Number of bytes read
 *
 * Return: 0, -EFBIG above LIMIT_STDIN bytes, -ENOMEM, or what read(2) says
 */
static int read_all(int fd, char **ret_text, size_t *ret_size)
{
	CLEANUP_FREE char *text = NULL;
	size_t size = 0, capacity = 0;
	ssize_t n;

	do {
		if (size == capacity && grow(&text, &capacity) < 0)
			return -ENOMEM;
		do
			n = read(fd, text + size, capacity - size);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
		size += (size_t)n;
		if (size > LIMIT_STDIN)
			return -EFBIG;
	} while (n > 0);

	text[size] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

/**
 * request_read_config() - Read the configuration as text
 * @request:	Request from request_read_environment(); gets the text, which may hold any bytes
 * @fd:		Standard input, to be read to its end
 * @reterr:	Why not: ERROR_IO, or ERROR_TRY_AGAIN for lack of memory
 *
 * VERSION takes no configuration in old versions of the specification, and people type it: its text is empty when
 * there is a terminal, or nothing that can be read.
 *
 * Return: 0, REFUSED
 */
int request_read_config(struct request *request, int fd, struct error *reterr)
{
	bool may_lack = request->verb == CNI_VERSION;
	char *text = NULL;
	size_t size = 0;
	int r = may_lack && isatty(fd) ? -ENOTTY : read_all(fd, &text, &size);

	if (r < 0 && may_lack) {
		text = strdup("");
		r = text ? 0 : -ENOMEM;
	}
	if (r == -ENOMEM)
		return error_no_memory(reterr);
	if (r == -EFBIG)
		return error_set(reterr, ERROR_IO, "the configuration on standard input is larger than %u bytes",
				 LIMIT_STDIN);
	if (r < 0)
		return error_set_errno(reterr, ERROR_IO, r, "reading the configuration from standard input");
	free(request->config);
	request->config = text;
	request->config_size = size;
	return 0;
}
