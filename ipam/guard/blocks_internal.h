/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_GUARD_BLOCKS_INTERNAL_H
#define IPAM_GUARD_BLOCKS_INTERNAL_H

/* What the writer and the reader of a file of blocks share: its layout. */

#include "ipam/guard/blocks.h"

/** A page: what the kernel reads at least */
#define BLOCK_BYTES 4096U
/** Sums in a block of sums */
#define BLOCK_SUMS (BLOCK_BYTES / sizeof(uint64_t))
/** Layers of blocks: data, sums, sums of sums …; six would be 2^57 bytes */
#define BLOCK_LAYERS 6U
/** "RGblocks" in the machine's byte order, which it thereby tells; the last digit is the layout's version */
#define BLOCKS_MAGIC UINT64_C(0x5247626c6f636b31)

/**
 * struct blocks_head - The first block of the file, as far as it is used
 * @magic:	BLOCKS_MAGIC
 * @tag:	What the file is for
 * @size:	Bytes of data
 * @top_sum:	Checksum of the only block of the topmost layer
 * @sum:	Checksum of the members before it
 */
struct blocks_head {
	uint64_t magic;
	struct blocks_tag tag;
	uint64_t size;
	uint64_t top_sum;
	uint64_t sum;
};

/**
 * struct blocks_layout - Where the layers are, in blocks from the start of the file; the last block of each is padded
 * @first:	First block
 * @n:		How many
 * @n_layers:	How many layers there are; the topmost has one block
 */
struct blocks_layout {
	uint64_t first[BLOCK_LAYERS];
	uint64_t n[BLOCK_LAYERS];
	unsigned n_layers;
};

int blocks_lay_out(uint64_t size, struct blocks_layout *ret_layout);
uint64_t blocks_sum(const void *block, size_t size);
uint64_t blocks_head_sum(const struct blocks_head *head);

#endif
