/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The classifier: runs in the kernel over each frame that comes in from a container, before anything else looks at it.
 * It drops what does not come from the container's own addresses, and sets the marks by which the fence and the nftables
 * tables know the rest. One program serves all containers; what it knows of one is its element in the map.
 *
 * Built by clang for the BPF target and embedded (embed.cmake); nothing of it is linked to the plugin.
 */

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <stddef.h>

#include "plugin/enforce/classifier_element.h"

#define INLINE static inline __attribute__((always_inline))
#define NETWORK16(x) __builtin_bswap16(x)
#define NETWORK32(x) __builtin_bswap32(x)
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#undef NETWORK16
#undef NETWORK32
#define NETWORK16(x) (x)
#define NETWORK32(x) (x)
#endif

/* linux/icmp.h and linux/if_arp.h include headers of the C library, which is not there for this target. */
/** ICMP, RFC 792 */
#define ICMP_REDIRECT 5
/** ARP's number for Ethernet, RFC 826 */
#define ARP_ETHERNET 1
/** ICMPv6: RFC 4861, RFC 3810, RFC 2710 */
#define ROUTER_SOLICITATION 133
#define ROUTER_ADVERTISEMENT 134
#define NEIGHBOUR_SOLICITATION 135
#define NEIGHBOUR_ADVERTISEMENT 136
#define REDIRECT 137
#define MLD_REPORT 131
#define MLD_DONE 132
#define MLD2_REPORT 143
/** Extension headers before the transport's: RFC 8200 has five kinds, each of them once but destination options */
#define EXTENSION_HEADERS_MAX 6
/** Options of neighbour discovery: those that exist, RFC 4861 and RFC 7527, are fewer */
#define OPTIONS_MAX 4
#define OPTION_SOURCE_MAC 1
#define OPTION_TARGET_MAC 2

/* Functions of the kernel, by number (enum bpf_func_id) */
static void *(*map_lookup)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static long (*load_bytes)(const void *skb, __u32 offset, void *to, __u32 length) = (void *)BPF_FUNC_skb_load_bytes;
static long (*pull_data)(struct __sk_buff *skb, __u32 length) = (void *)BPF_FUNC_skb_pull_data;
static long (*push_vlan)(struct __sk_buff *skb, __u16 protocol, __u16 tci) = (void *)BPF_FUNC_skb_vlan_push;
static __u64 (*boot_ns)(void) = (void *)BPF_FUNC_ktime_get_boot_ns;

typedef const struct classifier_element *element_t;

/** enum packet_source - Which source an IPv6 packet has: the container's own, its link-local one, "::" */
enum packet_source { SOURCE_OWN, SOURCE_LINK_LOCAL, SOURCE_NONE };

/** same_address() - Whether two IPv6 addresses are the same */
INLINE bool same_address(const __u32 *a, const __u32 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

/** is_other() - Whether an address is one of the container's beside its first ones */
INLINE bool is_other(element_t element, const __u32 *address)
{
#pragma nounroll
	for (__u32 i = 0; i < CLASSIFIER_MORE_ADDRESSES; i++) {
		if (i >= element->n_more)
			return false;
		if (same_address(element->more[i], address))
			return true;
	}
	return false;
}

/** is_own4() - Whether an IPv4 address is the container's */
INLINE bool is_own4(element_t element, __u32 address)
{
	__u32 mapped[4] = {0, 0, NETWORK32(0xffff), address};

	if (address == element->ipv4)
		return address != 0;
	return element->n_more && is_other(element, mapped);
}

/** is_own6() - Whether an IPv6 address is the container's, but for its link-local one */
INLINE bool is_own6(element_t element, const __u32 *address)
{
	if (same_address(address, element->ipv6))
		return (address[0] | address[3]) != 0;
	return element->n_more && is_other(element, address);
}

/** is_own_link_local() - Whether an address is the container's link-local one */
INLINE bool is_own_link_local(element_t element, const __u32 *address)
{
	return address[0] == NETWORK32(0xfe800000U) && address[1] == 0 && address[2] == element->link_local[0] &&
	       address[3] == element->link_local[1];
}

/** is_mapped() - Whether an address is an IPv4 one, ::ffff:a.b.c.d */
INLINE bool is_mapped(const __u32 *address)
{
	return !address[0] && !address[1] && address[2] == NETWORK32(0xffff);
}

/** is_late() - Whether this host's time with a shared source of the packet's family is over, or has not begun */
INLINE bool is_late(element_t element, const struct __sk_buff *skb)
{
	bool ipv4 = skb->protocol == NETWORK16(ETH_P_IP);

#pragma nounroll
	for (__u32 i = 0; i < CLASSIFIER_SHARED_MAX; i++) {
		const __u64 *deadline;

		if (i >= element->n_shared)
			return false;
		if (is_mapped(element->shared[i]) != ipv4)
			continue;
		deadline = map_lookup((void *)CLASSIFIER_DEADLINES, element->shared[i]);
		if (!deadline || boot_ns() > *deadline)
			return true;
	}
	return false;
}

/** is_own_mac() - Whether six bytes of a frame are the container's MAC address */
INLINE bool is_own_mac(element_t element, struct __sk_buff *skb, __u32 offset)
{
	__u16 mac[3];
	const __u16 *own = (const __u16 *)element->mac;

	return load_bytes(skb, offset, mac, sizeof(mac)) >= 0 && mac[0] == own[0] && mac[1] == own[1] &&
	       mac[2] == own[2];
}

/**
 * pass() - Mark a packet, and go on to the next program, qdisc or protocol
 * @element:	Container
 * @skb:	Frame
 *
 * A flowtable comes next, whose packets meet no fence. What is late gets a VLAN tag without a number (802.1p), for no flow
 * there has one; the stack takes it off right after (__netif_receive_skb_core()).
 *
 * Return: TC_ACT_UNSPEC, TC_ACT_SHOT
 */
INLINE int pass(element_t element, struct __sk_buff *skb)
{
	__u32 mark = element->mark;

	if (element->n_shared && is_late(element, skb)) {
		mark |= element->late;
		if (push_vlan(skb, NETWORK16(ETH_P_8021Q), 0) < 0)
			return TC_ACT_SHOT;
	}
	skb->mark |= mark;
	return TC_ACT_UNSPEC;
}

/**
 * reach() - See that the first bytes of a frame can be read directly
 * @skb:	Frame
 * @bytes:	How many
 * @ret_header:	The network header
 *
 * Return: whether the frame is that long
 */
INLINE bool reach(struct __sk_buff *skb, __u32 bytes, const void **ret_header)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + bytes > end) {
		pull_data(skb, bytes);
		data = (void *)(long)skb->data;
		end = (void *)(long)skb->data_end;
		if (data + bytes > end)
			return false;
	}
	*ret_header = data + ETH_HLEN;
	return true;
}

/** look_at_ipv4() - Own source; no redirects */
INLINE int look_at_ipv4(element_t element, struct __sk_buff *skb)
{
	const struct iphdr *header;
	__u8 type;

	if (!reach(skb, ETH_HLEN + sizeof(*header), (const void **)&header) || !is_own4(element, header->saddr))
		return TC_ACT_SHOT;
	if (header->protocol == IPPROTO_ICMP && !(header->frag_off & NETWORK16(0x1fff))) {
		if (load_bytes(skb, ETH_HLEN + header->ihl * 4, &type, 1) < 0 || type == ICMP_REDIRECT)
			return TC_ACT_SHOT;
	}
	return pass(element, skb);
}

/**
 * options_allowed() - Whether the options of a neighbour discovery message tell of no other MAC address (RFC 4861, section 4.6)
 * @element:	Container, behind a bridge
 * @skb:	Frame
 * @offset:	Of the first one
 */
INLINE bool options_allowed(element_t element, struct __sk_buff *skb, __u32 offset)
{
	__u8 head[2];

#pragma nounroll
	for (int i = 0; i < OPTIONS_MAX; i++) {
		if (load_bytes(skb, offset, head, sizeof(head)) < 0)
			return true;
		if (!head[1])
			return false;
		if ((head[0] == OPTION_SOURCE_MAC || head[0] == OPTION_TARGET_MAC) &&
		    !is_own_mac(element, skb, offset + 2))
			return false;
		offset += head[1] * 8U;
	}
	return load_bytes(skb, offset, head, sizeof(head)) < 0;
}

/**
 * icmpv6_allowed() - Whether a container may send an ICMPv6 message
 * @element:	Container
 * @skb:	Frame
 * @offset:	Where the message begins
 * @source:	Its source
 * @fragment:	It is the first fragment of one: RFC 6980 forbids that for neighbour discovery
 */
INLINE bool icmpv6_allowed(element_t element, struct __sk_buff *skb, __u32 offset, enum packet_source source,
			   bool fragment)
{
	__u32 target[4];
	__u8 type;

	if (load_bytes(skb, offset, &type, 1) < 0)
		return false;
	if ((element->flags & CLASSIFIER_OWN_MAC) && type >= ROUTER_SOLICITATION && type <= NEIGHBOUR_ADVERTISEMENT &&
	    !options_allowed(element, skb, offset + (type == ROUTER_SOLICITATION ? 8 : 24)))
		return false;
	switch (type) {
	case ROUTER_ADVERTISEMENT:
	case REDIRECT:
		return false;
	case ROUTER_SOLICITATION:
		return source != SOURCE_NONE && !fragment;
	case NEIGHBOUR_SOLICITATION:
		if (fragment)
			return false;
		if (source != SOURCE_NONE)
			return true;
		/* From "::" for its own address only: duplicate address detection, RFC 4862 section 5.4.2 */
		break;
	case NEIGHBOUR_ADVERTISEMENT:
		if (fragment)
			return false;
		break;
	case MLD_REPORT:
	case MLD_DONE:
	case MLD2_REPORT:
		return true; /* from "::", too: RFC 3590 */
	default:
		return source != SOURCE_NONE;
	}
	if (load_bytes(skb, offset + 8, target, sizeof(target)) < 0)
		return false;
	return is_own6(element, target) || is_own_link_local(element, target);
}

/**
 * struct packet_position - On the way through extension headers
 * @offset:	Where the next header is
 * @next:	What it is
 * @fragment:	A fragment header was on the way
 * @later:	The packet is a fragment, but not the first one: there is no transport header in it
 */
struct packet_position {
	__u32 offset;
	__u8 next;
	bool fragment;
	bool later;
};

/** is_extension() - Whether a header is one of those that may stand before the transport's */
INLINE bool is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_ROUTING || next == IPPROTO_AH ||
	       next == IPPROTO_FRAGMENT;
}

/** step() - Over one extension header; false when it can't be read */
INLINE bool step(struct __sk_buff *skb, struct packet_position *position)
{
	__u8 bytes[4];

	if (load_bytes(skb, position->offset, bytes, sizeof(bytes)) < 0)
		return false;
	if (position->next == IPPROTO_FRAGMENT) {
		position->fragment = true;
		position->later = bytes[2] || (bytes[3] & 0xf8);
		position->offset += 8;
	} else if (position->next == IPPROTO_AH) {
		position->offset += (bytes[1] + 2U) * 4U;
	} else {
		position->offset += (bytes[1] + 1U) * 8U;
	}
	position->next = bytes[0];
	return true;
}

/** look_closely() - Judge a packet by what comes after its IPv6 header: whether it may pass */
INLINE bool look_closely(element_t element, struct __sk_buff *skb, __u8 next, enum packet_source source)
{
	struct packet_position position = {.offset = ETH_HLEN + sizeof(struct ipv6hdr), .next = next};
	__u8 byte;

#pragma nounroll
	for (int i = 0; i < EXTENSION_HEADERS_MAX; i++) {
		if (!is_extension(position.next))
			break;
		if (!step(skb, &position))
			return false;
		if (position.later)
			return source == SOURCE_OWN;
	}
	if (is_extension(position.next) || (position.fragment && source != SOURCE_OWN))
		return false;
	if (position.next == IPPROTO_ICMPV6)
		return icmpv6_allowed(element, skb, position.offset, source, position.fragment);
	/* RFC 7112: a first fragment has all headers. */
	return source == SOURCE_OWN && !(position.fragment && load_bytes(skb, position.offset, &byte, 1) < 0);
}

/** look_at_ipv6() - Own source, or what neighbour discovery needs */
INLINE int look_at_ipv6(element_t element, struct __sk_buff *skb)
{
	const struct ipv6hdr *header;
	const __u32 *address;
	enum packet_source source;
	__u8 next;

	if (!reach(skb, ETH_HLEN + sizeof(*header), (const void **)&header))
		return TC_ACT_SHOT;
	address = (const __u32 *)&header->saddr;
	next = header->nexthdr;
	if (is_own6(element, address))
		source = SOURCE_OWN;
	else if (is_own_link_local(element, address))
		source = SOURCE_LINK_LOCAL;
	else if (!(address[0] | address[1] | address[2] | address[3]))
		source = SOURCE_NONE;
	else
		return TC_ACT_SHOT;
	if (source == SOURCE_OWN && (next == IPPROTO_TCP || next == IPPROTO_UDP))
		return pass(element, skb);
	return look_closely(element, skb, next, source) ? pass(element, skb) : TC_ACT_SHOT;
}

/** struct arp_message - ARP for IPv4 over Ethernet, RFC 826 */
struct arp_message {
	__u16 hardware;
	__u16 protocol;
	__u8 hardware_length;
	__u8 protocol_length;
	__u16 operation;
	__u8 sender_mac[ETH_ALEN];
	__u8 sender[4];
	__u8 target_mac[ETH_ALEN];
	__u8 target[4];
} __attribute__((packed));

/** look_at_arp() - Own sender; a probe has none (RFC 5227) */
INLINE int look_at_arp(element_t element, struct __sk_buff *skb)
{
	struct arp_message message;
	__u32 sender;

	if (load_bytes(skb, ETH_HLEN, &message, sizeof(message)) < 0)
		return TC_ACT_SHOT;
	if (message.hardware != NETWORK16(ARP_ETHERNET) || message.protocol != NETWORK16(ETH_P_IP) ||
	    message.hardware_length != ETH_ALEN || message.protocol_length != sizeof(sender))
		return TC_ACT_SHOT;
	if ((element->flags & CLASSIFIER_OWN_MAC) &&
	    !is_own_mac(element, skb, ETH_HLEN + offsetof(struct arp_message, sender_mac)))
		return TC_ACT_SHOT;
	__builtin_memcpy(&sender, message.sender, sizeof(sender));
	return sender == 0 || is_own4(element, sender) ? pass(element, skb) : TC_ACT_SHOT;
}

/** is_usual() - Whether a packet is what most are: IPv4, not ICMP, from the first address of its interface */
INLINE bool is_usual(const struct classifier_sender *sender, const struct __sk_buff *skb)
{
	const struct iphdr *header = (void *)(long)skb->data + ETH_HLEN;

	return sender && sender->ifindex == skb->ifindex && skb->protocol == NETWORK16(ETH_P_IP) &&
	       (void *)(header + 1) <= (void *)(long)skb->data_end && header->saddr == sender->ipv4 &&
	       header->protocol != IPPROTO_ICMP;
}

/** look_closer() - Judge a frame by all that is known of the container */
INLINE int look_closer(struct __sk_buff *skb)
{
	__u32 key = skb->ifindex;
	element_t element = map_lookup((void *)CLASSIFIER_ELEMENTS, &key);

	if (!element)
		return TC_ACT_SHOT;
	if (element->flags & CLASSIFIER_ANY_SOURCE)
		return pass(element, skb);
	if ((element->flags & CLASSIFIER_OWN_MAC) && !is_own_mac(element, skb, offsetof(struct ethhdr, h_source)))
		return TC_ACT_SHOT;
	if (skb->protocol == NETWORK16(ETH_P_IP))
		return look_at_ipv4(element, skb);
	if (skb->protocol == NETWORK16(ETH_P_IPV6))
		return look_at_ipv6(element, skb);
	if (skb->protocol == NETWORK16(ETH_P_ARP))
		return look_at_arp(element, skb);
	return TC_ACT_SHOT;
}

/** classifier() - Judge one frame; what is not IPv4, IPv6 or ARP (VLAN tags, MPLS, PPPoE, LLC) is dropped */
__attribute__((section("tc"), used)) int classifier(struct __sk_buff *skb)
{
	__u32 place = skb->ifindex % CLASSIFIER_SENDERS_MAX;
	const struct classifier_sender *sender = map_lookup((void *)CLASSIFIER_SENDERS, &place);

	if (!is_usual(sender, skb))
		return look_closer(skb);
	skb->mark |= sender->mark;
	return TC_ACT_UNSPEC;
}
