/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many connections a second a container can open, one after another: each is tracked and translated anew.
 *
 *	bench_connections serve PORT			accepts and closes, until it is killed; says "serving" first
 *	bench_connections IPV4 PORT SECONDS SOURCE	opens and closes; prints how many a second, and fails unless the other
 *							end saw them come from SOURCE
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

/** die() - Say what failed and end */
static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "bench_connections: %s: %s\n", what, strerror(errno));
	exit(1);
}

/** seconds() - The monotonic clock */
static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/** serve() - Tell each who connects where from, and close */
static _Noreturn void serve(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(address);

	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) ||
	    bind(listener, (const struct sockaddr *)&address, size) || listen(listener, 128))
		die("listen");
	(void)puts("serving");
	(void)fflush(stdout);
	for (;;) {
		int fd = accept(listener, (struct sockaddr *)&address, &size);

		if (fd < 0)
			die("accept");
		(void)!write(fd, &address.sin_addr, sizeof(address.sin_addr));
		(void)close(fd);
	}
}

/** connect_once() - Open one, hear where it came from, and reset it, so that no port stays in use */
static void connect_once(const struct sockaddr_in *to, const struct in_addr *source)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct in_addr seen;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger)) ||
	    connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		die("connect");
	if (recv(fd, &seen, sizeof(seen), MSG_WAITALL) != (ssize_t)sizeof(seen))
		die("no answer");
	if (seen.s_addr != source->s_addr) {
		errno = EADDRNOTAVAIL;
		die(inet_ntoa(seen));
	}
	(void)close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	unsigned long n = 0;
	struct in_addr source;
	double start, most;

	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve((uint16_t)strtoul(argv[2], NULL, 10));
	if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || inet_pton(AF_INET, argv[4], &source) != 1) {
		(void)fprintf(stderr, "usage: bench_connections serve PORT | IPV4 PORT SECONDS SOURCE\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	most = strtod(argv[3], NULL);
	start = seconds();
	for (; seconds() - start < most; n++)
		connect_once(&to, &source);
	return printf("%.0f\n", (double)n / (seconds() - start)) < 0;
}
