/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_PORT_FAKE_H
#define TESTS_UNIT_PORT_FAKE_H

/*
 * A kernel in memory behind the netlink port's seam: a host with the one veth pair that rangeguard makes, its routes,
 * and a container. Writes down what it is asked, in order; answers GETs; can fail its n-th call or message.
 *
 * It defines port_open(), netns_enter() and the sysctl functions itself, so that a program linked with it never
 * touches the machine: the linker takes none of them from the library then.
 */

#include <stdbool.h>

#include "plugin/network/port.h"
#include "plugin/network/rtmessage.h"

#define FAKE_LOG_MAX 2048
#define FAKE_LINE_MAX 128
#define FAKE_ROWS_MAX 8

/** struct fake_rows - Messages with which a GET or a dump is answered */
struct fake_rows {
	_Alignas(struct nlmsghdr) uint8_t messages[FAKE_ROWS_MAX][256];
	unsigned count;
};

/**
 * struct fake_kernel - State and wishes
 * @log:		One line per call or message, e.g. "host: add address fe80::1/64"
 * @host_end, @container_end: The pair; index 0: not there
 * @fail_call:		Which call fails, from 1; a batch, a sysctl, entering, opening are calls. 0: none
 * @fail_message:	Which message is refused, from 1, over all batches. 0: none
 * @fail_errnum:	With which errno, positive
 * @taken:		RTM_NEWLINK is refused with EEXIST, also when there is no host end
 * @no_ipv6:		There is no IPv6: its sysctls are missing, its part of a link message is refused
 * @discarded:		Lookups of these addresses fail with EHOSTUNREACH, whatever @lookup_errnum says
 * @host_route:		What is asked whether there is a route to it alone has one
 * @keeps_routes:	A route that is put on the host is what lookups answer with from then on; there may be one
 * @lookup_errnum:	Route lookups fail with this errno; 0: they answer with @lookup
 * @interruptions:	So many times a dump is begun again before it is whole
 * @wrong_sysctl:	NULL, or the one that has another value than wanted
 * @vanished:		So many of its first rows are gone when it is
 */
struct fake_kernel {
	char log[FAKE_LOG_MAX][FAKE_LINE_MAX];
	unsigned n_log;
	struct link_info host_end;
	struct link_info container_end;
	unsigned calls, fail_call;
	unsigned messages, fail_message;
	int fail_errnum;
	const char *fail_text;
	bool taken;
	bool no_ipv6;
	bool in_container;
	unsigned open_ports;
	struct span discarded;
	bool host_route;
	bool keeps_routes;
	int lookup_errnum;
	const char *lookup_text;
	struct fake_rows lookup;
	struct fake_rows routes;
	struct fake_rows addresses;
	struct fake_rows host_neighbours;
	struct fake_rows container_neighbours;
	const char *wrong_sysctl;
	unsigned interruptions;
	unsigned vanished;
};

extern struct fake_kernel fake;

void fake_reset(void);
struct port *fake_host_port(void);
void fake_add_route(struct fake_rows *rows, const struct route_info *route);
void fake_add_address(struct fake_rows *rows, const struct address_info *info);
int fake_find(const char *line);

#endif
