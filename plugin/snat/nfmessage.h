/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_SNAT_NFMESSAGE_H
#define PLUGIN_SNAT_NFMESSAGE_H

/*
 * nftables messages as bytes: libnftnl builds them, a batch collects them. Everything is about the table
 * `inet rangeguard` and its sets, but for backstop.h's. No descriptor, no system call.
 */

#include <stdbool.h>

#include "plugin/network/port.h"
#include "rangeguard/cleanup.h"

#define NF_TABLE "rangeguard"
/** The one table that is not of the family inet: `bridge rangeguard-bridge` (backstop.h) */
#define NF_TABLE_BRIDGE "rangeguard-bridge"
/** Space for the name of a set or chain: "masquerade4-" and 16 digits */
#define NF_NAME_MAX 32
/** The longest key: two IPv6 addresses */
#define NF_KEY_MAX 32U

/** The table's sets and maps. The last eight are kinds: there is one for each list of destinations */
enum nf_set {
	NF_TRANSLATED4, /* addresses that are in one of the last eight */
	NF_TRANSLATED6,
	NF_PINNED4, /* addresses of containers with a pin */
	NF_PINNED6,
	NF_PAIRS4, /* address . source of one of its pins */
	NF_PAIRS6,
	NF_SOLE4, /* address . source, if all of its pins have that one */
	NF_SOLE6,
	NF_PIN4, /* address : source towards the list */
	NF_PIN6,
	NF_SENT4, /* address . source towards the list */
	NF_SENT6,
	NF_HELD4, /* addresses that must leave with their pin's source towards the list */
	NF_HELD6,
	NF_MASQUERADE4, /* addresses that are masqueraded towards the list */
	NF_MASQUERADE6,
	NF_N_SETS,
};

/** The first of the kinds; what is before it is made with the table */
#define NF_FIRST_KIND NF_PIN4

/**
 * struct nf_element - Element of a set
 * @set:	Set, or kind of sets
 * @list:	Of a kind: digest of the list of destinations
 * @key:	Its key
 * @source:	Value in NF_PIN4 and NF_PIN6
 */
struct nf_element {
	enum nf_set set;
	uint64_t list;
	uint8_t key[NF_KEY_MAX];
	uint8_t source[16];
};

/** struct nf_interval - Addresses in an anonymous set, as they stand in a packet; both ends are in it */
struct nf_interval {
	uint8_t first[16];
	uint8_t last[16];
};

/** struct nf_hook - Where a base chain hooks in */
struct nf_hook {
	const char *type;
	unsigned number;
	int priority;
};

/* Each appends one message, or as many as it takes. 0, -ENOMEM. */
int nf_begin(struct batch *batch);
int nf_end(struct batch *batch);
int nf_add_table(struct batch *batch, const char *table);
int nf_delete_table(struct batch *batch, const char *table);
int nf_add_set(struct batch *batch, enum nf_set which, uint64_t list);
int nf_delete_set(struct batch *batch, enum nf_set which, uint64_t list);
int nf_add_chain(struct batch *batch, const char *table, const char *name, const struct nf_hook *hook);
int nf_delete_chain(struct batch *batch, const char *name);
int nf_delete_rule(struct batch *batch, const char *table, const char *chain, uint64_t handle);
/* Ask for the table's sets, a set's elements, a chain's rules: dumps, hence alone in their batch. */
int nf_get_sets(struct batch *batch);
int nf_dump_set(struct batch *batch, const char *name);
int nf_dump_elements(struct batch *batch, enum nf_set which, uint64_t list);
int nf_get_rules(struct batch *batch, const char *table, const char *chain);
int nf_get_table(struct batch *batch, const char *table);
int nf_get_chain(struct batch *batch, const char *table, const char *name);
/* Elements of the same set, as they follow each other, share a message. */
int nf_add_elements(struct batch *batch, const struct nf_element *elements, size_t n);
int nf_add_new_elements(struct batch *batch, const struct nf_element *elements, size_t n);
int nf_delete_elements(struct batch *batch, const struct nf_element *elements, size_t n);
int nf_get_elements(struct batch *batch, const struct nf_element *elements, size_t n);
/* An anonymous set of addresses of @bytes bytes each, named by @id within the batch. */
int nf_add_intervals(struct batch *batch, uint32_t id, unsigned bytes, const struct nf_interval *intervals, size_t n);

const char *nf_set_name(enum nf_set set, uint64_t list, char name[static NF_NAME_MAX]);
enum nf_set nf_set_of_name(const char *name, uint64_t *ret_list);

/* What an answer says. 0, -ENOMSG when it is about something else, -EBADMSG. */
int nf_read_table(const struct nlmsghdr *message, bool *ret_dormant);
int nf_read_chain(const struct nlmsghdr *message, char name[static NF_NAME_MAX], uint32_t *ret_use);
int nf_read_hook(const struct nlmsghdr *message, const struct nf_hook *hook);
int nf_read_set(const struct nlmsghdr *message, enum nf_set *ret_set, uint64_t *ret_list);
int nf_read_rule(const struct nlmsghdr *message, uint64_t *ret_handle, char comment[static NF_NAME_MAX]);
int nf_read_bounds(const struct nlmsghdr *message, uint32_t *ret_set_id, uint64_t *digest);
int nf_read_packets(const struct nlmsghdr *message, uint64_t *packets);
int nf_read_elements(const struct nlmsghdr *message, int (*each)(void *userdata, const struct nf_element *element),
		     void *userdata);

uint8_t nf_family(const char *table);

/* The place behind the last message, with room for one of any kind; NULL without memory. */
void *nf_room(struct batch *batch);
/* The message that was put there belongs to the batch. */
void nf_append(struct batch *batch, const struct nlmsghdr *message);

#endif
