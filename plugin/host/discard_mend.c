/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes that discard, put back where somebody deleted them, and known again where the store was lost. */

#include <errno.h>

#include "plugin/host/discard.h"
#include "plugin/host/discard_internal.h"
#include "plugin/network/hostroute.h"
#include "plugin/network/inventory.h"
#include "plugin/network/plan.h"
#include "plugin/report/log.h"

/**
 * discard_restore() - Put back the routes of all networks that somebody deleted
 * @host:	Host
 * @store:	Store, locked
 * @reterr:	Codes 106, 107
 *
 * Return: 0, REFUSED
 */
int discard_restore(struct host *host, struct store *store, struct error *reterr)
{
	DISCARDS_TABLE_CLEANUP struct discards_table table = {0};
	int r = discards_read(store, &table);

	if (r)
		return discard_store_error(r, reterr);
	for (size_t i = 0; i < table.n && !r; i++)
		r = discard_put_routes(host, &table.rows[i].discards, reterr);
	return r;
}

/** mend_route() - Add a route, and tell whether it was missing: 0, REFUSED */
static int mend_route(const struct host *host, const struct prefix *prefix, bool *missing, struct error *reterr)
{
	struct stage stage;
	int r;

	discard_stage(&stage, host, reterr);
	r = stage_add(&stage, rtmessage_put_discard_route(&stage.batch, prefix, discard_metric(host->data_dir)));
	if (r)
		return r;
	stage.batch.may_exist = 0;
	r = stage_try(&stage);
	*missing |= !r;
	if (r == PORT_E_REFUSED && stage.failure.errnum == EEXIST)
		return 0;
	return r == PORT_E_REFUSED ? stage_refused(&stage) : r ? REFUSED : 0;
}

/**
 * discard_mend() - Put back those routes of a network that somebody deleted, and say so
 * @host:	Host
 * @store:	Store, locked at least for reading, and in it a lease of the network
 * @network:	Network
 * @reterr:	Codes 106, 107
 *
 * Return: 0, REFUSED
 */
int discard_mend(struct host *host, struct store *store, const char *network, struct error *reterr)
{
	DISCARDS_CLEANUP struct discards discards = {0};
	bool missing = false;
	int r = discards_get(store, network, &discards);

	if (r)
		return discard_store_error(r, reterr);
	for (size_t i = 0; i < discards.n && !r; i++)
		r = mend_route(host, &discards.all[i], &missing, reterr);
	if (missing)
		log_line("routes that make free addresses of network %s unreachable were missing: they are put back",
			 network);
	return r;
}

/** struct finding_routes - Routes of ours that discard, being read */
struct finding_routes {
	uint32_t metric;
	struct discards discards;
};

/** take_route() - port_reply_fn: keep one of this state directory's; NULL: the dump begins again, twice does no harm */
static int take_route(const struct nlmsghdr *message, void *userdata)
{
	struct finding_routes *finding = userdata;
	struct route_info route;
	int r = message ? rtmessage_read_route(message, &route) : -ENOMSG;

	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	if (route.protocol != PLAN_ROUTE_PROTOCOL || !hostroute_discards(&route) || route.priority != finding->metric ||
	    discards_have(&finding->discards, &route.destination))
		return 0;
	r = discards_add(&finding->discards, &route.destination);
	return r == -E2BIG ? 0 : r;
}

/** find_family() - The routes of one family: 0, negative errno */
static int find_family(struct host *host, enum family family, struct finding_routes *finding)
{
	struct port_failure failure = {0};
	struct batch batch;
	int r;

	batch_reset(&batch);
	r = rtmessage_dump_own_routes(&batch, family);
	if (!r)
		r = port_exchange(host->rtnetlink, &batch, take_route, finding, &failure);
	if (r == PORT_E_REFUSED)
		r = -failure.errnum;
	return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r;
}

/** find_routes() - What the kernel discards for the host's state directory: 0, negative errno */
static int find_routes(struct host *host, struct finding_routes *finding)
{
	int r;

	*finding = (struct finding_routes){.metric = discard_metric(host->data_dir)};
	r = find_family(host, FAMILY_IPV4, finding);
	return r ? r : find_family(host, FAMILY_IPV6, finding);
}

/**
 * discard_adopt() - Note in a new store what the kernel discards for this state directory
 * @host:	Host
 * @store:	Store that knows nothing yet
 *
 * So that these routes go with the leases, though their network may never have an ADD again.
 *
 * Return: 0, negative errno
 */
int discard_adopt(struct host *host, struct store *store)
{
	struct finding_routes finding;
	int r = find_routes(host, &finding);

	if (!r && finding.discards.n)
		r = discards_put(store, DISCARDS_FOUND, &finding.discards);
	discards_done(&finding.discards);
	return r;
}

/** leads_to_container() - Whether a container of ours has an address of a prefix, as the host's routes say */
static bool leads_to_container(const struct inventory *inventory, const struct prefix *prefix)
{
	struct span span = prefix_span(prefix);

	for (size_t i = 0; i < inventory->n_items; i++)
		for (size_t j = 0; j < inventory->items[i].n_addresses; j++)
			if (span_contains(&span, &inventory->items[i].addresses[j]))
				return true;
	return false;
}

/** drop_used() - Leave of @discards only what no container has an address of; @all: nothing while any container lives */
static void drop_used(const struct inventory *inventory, bool all, struct discards *discards)
{
	size_t n = 0;

	if (all && inventory->n_items)
		discards->n = 0;
	for (size_t i = 0; i < discards->n; i++)
		if (!leads_to_container(inventory, &discards->all[i]))
			discards->all[n++] = discards->all[i];
	discards->n = n;
}

/**
 * discard_sweep() - Discard nothing any more of ranges to whose addresses no route of ours leads
 * @host:	Host
 * @unread:	The store may know of networks that live, and could not be read: nothing is taken away while any container
 *		of ours does
 * @reterr:	Code 107
 *
 * For a DEL whose store is lost or can't be used, so that the kernel alone tells what there is. An ADD that is under way
 * may lose its routes to it; the next one, or a CHECK, puts them back.
 *
 * Return: 0, REFUSED
 */
int discard_sweep(struct host *host, bool unread, struct error *reterr)
{
	INVENTORY_CLEANUP struct inventory inventory = {0};
	struct finding_routes finding;
	int r = find_routes(host, &finding);

	if (!r && finding.discards.n)
		r = inventory_read(host->rtnetlink, &inventory);
	drop_used(&inventory, unread, &finding.discards);
	if (r)
		(void)error_set_errno(reterr, ERROR_KERNEL, r, "the host's routes can't be read");
	else
		r = discard_delete_routes(host, &finding.discards, reterr);
	discards_done(&finding.discards);
	return r ? REFUSED : 0;
}
