/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_NFOBJECT_H
#define PLUGIN_SNAT_NFOBJECT_H

/*
 * Shared by nfmessage.c and nfinterval.c, which build, and nfread.c: libnftnl's objects bound to a scope, and what the
 * sets are like.
 */

#include <libnftnl/chain.h>
#include <libnftnl/flowtable.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

#include "plugin/snat/nfmessage.h"

/** nft's numbers of types (enum datatypes of its datatype.h), by which it knows how to show a set; the kernel does not */
#define NF_TYPE_IPV4 7U
#define NF_TYPE_IPV6 8U
#define NF_TYPE_BITS 6U

/** Elements in one message: less than 100 bytes each */
#define NF_ELEMENTS_PER_MESSAGE 64U

/** struct nf_shape - What a set is like; @data_type 0: no map. Of a kind the name is the prefix of the list's digest */
struct nf_shape {
	const char *name;
	uint32_t key_type;
	uint8_t key_bytes;
	uint32_t data_type;
	uint8_t data_bytes;
};

struct nlmsghdr *nf_header(struct batch *batch, uint16_t type, uint16_t flags);
struct nftnl_set *nf_name_set(const char *name);

extern const struct nf_shape nf_shapes[NF_N_SETS];

static inline void nf_set_cleanup(struct nftnl_set **set)
{
	if (*set)
		nftnl_set_free(*set);
}

static inline void nf_chain_cleanup(struct nftnl_chain **chain)
{
	if (*chain)
		nftnl_chain_free(*chain);
}

static inline void nf_rule_cleanup(struct nftnl_rule **rule)
{
	if (*rule)
		nftnl_rule_free(*rule);
}

static inline void nf_table_cleanup(struct nftnl_table **table)
{
	if (*table)
		nftnl_table_free(*table);
}

static inline void nf_flowtable_cleanup(struct nftnl_flowtable **flowtable)
{
	if (*flowtable)
		nftnl_flowtable_free(*flowtable);
}

#define NF_SET_CLEANUP CLEANUP(nf_set_cleanup)
#define NF_CHAIN_CLEANUP CLEANUP(nf_chain_cleanup)
#define NF_RULE_CLEANUP CLEANUP(nf_rule_cleanup)
#define NF_TABLE_CLEANUP CLEANUP(nf_table_cleanup)
#define NF_FLOWTABLE_CLEANUP CLEANUP(nf_flowtable_cleanup)

#endif
