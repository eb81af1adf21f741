/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CHECK: lease and kernel against prevResult, the final one of the chain, which later plugins may have changed
 * (specification, "CHECK"). Changes nothing, but for a ruleset that somebody flushed.
 */

#include <stdlib.h>
#include <string.h>

#include "plugin/host/protection.h"
#include "plugin/network/attach.h"
#include "plugin/verbs/chained.h"
#include "plugin/verbs/expectation.h"
#include "plugin/verbs/leases.h"
#include "plugin/verbs/verbs.h"

/** struct expectation - What a lease is compared with, and what came out */
struct expectation {
	const struct context *context;
	const struct result *expected;
	struct error *reterr;
};

/** expects() - Whether prevResult has @address on any interface */
static bool expects(const struct result *expected, const struct address *address)
{
	for (size_t i = 0; i < expected->n_ips; i++)
		if (address_equal(&expected->ips[i].address.address, address))
			return true;
	return false;
}

/** compare_lease() - ipam_each_fn: each leased address must stand in prevResult */
static int compare_lease(void *userdata, const struct lease *lease)
{
	const struct expectation *expectation = userdata;
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < lease->n_addresses; i++)
		if (!expects(expectation->expected, &lease->addresses[i]))
			return error_set(expectation->reterr, ERROR_ADDRESS_NOT_AVAILABLE,
					 "address %s is leased to this attachment, but is not in prevResult",
					 address_format(&lease->addresses[i], text));
	return 0;
}

/** missing_lease() - The error of an attachment that holds nothing */
static int missing_lease(struct error *reterr)
{
	return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
			 "no lease for this attachment: its addresses may be given "
			 "to another container; delete and re-create it");
}

/** check_lease() - There is a lease, and it is the one that prevResult tells of */
static int check_lease(const struct context *context, const struct result *expected, struct error *reterr)
{
	struct expectation expectation = {.context = context, .expected = expected, .reterr = reterr};
	struct attachment attachment = context_attachment(context);
	STORE_CLEANUP struct store *store = NULL;
	STATE_CLEANUP struct state state = STATE_INIT;
	int r = state_open(context->netconf.data_dir, STATE_READ, &state);

	if (r == STATE_E_ABSENT)
		return missing_lease(reterr);
	if (r)
		return lease_store_error(context->netconf.data_dir, r, reterr);
	r = lease_store_open(context->netconf.data_dir, &state, STATE_READ, LIMIT_LOCK_WAIT_MS, &store, reterr);
	if (r)
		return r == STATE_E_ABSENT ? missing_lease(reterr) : r;
	r = ipam_find(store, &attachment, compare_lease, &expectation);
	if (r == IPAM_E_NOT_FOUND)
		return missing_lease(reterr);
	if (r && !reterr->code)
		return lease_store_error(context->netconf.data_dir, r, reterr);
	return r ? REFUSED : 0;
}

/** check_interface() - The kernel has what prevResult tells of, and the nftables table what the lease does */
static int check_interface(const struct context *context, const struct result *expected, struct error *reterr)
{
	CLEANUP_FREE struct prefix *addresses = calloc(expected->n_ips + 1, sizeof(*addresses));
	struct attachment attachment = context_attachment(context);
	NETNS_CLEANUP struct netns netns = NETNS_INIT;
	HOST_CLEANUP struct host host = {0};
	struct attach_expectation expectation;
	int r = netns_open(context->request.netns, &netns);

	if (r)
		return error_set(reterr, error_code_of(r, ERROR_NETNS),
				 "CNI_NETNS %.256s is not a network namespace that can be opened: %s",
				 context->request.netns, r < 0 ? strerror(-r) : "it is something else");
	if (context_open_host(context, &host, reterr) || protection_check(&host, &attachment, reterr))
		return REFUSED;
	if (!addresses)
		return error_no_memory(reterr);
	expectation = expectation_of_result(expected, attachment.ifname, addresses);
	return attach_check(host.rtnetlink, &netns, &attachment, &expectation, reterr);
}

/**
 * verb_check() - CHECK
 * @context:	Call
 * @reterr:	What is missing
 *
 * Return: 0, REFUSED
 */
int verb_check(struct context *context, struct error *reterr)
{
	if (context_read_config(context, reterr) || context_read_previous(context, reterr) ||
	    context_read_pinning(context, reterr))
		return REFUSED;
	if (context->netconf.role == ROLE_CHAINED)
		return chained_check(context, reterr);
	if (check_lease(context, &context->previous, reterr))
		return REFUSED;
	return context->netconf.role == ROLE_INTERFACE ? check_interface(context, &context->previous, reterr) : 0;
}
