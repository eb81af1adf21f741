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

/** The map's size: no host has more containers */
#define CLASSIFIER_ELEMENTS_MAX 65536

/** The longest state directory that is noted, with the NUL */
#define CLASSIFIER_DATA_DIR_MAX 128

/** In place of the map's descriptor in the program, until the loader puts it there */
#define CLASSIFIER_ELEMENTS 0x52474d4150000001ULL

/**
 * struct classifier_element - One container. Addresses are in network order
 * @ipv4:	Its (first) IPv4 address; 0: none
 * @link_local:	The lower half of its one link-local address
 * @mark:	Bits that are set on each packet that passes
 * @late:	Bits that are set as well past the deadline
 * @flags:	CLASSIFIER_ANY_SOURCE
 * @deadline:	CLOCK_BOOTTIME in nanoseconds; 0: none
 * @ipv6:	Its (first) IPv6 address; 0: none
 * @n_more:	How many of @more there are
 * @unused:	0
 * @more:	Its other addresses; IPv4 ones as ::ffff:a.b.c.d
 * @data_dir:	Where its lease is, so that whoever repairs a host finds all of them; "": the path is too long. The program
 *		does not look at it
 */
struct classifier_element {
	__u32 ipv4;
	__u32 link_local[2];
	__u32 mark;
	__u32 late;
	__u32 flags;
	__u64 deadline;
	__u32 ipv6[4];
	__u32 n_more;
	__u32 unused;
	__u32 more[CLASSIFIER_MORE_ADDRESSES][4];
	char data_dir[CLASSIFIER_DATA_DIR_MAX];
};

#endif
