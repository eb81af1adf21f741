/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_ASSIGN_H
#define PLUGIN_SNAT_ASSIGN_H

/*
 * Source addresses of pins on the host: whether one is there, putting it there (`assign`), taking it away. That
 * rangeguard put an address there is written on the address itself, in the kernel: IFA_PROTO 82 (Linux 5.18).
 */

#include <stdbool.h>

#include "ipam/address/address.h"
#include "plugin/network/port.h"
#include "plugin/report/error.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and REFUSED */
enum assign_outcome {
	/* assign_remove(): the address is there, but nothing says that rangeguard put it there (the administrator did, or
	 * the kernel is older than 5.18 and keeps no IFA_PROTO): it was left where it is. */
	ASSIGN_E_FOREIGN = OUTCOMES_ASSIGN,
};

/*
 * Put an address (/32, /128, no DAD) on an interface and announce it there, unless the interface has it. The neighbours
 * are asked first (probe.h: 60 ms). What can't be announced is there all the same. 0; REFUSED (103): a neighbour has the
 * address, the interface is missing, or the kernel refused.
 */
int assign_put(struct port *host, const char *interface, const struct address *address, struct error *reterr);

/*
 * Put an address that hosts share on an interface for some seconds, at the end of which the kernel takes it off; one that is
 * there gets the new lifetime. Asks nobody and announces nothing: whoever holds it does. 0; REFUSED (103), also when the
 * address is there for good, which nobody of ours did.
 */
int assign_lend(struct port *host, const char *interface, const struct address *address, unsigned seconds,
		struct error *reterr);

/* Whether a source can be put on an interface: that is there, and the source on no other one. 0; REFUSED (103). */
int assign_check_place(struct port *host, const char *interface, const struct address *source, struct error *reterr);

/* Take an address away that assign_put() or assign_lend() put. 0, also when address or interface are gone; ASSIGN_E_FOREIGN; REFUSED. */
int assign_remove(struct port *host, const char *interface, const struct address *address, struct error *reterr);

/* Whether an address is the host's own, i.e. routed to itself (RTN_LOCAL). 0; REFUSED (103). */
int assign_usable(struct port *host, const struct address *source, bool *ret_usable, struct error *reterr);

#endif
