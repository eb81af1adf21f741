/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_PROBE_H
#define PLUGIN_NETWORK_PROBE_H

/*
 * Asks the neighbours on a link whether one of them has an address, before it is put there: ARP probe (RFC 5227 section
 * 2.1.1), neighbour solicitation of duplicate address detection (RFC 4862 section 5.4.2). Neither has a sender address, so
 * that no neighbour learns anything from the question, and a router with proxy ARP does not answer it.
 *
 * Who waits anyway calls probe_ask(). Who has an event loop opens a probe, sends it PROBE_SENDS times PROBE_GAP_MS apart,
 * reads whenever @fd is readable, and takes silence for PROBE_GAP_MS after the last for a no:
 *
 *	probe_open(), probe_send(), [poll @fd, probe_read()] …, probe_close()
 *
 * The calling thread must be in the link's network namespace for probe_open() and probe_ask(); nothing but a descriptor is
 * owned. An answer shows that somebody is there. Silence shows less: a neighbour may be asleep, or cut off.
 */

#include <linux/if_ether.h>
#include <stddef.h>
#include <stdint.h>

#include "ipam/address/address.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/outcome.h"

/*
 * RFC 5227 takes seven seconds, for links that begin to forward late (spanning tree). The links here carry traffic
 * already, and who waits is a container's start: 60 ms, three questions, is a hundred round trips in a data centre.
 */
#define PROBE_SENDS 3U
#define PROBE_GAP_MS 20

/** Named outcomes beside 0 and negative errno */
enum probe_outcome {
	PROBE_E_TAKEN = OUTCOMES_PROBE, /* a neighbour has the address, or asks for it itself at this moment */
};

/**
 * struct probe - A question on its way
 * @fd:		Readable when there is something for probe_read(); -1: closed
 * @ifindex:	Link
 * @address:	Address that is asked for
 * @mac:	MAC address of the link itself, whose answers do not count
 */
struct probe {
	int fd;
	uint32_t ifindex;
	struct address address;
	uint8_t mac[ETH_ALEN];
};

#define PROBE_INIT                                                                                                     \
	{                                                                                                              \
		.fd = -1                                                                                               \
	}
#define PROBE_CLEANUP CLEANUP(probe_close)

int probe_open(uint32_t ifindex, const struct address *address, const uint8_t mac[static ETH_ALEN],
	       struct probe *ret_probe);
int probe_send(const struct probe *probe);
int probe_read(const struct probe *probe, uint8_t ret_holder[static ETH_ALEN]);
void probe_close(struct probe *probe);

int probe_ask(uint32_t ifindex, const struct address *address, const uint8_t mac[static ETH_ALEN],
	      uint8_t ret_holder[static ETH_ALEN]);

#endif
