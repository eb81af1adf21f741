/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netlink protocol's bookkeeping (RFC 3549, linux/netlink.h, Documentation/userspace-api/netlink/intro.rst).
 * Pure: no descriptor, no system call.
 *
 * The kernel answers the messages of a datagram in their order. Only the last one asks for an acknowledgement; a
 * message that fails is answered by an error in any case, one that is a GET by data. So the exchange is complete when
 * the last message is acknowledged or refused, or a dump has come to its NLMSG_DONE, which may carry an error too.
 */

#include "plugin/network/exchange.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <string.h>

/**
 * exchange_begin() - Mark a batch's messages for their way: flags, sequence numbers, the closing acknowledgement
 * @exchange:		Exchange; reply, userdata and port_id are the caller's, the rest is set here
 * @batch:		Batch of at least one message, three when it is atomic; may be begun again to repeat it
 * @first_sequence:	Sequence number of its first message
 *
 * The end of an nfnetlink batch is acknowledged since Linux 6.10 only, so the message before it asks for that.
 */
void exchange_begin(struct exchange *exchange, struct batch *batch, uint32_t first_sequence)
{
	struct nlmsghdr *message = (void *)batch_data(batch);
	int rest = (int)batch->used;

	exchange->first_sequence = first_sequence;
	exchange->last = batch->count - (batch->atomic ? 2 : 1);
	exchange->atomic = batch->atomic;
	exchange->may_exist = batch->may_exist;
	exchange->count = 0;
	exchange->dump = false;
	exchange->interrupted = false;
	exchange->reply_error = 0;
	exchange->refused = false;
	for (; mnl_nlmsg_ok(message, rest); message = mnl_nlmsg_next(message, &rest)) {
		message->nlmsg_flags |= NLM_F_REQUEST;
		message->nlmsg_seq = exchange->first_sequence + exchange->count;
		message->nlmsg_pid = 0;
		exchange->dump = (message->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
		if (exchange->count++ == exchange->last && !exchange->dump)
			message->nlmsg_flags |= NLM_F_ACK;
	}
}

/** take_text() - Attribute callback: keep the kernel's own words */
static int take_text(const struct nlattr *attribute, void *userdata)
{
	char *text = userdata;

	if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		(void)snprintf(text, PORT_TEXT_MAX, "%s", mnl_attr_get_str(attribute));
	return MNL_CB_OK;
}

/**
 * refusal_text() - The kernel's own words in an extended acknowledgement
 * @message:	NLMSG_ERROR or NLMSG_DONE
 * @offset:	Where its attributes begin, in bytes behind the header
 * @text:	Filled; "" when it says nothing
 */
static void refusal_text(const struct nlmsghdr *message, size_t offset, char text[static PORT_TEXT_MAX])
{
	text[0] = '\0';
	if (message->nlmsg_flags & NLM_F_ACK_TLVS && offset <= mnl_nlmsg_get_payload_len(message))
		(void)mnl_attr_parse(message, (unsigned)offset, take_text, text);
}

/**
 * take_refusal() - Keep a refusal, unless an earlier one is kept or it is none
 * @exchange:	Exchange
 * @index:	Which message was refused
 * @errnum:	Negative errno as the kernel writes it
 * @message:	NLMSG_ERROR or NLMSG_DONE
 * @offset:	Where its attributes begin
 */
static void take_refusal(struct exchange *exchange, unsigned index, int errnum, const struct nlmsghdr *message,
			 size_t offset)
{
	bool tolerated = errnum == -EEXIST && index < BATCH_MESSAGES && exchange->may_exist >> index & 1;

	if (exchange->refused || tolerated)
		return;
	exchange->refused = true;
	exchange->failure.index = index;
	exchange->failure.errnum = -errnum;
	refusal_text(message, offset, exchange->failure.text);
}

/**
 * take_error() - NLMSG_ERROR: a refusal, or an acknowledgement where its errno is 0
 * @exchange:	Exchange
 * @index:	Message that it answers
 * @message:	Message
 *
 * Return: EXCHANGE_COMPLETE for the last message's, or that of a whole batch; 0, -EBADMSG
 */
static int take_error(struct exchange *exchange, unsigned index, const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
	size_t offset = sizeof(*error);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*error) || error->error > 0 || error->error < -4095)
		return -EBADMSG;
	/* Unless capped, the whole refused message stands between the error and its attributes. */
	if (!(message->nlmsg_flags & NLM_F_CAPPED) && error->error && error->msg.nlmsg_len > sizeof(error->msg))
		offset += NLMSG_ALIGN(error->msg.nlmsg_len - sizeof(error->msg));
	if (error->error)
		take_refusal(exchange, index, error->error, message, offset);
	return index == exchange->last || (exchange->atomic && index == 0) ? EXCHANGE_COMPLETE : 0;
}

/**
 * take_done() - NLMSG_DONE: the end of a dump, with an errno where the dump broke off
 * @exchange:	Exchange
 * @index:	Message that it answers
 * @message:	Message
 *
 * Return: EXCHANGE_COMPLETE, -EBADMSG
 */
static int take_done(struct exchange *exchange, unsigned index, const struct nlmsghdr *message)
{
	int errnum = 0;

	/* The payload is optional: some dumps end without one. */
	if (mnl_nlmsg_get_payload_len(message) >= sizeof(errnum))
		memcpy(&errnum, mnl_nlmsg_get_payload(message), sizeof(errnum));
	if (errnum < -4095)
		return -EBADMSG;
	if (errnum < 0)
		take_refusal(exchange, index, errnum, message, NLMSG_ALIGN(sizeof(errnum)));
	return EXCHANGE_COMPLETE;
}

/**
 * take_message() - Take one message of an answer
 * @exchange:	Exchange
 * @message:	Message
 *
 * Return: EXCHANGE_COMPLETE, 0, -EBADMSG, -ENOBUFS when the kernel says that it dropped something
 */
static int take_message(struct exchange *exchange, const struct nlmsghdr *message)
{
	uint32_t index = message->nlmsg_seq - exchange->first_sequence;

	if (message->nlmsg_pid != exchange->port_id || index >= exchange->count)
		return 0;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		exchange->interrupted = true;
	switch (message->nlmsg_type) {
	case NLMSG_NOOP:
		return 0;
	case NLMSG_OVERRUN:
		return -ENOBUFS;
	case NLMSG_ERROR:
		return take_error(exchange, index, message);
	case NLMSG_DONE:
		return take_done(exchange, index, message);
	default:
		if (exchange->reply && !exchange->reply_error && !exchange->interrupted)
			exchange->reply_error = exchange->reply(message, exchange->userdata);
		return 0;
	}
}

/** is_whole() - Whether a message lies in what is left; libmnl takes a length of 2 GiB and more for a negative one */
static bool is_whole(const struct nlmsghdr *message, int rest)
{
	return mnl_nlmsg_ok(message, rest) && message->nlmsg_len <= INT32_MAX;
}

/**
 * exchange_take() - Take one datagram; it may hold several messages, or ones that are not for us
 * @exchange:	Exchange that was begun
 * @datagram:	What was received, aligned as a struct nlmsghdr
 * @size:	Bytes
 *
 * Return: EXCHANGE_COMPLETE, 0 when more is to come, -EBADMSG when it is cut or malformed, -ENOBUFS
 */
int exchange_take(struct exchange *exchange, const void *datagram, size_t size)
{
	const struct nlmsghdr *message = datagram;
	int rest = (int)size;
	int r;

	if (size > INT32_MAX)
		return -EBADMSG;
	for (; is_whole(message, rest); message = mnl_nlmsg_next(message, &rest)) {
		r = take_message(exchange, message);
		if (r)
			return r;
	}
	return rest > 0 ? -EBADMSG : 0;
}
