/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_NFRULE_H
#define PLUGIN_SNAT_NFRULE_H

/*
 * Rules of the nftables table, put together from expressions as nft's own compiler does, so that `nft list` can show
 * them. What can't be had for lack of memory is noticed when the rule is added. No descriptor, no system call.
 */

#include <libnftnl/rule.h>

#include "ipam/address/address.h"
#include "plugin/snat/nfmessage.h"

/** struct nf_rule - A rule in the making; registers: 1 and 2, 16 bytes each, and 0 for the verdict */
struct nf_rule {
	struct nftnl_rule *rule;
	bool failed;
};

void nf_rule_begin(struct nf_rule *rule, const char *chain);
/* A comment, which nft shows and by which a rule is found again. */
void nf_rule_comment(struct nf_rule *rule, const char *text);
/* Put the rule at the end of its chain. 0, -ENOMEM; the rule is released in any case. */
int nf_rule_add(struct nf_rule *rule, struct datagram *datagram);

/* Conditions */
void nf_match_family(struct nf_rule *rule, enum family family);
void nf_match_protocol(struct nf_rule *rule, uint8_t protocol);
void nf_match_icmp_type(struct nf_rule *rule, uint8_t type);
void nf_match_source(struct nf_rule *rule, const struct prefix *prefix);
void nf_match_mark(struct nf_rule *rule, uint32_t bit, bool set);
void nf_match_known_flow(struct nf_rule *rule);
void nf_match_interface(struct nf_rule *rule, enum nf_set set);
void nf_match_interface_and_source(struct nf_rule *rule, enum family family, enum nf_set set);
void nf_match_source_in(struct nf_rule *rule, enum family family, enum nf_set set, uint64_t list);
void nf_match_destination_in(struct nf_rule *rule, enum family family, uint32_t set_id);

/* What is done then */
void nf_verdict(struct nf_rule *rule, int verdict, const char *chain);
void nf_clear_mark(struct nf_rule *rule, uint32_t bit);
void nf_translate_source(struct nf_rule *rule, enum family family, enum nf_set map, uint64_t list);
void nf_masquerade(struct nf_rule *rule);

#endif
