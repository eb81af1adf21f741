/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_FLOW_TABLE_FAKE_H
#define TESTS_UNIT_FLOW_TABLE_FAKE_H

/*
 * The kernel's connection tracking as a table of flows in memory, which reads the messages as the kernel does
 * (ctnetlink_del_conntrack() and ctnetlink_filter_match() in net/netfilter/nf_conntrack_netlink.c): whatever it does not
 * see a filter in empties the table. Stands for sysctl_number() and port_open_netfilter(), which are to be wrapped.
 */

#include <stdbool.h>
#include <stdint.h>

#include "ipam/address/address.h"
#include "plugin/network/port.h"

#define FLOWS_MAX 256

/** struct flow - A flow; its tuple's port is its number */
struct flow {
	struct address original, reply;
	uint16_t port;
	uint16_t zone;
	bool gone;
};

/**
 * struct flow_table - The table, and what is wished of it
 * @filters:	The kernel deletes by a filter
 * @fail_call, @fail_message: The n-th exchange or message fails with @fail_errnum; 0: none
 * @again:	The first dump is interrupted and begins again
 * @endless:	A flow comes back as soon as it is deleted
 * @repeat:	How often each flow is told of; 0: once
 * @empty:	What sysctl_number() returns; 1: nothing is tracked
 * @count:	What it tells else; 0: the flows that there are
 * @dumps, @told: Dumps, and flows that they told of
 * @opened:	Ports opened, by threads
 */
struct flow_table {
	struct flow flows[FLOWS_MAX];
	unsigned n;
	bool filters;
	unsigned calls, fail_call, messages, fail_message;
	int fail_errnum;
	bool again, endless;
	unsigned repeat;
	int empty;
	uint64_t count;
	unsigned dumps, told, opened;
};

extern struct flow_table flow_table;

struct address flow_address(const char *text);
void flow_table_add(const char *original, const char *reply);
struct port *flow_table_port(void);

#endif
