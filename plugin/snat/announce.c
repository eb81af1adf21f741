/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Announcements: what a neighbour needs to send to an address' new place at once. The builders are pure; announce() owns
 * a packet socket for one packet, because the kernel announces by itself only addresses that are on an interface when
 * it comes up.
 */

#include "plugin/snat/announce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip6.h>
#include <string.h>
#include <sys/socket.h>

#include "plugin/network/icmp6.h"
#include "rangeguard/cleanup.h"

/** struct advertisement - IPv6 header, neighbour advertisement and its one option (RFC 4861 sections 4.4 and 4.6.1) */
struct advertisement {
	struct ip6_hdr ip;
	struct nd_neighbor_advert body;
	struct nd_opt_hdr option;
	uint8_t mac[ETH_ALEN];
};

_Static_assert(sizeof(struct ether_arp) <= ANNOUNCE_BYTES_MAX, "an ARP announcement must fit");
_Static_assert(sizeof(struct advertisement) == ANNOUNCE_BYTES_MAX, "an advertisement must fit");

/**
 * make_arp() - ARP announcement: a request of @address for itself (RFC 5227 section 3)
 * @address:	IPv4 address
 * @mac:	Where it is
 * @packet:	Filled, its target hardware address with zeros
 */
static void make_arp(const struct address *address, const uint8_t mac[static ETH_ALEN], struct ether_arp *packet)
{
	uint8_t bytes[ADDRESS_BYTES_MAX];

	address_to_bytes(address, bytes);
	*packet = (struct ether_arp){
		.ea_hdr = {.ar_hrd = htons(ARPHRD_ETHER),
			   .ar_pro = htons(ETH_P_IP),
			   .ar_hln = ETH_ALEN,
			   .ar_pln = sizeof(packet->arp_spa),
			   .ar_op = htons(ARPOP_REQUEST)},
	};
	memcpy(packet->arp_sha, mac, ETH_ALEN);
	memcpy(packet->arp_spa, bytes, sizeof(packet->arp_spa));
	memcpy(packet->arp_tpa, bytes, sizeof(packet->arp_tpa));
}

/**
 * make_advertisement() - Unsolicited neighbour advertisement to all nodes, which overrides what they have cached
 * @address:	IPv6 address
 * @mac:	Where it is
 * @packet:	Filled. The router flag is set: a host that forwards is one, and a neighbour that uses it as its router
 *		would forget that without (RFC 4861 section 7.2.5)
 */
static void make_advertisement(const struct address *address, const uint8_t mac[static ETH_ALEN],
			       struct advertisement *packet)
{
	uint8_t bytes[ADDRESS_BYTES_MAX];

	address_to_bytes(address, bytes);
	*packet = (struct advertisement){
		.ip = {.ip6_flow = htonl(6U << 28),
		       .ip6_plen = htons(sizeof(*packet) - sizeof(packet->ip)),
		       .ip6_nxt = IPPROTO_ICMPV6,
		       .ip6_hlim = 255,
		       .ip6_dst.s6_addr = {0xff, 0x02, [15] = 1}},
		.option = {.nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = 1},
	};
	memcpy(&packet->ip.ip6_src, bytes, sizeof(packet->ip.ip6_src));
	packet->body.nd_na_type = ND_NEIGHBOR_ADVERT;
	packet->body.nd_na_flags_reserved = ND_NA_FLAG_ROUTER | ND_NA_FLAG_OVERRIDE;
	memcpy(&packet->body.nd_na_target, bytes, sizeof(packet->body.nd_na_target));
	memcpy(packet->mac, mac, ETH_ALEN);
	packet->body.nd_na_cksum = icmp6_checksum(&packet->ip, &packet->body, sizeof(*packet) - sizeof(packet->ip));
}

/**
 * announcement_make() - Build what says that an address is here now
 * @address:		Address
 * @mac:		MAC address of the interface that has it
 * @ret_announcement:	Packet
 */
void announcement_make(const struct address *address, const uint8_t mac[static ETH_ALEN],
		       struct announcement *ret_announcement)
{
	struct announcement made = {0};
	struct advertisement advertisement;
	struct ether_arp arp;

	if (address->family == FAMILY_IPV4) {
		make_arp(address, mac, &arp);
		made.ethertype = ETH_P_ARP;
		made.size = sizeof(arp);
		memset(made.to, 0xff, ETH_ALEN);
		memcpy(made.bytes, &arp, sizeof(arp));
	} else {
		make_advertisement(address, mac, &advertisement);
		made.ethertype = ETH_P_IPV6;
		made.size = sizeof(advertisement);
		/* RFC 2464 section 7: the last four bytes of the group */
		memcpy(made.to, (const uint8_t[]){0x33, 0x33, 0, 0, 0, 1}, ETH_ALEN);
		memcpy(made.bytes, &advertisement, sizeof(advertisement));
	}
	*ret_announcement = made;
}

/**
 * announce() - Say on a link, once, that an address is here now
 * @ifindex:	Interface in the calling thread's namespace
 * @address:	Address
 * @mac:	MAC address of the interface
 *
 * Return: 0, negative errno
 */
int announce(uint32_t ifindex, const struct address *address, const uint8_t mac[static ETH_ALEN])
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)ifindex, .sll_halen = ETH_ALEN};
	struct announcement announcement;
	/* Protocol 0: nothing is received. */
	int fd CLEANUP_CLOSE = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	announcement_make(address, mac, &announcement);
	to.sll_protocol = htons(announcement.ethertype);
	memcpy(to.sll_addr, announcement.to, ETH_ALEN);
	if (sendto(fd, announcement.bytes, announcement.size, 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}
