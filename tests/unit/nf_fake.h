/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_NF_FAKE_H
#define TESTS_UNIT_NF_FAKE_H

/*
 * nf_tables in memory behind the netlink port's seam, as far as rangeguard's table needs it: sets with elements, chains
 * with their use, rules that jump, and a flowtable with its devices, where it is told to have flowtables. A batch is done as a whole or not at all. Can fail its n-th call.
 */

#include <stdbool.h>

#include "plugin/network/port.h"
#include "plugin/snat/nfmessage.h"

#define NF_FAKE_SETS 320U
#define NF_FAKE_ELEMENTS 256U
#define NF_FAKE_RULES 64U
#define NF_FAKE_HOOKS 16U
#define NF_FAKE_DEVICES 64U

/** struct nf_fake_element - An element of the set of a name */
struct nf_fake_element {
	char set[NF_NAME_MAX];
	uint8_t key[NF_KEY_MAX];
	uint8_t data[16];
};

/** struct nf_fake_rule - A rule: its chain, its handle, where it jumps to ("": nowhere), its comment's bytes */
struct nf_fake_rule {
	char chain[NF_NAME_MAX];
	char target[NF_NAME_MAX];
	uint64_t handle;
	uint8_t comment[64];
	uint32_t comment_size;
};

/** struct nf_fake_hook - Where the chain of a name hooks in */
struct nf_fake_hook {
	char chain[NF_NAME_MAX];
	char type[16];
	uint32_t number;
	int32_t priority;
	uint32_t policy;
};

/** struct nf_fake_tables - What there is */
struct nf_fake_tables {
	bool table;
	bool dormant;
	char sets[NF_FAKE_SETS][NF_NAME_MAX];
	size_t n_sets;
	char chains[NF_FAKE_SETS][NF_NAME_MAX];
	size_t n_chains;
	struct nf_fake_hook hooks[NF_FAKE_HOOKS];
	size_t n_hooks;
	struct nf_fake_rule rules[NF_FAKE_RULES];
	size_t n_rules;
	struct nf_fake_element elements[NF_FAKE_ELEMENTS];
	size_t n_elements;
	bool flowtable;
	char devices[NF_FAKE_DEVICES][16];
	size_t n_devices;
	uint64_t handles;
};

/**
 * struct nf_fake - State and wishes
 * @now:		What there is
 * @calls:		Datagrams and batches so far
 * @batches:		How many of them were nfnetlink batches
 * @flowtables:		The kernel has flowtables
 * @untold:		There are more devices than it can tell of
 * @fail_call:		Which call fails, from 1; 0: none
 * @fail_errnum:	How: negative: the port's own failure; positive: the kernel refuses all of it
 */
struct nf_fake {
	struct nf_fake_tables now;
	unsigned calls;
	unsigned batches;
	bool flowtables;
	bool untold;
	unsigned fail_call;
	int fail_errnum;
};

extern struct nf_fake nf_fake;

void nf_fake_reset(void);
struct port *nf_fake_port(void);
/* Whether the set of that name has an element with that key, and how many elements there are. */
bool nf_fake_has(const char *set, const void *key, size_t size);
size_t nf_fake_count(const char *set);
/* Whether the flowtable has a device; take it out of it. */
bool nf_fake_has_device(const char *name);
void nf_fake_drop_device(const char *name);
void nf_fake_put(const char *set, const void *key, size_t size, const void *data, size_t data_size);
/* `nft flush table`: rules go, all else stays. */
void nf_fake_flush_rules(void);

#endif
