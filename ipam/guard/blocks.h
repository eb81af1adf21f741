/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_BLOCKS_H
#define IPAM_GUARD_BLOCKS_H

/*
 * Bytes in a file of which a reader touches little: each block of it is verified when it is read, and no other. The
 * checksums of the blocks stand behind them, in blocks that have checksums themselves, up to a single block whose
 * checksum is in the head. A file that is cut, or changed anywhere, is found out before what it says is used.
 *
 *	head │ data blocks … │ their sums … │ the sums' sums
 *
 * It is read, not mapped: a mapping of a file that somebody cuts kills the process, and what has been verified may be
 * another thing by the time it is used. Checksums are XXH3: they find accidents; against malice stands the directory,
 * which is root's. Numbers are the machine's own, whose byte order the head tells.
 */

#include <stddef.h>
#include <stdint.h>

#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno */
enum blocks_outcome {
	BLOCKS_E_DAMAGED = OUTCOMES_BLOCKS, /* the bytes are not those that were written */
};

#define BLOCKS_TAG_BYTES 16U

/** struct blocks_tag - What a file is for: a reader with another tag takes it for damaged */
struct blocks_tag {
	uint8_t bytes[BLOCKS_TAG_BYTES];
};

struct blocks_writer;

int blocks_writer_new(int fd, struct blocks_writer **ret_writer);
struct blocks_writer *blocks_writer_free(struct blocks_writer *writer);
void blocks_writer_cleanup(struct blocks_writer **writer);
int blocks_write(struct blocks_writer *writer, const void *data, size_t size);
int blocks_writer_finish(struct blocks_writer *writer, const struct blocks_tag *tag);

struct blocks;

int blocks_open(int consume_fd, const struct blocks_tag *tag, struct blocks **ret_blocks);
struct blocks *blocks_free(struct blocks *blocks);
void blocks_cleanup(struct blocks **blocks);
uint64_t blocks_size(const struct blocks *blocks);
int blocks_read(struct blocks *blocks, uint64_t offset, void *ret_data, size_t size);

#define BLOCKS_WRITER_CLEANUP __attribute__((cleanup(blocks_writer_cleanup)))
#define BLOCKS_CLEANUP __attribute__((cleanup(blocks_cleanup)))

#endif
