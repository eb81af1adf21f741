/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_EGRESS_H
#define PLUGIN_SNAT_EGRESS_H

/*
 * With which source addresses a container's packets leave: a list of clauses, of which the first one that knows the
 * destination counts. What a clause has in common with earlier pins is taken out of it, so that in the kernel each clause
 * can stand for itself. The list is never changed, a changed configuration makes another one, with another digest. As
 * bytes it stands in the lease store, from which all can be made again. Pure.
 */

#include <net/if.h>

#include "ipam/address/address.h"
#include "ipam/store/store.h"
#include "rangeguard/cleanup.h"

/**
 * struct egress_clause - Destinations, and the source that packets to them get
 * @family:	Of both
 * @source:	Address; FAMILY_NONE: masquerade, i.e. an address of the interface through which the packet leaves
 * @assign:	Interface on which rangeguard puts the source; "": it is on the host already
 * @shared:	The source is one of several hosts': the agent puts it there, and says until when
 * @spans:	Destinations, sorted, with a gap between any two
 * @n_spans:	How many
 * @list:	Digest of the destinations, which names them in the kernel
 */
struct egress_clause {
	enum family family;
	struct address source;
	char assign[IFNAMSIZ];
	bool shared;
	struct span *spans;
	size_t n_spans;
	uint64_t list;
};

/** struct egress - A list of clauses; owned */
struct egress {
	struct egress_clause *clauses;
	size_t n_clauses;
};

/**
 * struct egress_source - What the packets of a clause get
 * @family:	Family of the clause
 * @address:	Source; NULL: masquerade
 * @assign:	NULL, or the interface on which rangeguard puts it
 * @shared:	It is one of several hosts'
 */
struct egress_source {
	enum family family;
	const struct address *address;
	const char *assign;
	bool shared;
};

int egress_add(struct egress *egress, const struct egress_source *source, const struct span *spans, size_t n_spans);
int egress_add_except(struct egress *egress, const struct egress_source *source, const struct span *excluded,
		      size_t n_excluded);
const struct egress_clause *egress_shared(const struct egress *egress, size_t *at);
bool egress_pins(const struct egress *egress, enum family family);
int egress_encode(const struct egress *egress, void **ret_data, size_t *ret_size);
int egress_decode(struct bytes bytes, struct egress *ret_egress);
uint64_t egress_digest(struct bytes bytes);
void egress_done(struct egress *egress);

#define EGRESS_CLEANUP CLEANUP(egress_done)

#endif
