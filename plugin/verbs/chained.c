/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pins and masquerading behind other plugins. */

#include "plugin/verbs/chained.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "plugin/host/guarding.h"
#include "plugin/host/protection.h"
#include "plugin/network/link.h"
#include "plugin/network/netns.h"
#include "plugin/report/log.h"
#include "plugin/verbs/answer.h"
#include "plugin/verbs/leases.h"
#include "plugin/verbs/record.h"
#include "plugin/verbs/sources.h"

/** chained_attachment() - The attachment of this call, as the chained role has it */
static struct attachment chained_attachment(const struct context *context)
{
	struct attachment attachment = context_attachment(context);

	attachment.chained = true;
	return attachment;
}

/**
 * host_interface() - The host's interface towards the container, by what earlier plugins told
 * @previous:	Their result
 *
 * Of a veth pair the end without sandbox, which stands before the container's; a bridge may stand before both.
 *
 * Return: its name, NULL when there is none: macvlan and the like, whose packets the host never sees
 */
static const char *host_interface(const struct result *previous)
{
	const char *name = NULL;

	for (size_t i = 0; i < previous->n_interfaces; i++) {
		const struct result_interface *interface = &previous->interfaces[i];

		if (*interface->sandbox)
			break;
		name = interface->name;
	}
	return name && *name && strlen(name) < IFNAMSIZ ? name : NULL;
}

/** no_interface() - Say that a pin can't work: REFUSED (103) */
static int no_interface(const struct context *context, const char *name, struct error *reterr)
{
	return error_set(reterr, ERROR_SNAT,
			 "snat entry \"%s\" can't be applied: %s%s; pins need a veth pair, as ptp and bridge make it",
			 context->pinning.matched[0]->name,
			 name ? "there is no interface " : "no interface on the host leads to the container",
			 name ? name : "");
}

/**
 * find_interface() - Find the host's interface towards the container
 * @context:	Call
 * @host:	Port
 * @ret_link:	Link; index 0 when there is none
 * @reterr:	Code 103 when a pin needs one, 107
 *
 * Return: 0, REFUSED
 */
static int find_interface(const struct context *context, struct port *host, struct link_info *ret_link,
			  struct error *reterr)
{
	const char *name = host_interface(&context->previous);
	struct link_answer answer = {.found = false};

	*ret_link = (struct link_info){.index = 0};
	if (name && link_find(host, name, &answer, reterr))
		return REFUSED;
	if (!answer.found)
		return context->pinning.n_matched ? no_interface(context, name, reterr) : 0;
	*ret_link = answer.link;
	return 0;
}

/**
 * make_lease() - What is noted
 * @context:	Call
 * @link:	The host's interface
 * @netns:	Container's namespace, as far as it could be looked at
 *
 * Return: the lease
 */
static struct lease make_lease(const struct context *context, const struct link_info *link, const struct netns *netns)
{
	const struct cni_args *args = &context->request.args;
	struct lease lease = {
		.attachment = chained_attachment(context),
		.pod_namespace = args->pod_namespace ? args->pod_namespace : "",
		.pod_name = args->pod_name ? args->pod_name : "",
		.netns = context->request.netns,
		.interface = link->name,
		.pins = context->pinning.names,
		.netns_device = netns->device,
		.netns_inode = netns->inode,
		.netns_cookie = netns->cookie,
		.since = time(NULL),
		.anti_spoof = context->netconf.anti_spoof && link->index,
		.egress = context->pinning.digest,
	};

	for (size_t i = 0; i < context->previous.n_ips && i < LIMIT_RANGE_SETS; i++)
		lease.addresses[lease.n_addresses++] = context->previous.ips[i].address.address;
	return lease;
}

/** undo() - Take back what was noted and armed */
static void undo(const struct context *context, const struct state *state, struct host *host)
{
	struct attachment attachment = chained_attachment(context);
	struct error undo_error = {0};

	if (lease_store_release(host, state, &attachment, RELEASE_UNDO, &undo_error))
		log_line("undoing the protection: %s", undo_error.msg);
}

/** read_mac() - MAC address of the container's interface, as far as earlier plugins told */
static void read_mac(const struct context *context, uint8_t mac[static ETH_ALEN])
{
	const struct result *previous = &context->previous;

	for (size_t i = 0; i < previous->n_interfaces; i++) {
		const struct result_interface *interface = &previous->interfaces[i];

		if (*interface->sandbox && strcmp(interface->name, context->request.ifname) == 0)
			(void)mac_parse(interface->mac, mac);
	}
}

/**
 * guard_only() - Guard what a container without pins and masquerading sends, print the result
 *
 * There is no lease: what the classifier knows stands in the kernel, and goes with the interface.
 *
 * Return: 0, REFUSED
 */
static int guard_only(const struct context *context, struct host *host, uint32_t ifindex, const struct lease *lease,
		      struct error *reterr)
{
	struct protection protection = protection_of_lease(lease, &context->pinning.egress);

	protection.shared_interface = true;
	read_mac(context, protection.mac);
	return guarding_put(host, ifindex, &protection, reterr) || protection_set_backstop(host, &protection, reterr)
		       ? REFUSED
		       : answer_previous(context, reterr);
}

/**
 * look_at_netns() - What identifies the container's namespace, by which the lease is known to be alive later: 0,
 * REFUSED (8): noted without it, the lease would be given back while the container runs
 */
static int look_at_netns(const struct context *context, struct netns *ret_netns, struct error *reterr)
{
	int r = netns_open(context->request.netns, ret_netns);

	if (!r)
		r = netns_read_cookie(ret_netns);
	if (r == NETNS_E_NOT_NETNS)
		return error_set(reterr, ERROR_NETNS, "CNI_NETNS %.256s is not a network namespace",
				 context->request.netns);
	return r ? error_set_errno(reterr, ERROR_NETNS, r, "CNI_NETNS %.256s can't be looked at",
				   context->request.netns)
		 : 0;
}

/** struct chained_noting - What a lease is noted from */
struct chained_noting {
	struct host *host;
	const struct state *state;
	struct link_info link;
	struct netns netns;
};

/** note_lease() - The lease, if there is one, with the sources that this host holds: 0, REFUSED; @ret_shared: protection_shared() */
static int note_lease(struct context *context, const struct chained_noting *noting, struct lease *ret_lease,
		      bool *ret_shared, struct error *reterr)
{
	for (unsigned i = 0; i < SOURCES_TRIES; i++) {
		int r = sources_choose(context, noting->host->rtnetlink, reterr);

		if (r)
			return r;
		*ret_lease = make_lease(context, &noting->link, &noting->netns);
		if (ret_lease->egress)
			r = leases_note(context, noting->state, noting->host, ret_lease, ret_shared, reterr);
		if (r != (int)SOURCES_E_CLOSED)
			return r;
	}
	return sources_gone(reterr);
}

/** noting_done() - Close the namespace */
static void noting_done(struct chained_noting *noting)
{
	netns_done(&noting->netns);
}

/** arm() - Note the lease, put it into the kernel, print the result; what fails leaves nothing: 0, REFUSED */
static int arm(struct context *context, const struct state *state, struct host *host, struct error *reterr)
{
	CLEANUP(noting_done) struct chained_noting noting = {.host = host, .state = state, .netns = NETNS_INIT};
	struct lease lease;
	bool shared = false;
	struct protection protection;

	if (context->previous.n_ips > LIMIT_RANGE_SETS)
		return error_set(reterr, ERROR_CONFIG, "prevResult has more than %u addresses", LIMIT_RANGE_SETS);
	if (pinning_check(&context->pinning, host->rtnetlink, reterr) ||
	    find_interface(context, host->rtnetlink, &noting.link, reterr) ||
	    look_at_netns(context, &noting.netns, reterr))
		return REFUSED;
	if (note_lease(context, &noting, &lease, &shared, reterr))
		return REFUSED;
	if (!lease.egress)
		return guard_only(context, host, noting.link.index, &lease, reterr);
	protection = protection_of_lease(&lease, &context->pinning.egress);
	protection.member.shared = shared;
	protection.shared_interface = true;
	read_mac(context, protection.mac);
	if (!protection_put(host, state, noting.link.index, &protection, reterr) && !answer_previous(context, reterr)) {
		record_add(context, &lease);
		return 0;
	}
	undo(context, state, host);
	return REFUSED;
}

/**
 * chained_add() - ADD of the chained role: arm what there is to arm, pass prevResult on
 * @context:	Call
 * @reterr:	Codes 5, 7, 11, 103, 106, 107
 *
 * Return: 0, REFUSED
 */
int chained_add(struct context *context, struct error *reterr)
{
	struct attachment attachment = chained_attachment(context);
	STATE_CLEANUP struct state state = STATE_INIT;
	HOST_CLEANUP struct host host = {0};

	if (!context->pinning.digest && !context->netconf.anti_spoof)
		return answer_previous(context, reterr);
	return context_open_host(context, &host, reterr) ||
			       leases_open(context, &attachment, STATE_WRITE, &state, reterr) ||
			       arm(context, &state, &host, reterr)
		       ? REFUSED
		       : 0;
}

/**
 * chained_del() - DEL of the chained role: take back what ADD armed, if it did
 * @context:	Call
 * @host:	Host
 * @reterr:	Codes 11, 106, 107
 *
 * The container may still run. Its interface marks what it sends, so that the fence keeps it from where it was pinned.
 *
 * Return: 0, REFUSED
 */
int chained_del(const struct context *context, struct host *host, struct error *reterr)
{
	struct attachment attachment = chained_attachment(context);
	STATE_CLEANUP struct state state = STATE_INIT;
	int r = leases_open(context, &attachment, STATE_UPDATE, &state, reterr);

	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	return lease_store_release(host, &state, &attachment, RELEASE_DEL, reterr);
}

/** check_guard() - CHECK of a container that has no lease of this role: what it sends is guarded; 0, REFUSED */
static int check_guard(const struct context *context, struct host *host, struct error *reterr)
{
	NETNS_CLEANUP struct netns netns = NETNS_INIT;
	struct protection protection;
	struct link_info link;
	struct lease lease;
	int r;

	if (find_interface(context, host->rtnetlink, &link, reterr))
		return REFUSED;
	lease = make_lease(context, &link, &netns);
	protection = protection_of_lease(&lease, &context->pinning.egress);
	protection.shared_interface = true;
	read_mac(context, protection.mac);
	r = guarding_look(host, link.index, &protection, reterr);
	if (!r && link.index)
		r = protection_set_backstop(host, &protection, reterr) ||
				    guarding_stop_bridging(host, link.index, reterr)
			    ? REFUSED
			    : 0;
	if (r != GUARDING_E_MISSING)
		return r;
	log_line("what %s sends was not guarded: the classifier at %s was gone, it is put back",
		 context->request.container_id, link.name);
	r = guarding_put(host, link.index, &protection, reterr);
	return r ? r : protection_set_backstop(host, &protection, reterr);
}

/** chained_check() - CHECK of the chained role: what ADD armed is there; 0, REFUSED */
int chained_check(const struct context *context, struct error *reterr)
{
	struct attachment attachment = chained_attachment(context);
	HOST_CLEANUP struct host host = {0};

	if (!context->pinning.digest && !context->netconf.anti_spoof)
		return 0;
	if (context_open_host(context, &host, reterr))
		return REFUSED;
	return context->pinning.digest ? protection_check(&host, &attachment, reterr)
				       : check_guard(context, &host, reterr);
}
