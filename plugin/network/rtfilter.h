/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_RTFILTER_H
#define PLUGIN_NETWORK_RTFILTER_H

/* rtnetlink messages about classifiers of traffic control that run a BPF program over what passes a link. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "plugin/network/port.h"

/** BPF_TAG_SIZE of linux/bpf.h */
#define FILTER_TAG_BYTES 8
/** The longest name of a kind of classifier, IFNAMSIZ in the kernel, with the NUL */
#define FILTER_KIND_MAX 16

/**
 * struct filter_wanted - A classifier
 * @interface:	Link with a clsact or, for what comes in, ingress qdisc
 * @egress:	Over what leaves, instead of what comes in
 * @priority:	1: before all others; 0: the kernel picks one after all others
 * @program_fd:	Program
 * @name:	Shown by tc(8)
 */
struct filter_wanted {
	uint32_t interface;
	bool egress;
	uint16_t priority;
	int program_fd;
	const char *name;
};

/**
 * struct filter_info - What a message says of a classifier
 * @interface:	Link
 * @kind:	As tc(8) names it
 * @priority:	Of several, the one with the lowest number comes first
 * @program_id:	The kernel's number of its program; 0: it is not of kind "bpf"
 * @tag:	The kernel's digest of the program
 * @redirect:	Link to which it sends what it matches ("u32" with an action "mirred", as the bandwidth plugin has it); 0
 * @may_pass:	What it matches may go on without those after it: all that is not known to leave it to them or to end it there
 */
struct filter_info {
	uint32_t interface;
	char kind[FILTER_KIND_MAX];
	uint16_t priority;
	uint32_t program_id;
	uint8_t tag[FILTER_TAG_BYTES];
	uint32_t redirect;
	bool may_pass;
};

/* Each appends one message. 0, -ENOMEM, -E2BIG when the batch is full. */
int rtfilter_put(struct batch *batch, const struct filter_wanted *wanted);
int rtfilter_remove(struct batch *batch, const struct filter_wanted *wanted);
int rtfilter_dump(struct batch *batch, uint32_t interface, bool egress);
/* 0, -ENOMSG when the message is of another type, -EBADMSG. */
int rtfilter_read(const struct nlmsghdr *message, struct filter_info *ret_filter);

#endif
