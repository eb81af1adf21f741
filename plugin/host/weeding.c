/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our tables of nftables without the rules of others. */

#include "plugin/host/weeding.h"

#include "plugin/host/clauses.h"
#include "plugin/host/guarding.h"
#include "plugin/host/lease_store.h"
#include "plugin/host/mended.h"
#include "plugin/host/protection_internal.h"
#include "plugin/snat/arm.h"
#include "plugin/snat/backstop.h"
#include "plugin/snat/weed.h"
#include "rangeguard/array.h"

/** add_list() - clause_fn: userdata is a struct arm_table */
static int add_list(void *userdata, const struct egress_clause *clause)
{
	return arm_table_add_list(userdata, clause);
}

/** weed_pins() - The table of pins and masquerading; one that lacks a rule is made again: 0, REFUSED */
static int weed_pins(struct host *host, struct store *store, bool *weeded, struct error *reterr)
{
	ARM_TABLE_CLEANUP struct arm_table table;
	struct error ignored = {0};
	struct weeded found = {.some = false};
	int r = arm_table_begin(&table);

	if (r)
		return error_no_memory(reterr);
	if (arm_intact(host->netfilter, &ignored))
		return 0;
	r = clauses_each(host, store, add_list, &table, reterr);
	if (!r)
		r = weed(host->netfilter, NF_TABLE, &table.batch, &found, reterr);
	*weeded |= found.some;
	/* In a chain that grows nobody else would notice. */
	if (r || !found.lacking)
		return r;
	r = protection_make_table(host, store, reterr);
	if (!r)
		mended_note_table(host->recorder);
	return r;
}

/** weed_backstops() - The tables that stop what no classifier has seen; one in which a rule is missing is made again: 0, REFUSED */
static int weed_backstops(struct host *host, bool *weeded, struct error *reterr)
{
	static const char tables[][NF_NAME_MAX] = {BACKSTOP_TABLE, NF_TABLE_BRIDGE};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(tables) && !r; i++) {
		BATCH_CLEANUP struct batch wanted;
		struct weeded found;

		batch_reset(&wanted);
		if (backstop_make(&wanted, tables[i], i == 0))
			return error_no_memory(reterr);
		r = weed(host->netfilter, tables[i], &wanted, &found, reterr);
		*weeded |= found.some;
	}
	return r;
}

/** weed_all() - All tables, the store being open; NULL: there is none: 0, REFUSED */
static int weed_all(struct host *host, struct store *store, bool *weeded, struct error *reterr)
{
	int r = weed_pins(host, store, weeded, reterr);

	return r ? r : weed_backstops(host, weeded, reterr);
}

/**
 * weeding() - Remove the rules that others put among ours, or in their place
 * @host:	Host
 * @ret_weeded:	Whether there were any
 * @reterr:	Codes 11, 106, 107
 *
 * The store is locked meanwhile, so that nobody puts lists into the table or takes some out. It costs the same however many
 * containers there are, but more than an ADD may, unless a rule of ours is missing: then the table is made again.
 *
 * Return: 0, REFUSED
 */
int weeding(struct host *host, bool *ret_weeded, struct error *reterr)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	int r = host_open_netfilter(host, reterr);

	*ret_weeded = false;
	if (r)
		return r == REFUSED ? r : 0;
	guarding_adopt_marks(host);
	r = state_open(host->data_dir, STATE_READ, &state);
	if (!r)
		r = lease_store_open(host->data_dir, &state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (r && r != STATE_E_ABSENT)
		return r == REFUSED ? r : lease_store_error(host->data_dir, r, reterr);
	return weed_all(host, store, ret_weeded, reterr);
}
