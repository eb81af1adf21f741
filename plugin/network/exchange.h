/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_EXCHANGE_H
#define PLUGIN_NETWORK_EXCHANGE_H

/*
 * What a port says and hears, without its socket: marks the messages of a batch before they leave, and takes the
 * kernel's datagrams apart until the last message is answered. Pure.
 */

#include "plugin/network/port.h"
#include "rangeguard/outcome.h"

/**
 * struct exchange - One batch on its way
 * @first_sequence:	Sequence number of the batch's first message; the others count on
 * @count:		Messages in the batch
 * @last:		Index of the message that asks for an acknowledgement
 * @atomic:		An nfnetlink batch: a refusal of its first message is one of all, and nothing follows
 * @may_exist:		As in the batch
 * @port_id:		The socket's netlink port id; what is not addressed to it is none of ours
 * @dump:		The batch is one dump
 * @reply:		NULL, or called with each answer
 * @userdata:		For it
 * @interrupted:	The kernel marked the dump as inconsistent (NLM_F_DUMP_INTR)
 * @reply_error:	What @reply returned, 0 so far
 * @refused:		@failure is filled
 * @failure:		The first refusal
 */
struct exchange {
	uint32_t first_sequence;
	unsigned count;
	unsigned last;
	bool atomic;
	uint64_t may_exist;
	uint32_t port_id;
	bool dump;
	port_reply_fn reply;
	void *userdata;
	bool interrupted;
	int reply_error;
	bool refused;
	struct port_failure failure;
};

/** Named outcomes beside 0 and negative errno */
enum exchange_outcome {
	EXCHANGE_COMPLETE = OUTCOMES_EXCHANGE, /* the last answer was in that datagram */
};

void exchange_begin(struct exchange *exchange, struct batch *batch, uint32_t first_sequence);
int exchange_take(struct exchange *exchange, const void *datagram, size_t size);

#endif
