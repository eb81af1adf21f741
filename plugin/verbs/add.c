/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ADD: addresses, then the network, then the result; what fails undoes what was done before it. In the chained role
 * only prevResult is judged and passed on.
 */

#include <errno.h>
#include <string.h>

#include "plugin/config/check.h"
#include "plugin/network/attach.h"
#include "plugin/verbs/answer.h"
#include "plugin/verbs/leases.h"
#include "plugin/verbs/verbs.h"

/** open_netns() - CNI_NETNS, which must be a network namespace and not the plugin's own: code 8 */
static int open_netns(const struct context *context, struct netns *ret_netns, struct error *reterr)
{
	NETNS_CLEANUP struct netns netns = NETNS_INIT;
	int r = netns_open(context->request.netns, &netns);

	if (r == NETNS_E_NOT_NETNS)
		return error_set(reterr, ERROR_NETNS, "CNI_NETNS %.256s is not a network namespace",
				 context->request.netns);
	if (r < 0)
		return error_set(reterr, ERROR_NETNS, "CNI_NETNS %.256s can't be opened: %s", context->request.netns,
				 strerror(-r));
	r = netns_is_own(&netns);
	if (r < 0)
		return error_set(reterr, ERROR_NETNS, "the plugin's own network namespace can't be looked at: %s",
				 strerror(-r));
	if (r && !context->request.netns_override)
		return error_set(reterr, ERROR_NETNS,
				 "plugin's netns and netns from CNI_NETNS should not be the same: %.256s",
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
	int r;

	if (!input.mtu && attach_default_mtu(host, &input.mtu, reterr))
		return REFUSED;
	r = plan_make(&input, ret_plan);
	if (r == -EINVAL)
		return error_set(reterr, ERROR_CONFIG, "the MAC address \"%.64s\" asked for is no unicast MAC address",
				 netconf->mac);
	return r ? error_set(reterr, ERROR_CONFIG, "no plan for this attachment: %s", strerror(-r)) : 0;
}

/**
 * wire() - Make the attachment in the kernel and print the result
 * @context:	Call
 * @host:	Port in the host's namespace
 * @netns:	Container's namespace
 * @grant:	Addresses taken
 * @reterr:	Error
 *
 * Return: 0, REFUSED with nothing left behind, ATTACH_E_EXISTS with somebody's older interface left as it was
 */
static int wire(const struct context *context, struct port *host, const struct netns *netns,
		const struct ipam_grant *grant, struct error *reterr)
{
	struct attachment attachment = context_attachment(context);
	PLAN_CLEANUP struct plan plan = {0};
	struct error undo_error = {0};
	int r;

	if (make_plan(context, grant, host, &plan, reterr))
		return REFUSED;
	r = attach_create(host, netns, &plan, reterr);
	if (r)
		return r;
	if (!answer_attachment(context, grant, &plan, reterr))
		return 0;
	if (attach_delete(host, &attachment, &undo_error))
		log_line("undoing the attachment: %s", undo_error.msg);
	return REFUSED;
}

/** undo_take() - Give the addresses back after a failure: of an attachment that lives, nothing was taken */
static void undo_take(const struct context *context, const struct state *state)
{
	struct attachment attachment = context_attachment(context);
	struct error undo_error = {0};

	if (leases_release(context, state, &attachment, &undo_error))
		log_line("giving the addresses back: %s", undo_error.msg);
}

/** judge_address() - Refuse an address or gateway of another plugin's result that is reserved: code 100 */
static int judge_address(const struct context *context, const char *what, const struct address *address,
			 struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX], reservation[RESERVATION_TEXT_MAX];
	struct guard_entry entry;

	if (address->family == FAMILY_NONE || guard_decide(context->guard, address, &entry) != GUARD_E_RESERVED)
		return 0;
	return error_set(reterr, ERROR_RESERVED, "%s %s, which an earlier plugin of network \"%.64s\" gave, lies in %s",
			 what, address_format(address, text), context->netconf.name,
			 reservation_describe(&entry, reservation));
}

/** judge_previous() - Hold the addresses and gateways that earlier plugins gave against the guard */
static int judge_previous(const struct context *context, struct error *reterr)
{
	const struct result *previous = &context->previous;

	for (size_t i = 0; i < previous->n_ips; i++)
		if (judge_address(context, "address", &previous->ips[i].address.address, reterr) ||
		    judge_address(context, "gateway", &previous->ips[i].gateway, reterr))
			return REFUSED;
	return 0;
}

/** add_addresses() - The roles with addresses: a delegate reports them, the interface role wires them */
static int add_addresses(struct context *context, struct error *reterr)
{
	NETNS_CLEANUP struct netns netns = NETNS_INIT;
	STATE_CLEANUP struct state state = STATE_INIT;
	PORT_CLEANUP struct port *host = NULL;
	struct ipam_grant grant;
	int r;

	if (open_netns(context, &netns, reterr) || context_open_port(&host, reterr) ||
	    leases_open(context, STATE_WRITE, &state, reterr) ||
	    leases_take(context, &state, &netns, host, &grant, reterr))
		return REFUSED;
	if (context->netconf.role == ROLE_DELEGATE)
		r = answer_addresses(context, &grant, reterr);
	else
		r = wire(context, host, &netns, &grant, reterr);
	if (r)
		undo_take(context, &state);
	return r ? REFUSED : 0;
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
	if (context_read_config(context, reterr) || context_read_previous(context, reterr) ||
	    context_read_policy(context, reterr) || judge_previous(context, reterr))
		return REFUSED;
	return context->netconf.role == ROLE_CHAINED ? answer_previous(context, reterr)
						     : add_addresses(context, reterr);
}
