/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_AUDIT_WANTED_H
#define PLUGIN_AUDIT_WANTED_H

/*
 * What the leases of a host's state directories want of its kernel beside interfaces and host routes, and what nftables
 * has. Read once, then compared; nothing here changes either.
 */

#include "ipam/lease/discards.h"
#include "plugin/audit/audit.h"
#include "plugin/host/host.h"
#include "plugin/snat/arm.h"
#include "plugin/snat/nfobjects.h"

/** struct prefixes - Prefixes; owned */
struct prefixes {
	struct prefix *all;
	size_t n;
	size_t capacity;
};

/** struct assigned - A source that is put on an interface */
struct assigned {
	struct address address;
	char interface[IFNAMSIZ];
	bool shared; /* the agent puts it there, while this host holds it */
};

/**
 * struct wanted - What leases want; owned
 * @table:	The nftables table
 * @pinned:	What pins lead to: prohibited for marked packets
 * @assigned:	Sources on interfaces
 * @discards:	What networks of the state directory discard
 * @adopted:	Leases were lost and adopted from the kernel: there may be more for them than any lease tells
 * @has_store:	The state directory has a lease store, which tells of all that it has in the kernel
 */
struct wanted {
	struct arm_table table;
	struct prefixes pinned;
	struct assigned *assigned;
	size_t n_assigned;
	size_t assigned_capacity;
	struct discards_table discards;
	bool adopted;
	bool has_store;
};

int wanted_read(struct host *host, struct wanted *ret_wanted, struct error *reterr);
bool wanted_has(const struct wanted *wanted, enum nf_set ipv4, enum family family);
void wanted_done(struct wanted *wanted);

/**
 * struct ruleset - nftables as it is; owned
 * @ours:	Objects in tables of ours
 * @foreign:	Of others': chains that translate sources, rules that set marks
 * @elements:	Of our sets
 */
struct ruleset {
	struct nf_objects ours;
	struct nf_objects foreign;
	struct elements elements;
};

int ruleset_read(struct host *host, struct ruleset *ret_ruleset, struct error *reterr);
void ruleset_done(struct ruleset *ruleset);

#endif
