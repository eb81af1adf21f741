/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The port on libmnl: owns the only netlink sockets of the program. What travels over them: exchange.c. */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "plugin/network/exchange.h"
#include "rangeguard/cleanup.h"

/** The kernel makes the datagrams of a dump as big as the reader's buffer, 32 KiB at most (netlink_dump()) */
#define RECEIVE_BYTES 32768
/** Surely within a socket's send buffer (SOCK_MIN_SNDBUF and net.core.wmem_default are more), in bytes */
#define SEND_BYTES 65536
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
 * Never waits: the kernel answers before send returns, and goes on with a dump when a part of it is taken
 * (netlink_recvmsg()). What is not there by then will not come.
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
		size = recvfrom(mnl_socket_get_fd(port->socket), port->datagram, sizeof(port->datagram),
				MSG_TRUNC | MSG_DONTWAIT, (struct sockaddr *)&sender, &sender_size);
		/* Port id 0 is the kernel's: other processes can send to us too. */
	} while ((size < 0 && errno == EINTR) || (size >= 0 && (sender_size != sizeof(sender) || sender.nl_pid)));
	if (size < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return (size_t)size > sizeof(port->datagram) ? -EMSGSIZE : size;
}

/**
 * carry() - Send messages, take their replies
 * @port:	Port
 * @exchange:	Exchange that was begun
 * @data:	Messages
 * @size:	Bytes
 *
 * A dump is read to its end also when a part was dropped: the kernel begins no other one before.
 *
 * Return: 0, negative errno
 */
static int carry(struct mnl_port *port, struct exchange *exchange, const void *data, size_t size)
{
	ssize_t done;
	int r = 0;

	port->sequence += exchange->count;
	do {
		done = mnl_socket_sendto(port->socket, data, size);
	} while (done < 0 && errno == EINTR);
	if (done < 0)
		return -errno;

	while (!r) {
		done = receive(port);
		r = done < 0 ? (int)done : exchange_take(exchange, port->datagram, (size_t)done);
		if (r == -ENOBUFS && exchange->dump) {
			exchange->interrupted = true;
			r = 0;
		}
	}
	return r == EXCHANGE_COMPLETE ? 0 : r;
}

/** outcome() - What a carried exchange came to: 0, PORT_E_REFUSED, the callback's negative errno */
static int outcome(const struct exchange *exchange, struct port_failure *reterr)
{
	if (!exchange->refused)
		return exchange->reply_error;
	*reterr = exchange->failure;
	return PORT_E_REFUSED;
}

/**
 * make_room() - See that the socket's buffer holds all of a batch
 * @port:	Port
 * @size:	Bytes
 *
 * CAP_NET_ADMIN, which whoever writes a ruleset has, may ask for more than net.core.wmem_max.
 *
 * Return: 0, -EMSGSIZE
 */
static int make_room(const struct mnl_port *port, size_t size)
{
	int wanted = (int)size;

	if (size <= SEND_BYTES)
		return 0;
	return size > INT32_MAX / 4 || setsockopt(mnl_socket_get_fd(port->socket), SOL_SOCKET, SO_SNDBUFFORCE, &wanted,
						  sizeof(wanted)) < 0
		       ? -EMSGSIZE
		       : 0;
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
	int r = make_room(self, batch->used);

	if (r)
		return r;
	for (int i = 0; i < DUMP_ATTEMPTS; i++) {
		if (i > 0 && reply)
			(void)reply(NULL, userdata);
		exchange_begin(&exchange, batch, self->sequence);
		r = carry(self, &exchange, batch_data(batch), batch->used);
		if (r < 0)
			return r;
		if (!exchange.interrupted)
			return outcome(&exchange, reterr);
	}
	return -EAGAIN;
}

/**
 * mnl_open_netns() - port_open_netns(): SIOCGSKNS, with CAP_NET_ADMIN
 *
 * For /proc/thread-self/ns/net the kernel would fill in this process's part of /proc, and empty it again.
 */
static int mnl_open_netns(struct port *port)
{
	struct mnl_port *self = (struct mnl_port *)port;
	int fd = ioctl(mnl_socket_get_fd(self->socket), SIOCGSKNS);

	return fd < 0 ? -errno : fd;
}

/** mnl_close() - Close the socket, free the port */
static void mnl_close(struct port *port)
{
	struct mnl_port *self = (struct mnl_port *)port;

	socket_cleanup(&self->socket);
	free(self);
}

/** set_options() - Ask the kernel for its words and for exact dumps: older ones know not all, and work without */
static void set_options(struct mnl_socket *socket)
{
	int on = 1;

	(void)mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
}

/**
 * open_bus() - Open a socket in the calling thread's network namespace, to which it stays bound
 * @bus:	NETLINK_*
 * @ret_port:	Port; port_close() it
 *
 * Return: 0, negative errno
 */
static int open_bus(int bus, struct port **ret_port)
{
	static const struct port_ops ops = {.exchange = mnl_exchange, .open_netns = mnl_open_netns, .close = mnl_close};
	struct mnl_socket *socket CLEANUP(socket_cleanup) = mnl_socket_open2(bus, SOCK_CLOEXEC);
	struct mnl_port *port;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	set_options(socket);
	port = malloc(sizeof(*port));
	if (!port)
		return -ENOMEM;
	port->port.ops = &ops;
	port->socket = TAKE_PTR(socket);
	port->sequence = 1;
	*ret_port = &port->port;
	return 0;
}

/** port_open() - A port on rtnetlink: 0, negative errno */
int port_open(struct port **ret_port)
{
	return open_bus(NETLINK_ROUTE, ret_port);
}

/** port_open_netfilter() - A port on nfnetlink: 0, negative errno (-EPROTONOSUPPORT: the kernel has none) */
int port_open_netfilter(struct port **ret_port)
{
	return open_bus(NETLINK_NETFILTER, ret_port);
}

/** port_id() - The netlink port id of a port's socket, which the kernel names in what it tells others of its doings */
uint32_t port_id(const struct port *port)
{
	return mnl_socket_get_portid(((const struct mnl_port *)port)->socket);
}
