/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Held addresses against today's policies; entries of these that expire. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "plugin/audit/audit.h"
#include "plugin/netconf/check.h"
#include "plugin/overview/docker_networks.h"
#include "plugin/policy/policy.h"
#include "rangeguard/day.h"

/** struct judging - What each network is judged with */
struct judging {
	const struct audit *audit;
	const struct lease_set *leases;
};

/** judge_address() - Whether an address that is held is reserved today */
static void judge_address(const struct judging *judging, const struct guard *guard, const struct lease *lease,
			  const struct address *address)
{
	char text[ADDRESS_TEXT_MAX], reservation[RESERVATION_TEXT_MAX];
	struct guard_entry entry;

	if (guard_decide(guard, address, &entry) != GUARD_E_RESERVED)
		return;
	report_error(judging->audit->report, RULE_HELD_RESERVED, judging->audit->data_dir, "",
		     "%s is held by %.64s %s of network %s, but lies in %s: move that container",
		     address_format(address, text), lease->attachment.container_id, lease->attachment.ifname,
		     lease->attachment.network, reservation_describe(&entry, reservation));
}

/** judge_leases() - The leases of the network called @network */
static void judge_leases(const struct judging *judging, const char *network, const struct guard *guard)
{
	for (size_t i = 0; i < judging->leases->n; i++) {
		struct lease lease = lease_set_get(judging->leases, i);

		if (strcmp(lease.attachment.network, network) != 0)
			continue;
		for (size_t j = 0; j < lease.n_addresses; j++)
			judge_address(judging, guard, &lease, &lease.addresses[j]);
	}
}

/** is_same() - Whether two entries are one */
static bool is_same(const struct guard_entry *a, const struct guard_entry *b)
{
	return !strcmp(a->file, b->file) && !strcmp(a->pointer, b->pointer) && a->kind == b->kind &&
	       a->span.first == b->span.first && a->span.last == b->span.last;
}

/** tell_expiring() - Entries of today that are not among those of a later day, which come in the same order */
static void tell_expiring(const struct audit *audit, const struct guard *today, const struct guard *later)
{
	size_t next = 0;

	for (size_t i = 0; i < guard_n_entries(today); i++) {
		struct guard_entry entry = guard_entry(today, i);
		char text[SPAN_TEXT_MAX];

		if (next < guard_n_entries(later)) {
			struct guard_entry kept = guard_entry(later, next);

			if (is_same(&entry, &kept)) {
				next++;
				continue;
			}
		}
		report_warning(audit->report, RULE_EXPIRES, entry.file, entry.pointer,
			       "%s %s%s%.64s expires within %u days: renew or remove it",
			       entry.kind == GUARD_RESERVED ? "the reservation of" : "the grant of",
			       span_format(&entry.span, text), *entry.owner ? ", owner " : "", entry.owner,
			       audit->within);
	}
}

/** audit_network() - host_network_fn */
static int audit_network(void *userdata, struct netconf *netconf)
{
	const struct judging *judging = userdata;
	GUARD_CLEANUP struct guard *today = NULL, *later = NULL;
	long day = day_of(time(NULL));
	int r = policy_read_netconf(netconf, day, NULL, &today, judging->audit->report);

	if (r)
		return r == -ENOMEM ? r : 0;
	judge_leases(judging, netconf->name, today);
	if (policy_read_netconf(netconf, day + (long)judging->audit->within, NULL, &later, judging->audit->report))
		return 0;
	tell_expiring(judging->audit, today, later);
	return 0;
}

/** audit_docker_network() - docker_network_fn: what Docker has of what is reserved now */
static int audit_docker_network(void *userdata, const struct docker_network *network)
{
	const struct judging *judging = userdata;
	GUARD_CLEANUP struct guard *today = NULL;
	int r = policy_read_netconf(&network->netconf, day_of(time(NULL)), NULL, &today, judging->audit->report);

	if (r)
		return r == -ENOMEM ? r : 0;
	judge_leases(judging, network->name, today);
	return 0;
}

/** audit_policies() - Held addresses that are reserved now, entries that expire: 0, negative errno */
int audit_policies(const struct audit *audit, const struct lease_set *leases)
{
	struct judging judging = {.audit = audit, .leases = leases};

	int r = host_networks_each(audit->configs, audit_network, &judging, audit->report);

	return r ? r : docker_networks_each(leases, audit->data_dir, audit_docker_network, &judging);
}
