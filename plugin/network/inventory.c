/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel knows of this host's attachments: two dumps, of links and of our own routes. */

#include "plugin/network/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** by_index() - For qsort(3) and bsearch(3) */
static int by_index(const void *a, const void *b)
{
	uint32_t left = ((const struct inventory_item *)a)->index, right = ((const struct inventory_item *)b)->index;

	return left < right ? -1 : left > right;
}

/**
 * take_link() - port_reply_fn: keep a host end of ours
 * @message:	Link, NULL when the dump begins again
 * @userdata:	struct inventory
 *
 * Return: 0, -ENOMEM, -EBADMSG
 */
static int take_link(const struct nlmsghdr *message, void *userdata)
{
	struct inventory *inventory = userdata;
	struct inventory_item *items;
	struct link_info link;
	int r;

	if (!message) {
		inventory_done(inventory);
		return 0;
	}
	r = rtmessage_read_link(message, &link);
	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	if (!identity_is_claimed(&link))
		return 0;
	items = reallocarray(inventory->items, inventory->n_items + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	inventory->items = items;
	items[inventory->n_items] = (struct inventory_item){.index = link.index};
	memcpy(items[inventory->n_items].name, link.name, sizeof(link.name));
	memcpy(items[inventory->n_items].alias, link.alias, sizeof(link.alias));
	inventory->n_items++;
	return 0;
}

/**
 * take_route() - port_reply_fn: keep the address of a host route of ours with the host end that it leads to
 * @message:	Route, NULL when the dump begins again: what was kept is kept only once
 * @userdata:	struct inventory, sorted
 *
 * Return: 0, -EBADMSG
 */
static int take_route(const struct nlmsghdr *message, void *userdata)
{
	struct inventory *inventory = userdata;
	struct inventory_item *item, wanted;
	struct route_info route;
	int r = message ? rtmessage_read_route(message, &route) : -ENOMSG;

	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	wanted.index = route.interface;
	if (route.protocol != PLAN_ROUTE_PROTOCOL ||
	    route.destination.length != family_bits(route.destination.address.family))
		return 0;
	item = inventory->n_items
		       ? bsearch(&wanted, inventory->items, inventory->n_items, sizeof(*inventory->items), by_index)
		       : NULL;
	if (!item)
		return 0;
	for (size_t i = 0; i < item->n_addresses; i++)
		if (address_equal(&item->addresses[i], &route.destination.address))
			return 0;
	/* Somebody else's doing: a lease holds no more. The routes tell those who ask about such an address. */
	if (item->n_addresses == LIMIT_RANGE_SETS)
		return 0;
	item->addresses[item->n_addresses++] = route.destination.address;
	return 0;
}

/** dump() - Send the one message of @batch, hear its answers: 0, negative errno */
static int dump(struct port *host, struct batch *batch, port_reply_fn reply, struct inventory *inventory)
{
	struct port_failure failure;
	int r = port_exchange(host, batch, reply, inventory, &failure);

	return r == PORT_E_REFUSED ? -failure.errnum : r;
}

/**
 * read_routes() - Fill in the addresses of one family
 * @host:	Port
 * @family:	Family; a kernel without it has no routes of it
 * @inventory:	Host ends, sorted
 *
 * Return: 0, negative errno
 */
static int read_routes(struct port *host, enum family family, struct inventory *inventory)
{
	struct batch batch;
	int r;

	batch_reset(&batch);
	r = rtmessage_dump_own_routes(&batch, family);
	if (!r)
		r = dump(host, &batch, take_route, inventory);
	return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r;
}

/**
 * inventory_read() - Ask the kernel
 * @host:		Port in the host's namespace
 * @ret_inventory:	Host ends with their addresses; inventory_done() releases them
 *
 * Return: 0, negative errno
 */
int inventory_read(struct port *host, struct inventory *ret_inventory)
{
	INVENTORY_CLEANUP struct inventory inventory = {0};
	struct batch batch;
	int r;

	batch_reset(&batch);
	r = rtmessage_dump_links(&batch);
	if (!r)
		r = dump(host, &batch, take_link, &inventory);
	if (r < 0)
		return r;
	if (inventory.n_items) {
		qsort(inventory.items, inventory.n_items, sizeof(*inventory.items), by_index);
		r = read_routes(host, FAMILY_IPV4, &inventory);
		if (!r)
			r = read_routes(host, FAMILY_IPV6, &inventory);
	}
	if (r < 0)
		return r;
	*ret_inventory = inventory;
	inventory = (struct inventory){0};
	return 0;
}

/** inventory_done() - Release the items */
void inventory_done(struct inventory *inventory)
{
	free(inventory->items);
	*inventory = (struct inventory){0};
}
