/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two ends of enforce_random.sh.
 *
 *	enforce_peer send PORT SOURCE…	in a container: for each line on standard input a burst of datagrams to PORT of the
 *					legacy service, IPv4 and IPv6: of a flow that is always the same, of a new one, and with
 *					each (IPv4) SOURCE forged; then a line on standard output
 *	enforce_peer watch		at the legacy service: captures what arrives (AF_PACKET) and writes "PORT SOURCE" for each
 *					datagram
 */

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEGACY4 "198.51.100.2"
#define LEGACY6 "2001:db8:1::2"
#define OWN_PORT 5000

/** to4() - The legacy service */
static struct sockaddr_in to4(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

	(void)inet_pton(AF_INET, LEGACY4, &to.sin_addr);
	return to;
}

static struct sockaddr_in6 to6(uint16_t port)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	(void)inet_pton(AF_INET6, LEGACY6, &to.sin6_addr);
	return to;
}

/** send_one() - One datagram of a family, from port @own, 0: any; that it can't be sent is fine */
static void send_one(int family, uint16_t own, uint16_t port)
{
	struct sockaddr_in from4 = {.sin_family = AF_INET, .sin_port = htons(own)};
	struct sockaddr_in6 from6 = {.sin6_family = AF_INET6, .sin6_port = htons(own)};
	const struct sockaddr *from = family == AF_INET ? (const void *)&from4 : (const void *)&from6;
	struct sockaddr_in destination4 = to4(port);
	struct sockaddr_in6 destination6 = to6(port);
	const struct sockaddr *to = family == AF_INET ? (const void *)&destination4 : (const void *)&destination6;
	socklen_t size = family == AF_INET ? sizeof(destination4) : sizeof(destination6);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, from, size) == 0)
		(void)sendto(fd, "x", 1, MSG_DONTWAIT, to, size);
	if (fd >= 0)
		(void)close(fd);
}

/** forge() - One datagram with a source of one's choice */
static void forge(int raw, const char *source, uint16_t port)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
		uint8_t data;
	} __attribute__((packed)) packet = {
		.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP},
		.udp = {.source = htons(OWN_PORT), .dest = htons(port), .len = htons(9)},
	};
	struct sockaddr_in destination = to4(port);

	(void)inet_pton(AF_INET, source, &packet.ip.saddr);
	packet.ip.daddr = destination.sin_addr.s_addr;
	(void)sendto(raw, &packet, sizeof(packet), MSG_DONTWAIT, (const void *)&destination, sizeof(destination));
}

/** sender() - A burst for each line */
static int sender(uint16_t port, char **sources, int n)
{
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	char line[16];

	while (fgets(line, sizeof(line), stdin)) {
		send_one(AF_INET, OWN_PORT, port);
		send_one(AF_INET, 0, port);
		send_one(AF_INET6, OWN_PORT, port);
		send_one(AF_INET6, 0, port);
		for (int i = 0; raw >= 0 && i < n; i++)
			forge(raw, sources[i], port);
		(void)printf("sent\n");
		(void)fflush(stdout);
	}
	return 0;
}

/** note() - Write what arrived */
static void note(uint16_t port, int family, const void *source)
{
	char address[INET6_ADDRSTRLEN];

	(void)printf("%u %s\n", ntohs(port), inet_ntop(family, source, address, sizeof(address)));
	(void)fflush(stdout);
}

/** look() - One frame */
static void look(const uint8_t *frame, size_t size)
{
	struct ethhdr ethernet;
	struct ip6_hdr ip6 = {0};
	struct udphdr udp;
	struct iphdr ip4;

	if (size < sizeof(ethernet) + sizeof(ip4))
		return;
	memcpy(&ethernet, frame, sizeof(ethernet));
	frame += sizeof(ethernet);
	size -= sizeof(ethernet);
	memcpy(&ip4, frame, sizeof(ip4));
	if (size >= sizeof(ip6))
		memcpy(&ip6, frame, sizeof(ip6));
	if (ethernet.h_proto == htons(ETH_P_IP) && ip4.protocol == IPPROTO_UDP && size >= ip4.ihl * 4U + sizeof(udp)) {
		memcpy(&udp, frame + ip4.ihl * 4U, sizeof(udp));
		note(udp.dest, AF_INET, &ip4.saddr);
	} else if (ethernet.h_proto == htons(ETH_P_IPV6) && ip6.ip6_nxt == IPPROTO_UDP &&
		   size >= sizeof(ip6) + sizeof(udp)) {
		memcpy(&udp, frame + sizeof(ip6), sizeof(udp));
		note(udp.dest, AF_INET6, &ip6.ip6_src);
	}
}

/** watcher() - Capture until the end */
static int watcher(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	struct sockaddr_ll from = {0};
	uint8_t frame[2048];

	if (fd < 0)
		return 1;
	(void)printf("watching\n");
	(void)fflush(stdout);
	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, frame, sizeof(frame), 0, (void *)&from, &size);

		if (n > 0 && from.sll_pkttype != PACKET_OUTGOING)
			look(frame, (size_t)n);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "watch") == 0)
		return watcher();
	if (argc >= 3 && strcmp(argv[1], "send") == 0)
		/* NOLINTNEXTLINE(cert-err34-c): the test's own argument */
		return sender((uint16_t)atoi(argv[2]), argv + 3, argc - 3);
	(void)fprintf(stderr, "usage: enforce_peer watch | send PORT SOURCE…\n");
	return 2;
}
