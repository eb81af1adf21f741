/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_ADDRESS_ROUTE_H
#define IPAM_ADDRESS_ROUTE_H

/* A route as a value: what a configuration lists, a result tells, and a container gets. Pure. */

#include "ipam/address/address.h"

/** struct route - A route into or of a container; also what `ipam.routes` lists */
struct route {
	struct prefix destination;
	struct address gateway; /* FAMILY_NONE: none */
	/* Since CNI 1.1.0; -1: absent. Units: bytes, bytes, metric, table id, scope as in linux/rtnetlink.h */
	long mtu;
	long advmss;
	long priority;
	long table;
	long scope;
};

#endif
