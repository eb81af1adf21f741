/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request on its way into a batch. */

#include "plugin/network/nlbuild.h"

#include <errno.h>
#include <string.h>

/**
 * nl_request() - A message without attributes
 * @type:	RTM_*
 * @flags:	NLM_F_* beside NLM_F_REQUEST
 * @head:	The family's own head: struct ifinfomsg, rtmsg, …
 * @size:	Its size
 *
 * Return: the message, NULL without memory; nlmsg_free() it
 */
struct nl_msg *nl_request(int type, int flags, const void *head, size_t size)
{
	struct nl_msg *msg NL_MSG_CLEANUP = nlmsg_alloc_simple(type, flags);

	/* libnl only reads from it. */
	if (!msg || nlmsg_append(msg, (void *)(uintptr_t)head, size, NLMSG_ALIGNTO) < 0)
		return NULL;
	return TAKE_PTR(msg);
}

/** nl_put_address() - Put the bytes of an address: 0, negative: no room */
int nl_put_address(struct nl_msg *msg, int attribute, const struct address *address)
{
	uint8_t bytes[ADDRESS_BYTES_MAX];

	address_to_bytes(address, bytes);
	return nla_put(msg, attribute, (int)family_bytes(address->family), bytes);
}

/**
 * batch_append() - Copy a message behind those of a batch
 * @batch:	Batch
 * @msg:	Message as libnl built it; NULL: it could not be built
 *
 * Return: 0, -ENOMEM, -E2BIG when the batch is full
 */
int batch_append(struct batch *batch, struct nl_msg *msg)
{
	const struct nlmsghdr *header;
	size_t size;

	if (!msg)
		return -ENOMEM;
	header = nlmsg_hdr(msg);
	size = NLMSG_ALIGN((size_t)header->nlmsg_len);
	if (batch->count == BATCH_MESSAGES || size > sizeof(batch->buffer) - batch->used)
		return -E2BIG;
	memset(batch->buffer + batch->used, 0, size);
	memcpy(batch->buffer + batch->used, header, header->nlmsg_len);
	batch->used += size;
	batch->count++;
	return 0;
}

/** batch_allow_existing() - Mark the message that was just appended, if @appended says so; returns @appended */
int batch_allow_existing(struct batch *batch, int appended)
{
	if (!appended)
		batch->may_exist |= (uint64_t)1 << (batch->count - 1);
	return appended;
}
