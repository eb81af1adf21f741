/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any datagram as the kernel's answer to a dump: the exchange takes it apart, each message goes to the readers of links,
 * routes and addresses. What is read has texts that end and lengths that fit its family.
 */

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/network/exchange.h"
#include "plugin/network/rtmessage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** check_prefix() - A prefix is one of its family */
static void check_prefix(const struct prefix *prefix)
{
	require(prefix->address.family != FAMILY_NONE);
	require(prefix->length <= family_bits(prefix->address.family));
	require(prefix->address.family == FAMILY_IPV6 || prefix->address.value <= UINT32_MAX);
}

/** check_link() - A link's texts end */
static void check_link(const struct link_info *link)
{
	require(strnlen(link->name, sizeof(link->name)) < sizeof(link->name));
	require(strnlen(link->alias, sizeof(link->alias)) < sizeof(link->alias));
	require(strnlen(link->kind, sizeof(link->kind)) < sizeof(link->kind));
}

/** hear() - port_reply_fn: each message to each reader */
static int hear(const struct nlmsghdr *message, void *userdata)
{
	struct link_info link;
	struct route_info route;
	struct address_info address;
	int r = rtmessage_read_link(message, &link);

	require(r == 0 || r == -ENOMSG || r == -EBADMSG);
	if (r == 0)
		check_link(&link);
	r = rtmessage_read_route(message, &route);
	require(r == 0 || r == -ENOMSG || r == -EBADMSG);
	if (r == 0)
		check_prefix(&route.destination);
	r = rtmessage_read_address(message, &address);
	require(r == 0 || r == -ENOMSG || r == -EBADMSG);
	if (r == 0)
		check_prefix(&address.address);
	++*(unsigned *)userdata;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned heard = 0;
	struct exchange exchange = {.count = 1, .reply = hear, .userdata = &heard, .dump = true};
	/* Aligned, and no byte more than the kernel sent */
	void *datagram = malloc(size ? size : 1);
	int r;

	require(datagram != NULL);
	memcpy(datagram, data, size);
	r = exchange_take(&exchange, datagram, size);
	require(r == 0 || r == EXCHANGE_COMPLETE || r == -EBADMSG || r == -ENOBUFS);
	if (exchange.refused)
		require(strnlen(exchange.failure.text, PORT_TEXT_MAX) < PORT_TEXT_MAX && exchange.failure.errnum > 0);
	free(datagram);
	return 0;
}
