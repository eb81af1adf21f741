/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an ADD refuses on its way, long after it has read the configuration, though the configuration alone says so:
 * addresses asked for that can't be given, more pins than a container may have, a result that is malformed. Pure.
 */

#include <string.h>

#include "plugin/cni/result.h"
#include "plugin/netconf/check.h"
#include "plugin/netconf/netconf_ipam.h"

/** is_given() - Whether one of the requested addresses before number @n is of the same range set */
static bool is_given(const struct netconf *netconf, const struct range_set *set, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (range_set_find(set, &netconf->requested[i]))
			return true;
	return false;
}

/** has_set() - Whether there is a range set that gives requested address number @n */
static bool has_set(const struct netconf *netconf, size_t n)
{
	for (size_t i = 0; i < netconf->n_sets; i++)
		if (range_set_find(&netconf->sets[i], &netconf->requested[n]) &&
		    !is_given(netconf, &netconf->sets[i], n))
			return true;
	return false;
}

/** is_excluded() - Whether an address is never given: a gateway, a next hop, a pin's source */
static bool is_excluded(const struct netconf *netconf, const struct address *address)
{
	for (size_t i = 0; i < netconf->n_sets; i++)
		if (range_set_excludes(&netconf->sets[i], address))
			return true;
	return false;
}

/** check_requested() - An address asked for by name: a pod's own is for that pod alone, which is not known here */
static void check_requested(const struct netconf *netconf, size_t n, struct report *report)
{
	const struct address *address = &netconf->requested[n];
	char text[ADDRESS_TEXT_MAX];

	(void)address_format(address, text);
	if (is_excluded(netconf, address) && !netconf_fixed_at(netconf, address))
		report_error(
			report, RULE_INVALID_VALUE, netconf->file, netconf->requested_at[n],
			"requested address %s is never given: it is a gateway, a next hop of ipam.routes or a source "
			"of snat; ask for another address",
			text);
	else if (!has_set(netconf, n))
		report_error(report, RULE_INVALID_VALUE, netconf->file, netconf->requested_at[n],
			     "requested address %s is in none of the ranges of network \"%.64s\", or is the second one "
			     "asked of its range set",
			     text, netconf->name);
}

/** check_n_pins() - Entries that match every container are a container's pins, of which it can have only so many */
static void check_n_pins(const struct netconf *netconf, struct report *report)
{
	size_t n = 0;

	for (size_t i = 0; i < netconf->n_pins; i++) {
		const struct pin *pin = &netconf->pins[i];

		n += !pin->namespace_glob && !pin->pod_glob;
		if (n <= LIMIT_PINS_PER_CONTAINER)
			continue;
		report_error(report, RULE_SNAT, netconf->file, pin->pointer,
			     "more than %u snat entries match every container, which is more than one can have; join "
			     "those of one source, or give them a match",
			     LIMIT_PINS_PER_CONTAINER);
		return;
	}
}

/** check_previous() - A result of earlier plugins that stands in the file */
static void check_previous(const struct netconf *netconf, struct report *report)
{
	RESULT_CLEANUP struct result result = {0};
	struct pointer at = pointer_of(netconf->pointer);
	struct error err = {0};

	if (!netconf->prev_result || !result_from_json(netconf->prev_result, netconf->version, &result, &err))
		return;
	(void)pointer_push_key(&at, "prevResult");
	report_error(report, RULE_INVALID_VALUE, netconf->file, at.text, "an ADD would refuse it: %.1024s", err.msg);
}

/** check_chosen_pin() - An annotation in the file chooses a pin: there is one of that name */
static void check_chosen_pin(const struct netconf *netconf, struct report *report)
{
	struct pointer at = pointer_of(netconf->pointer);

	if (!netconf->chosen_pin)
		return;
	for (size_t i = 0; i < netconf->n_pins; i++)
		if (strcmp(netconf->pins[i].name, netconf->chosen_pin) == 0)
			return;
	(void)pointer_push_key(&at, "runtimeConfig");
	(void)pointer_push_key(&at, NETCONF_ANNOTATIONS);
	(void)pointer_push_key(&at, "rangeguard.dev/source");
	report_error(report, RULE_SNAT, netconf->file, at.text,
		     "the annotation names snat entry \"%.64s\", and no snat entry of network \"%.64s\" is called that",
		     netconf->chosen_pin, netconf->name);
}

/**
 * check_later() - Report what an ADD refuses of a configuration that has been read
 * @netconf:	Configuration
 * @report:	Hears each of them
 */
void check_later(const struct netconf *netconf, struct report *report)
{
	for (size_t i = 0; i < netconf->n_requested; i++)
		check_requested(netconf, i, report);
	check_n_pins(netconf, report);
	check_chosen_pin(netconf, report);
	check_previous(netconf, report);
}
