/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MTU that containers get by default: that of the host's way out. */

#include <errno.h>
#include <string.h>

#include "plugin/network/attach.h"
#include "plugin/network/hostroute.h"
#include "plugin/network/stage.h"

/** Without a default route: Ethernet's */
#define DEFAULT_MTU 1500U
/**
 * Addresses that only a route about the whole Internet holds: class E, RFC 1112 section 4; and the former 6bone's,
 * given back by RFC 3701, inside the 2000::/3 that some hosts have for a default route.
 */
static const char *const outside[] = {"240.0.0.1", "3ffe::1"};

/** take_mtu() - port_reply_fn: keep the MTU of a link */
static int take_mtu(const struct nlmsghdr *message, void *userdata)
{
	struct link_info link;
	unsigned *mtu = userdata;
	int r;

	if (!message)
		return 0;
	r = rtmessage_read_link(message, &link);
	if (!r)
		*mtu = link.mtu;
	return r == -ENOMSG ? 0 : r;
}

/**
 * default_interface() - Interface of the host's default route, IPv4's before IPv6's
 * @host:	Port
 * @ret_index:	Interface; 0 when there is none
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
static int default_interface(struct port *host, uint32_t *ret_index, struct error *reterr)
{
	struct route_info match = {0};
	struct address address;
	int r;

	*ret_index = 0;
	for (size_t i = 0; !*ret_index && i < sizeof(outside) / sizeof(outside[0]); i++) {
		(void)address_parse(outside[i], &address);
		r = hostroute_lookup(host, &address, &match);
		/* A kernel without IPv6 has no default route there either. */
		if (r < 0 && r != -EOPNOTSUPP && r != -EAFNOSUPPORT)
			return error_set(reterr, ERROR_KERNEL, "cannot look up the host's default route: %s",
					 strerror(-r));
		if (r == 0)
			*ret_index = match.interface;
	}
	return 0;
}

/**
 * attach_default_mtu() - MTU of the interface that holds the host's default route
 * @host:	Port
 * @ret_mtu:	MTU, such that a veth pair can have it; 1500 when there is no default route
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
int attach_default_mtu(struct port *host, unsigned *ret_mtu, struct error *reterr)
{
	unsigned mtu = 0;
	struct stage stage;
	uint32_t index;
	int r = default_interface(host, &index, reterr);

	if (!r && index) {
		stage_begin(&stage, host, "on the host", reterr);
		stage.reply = take_mtu;
		stage.userdata = &mtu;
		r = stage_add(&stage, rtmessage_get_link(&stage.batch, index));
		if (!r)
			r = stage_send(&stage);
	}
	if (r)
		return r;
	if (mtu < LIMIT_MTU_MIN)
		mtu = DEFAULT_MTU;
	*ret_mtu = mtu > LIMIT_MTU_MAX ? LIMIT_MTU_MAX : mtu;
	return 0;
}
