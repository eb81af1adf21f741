/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes that discard what of a network's ranges nobody has. Owns nothing: rows are the store's, routes the kernel's. */

#include "plugin/host/discard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "plugin/host/discard_internal.h"

/** discard_metric() - Metric of the routes of a state directory */
uint32_t discard_metric(const char *data_dir)
{
	size_t length = strlen(data_dir);

	while (length > 1 && data_dir[length - 1] == '/')
		length--;
	return DISCARD_METRIC | (uint32_t)(XXH3_64bits(data_dir, length) & UINT16_MAX);
}

/** add_span() - Add a span as prefixes: 0, -ENOMEM, -E2BIG */
static int add_span(struct discards *discards, struct span span)
{
	struct prefix prefix;
	bool more;
	int r = 0;

	do {
		more = span_take_prefix(&span, &prefix);
		if (!discards_have(discards, &prefix))
			r = discards_add(discards, &prefix);
	} while (!r && more);
	return r;
}

/** add_range() - Add what a range gives, but for what is reserved: that is others', and reached by the host's routes */
static int add_range(struct discards *discards, const struct ip_range *range, const struct guard *guard)
{
	struct span rest = range_whole_span(range), hole;
	int r;

	while ((r = guard_next(guard, &rest, &hole)) == GUARD_E_RESERVED) {
		struct span before = {.family = rest.family, .first = rest.first, .last = hole.first - 1};

		r = hole.first > rest.first ? add_span(discards, before) : 0;
		if (r || hole.last == rest.last)
			return r;
		rest.first = hole.last + 1;
	}
	return r < 0 ? r : add_span(discards, rest);
}

/** has_blocks() - Whether ranges of a family are a cluster's; the agent sees to the blocks */
static bool has_blocks(const struct netconf *netconf, enum family family)
{
	return family == FAMILY_IPV6 ? netconf->block_length_ipv6 : netconf->block_length_ipv4;
}

/** add_sets() - add_range() for each range */
static int add_sets(const struct netconf *netconf, const struct guard *guard, struct discards *discards)
{
	int r = 0;

	for (size_t i = 0; i < netconf->n_sets; i++)
		for (size_t j = 0; j < netconf->sets[i].n_ranges && !r; j++)
			if (!has_blocks(netconf, netconf->sets[i].ranges[j].span.family))
				r = add_range(discards, &netconf->sets[i].ranges[j], guard);
	return r;
}

/**
 * discard_wanted() - What a network has the host discard. Pure
 * @netconf:		Configuration
 * @guard:		Sealed guard
 * @ret_discards:	Owned. None when there would be too many: ranges with so many reservations inside
 *
 * Return: 0, negative errno
 */
int discard_wanted(const struct netconf *netconf, const struct guard *guard, struct discards *ret_discards)
{
	DISCARDS_CLEANUP struct discards discards = {0};
	int r = netconf->discard_routes ? add_sets(netconf, guard, &discards) : 0;

	*ret_discards = (struct discards){0};
	if (r)
		return r == -E2BIG ? 0 : r;
	*ret_discards = discards;
	discards = (struct discards){0};
	return 0;
}

/** discard_stage() - Begin a stage about the host's routes */
void discard_stage(struct stage *stage, const struct host *host, struct error *reterr)
{
	stage_begin(stage, host->rtnetlink, "on the host", reterr);
}

/** discard_put_routes() - Add routes; those that are there will do: 0, REFUSED */
int discard_put_routes(const struct host *host, const struct discards *discards, struct error *reterr)
{
	struct stage stage;
	int r = 0;

	discard_stage(&stage, host, reterr);
	for (size_t i = 0; i < discards->n && !r; i++) {
		r = stage_make_room(&stage);
		if (!r)
			r = stage_add(&stage, rtmessage_put_discard_route(&stage.batch, &discards->all[i],
									  discard_metric(host->data_dir)));
	}
	return r ? r : stage_send(&stage);
}

/** send_deletions() - Send what is gathered; routes that are gone already will do: 0, REFUSED */
static int send_deletions(struct stage *stage)
{
	int r = stage_try(stage);

	if (r == PORT_E_REFUSED && stage->failure.errnum != ESRCH && stage->failure.errnum != EAFNOSUPPORT)
		return stage_refused(stage);
	batch_reset(&stage->batch);
	return r < 0 ? REFUSED : 0;
}

/**
 * struct kept_routes - Whose routes stay
 * @others:	Rows
 * @wanted:	What the network itself wants from now on; NULL: nothing
 */
struct kept_routes {
	const struct discards_table *others;
	const struct discards *wanted;
};

/** is_kept() - Whether somebody wants the route to a prefix still */
static bool is_kept(const struct kept_routes *keeping, const struct prefix *prefix)
{
	if (keeping->wanted && discards_have(keeping->wanted, prefix))
		return true;
	for (size_t i = 0; i < keeping->others->n; i++)
		if (discards_have(&keeping->others->rows[i].discards, prefix))
			return true;
	return false;
}

/** delete_routes() - Delete the routes that nobody wants any more: 0, REFUSED (107) */
static int delete_routes(const struct host *host, const struct discards *discards, const struct kept_routes *keeping,
			 struct error *reterr)
{
	struct stage stage;
	int r = 0;

	discard_stage(&stage, host, reterr);
	for (size_t i = 0; i < discards->n && !r; i++) {
		if (is_kept(keeping, &discards->all[i]))
			continue;
		if (!batch_has_room(&stage.batch))
			r = send_deletions(&stage);
		if (!r)
			r = stage_add(&stage, rtmessage_delete_discard_route(&stage.batch, &discards->all[i],
									     discard_metric(host->data_dir)));
	}
	return r ? r : send_deletions(&stage);
}

/** discard_delete_routes() - Delete routes; those that are gone already will do: 0, REFUSED (107) */
int discard_delete_routes(const struct host *host, const struct discards *discards, struct error *reterr)
{
	const struct discards_table nobody = {0};
	const struct kept_routes keeping = {.others = &nobody};

	return delete_routes(host, discards, &keeping, reterr);
}

/** discard_store_error() - Say that the store does not do what is needed: REFUSED */
int discard_store_error(int outcome, struct error *reterr)
{
	return error_set_errno(reterr, ERROR_STORE, outcome,
			       "the lease store does not tell what of the ranges is discarded");
}

/** delete_former() - Delete the routes that a network wants no more, whose row is still there: 0, REFUSED */
static int delete_former(const struct host *host, struct discards_table *table, const char *network,
			 const struct discards *wanted, struct error *reterr)
{
	struct discards_row *row = discards_find(table, network);
	DISCARDS_CLEANUP struct discards former = {0};
	const struct kept_routes keeping = {.others = table, .wanted = wanted};

	if (!row)
		return 0;
	former = row->discards;
	row->discards = (struct discards){0};
	return delete_routes(host, &former, &keeping, reterr);
}

/**
 * replace_row() - Write what a network discards from now on; the kernel is rid of what it does not discard any more
 * @host:	Host
 * @store:	Store, locked
 * @network:	Network
 * @wanted:	Prefixes, none: the row goes
 * @reterr:	Codes 106, 107
 *
 * Routes go before the row that names them, and come after it: who is killed in between leaves nothing unnamed.
 *
 * Return: 0, REFUSED
 */
static int replace_row(struct host *host, struct store *store, const char *network, const struct discards *wanted,
		       struct error *reterr)
{
	DISCARDS_TABLE_CLEANUP struct discards_table table = {0};
	const struct discards_row *row;
	int r = discards_read(store, &table);

	if (r)
		return discard_store_error(r, reterr);
	row = discards_find(&table, network);
	if (row ? discards_equal(&row->discards, wanted) : !wanted->n)
		return 0;
	if (delete_former(host, &table, network, wanted, reterr))
		return REFUSED;
	r = discards_put(store, network, wanted);
	return r ? discard_store_error(r, reterr) : 0;
}

/**
 * discard_put() - Have the host discard what a network's ranges give and nobody has
 * @host:	Host
 * @store:	Store, locked, with the lease for which this is done
 * @network:	Network
 * @wanted:	Of discard_wanted()
 * @is_there:	The routes are there as far as the ADD has seen, and the row says the same
 * @reterr:	Codes 106, 107
 *
 * Return: 0, REFUSED
 */
int discard_put(struct host *host, struct store *store, const char *network, const struct discards *wanted,
		bool is_there, struct error *reterr)
{
	if (is_there)
		return 0;
	if (replace_row(host, store, network, wanted, reterr))
		return REFUSED;
	return wanted->n ? discard_put_routes(host, wanted, reterr) : 0;
}

/**
 * discard_withdraw() - Discard nothing of a network any more, whoever holds its addresses
 * @host:	Host
 * @store:	Store, locked
 * @network:	Network
 * @reterr:	Codes 106, 107
 *
 * Return: 0, REFUSED
 */
int discard_withdraw(struct host *host, struct store *store, const char *network, struct error *reterr)
{
	const struct discards nothing = {0};

	return replace_row(host, store, network, &nothing, reterr);
}

/**
 * part_unused() - Part the rows of which nobody holds an address from the others
 * @store:	Store
 * @table:	All rows; those that stay afterwards
 * @ret_unused:	The others; written even when it fails
 *
 * Return: 0, negative errno
 */
static int part_unused(struct store *store, struct discards_table *table, struct discards_table *ret_unused)
{
	struct discards_row *rows = calloc(table->n + 1, sizeof(*rows));
	size_t n_kept = 0;
	int r = 0;

	*ret_unused = (struct discards_table){.rows = rows};
	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < table->n; i++) {
		r = r < 0 ? r : discards_are_used(store, &table->rows[i]);
		if (r)
			table->rows[n_kept++] = table->rows[i];
		else
			rows[ret_unused->n++] = table->rows[i];
	}
	table->n = n_kept;
	return r < 0 ? r : 0;
}

/**
 * discard_remove_unused() - Discard nothing any more of networks without a lease, those included that a killed process left
 * @host:	Host
 * @store:	Store, locked, in no transaction
 * @reterr:	Codes 106, 107
 *
 * Return: 0, REFUSED
 */
int discard_remove_unused(struct host *host, struct store *store, struct error *reterr)
{
	DISCARDS_TABLE_CLEANUP struct discards_table kept = {0};
	DISCARDS_TABLE_CLEANUP struct discards_table unused = {0};
	const struct kept_routes keeping = {.others = &kept};
	int r = discards_read(store, &kept);

	if (!r && kept.n && host->rtnetlink)
		r = part_unused(store, &kept, &unused);
	for (size_t i = 0; i < unused.n && !r; i++) {
		if (delete_routes(host, &unused.rows[i].discards, &keeping, reterr))
			return REFUSED;
		r = discards_forget(store, &unused.rows[i]);
	}
	return r ? discard_store_error(r, reterr) : 0;
}
