/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases against the kernel: what a lease says is there, and what is there has a lease. */

#include <errno.h>
#include <string.h>

#include "ipam/store/state.h"
#include "plugin/audit/audit_kernel.h"
#include "plugin/host/liveness.h"
#include "plugin/host/other_stores.h"
#include "plugin/network/attach.h"
#include "plugin/network/plan.h"
#include "rangeguard/cleanup.h"

/** holds() - Whether a lease holds an address */
static bool holds(const struct lease *lease, const struct address *address)
{
	for (size_t i = 0; i < lease->n_addresses; i++)
		if (address_equal(&lease->addresses[i], address))
			return true;
	return false;
}

/** is_leased() - Whether any lease holds an address */
static bool is_leased(const struct lease_set *leases, const struct address *address)
{
	for (size_t i = 0; i < leases->n; i++) {
		struct lease lease = lease_set_get(leases, i);

		if (!lease.attachment.chained && holds(&lease, address))
			return true;
	}
	return false;
}

/** check_item() - Each address behind a host end of ours has a lease, in this state directory or in another */
static void check_item(const struct audit *audit, const struct audit_leases *leases, const struct inventory_item *item)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < item->n_addresses; i++)
		if (!is_leased(&leases->own, &item->addresses[i]) && !is_leased(&leases->others, &item->addresses[i]))
			report_error(audit->report, RULE_NO_LEASE, audit->data_dir, "",
				     "%s has a route to interface %s (%.200s), but no lease: it may be given again; "
				     "delete and re-create that container",
				     address_format(&item->addresses[i], text), item->name, item->alias);
}

/** find_item() - The host end of a lease's container, NULL when there is none */
static const struct inventory_item *find_item(const struct inventory *inventory, const struct lease *lease)
{
	char name[IFNAMSIZ];

	identity_host_name(&lease->attachment, name);
	for (size_t i = 0; i < inventory->n_items; i++)
		if (!strcmp(inventory->items[i].name, name))
			return &inventory->items[i];
	return NULL;
}

/** is_routed() - Whether the host has a route to an address through a host end */
static bool is_routed(const struct inventory_item *item, const struct address *address)
{
	for (size_t i = 0; i < item->n_addresses; i++)
		if (address_equal(&item->addresses[i], address))
			return true;
	return false;
}

/** check_host_end() - What else of the host's side CHECK looks at: the interface is up, its MAC address, sysctls */
static void check_host_end(const struct audit *audit, struct port *host, const struct lease *lease)
{
	struct prefix addresses[LIMIT_RANGE_SETS];
	struct attach_expectation expected = {.addresses = addresses, .n_addresses = lease->n_addresses};
	struct error err = {0};

	for (size_t i = 0; i < lease->n_addresses; i++)
		addresses[i] = (struct prefix){.address = lease->addresses[i],
					       .length = (uint8_t)family_bits(lease->addresses[i].family)};
	if (attach_check_host(host, &lease->attachment, &expected, &err))
		report_error(audit->report, RULE_MISSING, audit->data_dir, "", "%.64s %s of network %s: %s",
			     lease->attachment.container_id, lease->attachment.ifname, lease->attachment.network,
			     err.msg);
}

/** check_routes() - Each address of a lease has its route: whether all have */
static bool check_routes(const struct audit *audit, const struct lease *lease, const struct inventory_item *item)
{
	char text[ADDRESS_TEXT_MAX];
	bool all = true;

	for (size_t i = 0; i < lease->n_addresses; i++) {
		if (is_routed(item, &lease->addresses[i]))
			continue;
		all = false;
		report_error(audit->report, RULE_MISSING, audit->data_dir, "",
			     "%s is held by %.64s %s of network %s, but the host has no route to it through %s; "
			     "delete and re-create that container",
			     address_format(&lease->addresses[i], text), lease->attachment.container_id,
			     lease->attachment.ifname, lease->attachment.network, item->name);
	}
	return all;
}

/** check_lease() - What a lease says is there */
static void check_lease(const struct audit *audit, struct port *host, const struct inventory *inventory,
			const struct lease *lease)
{
	const struct inventory_item *item = find_item(inventory, lease);
	char text[ADDRESS_TEXT_MAX] = "";

	if (lease->attachment.chained)
		return;
	if (item) {
		if (check_routes(audit, lease, item))
			check_host_end(audit, host, lease);
		return;
	}
	if (lease->n_addresses)
		(void)address_format(&lease->addresses[0], text);
	if (liveness_netns(lease) == LIVENESS_GONE)
		report_warning(audit->report, RULE_DEAD_LEASE, audit->data_dir, "",
			       "%s is held by %.64s %s of network %s, whose namespace and interface are gone: the "
			       "runtime's GC, or an ADD that finds the range full, gives it back",
			       text, lease->attachment.container_id, lease->attachment.ifname,
			       lease->attachment.network);
	else if (lease->anti_spoof)
		report_error(audit->report, RULE_MISSING, audit->data_dir, "",
			     "%s is held by %.64s %s of network %s, whose interface on the host is gone; delete and "
			     "re-create that container",
			     text, lease->attachment.container_id, lease->attachment.ifname, lease->attachment.network);
}

/** audit_ends() - Leases against interfaces, routes and namespaces: 0, negative errno */
static int audit_ends(const struct audit *audit, struct port *host, const struct audit_leases *leases,
		      const struct inventory *inventory)
{
	for (size_t i = 0; i < leases->own.n; i++) {
		struct lease lease = lease_set_get(&leases->own, i);

		check_lease(audit, host, inventory, &lease);
	}
	for (size_t i = 0; i < inventory->n_items; i++)
		check_item(audit, leases, &inventory->items[i]);
	return audit_spaces(audit, leases, inventory);
}

/** add_others() - other_store_fn: leases of another state directory; what can't be read there is told by its own audit */
static int add_others(void *userdata, struct store *store)
{
	int r = ipam_each(store, NULL, lease_set_add, userdata);

	return r == IPAM_E_DAMAGED ? 0 : r;
}

/** audit_leases_done() - Release what is owned */
static void audit_leases_done(struct audit_leases *leases)
{
	lease_set_done(&leases->own);
	lease_set_done(&leases->others);
}

/** read_leases() - Of all state directories: as audit_look_fn */
static int read_leases(const struct audit *audit, struct host *host, struct audit_leases *leases, struct error *reterr)
{
	int r = lease_set_read(audit->data_dir, NULL, &leases->own);

	if (r && r != STATE_E_ABSENT)
		return r;
	return other_stores_each(host, add_others, &leases->others, reterr);
}

/** audit_kernel() - What the kernel has against what leases say: 0, REFUSED, an outcome of the state or store, negative errno */
static int audit_kernel(const struct audit *audit, struct error *reterr)
{
	INVENTORY_CLEANUP struct inventory inventory = {0};
	CLEANUP(audit_leases_done) struct audit_leases leases = {0};
	HOST_CLEANUP struct host host = {0};
	int r = host_open(audit->data_dir, &host, reterr);

	if (!r)
		r = read_leases(audit, &host, &leases, reterr);
	if (!r)
		r = inventory_read(host.rtnetlink, &inventory);
	if (!r)
		r = audit_ends(audit, host.rtnetlink, &leases, &inventory);
	return r ? r : audit_protection(audit, &leases.own, &inventory, reterr);
}

/**
 * audit_run() - Audit a host
 * @audit:	What
 * @reterr:	Filled for REFUSED
 *
 * Return: 0, an outcome of the state or the store, REFUSED, negative errno
 */
int audit_run(const struct audit *audit, struct error *reterr)
{
	LEASE_SET_CLEANUP struct lease_set leases = {0};
	int r = audit_confirmed(audit, audit_kernel, reterr);

	/* Not looked for again: each look may have to wait for the agent. */
	if (!r)
		r = audit_sources(audit);
	if (!r)
		r = lease_set_read(audit->data_dir, NULL, &leases);
	if (r && r != STATE_E_ABSENT)
		return r;
	if (leases.damaged)
		report_error(audit->report, RULE_MISSING, audit->data_dir, "",
			     "some leases can't be read: the next ADD repairs what can be told from the others");
	r = audit_policies(audit, &leases);
	return r || !audit->inventory ? r : audit_inventory(audit, &leases, reterr);
}
