/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes to the blocks of the cluster: those of other hosts through their addresses, where those are on-link; one's own
 * discard, so that an address that nobody has does not leave by the default route. Of protocol 82. They stay when the
 * agent ends; the next one finds them.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/agent/cluster_internal.h"
#include "plugin/agent/log.h"
#include "plugin/network/hostroute.h"
#include "plugin/network/plan.h"

/** What is not on-link may become so: looked at again after */
#define AGAIN_NS (5 * MACHINE_SECOND)

/** struct route_row - A route of ours; FAMILY_NONE as @gateway: it discards */
struct route_row {
	struct prefix destination;
	struct address gateway;
	uint32_t interface;
};

/** struct hop - How a host is reached in a family; @interface 0: not at all; FAMILY_NONE as @address: it has published none */
struct hop {
	char host[RECORD_NAME_MAX];
	enum family family;
	struct address address;
	uint32_t interface;
};

struct rows {
	struct route_row *rows;
	size_t n, room;
};

struct cluster_routes {
	struct rows there; /* what the kernel has */
	bool known;
	int64_t looked;
	struct hop *hops;
	size_t n_hops;
};

static int compare_rows(const void *a, const void *b)
{
	const struct route_row *x = a, *y = b;

	if (x->destination.address.family != y->destination.address.family)
		return x->destination.address.family < y->destination.address.family ? -1 : 1;
	if (x->destination.address.value != y->destination.address.value)
		return x->destination.address.value < y->destination.address.value ? -1 : 1;
	return (x->destination.length > y->destination.length) - (x->destination.length < y->destination.length);
}

/** add_row() - 0, -ENOMEM */
static int add_row(struct rows *rows, const struct route_row *row)
{
	if (rows->n == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 64;
		struct route_row *larger = reallocarray(rows->rows, room, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		rows->rows = larger;
		rows->room = room;
	}
	rows->rows[rows->n++] = *row;
	return 0;
}

static struct route_row *find_row(const struct rows *rows, const struct route_row *row)
{
	return rows->n ? bsearch(row, rows->rows, rows->n, sizeof(*row), compare_rows) : NULL;
}

static bool same_way(const struct route_row *a, const struct route_row *b)
{
	return a->interface == b->interface && a->gateway.family == b->gateway.family &&
	       a->gateway.value == b->gateway.value;
}

/** is_block() - Whether a route is to a block, or what was one, of a pool of this host */
static bool is_block(const struct cluster *cluster, const struct prefix *destination)
{
	struct span inner = prefix_span(destination), outer;

	for (size_t i = 0; i < cluster->n_pools; i++) {
		outer = prefix_span(&cluster->pools[i].prefix);
		if (cluster->pools[i].block_length == destination->length && span_covers(&outer, &inner) &&
		    destination->length < family_bits(destination->address.family))
			return true;
	}
	return false;
}

/** struct routes_reading - What read_there() works with */
struct routes_reading {
	const struct cluster *cluster;
	struct rows *rows;
};

/** on_route() - port_reply_fn */
static int on_route(const struct nlmsghdr *message, void *userdata)
{
	struct routes_reading *reading = userdata;
	struct route_info info;
	struct route_row row;
	int r;

	if (!message) {
		reading->rows->n = 0;
		return 0;
	}
	r = rtmessage_read_route(message, &info);
	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	if (info.protocol != PLAN_ROUTE_PROTOCOL || !is_block(reading->cluster, &info.destination))
		return 0;
	row = (struct route_row){.destination = info.destination, .gateway = info.gateway, .interface = info.interface};
	if (hostroute_discards(&info))
		row.interface = 0; /* IPv6 has lo there */
	return add_row(reading->rows, &row);
}

/** read_there() - What the kernel has: 0, negative errno */
static int read_there(struct cluster *cluster)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	struct cluster_routes *routes = cluster->routes;
	struct routes_reading reading = {.cluster = cluster, .rows = &routes->there};
	struct port_failure failure = {0};
	struct batch batch;
	int r = 0;

	routes->there.n = 0;
	for (size_t i = 0; i < 2 && r == 0; i++) {
		size_t before = routes->there.n;

		batch_reset(&batch);
		r = rtmessage_dump_own_routes(&batch, families[i]);
		if (r == 0)
			r = port_exchange(cluster->host.rtnetlink, &batch, on_route, &reading, &failure);
		if (r == (int)PORT_E_REFUSED)
			r = -failure.errnum;
		if (r == -EAFNOSUPPORT || r == -EOPNOTSUPP) {
			routes->there.n = before; /* a kernel without IPv6 */
			r = 0;
		}
	}
	if (routes->there.n)
		qsort(routes->there.rows, routes->there.n, sizeof(*routes->there.rows), compare_rows);
	routes->known = r == 0;
	return r;
}

/** look_for_hop() - How an address is reached: on-link, or (interface 0) not. 0, negative errno when that can't be told */
static int look_for_hop(struct cluster *cluster, struct hop *hop)
{
	struct route_info match;
	int r = hostroute_lookup(cluster->host.rtnetlink, &hop->address, &match);

	if (r == -EAFNOSUPPORT || r == -EOPNOTSUPP)
		return 0;
	if (!r && hostroute_of(&match).kind == HOSTROUTE_UNICAST && match.gateway.family == FAMILY_NONE)
		hop->interface = match.interface;
	return r < 0 ? r : 0;
}

/** add_hop() - One more hop: 0, -ENOMEM */
static int add_hop(struct cluster_routes *routes, const struct hop *hop)
{
	struct hop *hops = reallocarray(routes->hops, routes->n_hops + 1, sizeof(*hops));

	if (!hops)
		return -ENOMEM;
	routes->hops = hops;
	hops[routes->n_hops++] = *hop;
	return 0;
}

/** read_hop() - A host's address of a family, as it is published; FAMILY_NONE: none */
static struct hop read_hop(const struct cluster *cluster, const char *host, enum family family)
{
	char key[RECORD_KEY_MAX];
	const struct seen *seen;
	struct hop hop = {.family = family};

	(void)snprintf(hop.host, sizeof(hop.host), "%s", host);
	(void)snprintf(key, sizeof(key), "host/%s", host);
	seen = cache_find(machine_cache(cluster->machine), key);
	for (size_t i = 0; i < RECORD_ADDRESSES && seen && seen->record.text && seen->record.readable; i++)
		if (address_parse(seen->record.host.addresses[i], &hop.address) == 0 && hop.address.family == family)
			return hop;
	hop.address.family = FAMILY_NONE;
	return hop;
}

/**
 * find_hop() - How a host is reached in a family; looked for once per round
 * @cluster:	Cluster
 * @host:	Host
 * @family:	Family
 * @ret_hop:	FAMILY_NONE as its address: it has none of that family
 *
 * Return: 0, negative errno when that can't be told: its routes stay as they are
 */
static int find_hop(struct cluster *cluster, const char *host, enum family family, struct hop *ret_hop)
{
	struct cluster_routes *routes = cluster->routes;
	int r;

	for (size_t i = 0; i < routes->n_hops; i++) {
		if (routes->hops[i].family == family && strcmp(routes->hops[i].host, host) == 0) {
			*ret_hop = routes->hops[i];
			return 0;
		}
	}
	*ret_hop = read_hop(cluster, host, family);
	r = ret_hop->address.family == FAMILY_NONE ? 0 : look_for_hop(cluster, ret_hop);
	return r < 0 ? r : add_hop(routes, ret_hop);
}

/** routes_problem() - Why there are no routes to a host's blocks, NULL: there are, or it has none */
const char *routes_problem(const struct cluster *cluster, const char *host)
{
	const struct cluster_routes *routes = cluster->routes;

	for (size_t i = 0; i < routes->n_hops; i++) {
		const struct hop *hop = &routes->hops[i];

		if (strcmp(hop->host, host) != 0 || hop->interface != 0)
			continue;
		if (hop->address.family != FAMILY_NONE)
			return "its address is not on-link: no routes to its blocks are made here";
		return hop->family == FAMILY_IPV6
			       ? "it has published no IPv6 address: no routes to its IPv6 blocks are made"
			       : "it has published no IPv4 address: no routes to its IPv4 blocks are made";
	}
	return NULL;
}

/** want_block() - The route that a block needs: 0, negative errno */
static int want_block(struct cluster *cluster, const struct record *record, struct rows *wanted)
{
	struct route_row row = {0};
	struct hop hop = {0};
	int r;

	if (!record->text || !record->readable || machine_pool_of(cluster->machine, record->key) < 0 ||
	    prefix_parse(record->key + strlen("block/"), &row.destination) < 0 || !is_block(cluster, &row.destination))
		return 0;
	if (strcmp(record->block.host, cluster->config.host) == 0)
		return add_row(wanted, &row);
	r = cluster->config.routes ? find_hop(cluster, record->block.host, row.destination.address.family, &hop) : 0;
	if (r < 0 || hop.interface == 0)
		return r;
	row.gateway = hop.address;
	row.interface = hop.interface;
	return add_row(wanted, &row);
}

/** want_all() - The routes that all blocks need, sorted: 0, negative errno */
static int want_all(struct cluster *cluster, struct rows *wanted)
{
	const struct cache *cache = machine_cache(cluster->machine);
	int r = 0;

	cluster->routes->n_hops = 0;
	for (size_t i = cache_from(cache, "block/"); i < cache->n && r == 0; i++) {
		if (cache->rows[i]->record.kind != RECORD_BLOCK)
			break;
		r = want_block(cluster, &cache->rows[i]->record, wanted);
	}
	if (wanted->n)
		qsort(wanted->rows, wanted->n, sizeof(*wanted->rows), compare_rows);
	return r;
}

/** flush_batch() - What is gathered; the first refusal is told */
static void flush_batch(struct cluster *cluster, struct batch *batch)
{
	struct port_failure failure;
	char what[RTMESSAGE_TEXT_MAX];
	int r = port_exchange(cluster->host.rtnetlink, batch, NULL, NULL, &failure);

	if (r == (int)PORT_E_REFUSED && failure.errnum != ESRCH)
		agent_log(LOG_LEVEL_WARNING, "cluster: %s: %s", rtmessage_describe(batch, failure.index, what),
			  strerror(failure.errnum));
	batch_reset(batch);
}

/** put_route() - One message more */
static void put_route(struct cluster *cluster, struct batch *batch, const struct route_row *row, bool add)
{
	const struct address *gateway = row->gateway.family == FAMILY_NONE ? NULL : &row->gateway;

	if (!batch_has_room(batch))
		flush_batch(cluster, batch);
	if (add)
		(void)rtmessage_put_block_route(batch, &row->destination, gateway, row->interface);
	else
		(void)rtmessage_delete_block_route(batch, &row->destination);
}

/** bring_about() - From what is there to what is wanted */
static void bring_about(struct cluster *cluster, const struct rows *wanted)
{
	struct rows *there = &cluster->routes->there;
	struct batch batch;

	batch_reset(&batch);
	for (size_t i = 0; i < there->n; i++) {
		if (!find_row(wanted, &there->rows[i]))
			put_route(cluster, &batch, &there->rows[i], false);
	}
	for (size_t i = 0; i < wanted->n; i++) {
		const struct route_row *row = find_row(there, &wanted->rows[i]);

		if (row && same_way(row, &wanted->rows[i]))
			continue;
		if (row)
			put_route(cluster, &batch, row, false);
		put_route(cluster, &batch, &wanted->rows[i], true);
	}
	flush_batch(cluster, &batch);
}

/** routes_tick() - Bring the routes up to date, if records have changed or it is time */
void routes_tick(struct cluster *cluster)
{
	struct cluster_routes *routes = cluster->routes;
	int64_t now = cluster_now();
	struct rows wanted = {0};

	if (!machine_is_registered(cluster->machine) || (!cluster->changed && now - routes->looked < AGAIN_NS))
		return;
	cluster->changed = false;
	routes->looked = now;
	if (read_there(cluster) == 0 && want_all(cluster, &wanted) == 0)
		bring_about(cluster, &wanted);
	free(wanted.rows);
}

/** routes_start() - 0, -ENOMEM */
int routes_start(struct cluster *cluster)
{
	cluster->routes = calloc(1, sizeof(*cluster->routes));
	return cluster->routes ? 0 : -ENOMEM;
}

/** routes_stop() - The routes stay */
void routes_stop(struct cluster *cluster)
{
	if (!cluster->routes)
		return;
	free(cluster->routes->there.rows);
	free(cluster->routes->hops);
	free(cluster->routes);
	cluster->routes = NULL;
}
