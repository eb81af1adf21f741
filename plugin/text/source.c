/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file's text in memory. */

#include "plugin/text/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/text/scan.h"
#include "plugin/text/weight.h"
#include "rangeguard/cleanup.h"

#define FIRST_CHUNK 8192U

/** grow() - Twice the room, -EFBIG over @limit */
static int grow(char **text, size_t *room, size_t limit)
{
	char *larger;

	if (*room > limit)
		return -EFBIG;
	larger = realloc(*text, *room * 2);
	if (!larger)
		return -ENOMEM;
	*text = larger;
	*room *= 2;
	return 0;
}

/** read_all() - Read to the end: 0, -EFBIG over @limit, negative errno */
static int read_all(int fd, size_t limit, struct source *ret_source)
{
	CLEANUP_FREE char *text = malloc(FIRST_CHUNK);
	size_t room = FIRST_CHUNK, size = 0;

	if (!text)
		return -ENOMEM;
	for (;;) {
		ssize_t got = read(fd, text + size, room - size - 1);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (!got)
			break;
		size += got > 0 ? (size_t)got : 0;
		if (size + 1 == room && grow(&text, &room, limit))
			return -EFBIG;
	}
	if (size > limit)
		return -EFBIG;
	text[size] = '\0';
	*ret_source = (struct source){.text = TAKE_PTR(text), .size = size};
	return 0;
}

/**
 * source_read() - Read a file whole
 * @path:	File, "-" for standard input; from a pipe, until its writer ends
 * @limit:	Largest size in bytes
 * @ret_source:	Its text, released by source_done()
 *
 * Return: 0, -EFBIG over @limit, negative errno
 */
int source_read(const char *path, size_t limit, struct source *ret_source)
{
	CLEANUP_CLOSE int opened = -1;

	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, limit, ret_source);
	/* A pipe without a writer is empty; one with a writer, such as a shell's <(…), is waited for. */
	opened = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (opened < 0 || fcntl(opened, F_SETFL, 0) < 0)
		return -errno;
	return read_all(opened, limit, ret_source);
}

/** source_read_again() - source_read() of what was read before: a pipe, which has no second time, is -ESPIPE */
int source_read_again(const char *path, size_t limit, struct source *ret_source)
{
	CLEANUP_CLOSE int opened = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;

	if (opened < 0 || fstat(opened, &status) < 0)
		return -errno;
	return S_ISREG(status.st_mode) ? read_all(opened, limit, ret_source) : -ESPIPE;
}

/** source_without_mark() - A text without the byte order mark that Windows puts in front; borrowed */
struct source source_without_mark(const struct source *source)
{
	size_t mark = source->size >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	return (struct source){.text = source->text + mark, .size = source->size - mark};
}

/** source_json() - json_loadb() of a text, after its byte order mark, if it is not too much (text/weight.h) */
json_t *source_json(const struct source *source, size_t flags, json_error_t *error)
{
	const struct source none = {.text = (char[]){""}};
	struct source text = source_without_mark(source->text ? source : &none);
	struct position position = POSITION_START;
	size_t at = 0;
	const char *flaw = weight_flaw_json(text.text, text.size, &at);

	if (flaw && error) {
		position_advance(&position, text.text, at);
		*error = (json_error_t){.line = (int)position.line, .column = (int)position.column};
		(void)snprintf(error->text, sizeof(error->text), "%s", flaw);
	}
	if (flaw)
		return NULL;
	return json_loadb(text.text, text.size, flags, error);
}

/** source_done() - Release the text */
void source_done(struct source *source)
{
	free(source->text);
	*source = (struct source){0};
}
