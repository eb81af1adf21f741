/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_NFSURVEY_H
#define PLUGIN_SNAT_NFSURVEY_H

/*
 * nftables as it is, whoever made it: sets, chains and rules as far as they can be compared and judged. What is read may be
 * the kernel's answer to a dump, or a message that would make such an object: so what is there is compared with what
 * would be made. Pure: no descriptor, no system call.
 */

#include "plugin/snat/nfmessage.h"

/** Space for the name of a table, a chain or a set; longer ones, which are others', are cut */
#define NF_OBJECT_NAME_MAX 64U
/** Space for what an object says; more is cut */
#define NF_OBJECT_TEXT_MAX 640U
/** Space for what a rule says of packets' destinations */
#define NF_OBJECT_DESTINATIONS_MAX 192U

enum nf_object_kind { NF_OBJECT_SET, NF_OBJECT_CHAIN, NF_OBJECT_RULE };

/**
 * struct nf_object - A set, a chain, or a rule
 * @kind:	Which of them
 * @family:	NFPROTO_* of its table
 * @table:	Its table
 * @name:	Its name; of a rule, its chain's
 * @handle:	The kernel's number of it; 0: none
 * @text:	What it says, as far as kernels of all versions say it in the same way: for comparing
 * @destinations: What a rule says of packets' destinations, apart from the rest: a list of them is a container's, not the table's
 * @target:	The chain that a rule leads to; "": none
 * @anonymous:	The anonymous set that a rule looks into, as the kernel names it; "": none
 * @set_id:	Its number within the batch
 * @translates:	A chain of type nat in the hook postrouting, where sources are translated
 * @priority:	Of a chain in a hook
 * @marks:	Bits that a rule may set in packets' marks, as far as its constants tell
 */
struct nf_object {
	enum nf_object_kind kind;
	uint8_t family;
	char table[NF_OBJECT_NAME_MAX];
	char name[NF_OBJECT_NAME_MAX];
	uint64_t handle;
	char text[NF_OBJECT_TEXT_MAX];
	char destinations[NF_OBJECT_DESTINATIONS_MAX];
	char target[NF_OBJECT_NAME_MAX];
	char anonymous[NF_NAME_MAX];
	uint32_t set_id;
	bool translates;
	int32_t priority;
	uint32_t marks;
};

/* Ask for all objects of a kind, of all tables of all families: a dump, hence alone in its batch. */
void nf_dump_objects(struct batch *batch, enum nf_object_kind kind);

/* 0; -ENOMSG: something else, an anonymous set, or a rule of others that this libnftnl can't read; -EBADMSG, -ENOMEM. */
int nf_read_object(const struct nlmsghdr *message, struct nf_object *ret_object);

/* As nft names it: "inet", "ip"; "?" for what it does not know. */
const char *nf_family_name(uint8_t family);

#endif
