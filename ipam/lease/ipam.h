/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IPAM_LEASE_IPAM_H
#define IPAM_LEASE_IPAM_H

/*
 * The address manager: takes all addresses of an attachment or none, in one transaction of the store; gives them
 * back; never gives one address twice, whatever the networks are called that share a store. Knows no JSON, no
 * netlink and no CNI.
 */

#include "ipam/address/range.h"
#include "ipam/guard/guard.h"
#include "ipam/lease/lease.h"
#include "ipam/store/row.h"
#include "ipam/store/store.h"
#include "rangeguard/outcome.h"

/** Named outcomes beside 0 and negative errno */
enum ipam_outcome {
	IPAM_E_FULL = OUTCOMES_IPAM, /* a range set has no free address: @set */
	IPAM_E_RESERVED,	     /* a requested address is reserved: @address, @entry */
	IPAM_E_HELD,		     /* a requested address is held by another attachment: @address, @holder */
	IPAM_E_OUTSIDE,		     /* no range set takes a requested address, or it has taken another one: @address */
	IPAM_E_EXCLUDED,  /* a requested address is never given: a gateway, next hop or pinned source: @address */
	IPAM_E_NOT_FOUND, /* no such lease */
	IPAM_E_VETOED,	  /* the veto ended the search: @address; what it found is the veto's to tell */
	IPAM_E_LIVES,	  /* the attachment holds a lease and lives: @address is one of its addresses */
	IPAM_E_DAMAGED, /* a row that was asked for can't be read; of a walk: some rows, and all others were visited */
};

/** What a veto says of an address that is about to be given */
enum ipam_verdict {
	IPAM_VERDICT_FREE, /* give it */
	IPAM_VERDICT_SKIP, /* somebody outside the store holds it: go on to the next */
	IPAM_VERDICT_STOP, /* refuse the whole request */
};

/**
 * ipam_veto_fn - Ask the outside world (the kernel's routes) about an address that is about to be given
 * @userdata:	Of the request
 * @range:	Range it would come from
 * @address:	Address
 * @requested:	Whether it was asked for by name
 *
 * Return: an ipam_verdict, or a negative errno
 */
typedef int (*ipam_veto_fn)(void *userdata, const struct ip_range *range, const struct address *address,
			    bool requested);

/**
 * ipam_lives_fn - Ask whether an attachment that holds a lease already is still there
 * @userdata:	Of the request
 * @lease:	What it holds
 *
 * Return: 1, 0, or a negative errno
 */
typedef int (*ipam_lives_fn)(void *userdata, const struct lease *lease);

/**
 * struct ipam_request - One attachment's wish
 * @lease:		Whose and where; its addresses are ignored
 * @egress:		What the lease's @egress stands for
 * @sets:		Range sets; one address of each
 * @n_sets:		How many, at most LIMIT_RANGE_SETS
 * @requested:		Addresses asked for by name; each must fit one of the sets
 * @n_requested:	How many
 * @own:		Addresses that belong to this one alone, though the sets exclude them; of a set that has any, one is
 *			given when none is asked for by name
 * @n_own:		How many
 * @own_first:		Which of those that a set has is tried first, counted from 0, round again after the last
 * @reuse_delay:	Seconds that a released address rests, as long as another one is free
 * @guard:		Sealed guard
 * @veto:		NULL, or asked about each address before it is given
 * @lives:		NULL, or asked when the attachment holds a lease
 * @userdata:		For both
 */
struct ipam_request {
	struct lease lease;
	struct bytes egress;
	const struct range_set *sets;
	size_t n_sets;
	const struct address *requested;
	size_t n_requested;
	const struct address *own;
	size_t n_own;
	size_t own_first;
	uint32_t reuse_delay;
	const struct guard *guard;
	ipam_veto_fn veto;
	ipam_lives_fn lives;
	void *userdata;
};

/**
 * struct ipam_grant - What was given
 * @addresses:	One address per range set, in their order
 * @ranges:	The range each of them is from (borrowed from the request)
 * @existed:	The attachment held a lease already, and these are its addresses
 */
struct ipam_grant {
	struct address addresses[LIMIT_RANGE_SETS];
	const struct ip_range *ranges[LIMIT_RANGE_SETS];
	size_t n_addresses;
	bool existed;
};

/** struct ipam_refusal - Why nothing was given; which member counts depends on the outcome */
struct ipam_refusal {
	size_t set;
	struct address address;
	struct guard_entry entry;
	char holder[512]; /* "NETWORK CONTAINERID IFNAME", cut where it is longer */
};

/** ipam_each_fn - Called for each lease; a value other than 0 ends the walk and is returned by it */
typedef int (*ipam_each_fn)(void *userdata, const struct lease *lease);

/**
 * struct ipam_part - A part of the leases
 * @network:	Only this network's, NULL: all
 * @limit:	How many are looked at
 * @after:	Those behind this one, when @begun
 * @begun:	This is not the first part
 * @ended:	This was the last part
 */
struct ipam_part {
	const char *network;
	size_t limit;
	struct row_key after;
	bool begun;
	bool ended;
};

/** struct ipam_egress - How packets of some leases leave: bytes that mean something to others, and how many leases */
struct ipam_egress {
	uint64_t digest;
	uint64_t users;
	struct bytes definition;
};

/** ipam_egress_fn - Called with one of them; a value other than 0 ends a walk and is returned by it */
typedef int (*ipam_egress_fn)(void *userdata, const struct ipam_egress *egress);

/** struct adopted - A lease known from elsewhere; its attachment's texts are "" when only the key is known */
struct adopted {
	struct attachment_key key;
	struct lease lease;
};

int ipam_adopt(struct store *store, const struct adopted *adopted, size_t n_adopted);
int ipam_mend(struct store *store);
int ipam_take(struct store *store, const struct ipam_request *request, struct ipam_grant *ret_grant,
	      struct ipam_refusal *reterr_refusal);
int ipam_note(struct store *store, const struct lease *lease, struct bytes egress);
int ipam_find_egress(struct store *store, uint64_t digest, ipam_egress_fn found, void *userdata);
int ipam_each_egress(struct store *store, ipam_egress_fn each, void *userdata);
int ipam_forget_egress(struct store *store, uint64_t digest);
int ipam_has_adopted(struct store *store);
int ipam_hold(struct store *store, const struct adopted *adopted);
int ipam_took_over(struct store *store, const char *network);
int ipam_set_took_over(struct store *store, const char *network);
int ipam_release(struct store *store, const struct attachment *attachment, int64_t now);
int ipam_find(struct store *store, const struct attachment *attachment, ipam_each_fn found, void *userdata);
int ipam_each(struct store *store, const char *network, ipam_each_fn each, void *userdata);
int ipam_each_part(struct store *store, struct ipam_part *part, ipam_each_fn each, void *userdata);
int ipam_next_held(struct store *store, const struct span *within, struct address *ret_address, ipam_each_fn holder,
		   void *userdata);
int ipam_count(struct store *store, const struct span *span, uint64_t after, size_t *ret_held, size_t *ret_resting);
int ipam_is_full(struct store *store, const struct range_set *sets, size_t n_sets, const struct guard *guard,
		 size_t *ret_set);

#endif
