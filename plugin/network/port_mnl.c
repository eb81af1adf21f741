/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The port on libmnl: owns the only rtnetlink sockets of the program. What travels over them: exchange.c. */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "plugin/network/exchange.h"
#include "rangeguard/cleanup.h"

/** The kernel makes the datagrams of a dump as big as the reader's buffer, 32 KiB at most (netlink_dump()) */
#define RECEIVE_BYTES 32768
/** The kernel answers before send returns; what has not come by then will not come */
#define RECEIVE_SECONDS 10
/** Attempts at a dump into which changes keep falling (NLM_F_DUMP_INTR) */
#define DUMP_ATTEMPTS 10

/**
 * struct mnl_port - A port with a socket
 * @port:	First, for the seam
 * @socket:	Socket
 * @sequence:	Sequence number of the next message
 * @datagram:	What was received last
 */
struct mnl_port {
	struct port port;
	struct mnl_socket *socket;
	uint32_t sequence;
	_Alignas(struct nlmsghdr) uint8_t datagram[RECEIVE_BYTES];
};

/** socket_cleanup() - Close the socket at the end of a scope */
static void socket_cleanup(struct mnl_socket **socket)
{
	if (*socket)
		(void)mnl_socket_close(*socket);
}

/**
 * receive() - The next datagram of the kernel
 * @port:	Port
 *
 * Return: its bytes in @port->datagram, -ETIMEDOUT, -EMSGSIZE, -ENOBUFS when the kernel had to drop one, negative errno
 */
static ssize_t receive(struct mnl_port *port)
{
	struct sockaddr_nl sender = {0};
	socklen_t sender_size;
	ssize_t size;

	do {
		sender_size = sizeof(sender);
		size = recvfrom(mnl_socket_get_fd(port->socket), port->datagram, sizeof(port->datagram), MSG_TRUNC,
				(struct sockaddr *)&sender, &sender_size);
		/* Port id 0 is the kernel's: other processes can send to us too. */
	} while ((size < 0 && errno == EINTR) || (size >= 0 && (sender_size != sizeof(sender) || sender.nl_pid)));
	if (size < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return (size_t)size > sizeof(port->datagram) ? -EMSGSIZE : size;
}

/**
 * attempt() - Send a batch, take its replies
 * @port:	Port
 * @exchange:	Exchange with reply and userdata set
 * @batch:	Batch
 *
 * A dump is read to its end also when a part was dropped: the kernel begins no other one before.
 *
 * Return: 0, negative errno
 */
static int attempt(struct mnl_port *port, struct exchange *exchange, struct batch *batch)
{
	ssize_t size;
	int r = 0;

	exchange_begin(exchange, batch, port->sequence);
	port->sequence += batch->count;
	do {
		size = mnl_socket_sendto(port->socket, batch->buffer, batch->used);
	} while (size < 0 && errno == EINTR);
	if (size < 0)
		return -errno;

	while (!r) {
		size = receive(port);
		r = size < 0 ? (int)size : exchange_take(exchange, port->datagram, (size_t)size);
		if (r == -ENOBUFS && exchange->dump) {
			exchange->interrupted = true;
			r = 0;
		}
	}
	return r == EXCHANGE_COMPLETE ? 0 : r;
}

/**
 * mnl_exchange() - port_exchange() over the socket
 * @port:	Port
 * @batch:	Batch
 * @reply:	NULL, or called with what the kernel answers
 * @userdata:	For it
 * @reterr:	The first failure
 *
 * A batch that changes something is never repeated: what of it was done is unknown. A dump is, when changes fell into
 * it or the kernel dropped a part for lack of room.
 *
 * Return: as port_exchange()
 */
static int mnl_exchange(struct port *port, struct batch *batch, port_reply_fn reply, void *userdata,
			struct port_failure *reterr)
{
	struct mnl_port *self = (struct mnl_port *)port;
	struct exchange exchange = {
		.port_id = mnl_socket_get_portid(self->socket), .reply = reply, .userdata = userdata};
	int r;

	for (int i = 0; i < DUMP_ATTEMPTS; i++) {
		if (i > 0 && reply)
			(void)reply(NULL, userdata);
		r = attempt(self, &exchange, batch);
		if (r < 0)
			return r;
		if (exchange.interrupted)
			continue;
		if (exchange.refused) {
			*reterr = exchange.failure;
			return PORT_E_REFUSED;
		}
		return exchange.reply_error;
	}
	return -EAGAIN;
}

/** mnl_close() - Close the socket, free the port */
static void mnl_close(struct port *port)
{
	struct mnl_port *self = (struct mnl_port *)port;

	socket_cleanup(&self->socket);
	free(self);
}

/**
 * set_options() - Ask the kernel for its words, for exact dumps, and for a limit to waiting
 * @socket:	Socket
 *
 * Return: 0, negative errno. Older kernels know not all of the netlink options, and all of them work without.
 */
static int set_options(struct mnl_socket *socket)
{
	const struct timeval limit = {.tv_sec = RECEIVE_SECONDS};
	int on = 1;

	(void)mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	return 0;
}

/**
 * port_open() - Open a NETLINK_ROUTE socket in the calling thread's network namespace, to which it stays bound
 * @ret_port:	Port; port_close() it
 *
 * Return: 0, negative errno
 */
int port_open(struct port **ret_port)
{
	static const struct port_ops ops = {.exchange = mnl_exchange, .close = mnl_close};
	struct mnl_socket *socket CLEANUP(socket_cleanup) = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct mnl_port *port;
	int r;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	r = set_options(socket);
	if (r < 0)
		return r;
	port = malloc(sizeof(*port));
	if (!port)
		return -ENOMEM;
	port->port.ops = &ops;
	port->socket = TAKE_PTR(socket);
	port->sequence = 1;
	*ret_port = &port->port;
	return 0;
}
