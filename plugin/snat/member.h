/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_MEMBER_H
#define PLUGIN_SNAT_MEMBER_H

/* What the nftables table must know of one container, as elements of its sets. Pure. */

#include <net/if.h>

#include "plugin/snat/egress.h"
#include "plugin/snat/nfmessage.h"
#include "rangeguard/limits.h"

/**
 * struct member - One container
 * @interface:	The host's interface towards it, "" when that is not known
 * @addresses:	Its addresses
 * @n_addresses: How many
 * @anti_spoof:	What comes in through the interface must carry one of them
 * @shared:	Another member, of the same addresses, tells already that they are translated
 * @egress:	With which sources its packets leave; no clauses: with its own. Borrowed
 */
struct member {
	char interface[IFNAMSIZ];
	struct address addresses[LIMIT_RANGE_SETS];
	size_t n_addresses;
	bool anti_spoof;
	bool shared;
	const struct egress *egress;
};

/** struct elements - Elements, those of one set together; owned */
struct elements {
	struct nf_element *all;
	size_t n;
	size_t capacity;
};

bool member_wanted(const struct member *member);
bool member_pinned(const struct member *member);
int member_elements(const struct member *member, struct elements *elements);
int member_absent(const struct member *member, struct elements *elements);
int member_possible(const struct member *member, enum nf_set set, uint64_t list, struct elements *elements);
int elements_reserve(struct elements *elements, size_t n);
bool element_equal(const struct nf_element *a, const struct nf_element *b);
void elements_sort(struct elements *elements);
void elements_done(struct elements *elements);

#define ELEMENTS_CLEANUP CLEANUP(elements_done)

#endif
