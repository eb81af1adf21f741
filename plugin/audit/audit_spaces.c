/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses in network namespaces, whoever gave them, against leases: one in a range that no lease knows is given again; one
 * that a lease knows is where its container is.
 */

#include <string.h>

#include "plugin/audit/audit.h"
#include "plugin/host/liveness.h"
#include "plugin/network/in_use.h"
#include "plugin/network/inventory.h"
#include "plugin/overview/docker_networks.h"

/** struct looking - What each network is looked for in */
struct looking {
	const struct audit *audit;
	const struct audit_leases *leases;
	const struct inventory *inventory;
	const struct in_use *in_use;
};

/** is_held() - Whether a lease of any role holds an address */
static bool is_held(const struct lease_set *leases, const struct address *address)
{
	for (size_t i = 0; i < leases->n; i++) {
		struct lease lease = lease_set_get(leases, i);

		for (size_t j = 0; j < lease.n_addresses; j++)
			if (address_equal(&lease.addresses[j], address))
				return true;
	}
	return false;
}

/** is_behind_ours() - Whether the address is behind a host end of ours, of which audit_kernel() tells */
static bool is_behind_ours(const struct inventory *inventory, const struct address *address)
{
	for (size_t i = 0; i < inventory->n_items; i++)
		for (size_t j = 0; j < inventory->items[i].n_addresses; j++)
			if (address_equal(&inventory->items[i].addresses[j], address))
				return true;
	return false;
}

/** is_given() - Whether a network gives an address to containers */
static bool is_given(const struct netconf *netconf, const struct address *address)
{
	for (size_t i = 0; i < netconf->n_sets; i++)
		if (range_set_find(&netconf->sets[i], address))
			return !range_set_excludes(&netconf->sets[i], address);
	return false;
}

/** look_in() - Addresses in namespaces that a network gives and no lease holds */
static void look_in(const struct looking *looking, const struct netconf *netconf, const char *network)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < looking->in_use->n_items; i++) {
		const struct used_address *used = &looking->in_use->items[i];

		if (!is_given(netconf, &used->address) || is_held(&looking->leases->own, &used->address) ||
		    is_held(&looking->leases->others, &used->address) ||
		    is_behind_ours(looking->inventory, &used->address))
			continue;
		report_error(
			looking->audit->report, RULE_NO_LEASE, looking->audit->data_dir, "",
			"%s is on interface %s in network namespace net:[%llu], in a range of network %.64s, but no "
			"lease holds it: it may be given again; take it away there, or let its plugin use "
			"rangeguard as ipam",
			address_format(&used->address, text), used->ifname, (unsigned long long)used->inode, network);
	}
}

/** has() - Whether the namespace of a lease has an address of it */
static bool has(const struct in_use *in_use, const struct lease *lease, const struct address *address)
{
	for (size_t i = 0; i < in_use->n_items; i++)
		if (in_use->items[i].inode == lease->netns_inode && address_equal(&in_use->items[i].address, address))
			return true;
	return false;
}

/** is_routed() - Whether a lease's container has a host end of ours: its interface is rangeguard's, too */
static bool is_routed(const struct inventory *inventory, const struct lease *lease)
{
	char name[IFNAMSIZ];

	identity_host_name(&lease->attachment, name);
	for (size_t i = 0; i < inventory->n_items; i++)
		if (!strcmp(inventory->items[i].name, name))
			return true;
	return false;
}

/** look_for_lease() - Its addresses are in its namespace; what another plugin's interface has may be in no kernel (DPDK) */
static void look_for_lease(const struct looking *looking, const struct lease *lease)
{
	struct report *report = looking->audit->report;
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < lease->n_addresses; i++) {
		const struct attachment *attachment = &lease->attachment;

		if (has(looking->in_use, lease, &lease->addresses[i]))
			continue;
		(void)address_format(&lease->addresses[i], text);
		if (is_routed(looking->inventory, lease))
			report_error(report, RULE_MISSING, looking->audit->data_dir, "",
				     "%s is held by %.64s %s of network %s, but is on no interface in its namespace; "
				     "delete and re-create that container",
				     text, attachment->container_id, attachment->ifname, attachment->network);
		else
			report_warning(
				report, RULE_MISSING, looking->audit->data_dir, "",
				"%s is held by %.64s %s of network %s, but is on no interface in its namespace: the "
				"plugin that rangeguard gave it to did not put it there, or somebody took it away",
				text, attachment->container_id, attachment->ifname, attachment->network);
	}
}

/** look_for_leases() - Those whose namespace is there; one that can't be looked into may have any address */
static void look_for_leases(const struct looking *looking)
{
	for (size_t i = 0; i < looking->leases->own.n && !looking->in_use->n_closed; i++) {
		struct lease lease = lease_set_get(&looking->leases->own, i);

		/* That an interface of ours is gone is told. */
		if (lease.anti_spoof && !is_routed(looking->inventory, &lease))
			continue;
		if (lease.netns_inode && !lease.attachment.chained && liveness_netns(&lease) == LIVENESS_THERE)
			look_for_lease(looking, &lease);
	}
}

/** look_in_network() - host_network_fn */
static int look_in_network(void *userdata, struct netconf *netconf)
{
	look_in(userdata, netconf, netconf->name);
	return 0;
}

/** look_in_docker_network() - docker_network_fn */
static int look_in_docker_network(void *userdata, const struct docker_network *network)
{
	look_in(userdata, &network->netconf, network->name);
	return 0;
}

/**
 * audit_spaces() - Look into the network namespaces of this host
 * @audit:	What
 * @leases:	Leases of all state directories
 * @inventory:	Host ends of ours
 *
 * Return: 0, negative errno
 */
int audit_spaces(const struct audit *audit, const struct audit_leases *leases, const struct inventory *inventory)
{
	IN_USE_CLEANUP struct in_use in_use = {0};
	struct looking looking = {.audit = audit, .leases = leases, .inventory = inventory, .in_use = &in_use};
	int r = in_use_read(NULL, &in_use);

	if (r < 0)
		return r;
	look_for_leases(&looking);
	/* What is wrong with a configuration is told twice, and shown once. */
	r = host_networks_each(audit->configs, look_in_network, &looking, audit->report);
	if (!r)
		r = docker_networks_each(&leases->own, audit->data_dir, look_in_docker_network, &looking);
	return r < 0 ? r : 0;
}
