/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_OWN_ADDRESS_H
#define PLUGIN_NETWORK_OWN_ADDRESS_H

/*
 * Whether an interface of the host has an address, when a lookup says no: the routes of a VRF are in a table of its own, and
 * the kernel makes none for an IPv6 address whose duplicate address detection goes on.
 */

#include "ipam/address/address.h"
#include "plugin/network/port.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno */
enum own_address_outcome {
	OWN_ADDRESS_E_ABSENT = OUTCOMES_OWN_ADDRESS, /* no interface has it */
	OWN_ADDRESS_E_TENTATIVE,		     /* duplicate address detection is not over */
	OWN_ADDRESS_E_DUPLICATE,		     /* a neighbour has it, too, as duplicate address detection found */
};

int own_address_look(struct port *host, const struct address *address);

#endif
