/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ADD: addresses, then the network, then the result; what fails undoes what was done before it. In the chained role
 * only prevResult is judged and passed on.
 */

#include <errno.h>
#include <string.h>

#include "plugin/host/protection.h"
#include "plugin/netconf/check.h"
#include "plugin/network/attach.h"
#include "plugin/report/log.h"
#include "plugin/verbs/answer.h"
#include "plugin/verbs/chained.h"
#include "plugin/verbs/leases.h"
#include "plugin/verbs/previous.h"
#include "plugin/verbs/record.h"
#include "plugin/verbs/sources.h"
#include "plugin/verbs/verbs.h"

/** open_netns() - CNI_NETNS, which must be a network namespace and not the plugin's own, where @host is: code 8 */
static int open_netns(const struct context *context, struct port *host, struct netns *ret_netns, struct error *reterr)
{
	NETNS_CLEANUP struct netns netns = NETNS_INIT;
	int r = netns_open(context->request.netns, &netns);

	if (r == NETNS_E_NOT_NETNS)
		return error_set(reterr, ERROR_NETNS, "CNI_NETNS %.256s is not a network namespace",
				 context->request.netns);
	if (r < 0)
		return error_set_errno(reterr, ERROR_NETNS, r, "CNI_NETNS %.256s can't be opened",
				       context->request.netns);
	r = netns_has_port(&netns, host);
	if (r < 0)
		return error_set_errno(reterr, ERROR_NETNS, r, "the plugin's own network namespace can't be looked at");
	if (r && !context->request.netns_override)
		return error_set(reterr, ERROR_NETNS,
				 "plugin's netns and netns from CNI_NETNS should not be the same: %.256s",
				 context->request.netns);
	r = netns_read_cookie(&netns);
	if (r < 0)
		return error_set_errno(reterr, ERROR_NETNS, r, "CNI_NETNS %.256s can't be looked at",
				       context->request.netns);
	*ret_netns = netns;
	netns = (struct netns)NETNS_INIT;
	return 0;
}

/** make_plan() - The state wanted in the kernel, from configuration and grant */
static int make_plan(const struct context *context, const struct ipam_grant *grant, struct port *host,
		     struct plan *ret_plan, struct error *reterr)
{
	const struct netconf *netconf = &context->netconf;
	struct attachment attachment = context_attachment(context);
	struct plan_input input = {
		.attachment = &attachment,
		.addresses = grant->addresses,
		.n_addresses = grant->n_addresses,
		.routes = netconf->routes,
		.n_routes = netconf->n_routes,
		.default_routes = !netconf->routes_given,
		.mac = netconf->mac,
		.mtu = netconf->mtu,
	};
	char uplink[IFNAMSIZ] = "";
	int r;

	if (!input.mtu && attach_default_mtu(host, &input.mtu, uplink, reterr))
		return REFUSED;
	r = plan_make(&input, ret_plan);
	if (r == -EINVAL)
		return error_set(reterr, ERROR_CONFIG,
				 "the MAC address \"%.64s\" asked for is not a unicast MAC address", netconf->mac);
	if (r == -ERANGE)
		return error_set(
			reterr, ERROR_CONFIG,
			"mtu %u, that of the host's uplink %s, is too small for IPv6, which needs %u (RFC 8200); "
			"enlarge it there, set mtu, or leave the IPv6 ranges out",
			input.mtu, uplink, LIMIT_MTU_MIN_IPV6);
	return r ? error_set_errno(reterr, ERROR_CONFIG, r, "can't plan this attachment") : 0;
}

/** struct arm_step - What arm() works with */
struct arm_step {
	const struct context *context;
	const struct state *state;
	struct host *host;
	struct protection protection;
};

/** arm() - attach_step: the nftables table knows the container before it can send anything */
static int arm(void *userdata, uint32_t host_index, struct error *reterr)
{
	struct arm_step *step = userdata;

	return protection_put(step->host, step->state, host_index, &step->protection, reterr);
}

/**
 * has_bandwidth() - Whether the runtime asks for a limit, so that the bandwidth plugin, which comes later in the list, will
 * want the place of the host end's ingress qdisc
 */
static bool has_bandwidth(const struct context *context)
{
	return json_is_object(json_object_get(json_object_get(context->root, "runtimeConfig"), "bandwidth"));
}

/** make_arms() - What the table has to know, from configuration and plan; the clauses are the context's */
static struct protection make_arms(const struct context *context, const struct plan *plan)
{
	struct protection protection = {
		.member = {.n_addresses = plan->n_addresses,
			   .anti_spoof = context->netconf.anti_spoof,
			   .egress = &context->pinning.egress},
		.digest = context->pinning.digest,
		.new_interface = !has_bandwidth(context),
	};

	(void)snprintf(protection.member.interface, sizeof(protection.member.interface), "%s", plan->host_name);
	memcpy(protection.member.addresses, plan->addresses, sizeof(plan->addresses));
	memcpy(protection.mac, plan->container_mac, sizeof(protection.mac));
	return protection;
}

/** undo_wiring() - Remove an attachment that was made, but of which nobody could be told */
static void undo_wiring(const struct context *context, struct port *host)
{
	struct attachment attachment = context_attachment(context);
	struct error undo_error = {0};

	if (attach_delete(host, &attachment, &(struct attach_step){0}, &undo_error))
		log_line("undoing the attachment: %s", undo_error.msg);
}

/**
 * wire() - Make the attachment in the kernel and print the result
 * @context:	Call
 * @state:	State, the attachment locked
 * @host:	Host
 * @netns:	Container's namespace
 * @grant:	Addresses taken
 * @reterr:	Error
 *
 * Return: 0, REFUSED with nothing left behind, ATTACH_E_EXISTS with somebody's older interface left as it was
 */
static int wire(const struct context *context, const struct state *state, struct host *host, struct netns *netns,
		const struct ipam_grant *grant, struct error *reterr)
{
	struct arm_step step = {.context = context, .state = state, .host = host};
	PLAN_CLEANUP struct plan plan = {0};
	int r;

	if (make_plan(context, grant, host->rtnetlink, &plan, reterr))
		return REFUSED;
	step.protection = make_arms(context, &plan);
	r = attach_create(host->rtnetlink, netns, &plan, &(struct attach_step){.run = arm, .userdata = &step}, reterr);
	if (r)
		return r;
	if (!answer_attachment(context, grant, &plan, reterr))
		return 0;
	undo_wiring(context, host->rtnetlink);
	return REFUSED;
}

/** undo_take() - Give the addresses back after a failure: of an attachment that lives, nothing was taken */
static void undo_take(const struct context *context, const struct state *state, struct host *host)
{
	struct attachment attachment = context_attachment(context);
	struct error undo_error = {0};

	if (lease_store_release(host, state, &attachment, RELEASE_UNDO, &undo_error))
		log_line("giving the addresses back: %s", undo_error.msg);
}

/**
 * take_leases() - The addresses, and of sources that hosts share those that this host holds
 * @context:	Call; its pinning knows them afterwards
 * @state:	State, the attachment locked
 * @netns:	Container's namespace
 * @host:	Host
 * @ret_grant:	What was given
 * @reterr:	Error
 *
 * Return: 0, REFUSED
 */
static int take_leases(struct context *context, const struct state *state, const struct netns *netns, struct host *host,
		       struct ipam_grant *ret_grant, struct error *reterr)
{
	for (unsigned i = 0; i < SOURCES_TRIES; i++) {
		int r = sources_choose(context, host->rtnetlink, reterr);

		if (!r)
			r = leases_take(context, state, netns, host, ret_grant, reterr);
		if (r != (int)SOURCES_E_CLOSED)
			return r;
	}
	return sources_gone(reterr);
}

/** add_addresses() - The roles with addresses: a delegate reports them, the interface role wires them */
static int add_addresses(struct context *context, struct error *reterr)
{
	NETNS_CLEANUP struct netns netns = NETNS_INIT;
	STATE_CLEANUP struct state state = STATE_INIT;
	HOST_CLEANUP struct host host = {0};
	struct attachment attachment = context_attachment(context);
	struct ipam_grant grant;
	int r;

	if (context_open_host(context, &host, reterr) || open_netns(context, host.rtnetlink, &netns, reterr) ||
	    pinning_check(&context->pinning, host.rtnetlink, reterr) ||
	    leases_open(context, &attachment, STATE_WRITE, &state, reterr) ||
	    take_leases(context, &state, &netns, &host, &grant, reterr))
		return REFUSED;
	if (context->netconf.role == ROLE_DELEGATE)
		r = answer_addresses(context, &grant, reterr);
	else
		r = wire(context, &state, &host, &netns, &grant, reterr);
	if (r)
		undo_take(context, &state, &host);
	else
		record_grant(context, &grant);
	return r ? REFUSED : 0;
}

/** add() - What verb_add() does; a refusal is the guard's or somebody else's */
static int add(struct context *context, struct error *reterr)
{
	if (context_read_config(context, reterr) || context_read_previous(context, reterr) ||
	    context_read_policy(context, reterr) || previous_judge(context, reterr) ||
	    context_read_pinning(context, reterr))
		return REFUSED;
	return context->netconf.role == ROLE_CHAINED ? chained_add(context, reterr) : add_addresses(context, reterr);
}

/**
 * verb_add() - ADD
 * @context:	Call
 * @reterr:	Why not
 *
 * Return: 0 with the result printed, REFUSED with nothing left behind
 */
int verb_add(struct context *context, struct error *reterr)
{
	int r = add(context, reterr);

	if (r && reterr->code == ERROR_RESERVED)
		leases_withdraw_discards(context);
	if (r)
		context_explain_refusal(context, reterr);
	else
		context_tell_unguarded(context);
	return r;
}
