/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MTU that containers get by default: that of the host's way out. */

#include <errno.h>
#include <string.h>

#include "plugin/network/attach.h"
#include "plugin/network/hostroute.h"
#include "plugin/network/stage.h"
#include "rangeguard/array.h"

/** Without a default route: Ethernet's */
#define DEFAULT_MTU 1500U
/**
 * Addresses that only a route about the whole Internet holds: class E, RFC 1112 section 4; and the former 6bone's,
 * given back by RFC 3701, inside the 2000::/3 that some hosts have for a default route.
 */
static const char *const outside[] = {"240.0.0.1", "3ffe::1"};

/** take_link() - port_reply_fn: keep a link */
static int take_link(const struct nlmsghdr *message, void *userdata)
{
	int r = message ? rtmessage_read_link(message, userdata) : 0;

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
	for (size_t i = 0; !*ret_index && i < ARRAY_LENGTH(outside); i++) {
		(void)address_parse(outside[i], &address);
		r = hostroute_lookup(host, &address, &match);
		/* A kernel without IPv6 has no default route there either. */
		if (r < 0 && r != -EOPNOTSUPP && r != -EAFNOSUPPORT)
			return error_set_errno(reterr, ERROR_KERNEL, r, "cannot look up the host's default route");
		if (r == 0)
			*ret_index = match.interface;
	}
	return 0;
}

/**
 * attach_default_mtu() - MTU of the interface that holds the host's default route
 * @host:	Port
 * @ret_mtu:	MTU, such that a veth pair can have it; 1500 when there is no default route
 * @ret_name:	Name of the interface that has it; "" when there is none
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
int attach_default_mtu(struct port *host, unsigned *ret_mtu, char ret_name[static IFNAMSIZ], struct error *reterr)
{
	struct link_info link = {0};
	struct stage stage;
	uint32_t index;
	int r = default_interface(host, &index, reterr);

	if (!r && index) {
		stage_begin(&stage, host, "on the host", reterr);
		stage.reply = take_link;
		stage.userdata = &link;
		r = stage_add(&stage, rtmessage_get_link(&stage.batch, index));
		if (!r)
			r = stage_send(&stage);
	}
	if (r)
		return r;
	if (link.mtu < LIMIT_MTU_MIN)
		link.mtu = DEFAULT_MTU;
	*ret_mtu = link.mtu > LIMIT_MTU_MAX ? LIMIT_MTU_MAX : link.mtu;
	memcpy(ret_name, link.name, IFNAMSIZ);
	return 0;
}
