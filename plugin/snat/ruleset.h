/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_RULESET_H
#define PLUGIN_SNAT_RULESET_H

/*
 * The table `inet rangeguard` as a whole: which chains there are, where they hook in, and what they say. What is in
 * the sets differs from host to host, the rules do not. Messages only: pure.
 *
 *	prerouting  -300 (raw)      spoof-check: from a guarded interface → spoof
 *	                            spoof: router advertisements and redirects are dropped; an address that the interface
 *	                            holds, DAD and neighbour discovery pass; all else is dropped
 *	prerouting  -150 (mangle)   unfence: takes the fence's mark off packets from pinned addresses, drops those that
 *	                            have none
 *	postrouting   90 (srcnat-10) pins: to each pin4-LIST, pin6-LIST
 *	                            pinN-LIST: destination in LIST, source in map pinN-LIST → snat to what the map says
 *	postrouting   91            masquerading: to each masqueradeN-LIST
 *	                            masqueradeN-LIST: destination in LIST, source in set masqueradeN-LIST → masquerade
 *
 * What hooks in from -150 on has the kernel track all connections; it is there only once a container has a pin or is
 * masqueraded.
 *
 * A list of destinations is named by its digest. What a container's clauses have in common is cut out of the later ones
 * (egress.c), so that the order of the pinN-LIST does not matter.
 *
 * Of several NAT chains on a hook the first one that translates a connection decides (nf_nat_inet_fn() in the kernel),
 * so that one at 90 goes before those of kube-proxy, Docker, firewalld and portmap at 100 (srcnat).
 */

#include "plugin/snat/egress.h"
#include "plugin/snat/nfmessage.h"

/** Space for the chains of ruleset_chains() */
#define RULESET_CHAINS 5U

/** struct ruleset_chain - A chain, and how many rules it has and how many jump to it at least */
struct ruleset_chain {
	char name[NF_NAME_MAX];
	uint32_t use;
};

int ruleset_make(struct datagram *batch);
int ruleset_make_translation(struct datagram *batch);
const char *ruleset_base_of(const struct egress_clause *clause);
int ruleset_remove_list(struct datagram *batch, const struct egress_clause *clause, uint64_t jump);
int ruleset_add_list(struct datagram *batch, const struct egress_clause *clause);
enum nf_set ruleset_set(const struct egress_clause *clause);
size_t ruleset_chains(bool translation, struct ruleset_chain chains[static RULESET_CHAINS]);
void ruleset_list_chain(const struct egress_clause *clause, struct ruleset_chain *ret_chain);

#endif
