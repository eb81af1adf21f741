/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes for an address on a link. Owns a packet socket while the question is open. */

#include "plugin/network/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "plugin/network/icmp6.h"
#include "rangeguard/array.h"

/** Packets that one probe_read() looks at: a flood must not hold the caller */
#define PACKETS_PER_READ 64U
/** Of what comes in no more is looked at: an advertisement and some options */
#define PACKET_BYTES 256U

/** struct solicitation - IPv6 header and neighbour solicitation without options (RFC 4861 section 4.3) */
struct solicitation {
	struct ip6_hdr ip;
	struct nd_neighbor_solicit body;
};

/** Offsets in an IPv6 packet of ND, from its header on */
enum { OFFSET_NEXT_HEADER = 6, OFFSET_TYPE = 40 };

/** attach_filter() - Let neighbour discovery alone through to a socket that would hear all of IPv6: 0, negative errno */
static int attach_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, OFFSET_NEXT_HEADER),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, OFFSET_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_SOLICIT, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERT, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, PACKET_BYTES),
	};
	const struct sock_fprog program = {.len = ARRAY_LENGTH(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

/** ethertype() - Of the packets of a family, in host order */
static uint16_t ethertype(const struct probe *probe)
{
	return probe->address.family == FAMILY_IPV4 ? ETH_P_ARP : ETH_P_IPV6;
}

/**
 * probe_open() - Begin to listen on a link for whoever has an address
 * @ifindex:	Link in the calling thread's namespace
 * @address:	Address
 * @mac:	MAC address of the link
 * @ret_probe:	Probe, to be closed
 *
 * Return: 0, negative errno
 */
int probe_open(uint32_t ifindex, const struct address *address, const uint8_t mac[static ETH_ALEN],
	       struct probe *ret_probe)
{
	struct probe probe = {.ifindex = ifindex, .address = *address};
	struct sockaddr_ll from = {.sll_family = AF_PACKET, .sll_ifindex = (int)ifindex};
	/* Protocol 0: nothing is received before the socket is bound to its link. */
	int fd CLEANUP_CLOSE = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : 0;

	if (!r && address->family == FAMILY_IPV6)
		r = attach_filter(fd);
	from.sll_protocol = htons(ethertype(&probe));
	if (!r && bind(fd, (const struct sockaddr *)&from, sizeof(from)))
		r = -errno;
	if (r)
		return r;
	memcpy(probe.mac, mac, ETH_ALEN);
	probe.fd = TAKE_FD(fd);
	*ret_probe = probe;
	return 0;
}

/** make_arp() - ARP probe: who has the address, asked by nobody */
static struct ether_arp make_arp(const struct probe *probe)
{
	struct ether_arp packet = {
		.ea_hdr = {.ar_hrd = htons(ARPHRD_ETHER),
			   .ar_pro = htons(ETH_P_IP),
			   .ar_hln = ETH_ALEN,
			   .ar_pln = sizeof(packet.arp_tpa),
			   .ar_op = htons(ARPOP_REQUEST)},
	};
	uint8_t bytes[ADDRESS_BYTES_MAX];

	address_to_bytes(&probe->address, bytes);
	memcpy(packet.arp_sha, probe->mac, ETH_ALEN);
	memcpy(packet.arp_tpa, bytes, sizeof(packet.arp_tpa));
	return packet;
}

/** make_solicitation() - Who has the address, asked by nobody, to the solicited-node group (RFC 4291 section 2.7.1) */
static struct solicitation make_solicitation(const struct probe *probe)
{
	struct solicitation packet = {
		.ip = {.ip6_flow = htonl(6U << 28),
		       .ip6_plen = htons(sizeof(packet.body)),
		       .ip6_nxt = IPPROTO_ICMPV6,
		       .ip6_hlim = 255,
		       .ip6_dst.s6_addr = {0xff, 0x02, [11] = 1, [12] = 0xff}},
		.body.nd_ns_hdr.icmp6_type = ND_NEIGHBOR_SOLICIT,
	};
	uint8_t bytes[ADDRESS_BYTES_MAX];

	address_to_bytes(&probe->address, bytes);
	memcpy(&packet.body.nd_ns_target, bytes, sizeof(packet.body.nd_ns_target));
	memcpy(&packet.ip.ip6_dst.s6_addr[13], &bytes[13], 3);
	packet.body.nd_ns_cksum = icmp6_checksum(&packet.ip, &packet.body, sizeof(packet.body));
	return packet;
}

/** send_packet() - Send a packet from behind the Ethernet header on: 0, negative errno */
static int send_packet(const struct probe *probe, const uint8_t to_mac[static ETH_ALEN], const void *bytes, size_t size)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ethertype(probe)),
				 .sll_ifindex = (int)probe->ifindex,
				 .sll_halen = ETH_ALEN};

	memcpy(to.sll_addr, to_mac, ETH_ALEN);
	return sendto(probe->fd, bytes, size, 0, (const struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

/**
 * probe_send() - Ask once
 * @probe:	Probe
 *
 * Return: 0, negative errno: -ENETDOWN when the link is down
 */
int probe_send(const struct probe *probe)
{
	static const uint8_t everybody[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	/* RFC 2464 section 7: the last four bytes of the group */
	uint8_t group[ETH_ALEN] = {0x33, 0x33};
	struct solicitation solicitation;
	struct ether_arp arp;

	if (probe->address.family == FAMILY_IPV4) {
		arp = make_arp(probe);
		return send_packet(probe, everybody, &arp, sizeof(arp));
	}
	solicitation = make_solicitation(probe);
	memcpy(&group[2], &solicitation.ip.ip6_dst.s6_addr[12], 4);
	return send_packet(probe, group, &solicitation, sizeof(solicitation));
}

/**
 * read_arp() - Whether an ARP packet comes from who has the address, or probes for it
 * @probe:	Probe
 * @bytes:	Packet
 * @size:	Its size
 * @ret_sender:	MAC address that the packet tells of
 *
 * Return: whether
 */
static bool read_arp(const struct probe *probe, const uint8_t *bytes, size_t size, uint8_t ret_sender[static ETH_ALEN])
{
	static const uint8_t nobody[4];
	uint8_t wanted[ADDRESS_BYTES_MAX];
	struct ether_arp packet;

	if (size < sizeof(packet))
		return false;
	memcpy(&packet, bytes, sizeof(packet));
	address_to_bytes(&probe->address, wanted);
	if (packet.arp_pro != htons(ETH_P_IP) || packet.arp_hln != ETH_ALEN || packet.arp_pln != sizeof(nobody))
		return false;
	memcpy(ret_sender, packet.arp_sha, ETH_ALEN);
	if (!memcmp(packet.arp_spa, nobody, sizeof(nobody)))
		return packet.arp_op == htons(ARPOP_REQUEST) && !memcmp(packet.arp_tpa, wanted, sizeof(nobody));
	return !memcmp(packet.arp_spa, wanted, sizeof(nobody));
}

/** read_option() - The link-layer address that an advertisement tells of, where it is its first option */
static void read_option(const uint8_t *bytes, size_t size, uint8_t mac[static ETH_ALEN])
{
	struct nd_opt_hdr option;

	if (size < sizeof(option) + ETH_ALEN)
		return;
	memcpy(&option, bytes, sizeof(option));
	if (option.nd_opt_type == ND_OPT_TARGET_LINKADDR && option.nd_opt_len == 1)
		memcpy(mac, bytes + sizeof(option), ETH_ALEN);
}

/**
 * read_discovery() - Whether a packet of IPv6 comes from who has the address, or probes for it
 * @probe:	Probe
 * @bytes:	Packet
 * @size:	Its size
 * @sender:	MAC address that it came from; replaced by the one that it tells of
 *
 * Return: whether
 */
static bool read_discovery(const struct probe *probe, const uint8_t *bytes, size_t size,
			   uint8_t sender[static ETH_ALEN])
{
	uint8_t wanted[ADDRESS_BYTES_MAX];
	struct solicitation packet; /* an advertisement is laid out the same */

	if (size < sizeof(packet))
		return false;
	memcpy(&packet, bytes, sizeof(packet));
	address_to_bytes(&probe->address, wanted);
	if (packet.ip.ip6_nxt != IPPROTO_ICMPV6 || packet.ip.ip6_hlim != 255 ||
	    memcmp(&packet.body.nd_ns_target, wanted, sizeof(packet.body.nd_ns_target)) != 0)
		return false;
	if (packet.body.nd_ns_type == ND_NEIGHBOR_SOLICIT)
		return IN6_IS_ADDR_UNSPECIFIED(&packet.ip.ip6_src);
	read_option(bytes + sizeof(packet), size - sizeof(packet), sender);
	return packet.body.nd_ns_type == ND_NEIGHBOR_ADVERT;
}

/**
 * probe_read() - Look at what has come in; never waits
 * @probe:	Probe
 * @ret_holder:	MAC address of who has the address
 *
 * Return: 0: nobody so far; PROBE_E_TAKEN; negative errno: -ENETDOWN when the link went down
 */
int probe_read(const struct probe *probe, uint8_t ret_holder[static ETH_ALEN])
{
	for (unsigned i = 0; i < PACKETS_PER_READ; i++) {
		struct sockaddr_ll from = {0};
		socklen_t from_size = sizeof(from);
		uint8_t bytes[PACKET_BYTES];
		uint8_t sender[ETH_ALEN];
		ssize_t size = recvfrom(probe->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_size);

		if (size < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		memcpy(sender, from.sll_addr, ETH_ALEN);
		if (!(probe->address.family == FAMILY_IPV4 ? read_arp : read_discovery)(probe, bytes, (size_t)size,
											sender) ||
		    !memcmp(sender, probe->mac, ETH_ALEN))
			continue;
		memcpy(ret_holder, sender, ETH_ALEN);
		return PROBE_E_TAKEN;
	}
	return 0;
}

/** probe_close() - Stop listening; a closed one will do */
void probe_close(struct probe *probe)
{
	cleanup_close(&probe->fd);
	probe->fd = -1;
}

/** now_ms() - Milliseconds of CLOCK_MONOTONIC */
static int64_t now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/** listen_for() - Read for PROBE_GAP_MS: as probe_read() */
static int listen_for(const struct probe *probe, uint8_t ret_holder[static ETH_ALEN])
{
	int64_t end = now_ms() + PROBE_GAP_MS;
	int r = 0;

	for (int64_t left = PROBE_GAP_MS; left > 0 && !r; left = end - now_ms()) {
		struct pollfd ready = {.fd = probe->fd, .events = POLLIN};

		(void)poll(&ready, 1, (int)left);
		r = probe_read(probe, ret_holder);
	}
	return r;
}

/**
 * probe_ask() - Ask PROBE_SENDS times, and wait for an answer, PROBE_SENDS * PROBE_GAP_MS at most
 * @ifindex:	Link in the calling thread's namespace
 * @address:	Address
 * @mac:	MAC address of the link
 * @ret_holder:	MAC address of who has the address
 *
 * A link that is down has no neighbours.
 *
 * Return: 0: nobody answered; PROBE_E_TAKEN; negative errno
 */
int probe_ask(uint32_t ifindex, const struct address *address, const uint8_t mac[static ETH_ALEN],
	      uint8_t ret_holder[static ETH_ALEN])
{
	PROBE_CLEANUP struct probe probe = PROBE_INIT;
	int r = probe_open(ifindex, address, mac, &probe);

	for (unsigned i = 0; i < PROBE_SENDS && !r; i++) {
		r = probe_send(&probe);
		if (!r)
			r = listen_for(&probe, ret_holder);
	}
	return r == -ENETDOWN ? 0 : r;
}
