/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_RULESET_INTERNAL_H
#define PLUGIN_SNAT_RULESET_INTERNAL_H

/* Shared by ruleset.c, which makes the table, and ruleset_list.c, which puts lists of destinations into it. Pure. */

#include "plugin/enforce/marks.h"
#include "plugin/snat/ruleset.h"

#define CHAIN_LEAVING "leaving"
#define CHAIN_PINS "pins"
/* "masquerade" is a word of nft's language */
#define CHAIN_MASQUERADE "masquerading"

/** ruleset_marks() - The bits of marks */
static inline struct marks ruleset_marks(void)
{
	return marks();
}

/** ruleset_of_family() - The set of a family: @ipv4 or the one after it */
static inline enum nf_set ruleset_of_family(enum nf_set ipv4, enum family family)
{
	return family == FAMILY_IPV4 ? ipv4 : (enum nf_set)(ipv4 + 1);
}

#endif
