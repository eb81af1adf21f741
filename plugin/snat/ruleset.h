/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_RULESET_H
#define PLUGIN_SNAT_RULESET_H

/*
 * The table `inet rangeguard` as a whole: which chains there are, where they hook in, and what they say. What is in
 * the sets differs from host to host, the rules do not. Messages only: pure.
 *
 *	prerouting  last - 1        incoming: what the classifier marked as pinned → pinned. If another's rule took all marks
 *	                            away, a pinned container's packet gets that one back first
 *	                            pinned: a new flow, or one that leaves with a source of the container's pins: the fence's
 *	                            mark comes off, and another says that it is to be checked
 *	input       last - 1        arriving: what comes from a container and may be a tunnel's gets the fence's mark and that of what
 *	                            is late: whatever a tunnel of the host's unpacks does not reach pinned destinations
 *	postrouting -199            pins: if another's rule took all marks away, the second one comes back; what has it, to
 *	                            each pin4-LIST, pin6-LIST. What an earlier holder of an address left in a set makes no
 *	                            container without a pin somebody else
 *	                            pinN-LIST: destination in LIST, source in map pinN-LIST → snat to what the map says
 *	postrouting -198            anchor: nothing
 *	postrouting   91            masquerading: to each masqueradeN-LIST
 *	                            masqueradeN-LIST: destination in LIST, source in set masqueradeN-LIST → masquerade
 *	postrouting last - 1        check: what came from a pinned container, or has one of the two marks → sole
 *	                            sole: container and source in set sole4, sole6: it leaves without marks; all else → leaving
 *	                            leaving: destination in LIST → sentN-LIST; what a source route, or a packet around it, leads
 *	                            elsewhere later → dropped; all else leaves without marks
 *	                            sentN-LIST: container and source in set sentN-LIST → leaves without marks; container in
 *	                            set heldN-LIST → dropped; other containers' pins go on to the next list
 *
 * So a packet of a pinned container must pass two judges who do not trust each other: the flow it belongs to (incoming),
 * and its own source when all NAT is done (check). Without the table the fence's mark stays on it.
 *
 * The kernel tracks connections because of these chains; the table is there only while a container has a pin or is
 * masqueraded.
 *
 * A list of destinations is named by its digest. What a container's clauses have in common is cut out of the later ones
 * (egress.c), so that the order of the lists does not matter.
 *
 * Of several NAT chains on a hook the first one that translates a connection decides (nf_nat_inet_fn() in the kernel).
 */

#include "plugin/snat/egress.h"
#include "plugin/snat/nfmessage.h"

/** Where sources are translated: the kernel takes no NAT chain before the first; the second is before Docker's and kube-proxy's */
#define RULESET_PRIORITY_PINS (-199)
#define RULESET_PRIORITY_MASQUERADE 91

/** Space for the chains of ruleset_chains() */
#define RULESET_CHAINS 9U
/** Space for the parts of a list */
#define RULESET_PARTS 2U

/** struct ruleset_chain - A chain, and how many rules it has and how many jump to it; @grows: at least. Without @hook.type: no hook */
struct ruleset_chain {
	char name[NF_NAME_MAX];
	struct nf_hook hook;
	uint32_t use;
	bool grows;
};

/**
 * struct ruleset_part - A set, a chain of the same name, and the rule that leads to it
 * @set:	The kind of set
 * @also:	Another one that only its rules look into; NF_N_SETS: none
 * @from:	The chain in which that rule is; its comment is the name
 */
struct ruleset_part {
	enum nf_set set;
	enum nf_set also;
	const char *from;
};

int ruleset_make(struct batch *batch);
const char *ruleset_base_of(const struct egress_clause *clause);
size_t ruleset_parts(const struct egress_clause *clause, struct ruleset_part parts[static RULESET_PARTS]);
int ruleset_remove_part(struct batch *batch, const struct ruleset_part *part, uint64_t list, uint64_t way);
int ruleset_add_list(struct batch *batch, const struct egress_clause *clause);
int ruleset_add_list_of(struct batch *batch, const char *name);
enum nf_set ruleset_set(const struct egress_clause *clause);
enum nf_set ruleset_sent_set(enum family family);
size_t ruleset_chains(struct ruleset_chain chains[static RULESET_CHAINS]);
size_t ruleset_list_chains(const struct egress_clause *clause, struct ruleset_chain chains[static RULESET_PARTS]);

#endif
