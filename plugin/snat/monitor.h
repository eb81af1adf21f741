/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_MONITOR_H
#define PLUGIN_SNAT_MONITOR_H

/*
 * What the kernel tells of its own accord: that somebody took out of it what rangeguard put there. Two sockets that only
 * listen. What is heard says where to look, not what is wrong: the plugin's own DEL is heard as well.
 */

#include <stddef.h>
#include <stdint.h>

/** What was taken away: bits */
enum monitor_heard {
	MONITOR_TABLE = 1 << 0,	  /* our table, or one of its chains, rules or sets */
	MONITOR_ELEMENT = 1 << 1, /* an element of one of its sets */
	MONITOR_FENCE = 1 << 2,	  /* a routing rule, or a route that prohibits or discards */
	MONITOR_SOURCE = 1 << 3,  /* an address that was assigned */
	MONITOR_INTERFACE =
		1 << 4, /* a qdisc or a classifier of any interface, or a route to a container; or it was down */
	MONITOR_MISSED = 1 << 5, /* so much happened that the kernel dropped some of it: it may be anything */
	MONITOR_PUT = 1 << 6,	 /* not taken away: who listens has put a rule, route, address or table of ours there */
	MONITOR_CHANGED = 1 << 7, /* our table, one of its chains or rules is new or another one */
};

int monitor_open_nftables(int *ret_fd);
int monitor_open_rtnetlink(int *ret_fd);
int monitor_read(int fd, uint32_t own, unsigned *ret_heard);
unsigned monitor_parse_nftables(const void *datagram, size_t size, uint32_t own);
unsigned monitor_parse_rtnetlink(const void *datagram, size_t size, uint32_t own);

#endif
