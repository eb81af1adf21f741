/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_NFMARKS_H
#define PLUGIN_SNAT_NFMARKS_H

/* Which bits of packets' marks a rule sets, whoever made it. Pure. */

#include <libnftnl/rule.h>
#include <stdint.h>

uint32_t nf_marks_set_by(const struct nftnl_rule *rule);

#endif
