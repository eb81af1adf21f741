/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the lease store says about containers, in the nftables table's terms. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/host/arms_internal.h"
#include "plugin/network/plan.h"
#include "plugin/snat/arm.h"
#include "plugin/verbs/leases.h"

/** interface_of() - The host's interface towards a lease's container */
static void interface_of(const struct lease *lease, char name[static IFNAMSIZ])
{
	memset(name, 0, IFNAMSIZ);
	if (lease->attachment.chained)
		(void)snprintf(name, IFNAMSIZ, "%s", lease->interface);
	else
		plan_host_name(&lease->attachment, name);
}

/** arms_done() - Release what is owned */
void arms_done(struct arms *arms)
{
	egress_done(&arms->egress);
}

/** describe() - ipam_each_fn: a lease in the table's terms, but for its clauses */
static int describe(void *userdata, const struct lease *lease)
{
	struct arms *arms = userdata;

	interface_of(lease, arms->arming.interface);
	memcpy(arms->arming.addresses, lease->addresses, sizeof(arms->arming.addresses));
	arms->arming.n_addresses = lease->n_addresses;
	arms->arming.anti_spoof = lease->anti_spoof;
	arms->digest = lease->egress;
	/* Only adopted ones have no namespace. */
	arms->unknown = !*lease->netns;
	return 0;
}

/** read_clauses() - ipam_egress_fn: the clauses of a lease */
static int read_clauses(void *userdata, const struct ipam_egress *egress)
{
	struct arms *arms = userdata;

	return egress_decode(egress->definition, &arms->egress);
}

/** arms_of_lease() - A lease in the table's terms, its clauses borrowed */
struct arms arms_of_lease(const struct lease *lease, const struct egress *egress)
{
	struct arms arms = {0};

	(void)describe(&arms, lease);
	arms.arming.egress = egress;
	return arms;
}

/** keep_digest() - ipam_each_fn: the digest of a lease's clauses */
static int keep_digest(void *userdata, const struct lease *lease)
{
	*(uint64_t *)userdata = lease->egress;
	return 0;
}

/**
 * arms_shared() - Whether an attachment of the chained role stands behind one of this program's own that translates the
 * same addresses
 * @store:	Store, in no transaction
 * @attachment:	Attachment
 */
bool arms_shared(struct store *store, const struct attachment *attachment)
{
	struct attachment own = *attachment;
	uint64_t digest = 0;

	own.chained = false;
	return attachment->chained && ipam_find(store, &own, keep_digest, &digest) == 0 && digest;
}

/**
 * arms_find() - What the store says about an attachment
 * @store:	Store, in no transaction
 * @attachment:	Attachment
 * @ret_arms:	Always written; arms_done() releases it
 *
 * Return: 0, an outcome of the IPAM, negative errno
 */
int arms_find(struct store *store, const struct attachment *attachment, struct arms *ret_arms)
{
	int r;

	*ret_arms = (struct arms){0};
	ret_arms->arming.egress = &ret_arms->egress;
	r = ipam_find(store, attachment, describe, ret_arms);
	if (!r)
		ret_arms->arming.shared = arms_shared(store, attachment);
	if (!r && ret_arms->digest)
		r = ipam_find_egress(store, ret_arms->digest, read_clauses, ret_arms);
	return r;
}

/** struct known - Clauses by their digest */
struct known {
	uint64_t digest;
	struct egress egress;
};

/** struct muster - All containers on their way into a table that is made anew */
struct muster {
	struct arm_table table;
	struct known *known;
	size_t n_known;
};

static void muster_done(struct muster *muster)
{
	arm_table_done(&muster->table);
	for (size_t i = 0; i < muster->n_known; i++)
		egress_done(&muster->known[i].egress);
	free(muster->known);
}

/** know() - ipam_egress_fn: decode clauses, which come by digest */
static int know(void *userdata, const struct ipam_egress *egress)
{
	struct muster *muster = userdata;
	struct known *known = reallocarray(muster->known, muster->n_known + 1, sizeof(*known));
	int r;

	if (!known)
		return -ENOMEM;
	muster->known = known;
	known[muster->n_known] = (struct known){.digest = egress->digest};
	r = egress_decode(egress->definition, &known[muster->n_known].egress);
	/* What can't be read does not keep the others from their places. */
	muster->n_known += !r;
	return r == -EUCLEAN ? 0 : r;
}

/** by_digest() - bsearch(3) order */
static int by_digest(const void *a, const void *b)
{
	const struct known *left = a, *right = b;

	return (left->digest > right->digest) - (left->digest < right->digest);
}

/** enlist() - ipam_each_fn: put a lease's container into the table */
static int enlist(void *userdata, const struct lease *lease)
{
	static const struct egress none;
	struct muster *muster = userdata;
	struct known wanted = {.digest = lease->egress};
	const struct known *known = NULL;
	struct arms arms;

	if (lease->egress && muster->n_known)
		known = bsearch(&wanted, muster->known, muster->n_known, sizeof(wanted), by_digest);
	arms = arms_of_lease(lease, known ? &known->egress : &none);
	return arming_wanted(&arms.arming) ? arm_table_add(&muster->table, &arms.arming) : 0;
}

/**
 * arms_make_table() - Make the table anew with all containers that hold a lease
 * @context:	Call
 * @store:	Store, locked
 * @netfilter:	Port
 * @reterr:	Codes 103, 106, 107
 *
 * Return: 0, REFUSED
 */
int arms_make_table(const struct context *context, struct store *store, struct port *netfilter, struct error *reterr)
{
	CLEANUP(muster_done) struct muster muster = {0};
	int r = arm_table_begin(&muster.table);

	if (!r)
		r = ipam_each_egress(store, know, &muster);
	if (!r)
		r = ipam_each(store, NULL, enlist, &muster);
	if (r == -ENOMEM)
		return error_no_memory(reterr);
	if (r && r != IPAM_E_DAMAGED)
		return leases_error(context, r, reterr);
	return arm_table_commit(netfilter, &muster.table, reterr);
}
