/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_BATCH_H
#define PLUGIN_NETWORK_BATCH_H

/*
 * Netlink messages that leave together, in one datagram. Those of rtnetlink are few and stay in the batch itself; those
 * of nf_tables may be any number, and go to the heap (plugin/snat/nfmessage.h).
 */

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define BATCH_BYTES 8192
#define BATCH_MESSAGES 64U /* the width of batch.may_exist; on the heap there may be more */

/** No message of rtnetlink is longer: a veth pair with its names, or a link with an alias of 255 bytes */
#define BATCH_MESSAGE_MAX 1024U

/**
 * struct batch - Complete netlink messages, one behind the other, aligned as NLMSG_ALIGN wants
 * @used:	Bytes in use
 * @count:	Messages
 * @may_exist:	One bit per message: that the kernel has such a thing already (EEXIST) is no failure of it
 * @atomic:	The first and the last are the begin and end of an nfnetlink batch: all of it is done, or nothing
 * @heap:	NULL: the messages are in @buffer; owned
 * @heap_size:	Bytes there are
 * @buffer:	Behind the counters and never cleared: batch_reset() is all that a new batch needs
 */
struct batch {
	size_t used;
	unsigned count;
	uint64_t may_exist;
	bool atomic;
	uint8_t *heap;
	size_t heap_size;
	_Alignas(struct nlmsghdr) uint8_t buffer[BATCH_BYTES];
};

/** batch_clear() - Without messages; what is on the heap stays for the next ones */
static inline void batch_clear(struct batch *batch)
{
	batch->used = 0;
	batch->count = 0;
	batch->may_exist = 0;
	batch->atomic = false;
}

/** batch_reset() - A new batch */
static inline void batch_reset(struct batch *batch)
{
	batch_clear(batch);
	batch->heap = NULL;
	batch->heap_size = 0;
}

/** batch_data() - The messages */
static inline uint8_t *batch_data(struct batch *batch)
{
	return batch->heap ? batch->heap : batch->buffer;
}

/** batch_has_room() - Whether another message of rtnetlink fits */
static inline bool batch_has_room(const struct batch *batch)
{
	return batch->count < BATCH_MESSAGES && sizeof(batch->buffer) - batch->used >= BATCH_MESSAGE_MAX;
}

/** batch_done() - Release what is on the heap */
static inline void batch_done(struct batch *batch)
{
	free(batch->heap);
	batch_reset(batch);
}

#define BATCH_CLEANUP __attribute__((cleanup(batch_done)))

#endif
