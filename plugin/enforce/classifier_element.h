/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_ENFORCE_CLASSIFIER_ELEMENT_H
#define PLUGIN_ENFORCE_CLASSIFIER_ELEMENT_H

/*
 * What the classifier knows of one container: the value of its map, whose key is the index of the interface. Shared by the
 * program (classifier.bpf.c) and its loader; a change of it changes the program, and with that its name in bpffs.
 */

#include <linux/types.h>

/** Addresses beside the first ones: LIMIT_RANGE_SETS of rangeguard/limits.h, one less */
#define CLASSIFIER_MORE_ADDRESSES 31

/** classifier_element.flags: sources are not looked at, marks are set all the same (antiSpoof is off) */
#define CLASSIFIER_ANY_SOURCE 1U

/** classifier_element.flags: frames must come from @mac; so behind a bridge, which learns from frames where to send others */
#define CLASSIFIER_OWN_MAC 2U
/** classifier_element.flags: the interface is a bridge's port */
#define CLASSIFIER_BRIDGED 4U

/** The map's size: no host has more containers */
#define CLASSIFIER_ELEMENTS_MAX 65536

/** The key of the host's own element, which has nothing but @marks: no interface has this index */
#define CLASSIFIER_HOST 0U

/** The longest state directory that is noted, with the NUL */
#define CLASSIFIER_DATA_DIR_MAX 128

/** Shared sources of one container, of both families: LIMIT_SHARED_PER_CONTAINER of rangeguard/limits.h */
#define CLASSIFIER_SHARED_MAX 8

/** The size of the map of deadlines: shared sources of one host */
#define CLASSIFIER_DEADLINES_MAX 4096

/** In place of a map's descriptor in a program, until the loader puts it there */
#define CLASSIFIER_ELEMENTS 0x52474d4150000001ULL
/**
 * The map of deadlines: until when this host may send with an address that hosts share (CLOCK_BOOTTIME, nanoseconds), by
 * address (as in @more below). One for all containers, so that one write prolongs or closes a source for all of them
 */
#define CLASSIFIER_DEADLINES 0x52474d4150000002ULL

/** The size of the map of senders, a power of two */
#define CLASSIFIER_SENDERS_MAX 4096
/** The map of senders */
#define CLASSIFIER_SENDERS 0x52474d4150000003ULL

/**
 * struct classifier_sender - What most of a container's IPv4 packets need of its element, in an array, for a look-up in an
 * array takes a tenth of the instructions of one in a hash table
 * @ifindex:	Interface, whose place is its index modulo the size; 0: free. One whose place another has is found by its
 *		element alone
 * @ipv4:	As in the element
 * @mark:	As in the element
 * @unused:	0
 */
struct classifier_sender {
	__u32 ifindex;
	__u32 ipv4;
	__u32 mark;
	__u32 unused;
};

/**
 * struct classifier_element - One container. Addresses are in network order
 * @ipv4:	Its (first) IPv4 address; 0: none
 * @link_local:	The lower half of its one link-local address
 * @mark:	Bits that are set on each packet that passes
 * @late:	Bits that are set as well past the deadline of a shared source of the packet's family
 * @flags:	CLASSIFIER_*, as above
 * @ipv6:	Its (first) IPv6 address; 0: none
 * @n_more:	How many of @more there are
 * @mac:	MAC address of the container's end, and two bytes 0; counts with CLASSIFIER_OWN_MAC
 * @n_shared:	How many of @shared there are
 * @marks:	The four bits of which @mark and @late are some: the host's
 * @more:	Its other addresses; IPv4 ones as ::ffff:a.b.c.d
 * @shared:	Sources that its packets may get and that hosts share; one without a deadline is closed
 * @data_dir:	Where its lease is, so that whoever repairs a host finds all of them; "": the path is too long. The program
 *		does not look at it
 */
struct classifier_element {
	__u32 ipv4;
	__u32 link_local[2];
	__u32 mark;
	__u32 late;
	__u32 flags;
	__u32 ipv6[4];
	__u32 n_more;
	__u32 n_shared;
	__u8 mac[8];
	__u32 marks;
	__u32 more[CLASSIFIER_MORE_ADDRESSES][4];
	__u32 shared[CLASSIFIER_SHARED_MAX][4];
	char data_dir[CLASSIFIER_DATA_DIR_MAX];
};

#endif
