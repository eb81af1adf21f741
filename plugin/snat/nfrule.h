/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_NFRULE_H
#define PLUGIN_SNAT_NFRULE_H

/*
 * Rules of the nftables table, put together from expressions as nft's own compiler does, so that `nft list` can show
 * them. What can't be had for lack of memory is noticed when the rule is added. No descriptor, no system call.
 */

#include <libnftnl/rule.h>
#include <net/if.h>

#include "ipam/address/address.h"
#include "plugin/snat/nfmessage.h"

/**
 * struct nf_rule - A rule in the making; registers: 1 and 2, 16 bytes each, and 0 for the verdict
 * @first:	It goes to the beginning of its chain
 */
struct nf_rule {
	struct nftnl_rule *rule;
	bool failed;
	bool first;
};

/** enum nf_pair - A container's address and a source: where a packet has them */
enum nf_pair {
	NF_PAIR_OPENED,		/* of a flow that the container opened: with which source it leaves, as the flow says */
	NF_PAIR_ANSWERED,	/* of one that came by translation of its destination: where it was sent to */
	NF_PAIR_OPENED_LEAVING, /* of the first: the packet's own source */
	NF_PAIR_ANSWERED_LEAVING, /* of the second */
};

void nf_rule_begin(struct nf_rule *rule, const char *table, const char *chain);
/* A comment, which nft shows and by which a rule is found again. */
void nf_rule_comment(struct nf_rule *rule, const char *text);
/* Put the rule into its chain. 0, -ENOMEM; the rule is released in any case. */
int nf_rule_add(struct nf_rule *rule, struct batch *batch);

/* Conditions */
void nf_match_family(struct nf_rule *rule, enum family family);
void nf_match_marks(struct nf_rule *rule, uint32_t mask, uint32_t value, bool equal);
void nf_match_mark(struct nf_rule *rule, uint32_t mark);
void nf_match_other_marks(struct nf_rule *rule, const uint32_t *known, size_t n);
void nf_match_group(struct nf_rule *rule, uint32_t group);
void nf_match_groups(struct nf_rule *rule, uint32_t mask, uint32_t group);
void nf_match_leaving_group(struct nf_rule *rule, uint32_t group);
void nf_match_other_kinds(struct nf_rule *rule, const char (*known)[IFNAMSIZ], size_t n);
void nf_match_new_flow(struct nf_rule *rule);
void nf_match_source_translated(struct nf_rule *rule, bool translated);
void nf_match_pair(struct nf_rule *rule, enum family family, enum nf_pair pair, enum nf_set set, uint64_t list);
void nf_match_party_in(struct nf_rule *rule, enum family family, bool opener, enum nf_set set, uint64_t list);
void nf_match_source_in(struct nf_rule *rule, enum family family, enum nf_set set, uint64_t list);
void nf_match_source_not_in(struct nf_rule *rule, enum family family, enum nf_set set, uint64_t list);
void nf_match_protocol(struct nf_rule *rule, uint8_t protocol);
void nf_match_header(struct nf_rule *rule, enum family family, uint8_t type);
void nf_match_destination_in(struct nf_rule *rule, enum family family, uint32_t set_id);
void nf_match_destination_known(struct nf_rule *rule, enum family family, enum nf_set set);
void nf_match_destination_within(struct nf_rule *rule, const struct prefix *prefix);

/* What is done then */
void nf_verdict(struct nf_rule *rule, int verdict, const char *chain);
void nf_set_marks(struct nf_rule *rule, uint32_t mask, uint32_t value);
void nf_count(struct nf_rule *rule);
void nf_translate_source(struct nf_rule *rule, enum family family, enum nf_set map, uint64_t list);
void nf_masquerade(struct nf_rule *rule);
void nf_offload(struct nf_rule *rule, const char *flowtable);

#endif
