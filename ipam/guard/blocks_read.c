/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a file of blocks, each verified against the sum that stands in a verified block. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipam/guard/blocks_internal.h"
#include "rangeguard/cleanup.h"

/** Blocks that are kept: those at which searches begin come again and again */
#define CACHE_SLOTS 64U

/**
 * struct blocks - A file being read
 * @fd:		File, owned
 * @head:	Its head
 * @layout:	Where its layers are
 * @numbers:	Which block is in each slot, that whose number is the slot's modulo CACHE_SLOTS; 0, the head's: none
 * @slots:	Blocks that have been verified; on pages of their own, of which those never used cost nothing
 */
struct blocks {
	int fd;
	struct blocks_head head;
	struct blocks_layout layout;
	uint64_t numbers[CACHE_SLOTS];
	uint8_t (*slots)[BLOCK_BYTES];
};

/**
 * read_at() - Read from the file
 * @fd:		File
 * @ret_data:	Space
 * @size:	Bytes wanted
 * @offset:	Where they are
 *
 * Return: 0, BLOCKS_E_DAMAGED when the file is shorter, negative errno
 */
static int read_at(int fd, void *ret_data, size_t size, uint64_t offset)
{
	uint8_t *rest = ret_data;

	while (size > 0) {
		ssize_t n = pread(fd, rest, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : BLOCKS_E_DAMAGED;
		rest += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

/**
 * read_head() - Read and check the head, and check the file's size against it
 * @blocks:	Its head and layout are filled
 * @tag:	What the file must be for
 *
 * Return: 0, BLOCKS_E_DAMAGED, negative errno
 */
static int read_head(struct blocks *blocks, const struct blocks_tag *tag)
{
	struct blocks_head *head = &blocks->head;
	const struct blocks_layout *layout = &blocks->layout;
	struct stat status;
	uint64_t n_blocks;
	int r;

	r = read_at(blocks->fd, head, sizeof(*head), 0);
	if (r)
		return r;
	if (head->magic != BLOCKS_MAGIC || head->sum != blocks_head_sum(head) ||
	    memcmp(head->tag.bytes, tag->bytes, sizeof(tag->bytes)) != 0)
		return BLOCKS_E_DAMAGED;
	if (blocks_lay_out(head->size, &blocks->layout) < 0)
		return BLOCKS_E_DAMAGED;
	if (fstat(blocks->fd, &status) < 0)
		return -errno;
	n_blocks = layout->first[layout->n_layers - 1] + 1;
	return (uint64_t)status.st_size == n_blocks * BLOCK_BYTES ? 0 : BLOCKS_E_DAMAGED;
}

/**
 * blocks_open() - Open a file
 * @consume_fd:	The file; closed also when this fails
 * @tag:	What it must be for
 * @ret_blocks:	Blocks, to be freed with blocks_free()
 *
 * Return: 0, BLOCKS_E_DAMAGED, negative errno
 */
int blocks_open(int consume_fd, const struct blocks_tag *tag, struct blocks **ret_blocks)
{
	CLEANUP_CLOSE int fd = consume_fd;
	BLOCKS_CLEANUP struct blocks *blocks = calloc(1, sizeof(*blocks));
	int r;

	if (!blocks)
		return -ENOMEM;
	blocks->fd = TAKE_FD(fd);
	blocks->slots = aligned_alloc(BLOCK_BYTES, CACHE_SLOTS * sizeof(*blocks->slots));
	if (!blocks->slots)
		return -ENOMEM;
	r = read_head(blocks, tag);
	if (r == 0)
		*ret_blocks = TAKE_PTR(blocks);
	return r;
}

/** blocks_free() - Close the file, NULL too; return NULL */
struct blocks *blocks_free(struct blocks *blocks)
{
	if (!blocks)
		return NULL;
	cleanup_close(&blocks->fd);
	free(blocks->slots);
	free(blocks);
	return NULL;
}

/** blocks_cleanup() - blocks_free() for BLOCKS_CLEANUP */
void blocks_cleanup(struct blocks **blocks)
{
	*blocks = blocks_free(*blocks);
}

/** blocks_size() - Bytes of data in the file */
uint64_t blocks_size(const struct blocks *blocks)
{
	return blocks->head.size;
}

/**
 * load() - Get a block whose checksum is known
 * @blocks:	File
 * @number:	Number of the block in the file
 * @sum:	Its checksum
 * @ret_bytes:	The block, until the next one is loaded
 *
 * Return: 0, BLOCKS_E_DAMAGED, negative errno
 */
static int load(struct blocks *blocks, uint64_t number, uint64_t sum, const uint8_t **ret_bytes)
{
	uint8_t *bytes = blocks->slots[number % CACHE_SLOTS];
	uint64_t *in_slot = &blocks->numbers[number % CACHE_SLOTS];
	int r;

	if (*in_slot != number) {
		*in_slot = 0;
		r = read_at(blocks->fd, bytes, BLOCK_BYTES, number * BLOCK_BYTES);
		if (r == 0 && blocks_sum(bytes, BLOCK_BYTES) != sum)
			r = BLOCKS_E_DAMAGED;
		if (r)
			return r;
		*in_slot = number;
	}
	*ret_bytes = bytes;
	return 0;
}

/** is_loaded() - Whether a block has been loaded and is still there */
static bool is_loaded(const struct blocks *blocks, uint64_t number)
{
	return blocks->numbers[number % CACHE_SLOTS] == number;
}

/** index_in() - Which block of layer @layer data block @index is below */
static uint64_t index_in(unsigned layer, uint64_t index)
{
	while (layer-- > 0)
		index /= BLOCK_SUMS;
	return index;
}

/**
 * find_block() - Get a data block, by way of the sums above it
 * @blocks:	File
 * @index:	Which one, from 0
 * @ret_bytes:	The block, until the next one is asked for
 *
 * Return: 0, BLOCKS_E_DAMAGED, negative errno
 */
static int find_block(struct blocks *blocks, uint64_t index, const uint8_t **ret_bytes)
{
	const struct blocks_layout *layout = &blocks->layout;
	uint64_t number = layout->first[0] + index, sum = blocks->head.top_sum;
	unsigned layer = layout->n_layers;

	if (is_loaded(blocks, number)) {
		*ret_bytes = blocks->slots[number % CACHE_SLOTS];
		return 0;
	}
	/* There is always one layer, the data. */
	do {
		int r;

		layer--;
		r = load(blocks, layout->first[layer] + index_in(layer, index), sum, ret_bytes);
		if (r)
			return r;
		if (layer > 0)
			memcpy(&sum, *ret_bytes + index_in(layer - 1, index) % BLOCK_SUMS * sizeof(sum), sizeof(sum));
	} while (layer > 0);
	return 0;
}

/**
 * blocks_read() - Read data
 * @blocks:	File
 * @offset:	Where
 * @ret_data:	Space
 * @size:	How many bytes; they may lie in several blocks
 *
 * Return: 0, BLOCKS_E_DAMAGED also when there are not as many, negative errno
 */
int blocks_read(struct blocks *blocks, uint64_t offset, void *ret_data, size_t size)
{
	uint8_t *rest = ret_data;
	uint64_t end;

	if (__builtin_add_overflow(offset, size, &end) || end > blocks->head.size)
		return BLOCKS_E_DAMAGED;
	while (size > 0) {
		size_t at = offset % BLOCK_BYTES, n = BLOCK_BYTES - at < size ? BLOCK_BYTES - at : size;
		const uint8_t *bytes;
		int r = find_block(blocks, offset / BLOCK_BYTES, &bytes);

		if (r)
			return r;
		memcpy(rest, bytes + at, n);
		rest += n;
		offset += n;
		size -= n;
	}
	return 0;
}
