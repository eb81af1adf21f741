/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a file of blocks, front to back, in large writes; the head comes last. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "ipam/guard/blocks_internal.h"
#include "rangeguard/array.h"

/** Bytes that are written at once */
#define BUFFER_BLOCKS 64U

/**
 * struct blocks_writer - A file being written
 * @fd:		File, borrowed
 * @at:		Where in the file the buffer goes
 * @size:	Bytes of data written so far
 * @sums:	Sums of the blocks of the layer that is being written
 * @n_sums:	How many
 * @capacity:	How many there is room for
 * @last_sum:	The last one
 * @used:	Bytes in @buffer
 */
struct blocks_writer {
	int fd;
	uint64_t at;
	uint64_t size;
	uint64_t *sums;
	size_t n_sums;
	size_t capacity;
	uint64_t last_sum;
	size_t used;
	uint8_t buffer[BUFFER_BLOCKS * BLOCK_BYTES];
};

/** blocks_sum() - Checksum of @size bytes */
uint64_t blocks_sum(const void *block, size_t size)
{
	return XXH3_64bits(block, size);
}

/** blocks_head_sum() - Checksum of a head */
uint64_t blocks_head_sum(const struct blocks_head *head)
{
	return blocks_sum(head, offsetof(struct blocks_head, sum));
}

/**
 * blocks_lay_out() - Where the layers of a file are
 * @size:	Bytes of data
 * @ret_layout:	Layout
 *
 * Return: 0, -EFBIG
 */
int blocks_lay_out(uint64_t size, struct blocks_layout *ret_layout)
{
	struct blocks_layout layout = {0};
	uint64_t next = 1, n = size / BLOCK_BYTES + (size % BLOCK_BYTES || !size);

	if (size > INT64_MAX / 2)
		return -EFBIG;
	for (;;) {
		if (layout.n_layers == BLOCK_LAYERS)
			return -EFBIG;
		layout.first[layout.n_layers] = next;
		layout.n[layout.n_layers++] = n;
		if (n == 1)
			break;
		next += n;
		n = n / BLOCK_SUMS + (n % BLOCK_SUMS != 0);
	}
	*ret_layout = layout;
	return 0;
}

/**
 * blocks_writer_new() - Begin a file
 * @fd:		Empty file; borrowed
 * @ret_writer:	Writer, to be freed with blocks_writer_free()
 *
 * Return: 0, -ENOMEM
 */
int blocks_writer_new(int fd, struct blocks_writer **ret_writer)
{
	struct blocks_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	writer->fd = fd;
	writer->at = BLOCK_BYTES;
	*ret_writer = writer;
	return 0;
}

/** blocks_writer_free() - Free a writer, NULL too; return NULL */
struct blocks_writer *blocks_writer_free(struct blocks_writer *writer)
{
	if (writer)
		free(writer->sums);
	free(writer);
	return NULL;
}

/** blocks_writer_cleanup() - blocks_writer_free() for BLOCKS_WRITER_CLEANUP */
void blocks_writer_cleanup(struct blocks_writer **writer)
{
	*writer = blocks_writer_free(*writer);
}

/** write_at() - Write all of @data: 0, negative errno */
static int write_at(int fd, const void *data, size_t size, uint64_t offset)
{
	const uint8_t *rest = data;

	while (size > 0) {
		ssize_t n = pwrite(fd, rest, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		rest += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

/** add_sum() - Remember the sum of a block: 0, -ENOMEM */
static int add_sum(struct blocks_writer *writer, uint64_t sum)
{
	uint64_t *sums = array_room(writer->sums, writer->n_sums, &writer->capacity, sizeof(*sums));

	if (!sums)
		return -ENOMEM;
	writer->sums = sums;
	writer->sums[writer->n_sums++] = sum;
	writer->last_sum = sum;
	return 0;
}

/** flush() - Write what is in the buffer, its last block padded: 0, negative errno */
static int flush(struct blocks_writer *writer)
{
	size_t padding = -writer->used % BLOCK_BYTES;
	int r;

	memset(writer->buffer + writer->used, 0, padding);
	writer->used += padding;
	for (size_t i = 0; i < writer->used; i += BLOCK_BYTES) {
		r = add_sum(writer, blocks_sum(writer->buffer + i, BLOCK_BYTES));
		if (r < 0)
			return r;
	}
	r = write_at(writer->fd, writer->buffer, writer->used, writer->at);
	writer->at += writer->used;
	writer->used = 0;
	return r;
}

/** append() - Put bytes into the buffer, and write it where it is full: 0, negative errno */
static int append(struct blocks_writer *writer, const void *data, size_t size)
{
	const uint8_t *rest = data;
	int r = 0;

	while (size > 0 && r == 0) {
		size_t room = sizeof(writer->buffer) - writer->used;
		size_t n = size < room ? size : room;

		memcpy(writer->buffer + writer->used, rest, n);
		writer->used += n;
		rest += n;
		size -= n;
		if (writer->used == sizeof(writer->buffer))
			r = flush(writer);
	}
	return r;
}

/**
 * blocks_write() - Append data
 * @writer:	Writer
 * @data:	Bytes
 * @size:	How many
 *
 * Return: 0, negative errno
 */
int blocks_write(struct blocks_writer *writer, const void *data, size_t size)
{
	writer->size += size;
	return append(writer, data, size);
}

/**
 * write_layer() - Write the sums of the layer before as a layer of their own
 * @writer:	Writer, whose sums are then those of the layer written
 *
 * Return: 0, negative errno
 */
static int write_layer(struct blocks_writer *writer)
{
	uint64_t *below = writer->sums;
	size_t n_below = writer->n_sums;
	int r;

	writer->sums = NULL;
	writer->n_sums = 0;
	writer->capacity = 0;
	r = append(writer, below, n_below * sizeof(*below));
	if (r == 0)
		r = flush(writer);
	free(below);
	return r;
}

/**
 * blocks_writer_finish() - Write the checksums, and then the head, which makes the file one that can be read
 * @writer:	Writer, of no further use
 * @tag:	What the file is for
 *
 * Return: 0, negative errno
 */
int blocks_writer_finish(struct blocks_writer *writer, const struct blocks_tag *tag)
{
	struct blocks_head head = {.magic = BLOCKS_MAGIC, .tag = *tag, .size = writer->size};
	/* An empty file has one block, too. */
	size_t padding = writer->size ? 0 : BLOCK_BYTES;
	int r;

	memset(writer->buffer + writer->used, 0, padding);
	writer->used += padding;
	r = flush(writer);
	while (r == 0 && writer->n_sums > 1)
		r = write_layer(writer);
	if (r < 0)
		return r;
	head.top_sum = writer->last_sum;
	head.sum = blocks_head_sum(&head);
	return write_at(writer->fd, &head, sizeof(head), 0);
}
