/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two ends of a flow in sources.sh.
 *
 *	flow send NAME PERIOD_MS ADDRESS…	in a container: each period a datagram "NAME" to each ADDRESS, of a flow that is
 *					always the same and of a new one, until killed
 *	flow from SOURCE PERIOD_MS ADDRESS	on a host: the same with that source, as far as the host has it ("NAME" is SOURCE)
 *	flow watch INTERFACE			at the legacy service: echoes them, and writes for each that the link brings, in its order,
 *					"MICROSECONDS MAC SOURCE NAME" (of Unix time, by the kernel, when the frame came: how late this
 *					program gets to it is of no matter); the source of each ARP packet that names a sender with NAME "arp"
 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT 9000
#define TARGETS_MAX 8

/** struct peer - An address and the socket of the flow that stays */
struct peer {
	struct sockaddr_storage to;
	socklen_t size;
	int fd;
};

/** parse() - ADDRESS with a port: whether it was understood */
static bool parse(const char *text, uint16_t port, struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};

	memset(ret_address, 0, sizeof(*ret_address));
	if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
		memcpy(ret_address, &ipv4, *ret_size = sizeof(ipv4));
		return true;
	}
	if (inet_pton(AF_INET6, text, &ipv6.sin6_addr) != 1)
		return false;
	memcpy(ret_address, &ipv6, *ret_size = sizeof(ipv6));
	return true;
}

/** pause_ms() - Sleep */
static void pause_ms(long ms)
{
	struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&pause, NULL);
}

/** open_flow() - A socket towards a peer, from @from unless that is NULL; -1: not now */
static int open_flow(const struct peer *peer, const char *from)
{
	int fd = socket(peer->to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage own;
	socklen_t size;

	if (fd >= 0 && from && parse(from, 0, &own, &size) && bind(fd, (const struct sockaddr *)&own, size) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/** send_flow() - The datagram of the flow that stays */
static void send_flow(struct peer *peer, const char *name, const char *from)
{
	char answer[64];

	if (peer->fd < 0)
		peer->fd = open_flow(peer, from);
	if (peer->fd < 0)
		return;
	(void)sendto(peer->fd, name, strlen(name), MSG_DONTWAIT, (const struct sockaddr *)&peer->to, peer->size);
	while (recv(peer->fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
		;
}

/** send_new() - A datagram of a new flow */
static void send_new(const struct peer *peer, const char *name, const char *from)
{
	int fd = open_flow(peer, from);

	if (fd < 0)
		return;
	(void)sendto(fd, name, strlen(name), MSG_DONTWAIT, (const struct sockaddr *)&peer->to, peer->size);
	(void)close(fd);
}

static int run_send(const char *name, const char *from, long period, char **addresses, int n)
{
	struct peer peers[TARGETS_MAX];

	for (int i = 0; i < n; i++) {
		peers[i].fd = -1;
		if (!parse(addresses[i], PORT, &peers[i].to, &peers[i].size))
			return 2;
	}
	for (;;) {
		for (int i = 0; i < n; i++) {
			send_flow(&peers[i], name, from);
			send_new(&peers[i], name, from);
		}
		pause_ms(period);
	}
}

/** struct frame - What came, and when */
struct frame {
	uint8_t bytes[2048];
	size_t size;
	struct timespec at;
	bool outgoing;
};

/** tell() - A line about a frame */
static void tell(const struct frame *frame, const char *source, const char *name, int n)
{
	const uint8_t *mac = frame->bytes + ETH_ALEN;

	(void)printf("%lld %02x:%02x:%02x:%02x:%02x:%02x %s %.*s\n",
		     (long long)frame->at.tv_sec * 1000000 + frame->at.tv_nsec / 1000, mac[0], mac[1], mac[2], mac[3],
		     mac[4], mac[5], source, n, name);
	(void)fflush(stdout);
}

/** tell_udp() - A datagram to the port, if it is one */
static void tell_udp(const struct frame *frame, size_t at, const char *source)
{
	struct udphdr udp;
	int n;

	if (at + sizeof(udp) > frame->size)
		return;
	memcpy(&udp, frame->bytes + at, sizeof(udp));
	n = ntohs(udp.uh_ulen) - (int)sizeof(udp);
	if (ntohs(udp.uh_dport) == PORT && n >= 0 && at + sizeof(udp) + (size_t)n <= frame->size)
		tell(frame, source, (const char *)frame->bytes + at + sizeof(udp), n);
}

/** look() - A frame */
static void look(const struct frame *frame)
{
	const uint8_t *bytes = frame->bytes;
	char source[INET6_ADDRSTRLEN];
	uint16_t protocol;

	if (frame->size < ETH_HLEN + sizeof(struct iphdr))
		return;
	memcpy(&protocol, bytes + 2 * ETH_ALEN, sizeof(protocol));
	if (ntohs(protocol) == ETH_P_IP) {
		(void)inet_ntop(AF_INET, bytes + ETH_HLEN + 12, source, sizeof(source));
		if (bytes[ETH_HLEN + 9] == IPPROTO_UDP)
			tell_udp(frame, ETH_HLEN + (bytes[ETH_HLEN] & 15U) * 4U, source);
	} else if (ntohs(protocol) == ETH_P_IPV6 && frame->size > ETH_HLEN + sizeof(struct ip6_hdr)) {
		(void)inet_ntop(AF_INET6, bytes + ETH_HLEN + 8, source, sizeof(source));
		if (bytes[ETH_HLEN + 6] == IPPROTO_UDP)
			tell_udp(frame, ETH_HLEN + sizeof(struct ip6_hdr), source);
	} else if (ntohs(protocol) == ETH_P_ARP && frame->size >= ETH_HLEN + 28) {
		(void)inet_ntop(AF_INET, bytes + ETH_HLEN + 14, source, sizeof(source));
		if (strcmp(source, "0.0.0.0") != 0)
			tell(frame, source, "arp", 3);
	}
}

/** echo() - What came in, back */
static void echo(int fd)
{
	struct sockaddr_storage from;
	char text[64];
	socklen_t size = sizeof(from);
	ssize_t n = recvfrom(fd, text, sizeof(text), MSG_DONTWAIT, (struct sockaddr *)&from, &size);

	if (n >= 0)
		(void)sendto(fd, text, (size_t)n, MSG_DONTWAIT, (const struct sockaddr *)&from, size);
}

/** open_capture() - All that comes in through an interface, with the kernel's time; -1 */
static int open_capture(const char *interface)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), buffer = 64 << 20, on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
		return -1;
	return at.sll_ifindex && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 ? fd : -1;
}

/** receive() - The next frame that came: whether there is one with its time */
static bool receive(int fd, struct frame *ret_frame)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct sockaddr_ll from = {0};
	struct iovec part = {.iov_base = ret_frame->bytes, .iov_len = sizeof(ret_frame->bytes)};
	struct msghdr message = {.msg_name = &from,
				 .msg_namelen = sizeof(from),
				 .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);
	const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SO_TIMESTAMPNS)
		return false;
	memcpy(&ret_frame->at, CMSG_DATA(header), sizeof(ret_frame->at));
	ret_frame->size = (size_t)n;
	ret_frame->outgoing = from.sll_pkttype == PACKET_OUTGOING;
	return true;
}

static int run_watch(const char *interface)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
	struct frame frame;

	fds[0].fd = open_capture(interface);
	fds[1].fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fds[0].fd < 0 || bind(fds[1].fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return 2;
	for (;;) {
		(void)poll(fds, 2, -1);
		if (fds[1].revents)
			echo(fds[1].fd);
		if (receive(fds[0].fd, &frame) && !frame.outgoing)
			look(&frame);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "watch") == 0)
		return run_watch(argv[2]);
	if (argc > 4 && argc <= 4 + TARGETS_MAX && strcmp(argv[1], "send") == 0)
		return run_send(argv[2], NULL, strtol(argv[3], NULL, 10), argv + 4, argc - 4);
	if (argc == 5 && strcmp(argv[1], "from") == 0)
		return run_send(argv[2], argv[2], strtol(argv[3], NULL, 10), argv + 4, 1);
	(void)fprintf(stderr, "usage: see the head of flow.c\n");
	return 2;
}
