/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the lease store says about containers, in the nftables table's terms. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/host/lease_store.h"
#include "plugin/host/other_stores.h"
#include "plugin/host/protection_internal.h"
#include "plugin/network/plan.h"
#include "plugin/report/log.h"
#include "plugin/snat/arm.h"

/** interface_of() - The host's interface towards a lease's container */
static void interface_of(const struct lease *lease, char name[static IFNAMSIZ])
{
	memset(name, 0, IFNAMSIZ);
	if (lease->attachment.chained)
		(void)snprintf(name, IFNAMSIZ, "%s", lease->interface);
	else
		identity_host_name(&lease->attachment, name);
}

/** protection_done() - Release what is owned */
void protection_done(struct protection *protection)
{
	egress_done(&protection->egress);
}

/** describe() - ipam_each_fn: a lease in the table's terms, but for its clauses */
static int describe(void *userdata, const struct lease *lease)
{
	struct protection *protection = userdata;

	interface_of(lease, protection->member.interface);
	memcpy(protection->member.addresses, lease->addresses, sizeof(protection->member.addresses));
	protection->member.n_addresses = lease->n_addresses;
	protection->member.anti_spoof = lease->anti_spoof;
	protection->digest = lease->egress;
	/* Only adopted ones have no namespace. */
	protection->unknown = !*lease->netns;
	return 0;
}

/** struct lease_search - What a lease is wanted for */
struct lease_search {
	struct protection *protection;
	struct farewell *farewell;
};

/** found() - ipam_each_fn: a lease in the table's terms, and kept for the history where that is wanted */
static int found(void *userdata, const struct lease *lease)
{
	const struct lease_search *search = userdata;

	if (search->farewell)
		farewell_keep(search->farewell, lease);
	return describe(search->protection, lease);
}

/** decode_clauses() - The clauses of a definition, which is what its digest says: 0, IPAM_E_DAMAGED, -ENOMEM */
static int decode_clauses(const struct ipam_egress *row, struct egress *ret_egress)
{
	int r;

	if (egress_digest(row->definition) != row->digest)
		return IPAM_E_DAMAGED;
	r = egress_decode(row->definition, ret_egress);
	return r == -EUCLEAN ? IPAM_E_DAMAGED : r;
}

/** read_clauses() - ipam_egress_fn: the clauses of a lease */
static int read_clauses(void *userdata, const struct ipam_egress *egress)
{
	struct protection *protection = userdata;

	return decode_clauses(egress, &protection->egress);
}

/** protection_of_lease() - A lease in the table's terms, its clauses borrowed */
struct protection protection_of_lease(const struct lease *lease, const struct egress *egress)
{
	struct protection protection = {0};

	(void)describe(&protection, lease);
	protection.member.egress = egress;
	return protection;
}

/** keep_digest() - ipam_each_fn: the digest of a lease's clauses */
static int keep_digest(void *userdata, const struct lease *lease)
{
	*(uint64_t *)userdata = lease->egress;
	return 0;
}

/**
 * protection_shared() - Whether an attachment of the chained role stands behind one of this program's own that translates the
 * same addresses
 * @store:	Store, in no transaction
 * @attachment:	Attachment
 * @ret_shared:	Whether it does; so it seems where the other's lease is damaged
 *
 * Return: 0, negative errno
 */
int protection_shared(struct store *store, const struct attachment *attachment, bool *ret_shared)
{
	struct attachment own = *attachment;
	uint64_t digest = 0;
	int r;

	*ret_shared = false;
	if (!attachment->chained)
		return 0;
	own.chained = false;
	r = ipam_find(store, &own, keep_digest, &digest);
	*ret_shared = r == IPAM_E_DAMAGED || (r == 0 && digest);
	return r < 0 ? r : 0;
}

/**
 * protection_find() - What the store says about an attachment
 * @store:	Store, in no transaction
 * @attachment:	Attachment
 * @farewell:	NULL, or keeps the lease
 * @ret_arms:	Always written; protection_done() releases it
 *
 * Return: 0; IPAM_E_NOT_FOUND; IPAM_E_DAMAGED, when @unknown tells whether the lease could be read, though not its
 *	clauses; negative errno
 */
int protection_find(struct store *store, const struct attachment *attachment, struct farewell *farewell,
		    struct protection *ret_arms)
{
	struct lease_search search = {.protection = ret_arms, .farewell = farewell};
	int r;

	*ret_arms = (struct protection){0};
	ret_arms->member.egress = &ret_arms->egress;
	r = ipam_find(store, attachment, found, &search);
	if (!r)
		r = protection_shared(store, attachment, &ret_arms->member.shared);
	if (r || !ret_arms->digest)
		return r;
	r = ipam_find_egress(store, ret_arms->digest, read_clauses, ret_arms);
	if (r <= 0)
		return r;
	ret_arms->unknown = true;
	return IPAM_E_DAMAGED;
}

/** struct decoded - Clauses by their digest */
struct decoded {
	uint64_t digest;
	struct egress egress;
};

/**
 * struct members - All containers on their way into a table that is rebuilt; @damaged: of some not all can be read;
 * @short_cut: it may get a flowtable, into which the interfaces of other guarded containers go, too
 */
struct members {
	struct arm_table *table;
	struct decoded *decoded;
	size_t n_decoded;
	bool damaged;
	bool short_cut;
};

static void members_done(struct members *members)
{
	for (size_t i = 0; i < members->n_decoded; i++)
		egress_done(&members->decoded[i].egress);
	free(members->decoded);
}

/** decode() - ipam_egress_fn: decode clauses, which come by digest */
static int decode(void *userdata, const struct ipam_egress *egress)
{
	struct members *members = userdata;
	struct decoded *decoded = reallocarray(members->decoded, members->n_decoded + 1, sizeof(*decoded));
	int r;

	if (!decoded)
		return -ENOMEM;
	members->decoded = decoded;
	decoded[members->n_decoded] = (struct decoded){.digest = egress->digest};
	r = decode_clauses(egress, &decoded[members->n_decoded].egress);
	members->n_decoded += !r;
	return r;
}

/** by_digest() - Order for qsort(3) and bsearch(3) */
static int by_digest(const void *a, const void *b)
{
	const struct decoded *left = a, *right = b;

	return (left->digest > right->digest) - (left->digest < right->digest);
}

/** add_lease() - ipam_each_fn: put a lease's container into the table */
static int add_lease(void *userdata, const struct lease *lease)
{
	static const struct egress none;
	struct members *members = userdata;
	struct decoded wanted = {.digest = lease->egress};
	const struct decoded *decoded = NULL;
	struct protection protection;

	if (lease->egress && members->n_decoded)
		decoded = bsearch(&wanted, members->decoded, members->n_decoded, sizeof(wanted), by_digest);
	members->damaged |= lease->egress && !decoded;
	protection = protection_of_lease(lease, decoded ? &decoded->egress : &none);
	if (member_wanted(&protection.member))
		return arm_table_add(members->table, &protection.member);
	return members->short_cut && protection.member.anti_spoof
		       ? offload_devices_add(&members->table->devices, protection.member.interface)
		       : 0;
}

/** visit() - Take note of a walk that has visited all rows but those that can't be read: 0, or why it ended early */
static int visit(struct members *members, int outcome)
{
	if (outcome != IPAM_E_DAMAGED)
		return outcome;
	members->damaged = true;
	return 0;
}

/** add_store() - other_store_fn: put all containers of a store into the table: 0, negative errno */
static int add_store(void *userdata, struct store *store)
{
	struct members *members = userdata;
	int r = visit(members, ipam_each_egress(store, decode, members));

	if (members->n_decoded)
		qsort(members->decoded, members->n_decoded, sizeof(*members->decoded), by_digest);
	return r ? r : visit(members, ipam_each(store, NULL, add_lease, members));
}

/**
 * protection_gather() - The table as the leases of all state directories want it
 * @host:	Host
 * @store:	Store of its state directory, locked; NULL: it has none
 * @table:	Table; arm_table_done() releases it in any case
 * @ret_damaged: Rows can't be read: what they say is not in it
 * @reterr:	Codes 11, 106, 107
 *
 * Return: 0, REFUSED when it would lack containers whose leases are sound
 */
int protection_gather(struct host *host, struct store *store, struct arm_table *table, bool *ret_damaged,
		      struct error *reterr)
{
	CLEANUP(members_done) struct members members = {.table = table, .short_cut = offload_possible()};
	int r = arm_table_begin(table);

	if (!r && store)
		r = add_store(&members, store);
	if (!r)
		r = other_stores_each(host, add_store, &members, reterr);
	*ret_damaged = members.damaged;
	return r && r != REFUSED ? lease_store_error(host->data_dir, r, reterr) : r;
}

/**
 * protection_make_table() - Rebuild the table with all containers that hold a lease, in any state directory
 * @host:	Host, its port on nfnetlink open
 * @store:	Store, locked
 * @reterr:	Codes 11, 103, 106, 107
 *
 * A row that can't be read keeps no other container out of the table. But when the store could not be read to its end,
 * the table stays as it is: one that lacks containers whose leases are sound would leave these without protection.
 *
 * Return: 0, REFUSED
 */
int protection_make_table(struct host *host, struct store *store, struct error *reterr)
{
	ARM_TABLE_CLEANUP struct arm_table table;
	bool damaged;

	if (protection_gather(host, store, &table, &damaged, reterr))
		return REFUSED;
	if (damaged)
		log_line("the lease store has rows that can't be read: the nftables table inet " NF_TABLE
			 " is rebuilt without what they say; until the containers concerned are created again, they "
			 "do not reach what they are pinned to");
	return arm_table_commit(host->netfilter, &table, reterr);
}
