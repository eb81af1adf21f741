/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses on the host's interfaces, by a dump. Owns nothing. */

#include "plugin/network/own_address.h"

#include <errno.h>
#include <linux/if_addr.h>

#include "plugin/network/rtmessage.h"

/** struct own_search - An address, and the flags (IFA_F_*) of the interface's one */
struct own_search {
	struct address address;
	uint32_t flags;
	bool found;
};

/** take_address() - port_reply_fn: look for the address; NULL: the dump begins again */
static int take_address(const struct nlmsghdr *message, void *userdata)
{
	struct own_search *search = userdata;
	struct address_info info;
	int r = message ? rtmessage_read_address(message, &info) : -ENOMSG;

	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	if (address_equal(&info.address.address, &search->address)) {
		search->found = true;
		search->flags = info.flags;
	}
	return 0;
}

/**
 * own_address_look() - Whether an interface of the host has an address that can be used
 * @host:	Port
 * @address:	Address
 *
 * Return: 0, OWN_ADDRESS_E_ABSENT, OWN_ADDRESS_E_TENTATIVE, OWN_ADDRESS_E_DUPLICATE, negative errno
 */
int own_address_look(struct port *host, const struct address *address)
{
	struct own_search search = {.address = *address};
	struct port_failure failure = {0};
	struct batch batch;
	int r;

	batch_reset(&batch);
	r = rtmessage_dump_addresses(&batch, 0);
	if (!r)
		r = port_exchange(host, &batch, take_address, &search, &failure);
	if (r)
		return r == PORT_E_REFUSED ? -failure.errnum : r;
	if (!search.found)
		return OWN_ADDRESS_E_ABSENT;
	if (search.flags & IFA_F_DADFAILED)
		return OWN_ADDRESS_E_DUPLICATE;
	return search.flags & IFA_F_TENTATIVE && !(search.flags & IFA_F_OPTIMISTIC) ? OWN_ADDRESS_E_TENTATIVE : 0;
}
