/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why no address was given, in the words that people read. */

#include "plugin/verbs/leases.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ipam/store/store_lmdb.h"
#include "plugin/host/adopt.h"
#include "plugin/host/protection.h"
#include "plugin/host/reclaim.h"
#include "plugin/host/veto.h"
#include "plugin/netconf/check.h"
#include "plugin/report/log.h"
#include "plugin/verbs/blocks.h"

/** full_error() - Say which range set is used up: code 101 */
static int full_error(const struct context *context, const struct ipam_refusal *refusal, struct error *reterr)
{
	const struct range_set *set = &context->netconf.offered[refusal->set];
	char text[SPAN_TEXT_MAX];

	return error_set(reterr, ERROR_NO_FREE_ADDRESS,
			 "no free address in range set %zu (%s%s) of network \"%.64s\": each one is held, reserved or "
			 "routed elsewhere; see `rangeguard list`",
			 refusal->set, span_format(&set->ranges[0].span, text), set->n_ranges > 1 ? " and more" : "",
			 context->netconf.name);
}

/** RANGES_TEXT_MAX - Space for ranges_format(): some ranges, which is what people have */
#define RANGES_TEXT_MAX (4 * SPAN_TEXT_MAX)

/** ranges_format() - "10.9.0.1-10.9.0.254, fd00:9::1-fd00:9::ffff", " and more" where there are more. Return: @text */
static const char *ranges_format(const struct netconf *netconf, char text[static RANGES_TEXT_MAX])
{
	char span[SPAN_TEXT_MAX];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < netconf->n_sets; i++) {
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++) {
			if (RANGES_TEXT_MAX - used < SPAN_TEXT_MAX + sizeof(" and more")) {
				(void)snprintf(text + used, RANGES_TEXT_MAX - used, " and more");
				return text;
			}
			used += (size_t)snprintf(text + used, RANGES_TEXT_MAX - used, "%s%s", used ? ", " : "",
						 span_format(&netconf->sets[i].ranges[j].span, span));
		}
	}
	return text;
}

/** fixed_error() - Say to whom an address belongs that another pod asks for: code 105 */
static int fixed_error(const struct context *context, const struct address *address, struct error *reterr)
{
	const struct fixed *fixed = netconf_fixed_at(&context->netconf, address);
	char text[ADDRESS_TEXT_MAX];

	return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
			 "requested address %s belongs to pods %.256s%s%.256s (%s); ask for another address",
			 address_format(address, text), fixed->namespace_glob ? fixed->namespace_glob : "",
			 fixed->namespace_glob ? "/" : "", fixed->pod_glob, fixed->pointer);
}

/** is_in_ranges() - Whether a range of the network has the address */
static bool is_in_ranges(const struct netconf *netconf, const struct address *address)
{
	for (size_t i = 0; i < netconf->n_sets; i++)
		if (range_set_find(&netconf->offered[i], address))
			return true;
	return false;
}

/**
 * leases_error() - An outcome of ipam_take() as an error
 * @context:	Call
 * @outcome:	Outcome
 * @refusal:	What it is about
 * @veto:	Who was asked about addresses
 * @reterr:	Filled
 *
 * Return: REFUSED
 */
int leases_error(const struct context *context, int outcome, const struct ipam_refusal *refusal,
		 const struct veto *veto, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX], reservation[RESERVATION_TEXT_MAX], ranges[RANGES_TEXT_MAX];

	(void)address_format(&refusal->address, text);
	if (outcome < 0 && outcome == veto->failure)
		return veto_failed(veto, reterr);
	switch (outcome) {
	case IPAM_E_FULL:
		return full_error(context, refusal, reterr);
	case IPAM_E_RESERVED:
		return error_set(reterr, ERROR_RESERVED, "requested address %s lies in %s; ask for another address",
				 text, reservation_describe(&refusal->entry, reservation));
	case IPAM_E_HELD:
		return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE, "requested address %s is held by %s", text,
				 refusal->holder);
	case IPAM_E_OUTSIDE:
		if (own_ranges_wanted(&context->netconf) && is_in_ranges(&context->netconf, &refusal->address))
			return blocks_foreign_error(context, &refusal->address, reterr);
		return error_set(
			reterr, ERROR_ADDRESS_NOT_AVAILABLE,
			"requested address %s is in none of the ranges of network \"%.64s\" (%s), or is the second "
			"one asked of its range set",
			text, context->netconf.name, ranges_format(&context->netconf, ranges));
	case IPAM_E_EXCLUDED:
		if (netconf_fixed_at(&context->netconf, &refusal->address))
			return fixed_error(context, &refusal->address, reterr);
		return error_set(reterr, ERROR_ADDRESS_NOT_AVAILABLE,
				 "requested address %s is never given: it is a gateway, a next hop of ipam.routes or a "
				 "source of snat, or of a kind that no host has; ask for another address",
				 text);
	case IPAM_E_VETOED:
		return veto_error(veto, &refusal->address, reterr);
	case IPAM_E_LIVES:
		return error_set(
			reterr, ERROR_KERNEL,
			"interface %s of this container is attached already and holds %s; it was left as it is",
			context->request.ifname, text);
	case IPAM_E_DAMAGED:
		return lease_store_error(context->netconf.data_dir, STORE_LMDB_E_DAMAGED, reterr);
	default:
		return lease_store_error(context->netconf.data_dir, outcome, reterr);
	}
}
