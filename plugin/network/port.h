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

#include "plugin/network/batch.h"
#include "rangeguard/outcome.h"

#define PORT_TEXT_MAX 256

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
 * @reterr:	The first failure. Its index is 0, that of the begin, where an atomic batch was refused as a whole
 *
 * Return: 0, PORT_E_REFUSED, -EAGAIN when a dump was interrupted by changes again and again, -ETIMEDOUT, negative
 * errno. After a negative errno it is open which messages were carried out.
 */
static inline int port_exchange(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata,
				struct port_failure *reterr)
{
	return batch->count ? port->ops->exchange(port, batch, reply, userdata, reterr) : 0;
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
