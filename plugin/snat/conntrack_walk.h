/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_CONNTRACK_WALK_H
#define PLUGIN_SNAT_CONNTRACK_WALK_H

/*
 * Walks over the kernel's table of flows, for conntrack.c. The kernel has no index by address: it goes through all flows of
 * the host for each dump, 0.2 µs each, and passes over those that its own filter keeps back. So no walk is made twice: one
 * per IPv4 address and direction, in which the kernel compares the address; one for all IPv6 addresses, which gets every
 * IPv6 flow, since the kernel's comparison of these is upside down (ctmessage.c).
 */

#include <stddef.h>

#include "plugin/report/error.h"
#include "plugin/snat/ctmessage.h"
#include "rangeguard/limits.h"

/** Walks that addresses take at most: two for each, and not fewer than one for each family */
#define CT_WALKS_MAX (2 * LIMIT_RANGE_SETS)

/**
 * struct ct_walk - One walk
 * @addresses:	Addresses whose flows are deleted; borrowed
 * @n:		How many
 * @only:	The IPv4 address that the kernel is asked to look for; NULL: all IPv6 flows
 * @direction:	In which direction
 */
struct ct_walk {
	const struct address *addresses;
	size_t n;
	const struct address *only;
	enum ct_direction direction;
};

size_t ct_walks_of(const struct address *addresses, size_t n, struct ct_walk walks[static CT_WALKS_MAX]);
int ct_walk(struct port *netfilter, const struct ct_walk *walk, struct error *reterr);
int ct_walk_failed(int errnum, const char *text, struct error *reterr);

#endif
