/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a history that a question needs. */

#include "plugin/history/search.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "plugin/history/line.h"
#include "rangeguard/bytes.h"
#include "rangeguard/cleanup.h"

/** Bytes read at a time: they stay in a processor's second cache while they are searched */
#define BLOCK_BYTES (256U << 10)
#define THREADS_MAX 64

/** keep() - Append a line to what was found: 0, -ENOMEM */
static int keep(struct search_file *file, const char *line, size_t size)
{
	char *lines = bytes_room(file->lines, file->size, size, &file->capacity);

	if (!lines)
		return -ENOMEM;
	file->lines = lines;
	memcpy(file->lines + file->size, line, size);
	file->size += size;
	return 0;
}

/** keep_around() - Keep the line that has a place in a block. Return: 0, -ENOMEM; @ret_next: the byte after it */
static int keep_around(struct search_file *file, const char *begin, const char *end, const char *place,
		       const char **ret_next)
{
	const char *newline = memrchr(begin, '\n', (size_t)(place - begin));
	const char *line = newline ? newline + 1 : begin;
	const char *last = memchr(place, '\n', (size_t)(end - place));

	*ret_next = last ? last + 1 : end;
	return keep(file, line, (size_t)(*ret_next - line));
}

/** search_lines() - Keep the lines of a block that have a needle: 0, -ENOMEM. One with two of them comes twice */
static int search_lines(const struct search *search, struct search_file *file, const char *begin, const char *end)
{
	for (const char *const *needle = search->needles; *needle; needle++) {
		const char *at = begin, *place;
		size_t length = strlen(*needle);

		while ((place = memmem(at, (size_t)(end - at), *needle, length)))
			if (keep_around(file, begin, end, place, &at) < 0)
				return -ENOMEM;
	}
	return 0;
}

/** keep_first() - Keep the first line: 0, -ENOMEM */
static int keep_first(struct search_file *file, const char *begin, const char *end)
{
	const char *next;

	return keep_around(file, begin, end, begin, &next);
}

/** struct search_stream - A file that is being read: what is left of its last line, and the last whole one */
struct search_stream {
	gzFile gz;
	char *buffer;
	size_t left;
	char last[LINE_MAX_BYTES];
	size_t last_size;
};

/** note_last() - Remember the last of whole lines; one that is longer than any of ours is not */
static void note_last(struct search_stream *stream, const char *end)
{
	const char *newline = memrchr(stream->buffer, '\n', (size_t)(end - 1 - stream->buffer));
	const char *line = newline ? newline + 1 : stream->buffer;

	if ((size_t)(end - line) > sizeof(stream->last))
		return;
	stream->last_size = (size_t)(end - line);
	memcpy(stream->last, line, stream->last_size);
}

/** search_block() - Search the whole lines of what has been read, up to @end: 0, -ENOMEM */
static int search_block(const struct search *search, struct search_stream *stream, const char *end,
			struct search_file *file)
{
	const char *newline = memrchr(stream->buffer, '\n', (size_t)(end - stream->buffer));
	const char *whole = newline ? newline + 1 : stream->buffer;
	int r = 0;

	if (whole > stream->buffer) {
		if (!stream->last_size)
			r = keep_first(file, stream->buffer, whole);
		note_last(stream, whole);
		r = r ? r : search_lines(search, file, stream->buffer, whole);
	}
	stream->left = (size_t)(end - whole);
	if (stream->left > LINE_MAX_BYTES)
		stream->left = 0;
	memmove(stream->buffer, whole, stream->left);
	return r;
}

/** search_stream() - Search a file, block by block: 0, negative errno */
static int search_stream(const struct search *search, struct search_stream *stream, struct search_file *file)
{
	int got, r = 0;

	while (!r && (got = gzread(stream->gz, stream->buffer + stream->left, BLOCK_BYTES)) > 0)
		r = search_block(search, stream, stream->buffer + stream->left + got, file);
	if (!r && stream->left) {
		/* The last line has no newline: somebody is writing it, or could not finish. */
		stream->buffer[stream->left] = '\n';
		r = search_block(search, stream, stream->buffer + stream->left + 1, file);
	}
	if (r)
		return r;
	return got < 0 ? -EIO : keep(file, stream->last, stream->last_size);
}

/** open_file() - Open a file, compressed or not: NULL, errno says why. A pipe without a writer is empty, as for others */
static gzFile open_file(const char *path)
{
	CLEANUP_CLOSE int opened = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	gzFile gz;

	if (opened < 0 || fcntl(opened, F_SETFL, 0) < 0)
		return NULL;
	errno = ENOMEM;
	gz = gzdopen(opened, "rb");
	if (gz)
		(void)TAKE_FD(opened);
	return gz;
}

/** search_file() - Search one file: 0, negative errno */
static int search_file(const struct search *search, const char *path, struct search_file *file)
{
	CLEANUP_FREE char *buffer = malloc(BLOCK_BYTES + LINE_MAX_BYTES + 1);
	struct search_stream stream = {.gz = buffer ? open_file(path) : NULL, .buffer = buffer};
	int r;

	if (!stream.gz)
		return buffer ? -errno : -ENOMEM;
	/* Half a block: zlib then reads a plain file straight to where it is searched. */
	(void)gzbuffer(stream.gz, BLOCK_BYTES / 2);
	r = search_stream(search, &stream, file);
	if (gzclose_r(stream.gz) != Z_OK && !r)
		r = -EIO;
	return r;
}

/** work() - A thread: take files as long as there are any */
static void *work(void *userdata)
{
	struct search *search = userdata;
	size_t i;

	while ((i = __atomic_fetch_add(&search->next, 1, __ATOMIC_RELAXED)) < search->archive->n)
		search->found[i].outcome = search_file(search, search->archive->paths[i], &search->found[i]);
	return NULL;
}

/** count_threads() - How many threads help this one */
static size_t count_threads(const struct search *search)
{
	cpu_set_t set;
	size_t n = sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;

	if (n > search->archive->n)
		n = search->archive->n;
	if (n > THREADS_MAX)
		n = THREADS_MAX;
	return n ? n - 1 : 0;
}

/**
 * search_run() - Search all files
 * @search:	Question; what was found, and what could not be read, is put into it
 *
 * Return: 0, -ENOMEM
 */
int search_run(struct search *search)
{
	pthread_t threads[THREADS_MAX];
	size_t n = count_threads(search), started = 0;

	search->next = 0;
	search->found = calloc(search->archive->n + 1, sizeof(*search->found));
	if (!search->found)
		return -ENOMEM;
	while (started < n && pthread_create(&threads[started], NULL, work, search) == 0)
		started++;
	(void)work(search);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	for (size_t i = 0; i < search->archive->n; i++)
		if (search->found[i].outcome == -ENOMEM)
			return -ENOMEM;
	return 0;
}

/** search_done() - Release what is owned */
void search_done(struct search *search)
{
	for (size_t i = 0; search->found && i < search->archive->n; i++)
		free(search->found[i].lines);
	free(search->found);
	search->found = NULL;
}
