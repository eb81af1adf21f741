/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request on its way into a batch. */

#include "plugin/network/nlbuild.h"

#include <errno.h>
#include <string.h>

/**
 * nl_request() - A message without attributes
 * @batch:	Batch, behind whose messages it is built
 * @type:	RTM_*
 * @flags:	NLM_F_* beside NLM_F_REQUEST
 * @head:	The family's own head: struct ifinfomsg, rtmsg, …
 * @size:	Its size
 *
 * Return: the message, NULL when there is no room for one
 */
struct nlmsghdr *nl_request(struct batch *batch, int type, int flags, const void *head, size_t size)
{
	struct nlmsghdr *message;

	if (!batch_has_room(batch))
		return NULL;
	/* libmnl leaves what fills attributes up to their alignment as it was. */
	memset(batch->buffer + batch->used, 0, BATCH_MESSAGE_MAX);
	message = mnl_nlmsg_put_header(batch->buffer + batch->used);
	message->nlmsg_type = (uint16_t)type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(mnl_nlmsg_put_extra_header(message, size), head, size);
	return message;
}

/** nl_put() - Put an attribute: 0, -E2BIG when the message has no room for it */
int nl_put(struct nlmsghdr *message, int attribute, size_t size, const void *data)
{
	return mnl_attr_put_check(message, BATCH_MESSAGE_MAX, (uint16_t)attribute, size, data) ? 0 : -E2BIG;
}

/** nl_put_u8() - Put a number of one byte: 0, -E2BIG */
int nl_put_u8(struct nlmsghdr *message, int attribute, uint8_t number)
{
	return nl_put(message, attribute, sizeof(number), &number);
}

/** nl_put_u32() - Put a number in the machine's byte order: 0, -E2BIG */
int nl_put_u32(struct nlmsghdr *message, int attribute, uint32_t number)
{
	return nl_put(message, attribute, sizeof(number), &number);
}

/** nl_put_string() - Put a text with its NUL: 0, -E2BIG */
int nl_put_string(struct nlmsghdr *message, int attribute, const char *text)
{
	return nl_put(message, attribute, strlen(text) + 1, text);
}

/** nl_put_address() - Put the bytes of an address: 0, -E2BIG */
int nl_put_address(struct nlmsghdr *message, int attribute, const struct address *address)
{
	uint8_t bytes[ADDRESS_BYTES_MAX];

	address_to_bytes(address, bytes);
	return nl_put(message, attribute, family_bytes(address->family), bytes);
}

/** nl_put_head() - Put an empty head where the message ends, as a nested message begins with: 0, -E2BIG */
int nl_put_head(struct nlmsghdr *message, size_t size)
{
	if (message->nlmsg_len + NLMSG_ALIGN(size) > BATCH_MESSAGE_MAX)
		return -E2BIG;
	(void)mnl_nlmsg_put_extra_header(message, size);
	return 0;
}

/** nl_nest() - Begin a nested attribute, to be ended by mnl_attr_nest_end(); NULL when the message has no room for it */
struct nlattr *nl_nest(struct nlmsghdr *message, int attribute)
{
	return mnl_attr_nest_start_check(message, BATCH_MESSAGE_MAX, (uint16_t)attribute);
}

/**
 * batch_append() - Have a message count that was built behind those of a batch
 * @batch:	Batch
 * @message:	From nl_request(); NULL: there was no room for it
 *
 * Return: 0, -E2BIG when the batch is full
 */
int batch_append(struct batch *batch, const struct nlmsghdr *message)
{
	if (!message)
		return -E2BIG;
	batch->used += NLMSG_ALIGN((size_t)message->nlmsg_len);
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
