/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_PORT_H
#define PLUGIN_NETWORK_PORT_H

/*
 * The netlink port's seam: the one place where bytes go to the kernel. A batch of messages leaves in one datagram,
 * which the kernel works through before send returns; only the last message asks for an acknowledgement, since a
 * failing one answers anyway. Messages behind a failing one are still carried out: the caller undoes as a whole.
 * libmnl's socket stands behind it in the plugin, a recorder that can fail its n-th call in the tests.
 */

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rangeguard/outcome.h"

#define BATCH_BYTES 8192
#define BATCH_MESSAGES 64U /* the width of batch.may_exist */
#define PORT_TEXT_MAX 256

/** No message of ours is longer: a veth pair with its names, or a link with an alias of 255 bytes */
#define BATCH_MESSAGE_MAX 1024U

/**
 * struct batch - Complete netlink messages, one behind the other, aligned as NLMSG_ALIGN wants
 * @used:	Bytes in use
 * @count:	Messages
 * @may_exist:	One bit per message: that the kernel has such a thing already (EEXIST) is no failure of it
 * @buffer:	Behind the counters and never cleared: batch_reset() is all that a new batch needs
 */
struct batch {
	size_t used;
	unsigned count;
	uint64_t may_exist;
	_Alignas(struct nlmsghdr) uint8_t buffer[BATCH_BYTES];
};

static inline void batch_reset(struct batch *batch)
{
	batch->used = 0;
	batch->count = 0;
	batch->may_exist = 0;
}

/** batch_has_room() - Whether another message of any kind fits */
static inline bool batch_has_room(const struct batch *batch)
{
	return batch->count < BATCH_MESSAGES && sizeof(batch->buffer) - batch->used >= BATCH_MESSAGE_MAX;
}

/**
 * struct datagram - Complete netlink messages of any number and size, that leave as one; on the heap, grows
 * @data:	Messages
 * @used:	Bytes in use
 * @size:	Bytes there are
 * @count:	Messages
 * @batch:	The first and the last are the begin and end of an nfnetlink batch: all of it is done, or nothing
 */
struct datagram {
	uint8_t *data;
	size_t used;
	size_t size;
	unsigned count;
	bool batch;
};

/**
 * struct port_failure - What the kernel refused
 * @index:	Which message of the batch, from 0
 * @errnum:	The errno, positive
 * @text:	Text of the kernel's extended acknowledgement (NLMSGERR_ATTR_MSG), "" when it gave none
 */
struct port_failure {
	unsigned index;
	int errnum;
	char text[PORT_TEXT_MAX];
};

/** Named outcomes beside 0 and negative errno */
enum port_outcome {
	PORT_E_REFUSED = OUTCOMES_PORT, /* the kernel refused a message: see the failure */
};

/**
 * port_reply_fn - Called with each message of a reply that is no error and no end
 * @message:	The message; NULL: a dump was interrupted by a change and begins again, forget what came so far. Dumps
 *		are handed on as they come, since those of a big host do not fit into a small process's memory.
 * @userdata:	Of port_exchange()
 *
 * Return: 0, or a negative errno, after which the rest of the reply is dropped and that errno returned
 */
typedef int (*port_reply_fn)(const struct nlmsghdr *message, void *userdata);

struct port;

struct port_ops {
	int (*exchange)(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata,
			struct port_failure *reterr);
	int (*send)(struct port *port, struct datagram *datagram, port_reply_fn reply, void *userdata,
		    struct port_failure *reterr);
	int (*open_netns)(struct port *port);
	void (*close)(struct port *port);
};

/** struct port - Embedded as the first member by each implementation */
struct port {
	const struct port_ops *ops;
};

/* A NETLINK_ROUTE socket in the calling thread's network namespace, to which it stays bound. */
int port_open(struct port **ret_port);
/* The same on NETLINK_NETFILTER. */
int port_open_netfilter(struct port **ret_port);
/* Of one of these two, not of a fake: the netlink port id of its socket. */
uint32_t port_id(const struct port *port);

/**
 * port_exchange() - Send a batch, take its replies
 * @port:	Port
 * @batch:	Messages; flags, sequence numbers and the closing acknowledgement are set here. A dump must be alone in
 *		its batch. An empty batch does nothing.
 * @reply:	NULL, or called with what the kernel answers
 * @userdata:	For it
 * @reterr:	The first failure
 *
 * Return: 0, PORT_E_REFUSED, -EAGAIN when a dump was interrupted by changes again and again, -ETIMEDOUT, negative
 * errno. After a negative errno it is open which messages were carried out.
 */
static inline int port_exchange(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata,
				struct port_failure *reterr)
{
	return batch->count ? port->ops->exchange(port, batch, reply, userdata, reterr) : 0;
}

/**
 * port_send() - Send a datagram, take its replies
 * @port:	Port
 * @datagram:	Messages, as for port_exchange(), but without dumps
 * @reply:	NULL, or called with what the kernel answers
 * @userdata:	For it
 * @reterr:	The first failure. Its index is 0, that of the batch's begin, where the whole batch was refused
 *
 * Return: as port_exchange()
 */
static inline int port_send(struct port *port, struct datagram *datagram, port_reply_fn reply, void *userdata,
			    struct port_failure *reterr)
{
	return datagram->count ? port->ops->send(port, datagram, reply, userdata, reterr) : 0;
}

/** port_open_netns() - A descriptor of the network namespace that a port is in, to be closed; negative errno */
static inline int port_open_netns(struct port *port)
{
	return port->ops->open_netns(port);
}

static inline struct port *port_close(struct port *port)
{
	if (port)
		port->ops->close(port);
	return NULL;
}

static inline void port_cleanup(struct port **port)
{
	*port = port_close(*port);
}

#define PORT_CLEANUP __attribute__((cleanup(port_cleanup)))

#endif
