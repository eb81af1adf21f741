/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What datapath.sh measures with.
 *
 *   vm_pump hold PORT               receives nothing of what comes by UDP, so that the kernel drops it there
 *   vm_pump flood IPV4 PORT N       sends N datagrams of a full packet, nine times; prints what the quickest time took, in ns
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/** A full packet of Ethernet */
enum { DATAGRAM = 1472, ROUNDS = 9 };

static const char buffer[DATAGRAM];

/** die() - Say what failed and end */
static void die(const char *what)
{
	(void)fprintf(stderr, "vm_pump: %s: %s\n", what, strerror(errno));
	exit(1);
}

/** now_ns() - The monotonic clock */
static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/** hold() - What `hold` does, until it is killed */
static void hold(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){0}, sizeof(int)) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		die("hold");
	for (;;)
		(void)pause();
}

/** flood() - What `flood` does; return the time */
static uint64_t flood(const char *ip, uint16_t port, size_t n)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint64_t least = UINT64_MAX, start, took;

	if (fd < 0 || inet_pton(AF_INET, ip, &address.sin_addr) != 1 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		die("connect");
	for (int i = 0; i < ROUNDS; i++) {
		start = now_ns();
		for (size_t sent = 0; sent < n; sent++)
			if (send(fd, buffer, DATAGRAM, 0) != DATAGRAM)
				die("send");
		took = now_ns() - start;
		if (took < least)
			least = took;
	}
	return least;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "hold"))
		hold((uint16_t)strtoul(argv[2], NULL, 10));
	if (argc == 5 && !strcmp(argv[1], "flood")) {
		uint64_t ns = flood(argv[2], (uint16_t)strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));

		return printf("%ju\n", (uintmax_t)ns) < 0;
	}
	(void)fprintf(stderr, "usage: vm_pump hold PORT | flood IPV4 PORT N\n");
	return 2;
}
