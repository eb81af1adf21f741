/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_VERBS_PINNING_H
#define PLUGIN_VERBS_PINNING_H

/* From a configuration and a container to how the container's packets leave. Pure but for pinning_check(). */

#include "plugin/netconf/netconf.h"
#include "plugin/network/port.h"
#include "plugin/snat/egress.h"

/**
 * struct pinning - How a container's packets leave; owned
 * @matched:	Pins that are for it, in the order of the configuration; borrowed from it
 * @n_matched:	How many
 * @egress:	As clauses
 * @definition:	As bytes, for the lease store
 * @digest:	Of these, 0 when there are no clauses
 * @names:	Names of the pins, with a blank between them
 */
struct pinning {
	const struct pin *matched[LIMIT_PINS_PER_CONTAINER];
	size_t n_matched;
	struct egress egress;
	struct bytes definition;
	uint64_t digest;
	char names[LIMIT_PINS_PER_CONTAINER * (LIMIT_PIN_NAME + 1) + 1];
};

/** struct pinning_own - The network's own ranges, whose families are those of the container */
struct pinning_own {
	struct span *ranges;
	size_t n_ranges;
};

int pinning_own_of_ranges(const struct netconf *netconf, struct pinning_own *ret_own);
int pinning_own_of_result(const struct result *result, struct pinning_own *ret_own);
void pinning_own_done(struct pinning_own *own);
int pinning_make(const struct netconf *netconf, const struct cni_args *args, const struct pinning_own *own,
		 struct pinning *ret_pinning, struct error *reterr);
int pinning_check(const struct pinning *pinning, struct port *host, struct error *reterr);
void pinning_done(struct pinning *pinning);

#endif
