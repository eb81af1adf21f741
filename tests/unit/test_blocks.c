/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blocks_write.c, blocks_read.c: what is read is what was written, and whatever else stands in the file is found out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipam/guard/blocks_internal.h"
#include "rangeguard/array.h"

/** Needs three layers: data, more than one block of sums, and the sums of these */
#define LARGE (BLOCK_BYTES * (BLOCK_SUMS + 3) + 100)

static const struct blocks_tag tag = {.bytes = "a tag of 16 byte"};

/* The write that @fail_in counts down to fails (-Wl,--wrap). */
static unsigned long fail_in;

ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset);

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset)
{
	if (fail_in > 0 && --fail_in == 0) {
		errno = ENOSPC;
		return -1;
	}
	/* A write may take less than it is given. */
	return __real_pwrite(fd, data, size > 5000 ? size - 1 : size, offset);
}

/** copy_of() - Another descriptor of the file, for who closes it */
static int copy_of(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/** byte_at() - The test data: no two blocks are the same */
static uint8_t byte_at(uint64_t offset)
{
	return (uint8_t)((offset * 7) ^ (offset >> 8) ^ (offset >> 16) * 3);
}

/** write_pieces() - Write @size bytes in pieces of @piece; return the outcome */
static int write_pieces(int fd, size_t size, size_t piece)
{
	BLOCKS_WRITER_CLEANUP struct blocks_writer *writer = NULL;
	uint8_t *bytes = test_malloc(size + 1);
	int r;

	for (size_t i = 0; i < size; i++)
		bytes[i] = byte_at(i);
	r = blocks_writer_new(fd, &writer);
	for (size_t at = 0; at < size && r == 0; at += piece)
		r = blocks_write(writer, bytes + at, size - at < piece ? size - at : piece);
	if (r == 0)
		r = blocks_writer_finish(writer, &tag);
	test_free(bytes);
	return r;
}

/** write_file() - A file of @size bytes of data */
static int write_file(size_t size)
{
	int fd = memfd_create("blocks", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write_pieces(fd, size, 100000), 0);
	return fd;
}

/** read_all() - Open @fd, which stays open, and read all its data: 0, BLOCKS_E_DAMAGED; what is read must be right */
static int read_all(int fd, size_t size)
{
	BLOCKS_CLEANUP struct blocks *blocks = NULL;
	uint8_t piece[1000], expected[sizeof(piece)];
	int r = blocks_open(copy_of(fd), &tag, &blocks);

	if (r)
		return r;
	assert_true(blocks_size(blocks) == size);
	for (size_t at = 0; at < size; at += sizeof(piece)) {
		size_t n = size - at < sizeof(piece) ? size - at : sizeof(piece);

		r = blocks_read(blocks, at, piece, n);
		if (r)
			return r;
		for (size_t i = 0; i < sizeof(expected); i++)
			expected[i] = byte_at(at + i);
		assert_memory_equal(piece, expected, n);
	}
	return 0;
}

static void what_is_read_is_what_was_written(void **state)
{
	static const size_t sizes[] = {0,
				       1,
				       BLOCK_BYTES - 1,
				       BLOCK_BYTES,
				       BLOCK_BYTES + 1,
				       64 * BLOCK_BYTES,
				       64 * BLOCK_BYTES + 1,
				       BLOCK_BYTES * BLOCK_SUMS,
				       BLOCK_BYTES * BLOCK_SUMS + 1,
				       LARGE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		int fd = write_file(sizes[i]);

		assert_int_equal(read_all(fd, sizes[i]), 0);
		(void)close(fd);
	}
}

static void pieces_make_no_difference(void **state)
{
	static const size_t pieces[] = {1, 4095, 4096, 4097, 64 * BLOCK_BYTES, 1000000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
		int fd = memfd_create("blocks", MFD_CLOEXEC);

		assert_int_equal(write_pieces(fd, 300000, pieces[i]), 0);
		assert_int_equal(read_all(fd, 300000), 0);
		(void)close(fd);
	}
}

static void any_place_can_be_read(void **state)
{
	BLOCKS_CLEANUP struct blocks *blocks = NULL;
	uint8_t bytes[2 * BLOCK_BYTES + 3];

	(void)state;
	assert_int_equal(blocks_open(write_file(LARGE), &tag, &blocks), 0);
	for (uint64_t i = 0; i < 5000; i++) {
		uint64_t at = i * 2654435761U % LARGE;
		size_t size = i * 40503U % sizeof(bytes);

		if (at + size > LARGE) {
			assert_int_equal(blocks_read(blocks, at, bytes, size), BLOCKS_E_DAMAGED);
			continue;
		}
		assert_int_equal(blocks_read(blocks, at, bytes, size), 0);
		for (size_t j = 0; j < size; j++)
			assert_int_equal(bytes[j], byte_at(at + j));
	}
	assert_int_equal(blocks_read(blocks, LARGE, bytes, 0), 0);
	assert_int_equal(blocks_read(blocks, LARGE, bytes, 1), BLOCKS_E_DAMAGED);
	assert_int_equal(blocks_read(blocks, UINT64_MAX, bytes, 2), BLOCKS_E_DAMAGED);
}

/** flip() - Change a bit of the byte at @offset of the file */
static void flip(int fd, off_t offset, unsigned bit)
{
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= (uint8_t)(1U << bit);
	assert_int_equal(__real_pwrite(fd, &byte, 1, offset), 1);
}

/* The head, and each kind of block: data, padding behind them, sums, padding behind these */
static void each_flipped_byte_of_a_small_file_is_found(void **state)
{
	const size_t size = BLOCK_BYTES + 10;
	int fd = write_file(size);
	struct stat status;

	(void)state;
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, 4 * BLOCK_BYTES);
	for (off_t at = 0; at < status.st_size; at++) {
		/* The rest of the first block is never read. */
		if (at == sizeof(struct blocks_head))
			at = BLOCK_BYTES;
		flip(fd, at, (unsigned)at % 8);
		if (read_all(fd, size) != BLOCKS_E_DAMAGED)
			fail_msg("byte %lld", (long long)at);
		flip(fd, at, (unsigned)at % 8);
	}
	assert_int_equal(read_all(fd, size), 0);
	(void)close(fd);
}

static void a_flipped_bit_in_any_block_is_found(void **state)
{
	int fd = write_file(LARGE);
	struct stat status;

	(void)state;
	assert_int_equal(fstat(fd, &status), 0);
	for (off_t block = 0; block < status.st_size / BLOCK_BYTES; block++) {
		off_t at = block * BLOCK_BYTES + (block ? block * 31 % BLOCK_BYTES : 9);

		flip(fd, at, 3);
		if (read_all(fd, LARGE) != BLOCKS_E_DAMAGED)
			fail_msg("block %lld", (long long)block);
		flip(fd, at, 3);
	}
	assert_int_equal(read_all(fd, LARGE), 0);
	(void)close(fd);
}

/* A block of an older file in the place of the same block of a newer one: it was right once. */
static void a_block_from_elsewhere_is_found(void **state)
{
	int fd = write_file(LARGE);
	uint8_t block[BLOCK_BYTES];

	(void)state;
	assert_int_equal(pread(fd, block, sizeof(block), 2 * BLOCK_BYTES), sizeof(block));
	assert_int_equal(__real_pwrite(fd, block, sizeof(block), 3 * BLOCK_BYTES), sizeof(block));
	assert_int_equal(read_all(fd, LARGE), BLOCKS_E_DAMAGED);
	(void)close(fd);
}

static void a_file_of_another_length_is_found(void **state)
{
	int fd = write_file(LARGE);
	struct stat status;

	(void)state;
	assert_int_equal(fstat(fd, &status), 0);
	/* At each of the first blocks, then at some; each time also a byte behind it */
	for (off_t size = 0; size < status.st_size; size += (size < 40 * BLOCK_BYTES ? 1 : 13) * BLOCK_BYTES) {
		int copy = write_file(LARGE);

		assert_int_equal(ftruncate(copy, size + 1), 0);
		assert_int_equal(read_all(copy, LARGE), BLOCKS_E_DAMAGED);
		assert_int_equal(ftruncate(copy, size), 0);
		assert_int_equal(read_all(copy, LARGE), BLOCKS_E_DAMAGED);
		(void)close(copy);
	}
	assert_int_equal(ftruncate(fd, status.st_size + 1), 0);
	assert_int_equal(read_all(fd, LARGE), BLOCKS_E_DAMAGED);
	(void)close(fd);
}

/* Cut while it is open: a mapping would end the process here. */
static void a_file_that_is_cut_while_it_is_read(void **state)
{
	int fd = write_file(LARGE);
	BLOCKS_CLEANUP struct blocks *blocks = NULL;
	uint8_t bytes[10];

	(void)state;
	assert_int_equal(blocks_open(copy_of(fd), &tag, &blocks), 0);
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_int_equal(blocks_read(blocks, 5 * BLOCK_BYTES, bytes, sizeof(bytes)), BLOCKS_E_DAMAGED);
	(void)close(fd);
}

static void another_tag_is_another_file(void **state)
{
	struct blocks_tag other = tag;
	struct blocks *blocks;
	int fd = write_file(10);

	(void)state;
	other.bytes[15] ^= 1;
	assert_int_equal(blocks_open(copy_of(fd), &other, &blocks), BLOCKS_E_DAMAGED);
	(void)close(fd);
}

/* The head is written last: until then there is no file that could be taken for one. */
static void a_failing_write_is_told_and_leaves_no_file(void **state)
{
	(void)state;
	for (unsigned long nth = 1;; nth++) {
		int fd = memfd_create("blocks", MFD_CLOEXEC), r;
		bool failed;

		fail_in = nth;
		r = write_pieces(fd, LARGE, 100000);
		failed = !fail_in;
		fail_in = 0;
		if (!failed) {
			assert_int_equal(r, 0);
			assert_true(nth > 10);
			(void)close(fd);
			return;
		}
		assert_int_equal(r, -ENOSPC);
		assert_int_equal(read_all(fd, LARGE), BLOCKS_E_DAMAGED);
		(void)close(fd);
	}
}

static void sizes_without_a_layout(void **state)
{
	struct blocks_layout layout;

	(void)state;
	assert_int_equal(blocks_lay_out(UINT64_MAX, &layout), -EFBIG);
	assert_int_equal(blocks_lay_out(INT64_MAX, &layout), -EFBIG);
	assert_int_equal(blocks_lay_out(0, &layout), 0);
	assert_int_equal(layout.n_layers, 1);
	assert_int_equal(blocks_lay_out(UINT64_C(1) << 40, &layout), 0);
	assert_int_equal(layout.n_layers, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_is_what_was_written),
		cmocka_unit_test(pieces_make_no_difference),
		cmocka_unit_test(any_place_can_be_read),
		cmocka_unit_test(each_flipped_byte_of_a_small_file_is_found),
		cmocka_unit_test(a_flipped_bit_in_any_block_is_found),
		cmocka_unit_test(a_block_from_elsewhere_is_found),
		cmocka_unit_test(a_file_of_another_length_is_found),
		cmocka_unit_test(a_file_that_is_cut_while_it_is_read),
		cmocka_unit_test(another_tag_is_another_file),
		cmocka_unit_test(a_failing_write_is_told_and_leaves_no_file),
		cmocka_unit_test(sizes_without_a_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
