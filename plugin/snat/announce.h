/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_ANNOUNCE_H
#define PLUGIN_SNAT_ANNOUNCE_H

/*
 * Tells the neighbours on a link that an address is here now: ARP announcement (RFC 5227 section 3), unsolicited
 * neighbour advertisement (RFC 4861 section 7.2.6). The packets are built by pure functions; one sends them.
 */

#include <linux/if_ether.h>
#include <stddef.h>
#include <stdint.h>

#include "ipam/address/address.h"

/** Longest announcement without its Ethernet header: IPv6, neighbour advertisement, link-layer address option */
#define ANNOUNCE_BYTES_MAX 72U

/**
 * struct announcement - One packet
 * @ethertype:	ETH_P_ARP or ETH_P_IPV6, in host order
 * @to:		MAC address that it is sent to
 * @size:	Bytes in use
 * @bytes:	Packet, from behind the Ethernet header on
 */
struct announcement {
	uint16_t ethertype;
	uint8_t to[ETH_ALEN];
	size_t size;
	uint8_t bytes[ANNOUNCE_BYTES_MAX];
};

/* Build what says that @address is at @mac. */
void announcement_make(const struct address *address, const uint8_t mac[static ETH_ALEN],
		       struct announcement *ret_announcement);

/* Send it once through an interface of the calling thread's namespace. 0, negative errno. */
int announce(uint32_t ifindex, const struct address *address, const uint8_t mac[static ETH_ALEN]);

#endif
