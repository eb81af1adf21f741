/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What run.sh and datapath.sh measure with.
 *
 *   vm_pump tsc                     how many thousand ticks a second this processor's time stamp counter makes
 *   vm_pump sink PORT BYTES         for one connection: answers each BYTES that arrive with one byte
 *   vm_pump send IPV4 PORT BYTES    sends that many until it has the answer, three times; prints what the quicker one of the
 *                                   last two took, in ns
 *
 * Buffers have a fixed size, so that the kernel finds none out while the time runs.
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
#include <x86intrin.h>

enum { CHUNK = 64 * 1024, SOCKET_BUFFER = 512 * 1024 };

static char buffer[CHUNK];

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

/** tsc_khz() - Ticks of the time stamp counter in a tenth of a second, per millisecond */
static uint64_t tsc_khz(void)
{
	uint64_t start = now_ns(), ticks = __rdtsc(), now;

	do
		now = now_ns();
	while (now - start < 100000000U);
	return (__rdtsc() - ticks) * 1000000U / (now - start);
}

/** move_bytes() - Read or write so many; return whether the connection still stood */
static int move_bytes(int fd, size_t n, ssize_t (*step)(int fd, size_t most))
{
	while (n > 0) {
		ssize_t moved = step(fd, n < CHUNK ? n : CHUNK);

		if (moved < 0)
			die("connection");
		if (moved == 0)
			return 0;
		n -= (size_t)moved;
	}
	return 1;
}

static ssize_t read_step(int fd, size_t most)
{
	return read(fd, buffer, most);
}

static ssize_t write_step(int fd, size_t most)
{
	return write(fd, buffer, most);
}

/** new_socket() - A TCP socket with fixed buffers */
static int new_socket(void)
{
	static const int size = SOCKET_BUFFER;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		die("socket");
	return fd;
}

/** sink() - One connection to a port, until it ends */
static void sink(uint16_t port, size_t bytes)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int listener = new_socket(), fd;

	if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) ||
	    bind(listener, (const struct sockaddr *)&address, sizeof(address)) || listen(listener, 1))
		die("listen");
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		die("accept");
	while (move_bytes(fd, bytes, read_step))
		if (write(fd, "", 1) != 1)
			die("answer");
}

/** send_all() - What `send` does; return the time */
static uint64_t send_all(const char *ip, uint16_t port, size_t bytes)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	uint64_t least = UINT64_MAX, start, took;
	int fd = new_socket();

	if (inet_pton(AF_INET, ip, &address.sin_addr) != 1 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		die("connect");
	for (int i = 0; i < 3; i++) {
		start = now_ns();
		(void)move_bytes(fd, bytes, write_step);
		if (read(fd, buffer, 1) != 1)
			die("no answer");
		took = now_ns() - start;
		if (i > 0 && took < least)
			least = took;
	}
	return least;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "tsc"))
		return printf("%ju\n", (uintmax_t)tsc_khz()) < 0;
	if (argc == 4 && !strcmp(argv[1], "sink")) {
		sink((uint16_t)strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
		return 0;
	}
	if (argc == 5 && !strcmp(argv[1], "send")) {
		uint64_t ns = send_all(argv[2], (uint16_t)strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));

		return printf("%ju\n", (uintmax_t)ns) < 0;
	}
	(void)fprintf(stderr, "usage: vm_pump tsc | sink PORT BYTES | send IPV4 PORT BYTES\n");
	return 2;
}
