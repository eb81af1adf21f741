/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills the connection tracking of the network namespace that it runs in with UDP flows of nobody, which last an hour.
 *
 *	flows COUNT
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#define FLOWS_PER_DATAGRAM 100U
#define FLOWS_PER_CLIENT 50000U
#define FIRST_PORT 1000U
#define CLIENTS 0x0b000000U  /* 11.0.0.0 */
#define SERVICES 0x0c000000U /* 12.0.0.0 */
#define SECONDS 3600U
#define EXIT_USAGE 2

/** put_tuple() - One direction of a flow */
static void put_tuple(struct nlmsghdr *message, uint16_t type, const uint32_t addresses[2], const uint16_t ports[2])
{
	struct nlattr *tuple = mnl_attr_nest_start(message, type);
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_TUPLE_IP);

	mnl_attr_put_u32(message, CTA_IP_V4_SRC, htonl(addresses[0]));
	mnl_attr_put_u32(message, CTA_IP_V4_DST, htonl(addresses[1]));
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, IPPROTO_UDP);
	mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(ports[0]));
	mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(ports[1]));
	mnl_attr_nest_end(message, nest);
	mnl_attr_nest_end(message, tuple);
}

/** put_flow() - The message that makes the @i-th flow: its bytes */
static uint32_t put_flow(char *buffer, unsigned i, bool last)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	uint32_t client = CLIENTS + i / FLOWS_PER_CLIENT, service = SERVICES + i % FLOWS_PER_CLIENT;
	uint16_t port = (uint16_t)(FIRST_PORT + i % FLOWS_PER_CLIENT);
	struct nfgenmsg *head;

	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | (last ? NLM_F_ACK : 0));
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->nfgen_family = AF_INET;
	put_tuple(message, CTA_TUPLE_ORIG, (uint32_t[]){client, service}, (uint16_t[]){port, 53});
	put_tuple(message, CTA_TUPLE_REPLY, (uint32_t[]){service, client}, (uint16_t[]){53, port});
	mnl_attr_put_u32(message, CTA_TIMEOUT, htonl(SECONDS));
	return message->nlmsg_len;
}

/** make() - Make flows: 0, negative errno */
static int make(struct mnl_socket *socket, unsigned count)
{
	static char buffer[FLOWS_PER_DATAGRAM * 256], answer[8192];

	for (unsigned i = 0; i < count;) {
		const struct nlmsghdr *message = (const void *)answer;
		size_t used = 0;
		unsigned end = i + FLOWS_PER_DATAGRAM < count ? i + FLOWS_PER_DATAGRAM : count;
		int error;

		for (; i < end; i++)
			used += put_flow(buffer + used, i, i + 1 == end);
		if (mnl_socket_sendto(socket, buffer, used) < 0 ||
		    mnl_socket_recvfrom(socket, answer, sizeof(answer)) < 0)
			return -errno;
		error = *(const int *)mnl_nlmsg_get_payload(message);
		if (error)
			return error;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
	char *end;
	unsigned long count = argc == 2 ? strtoul(argv[1], &end, 10) : 0;
	int r;

	if (!count || *end || count > UINT32_MAX / 2) {
		(void)fprintf(stderr, "usage: flows COUNT\n");
		return EXIT_USAGE;
	}
	r = !socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : make(socket, (unsigned)count);
	if (r) {
		errno = -r;
		perror("flows");
	}
	if (socket)
		(void)mnl_socket_close(socket);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
