/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program over what leaves by an uplink: runs in the kernel, after NAT, over each frame. What has a source that hosts
 * share, and that this host may not send with any more, ends here. An address without a deadline is not shared, and passes.
 *
 * Built as classifier.bpf.c is.
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

/** RFC 4861 */
#define NEIGHBOUR_ADVERTISEMENT 136
/** ARP, RFC 826, of IPv4 over Ethernet: where the sender's address is */
#define ARP_SENDER 14

/* Functions of the kernel, by number (enum bpf_func_id) */
static void *(*map_lookup)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static long (*load_relative)(const void *skb, __u32 offset, void *to, __u32 length,
			     __u32 start) = (void *)BPF_FUNC_skb_load_bytes_relative;
static __u64 (*boot_ns)(void) = (void *)BPF_FUNC_ktime_get_boot_ns;

/** load() - Bytes of the network header and what follows it; not every uplink has Ethernet headers */
INLINE bool load(const struct __sk_buff *skb, __u32 offset, void *to, __u32 length)
{
	return load_relative(skb, offset, to, length, BPF_HDR_START_NET) == 0;
}

/** is_closed() - Whether an address is shared, and this host's time with it over */
INLINE bool is_closed(const __u32 *address)
{
	const __u64 *deadline = map_lookup((void *)CLASSIFIER_DEADLINES, address);

	return deadline && boot_ns() > *deadline;
}

/** is_closed4() - The same of the IPv4 address at @offset */
INLINE bool is_closed4(const struct __sk_buff *skb, __u32 offset)
{
	__u32 address[4];

	/* One by one: an initialiser would be read from a section of constants, of which nothing is loaded. */
	address[0] = address[1] = 0;
	address[2] = NETWORK32(0xffff);
	return load(skb, offset, &address[3], sizeof(address[3])) && is_closed(address);
}

/** is_closed6() - The same of an IPv6 address */
INLINE bool is_closed6(const struct __sk_buff *skb, __u32 offset)
{
	__u32 address[4];

	return load(skb, offset, address, sizeof(address)) && is_closed(address);
}

/** is_closed_neighbour() - Whether it is a neighbour advertisement of such an address, from whatever source */
INLINE bool is_closed_neighbour(const struct __sk_buff *skb)
{
	__u8 next, type;

	return load(skb, offsetof(struct ipv6hdr, nexthdr), &next, 1) && next == IPPROTO_ICMPV6 &&
	       load(skb, sizeof(struct ipv6hdr), &type, 1) && type == NEIGHBOUR_ADVERTISEMENT &&
	       is_closed6(skb, sizeof(struct ipv6hdr) + 8);
}

/** uplink() - Judge one frame */
__attribute__((section("tc"), used)) int uplink(struct __sk_buff *skb)
{
	bool closed = false;

	if (skb->protocol == NETWORK16(ETH_P_IP))
		closed = is_closed4(skb, offsetof(struct iphdr, saddr));
	else if (skb->protocol == NETWORK16(ETH_P_IPV6))
		closed = is_closed6(skb, offsetof(struct ipv6hdr, saddr)) || is_closed_neighbour(skb);
	else if (skb->protocol == NETWORK16(ETH_P_ARP))
		closed = is_closed4(skb, ARP_SENDER);
	return closed ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}
