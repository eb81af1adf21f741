/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pins are for a container, and what they and masquerading come to. */

#include "plugin/verbs/pinning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/network/own_address.h"
#include "plugin/snat/assign.h"
#include "rangeguard/cleanup.h"

/** pinning_own_of_ranges() - The ranges of the interface role: 0, -ENOMEM */
int pinning_own_of_ranges(const struct netconf *netconf, struct pinning_own *ret_own)
{
	struct pinning_own own = {0};
	size_t n = 0;

	for (size_t i = 0; i < netconf->n_sets; i++)
		n += netconf->sets[i].n_ranges;
	own.ranges = calloc(n + 1, sizeof(*own.ranges));
	if (!own.ranges)
		return -ENOMEM;
	for (size_t i = 0; i < netconf->n_sets; i++)
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++)
			own.ranges[own.n_ranges++] = prefix_span(&netconf->sets[i].ranges[j].subnet);
	*ret_own = own;
	return 0;
}

/** pinning_own_of_result() - The subnets of the addresses that other plugins gave: 0, -ENOMEM */
int pinning_own_of_result(const struct result *result, struct pinning_own *ret_own)
{
	struct pinning_own own = {.ranges = calloc(result->n_ips + 1, sizeof(*own.ranges))};

	if (!own.ranges)
		return -ENOMEM;
	for (size_t i = 0; i < result->n_ips; i++)
		own.ranges[own.n_ranges++] = prefix_span(&result->ips[i].address);
	*ret_own = own;
	return 0;
}

/** pinning_own_done() - Release the ranges */
void pinning_own_done(struct pinning_own *own)
{
	free(own->ranges);
	*own = (struct pinning_own){0};
}

/** has_family() - Whether the container has addresses of a family */
static bool has_family(const struct pinning_own *own, enum family family)
{
	for (size_t i = 0; i < own->n_ranges; i++)
		if (own->ranges[i].family == family)
			return true;
	return false;
}

/** add_pin() - The clauses of a pin, one per family that it and the container have: 0, -ENOMEM */
static int add_pin(const struct pin *pin, const struct pinning_own *own, struct egress *egress)
{
	int r = 0;

	for (size_t i = 0; i < 2 && !r; i++) {
		struct egress_source source = {.family = pin->sources[i].family,
					       .address = &pin->sources[i],
					       .assign = pin->assign,
					       .shared = pin->shared};

		if (!source.family || !has_family(own, source.family))
			continue;
		if (pin->destinations_given)
			r = egress_add(egress, &source, pin->destinations, pin->n_destinations);
		else
			r = egress_add_except(egress, &source, own->ranges, own->n_ranges);
	}
	return r;
}

/** add_masquerading() - A clause per family that the container has: 0, -ENOMEM */
static int add_masquerading(const struct netconf *netconf, const struct pinning_own *own, struct egress *egress)
{
	size_t n = own->n_ranges + netconf->n_non_masq;
	CLEANUP_FREE struct span *kept = calloc(n + 1, sizeof(*kept));
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	int r = 0;

	if (!kept)
		return -ENOMEM;
	if (own->n_ranges)
		memcpy(kept, own->ranges, own->n_ranges * sizeof(*kept));
	if (netconf->n_non_masq)
		memcpy(kept + own->n_ranges, netconf->non_masq, netconf->n_non_masq * sizeof(*kept));
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && !r; i++) {
		struct egress_source source = {.family = families[i]};

		if (has_family(own, families[i]))
			r = egress_add_except(egress, &source, kept, n);
	}
	return r;
}

/** note_name() - Add a pin's name to the names */
static void note_name(struct pinning *pinning, const char *name)
{
	size_t used = strlen(pinning->names);

	(void)snprintf(pinning->names + used, sizeof(pinning->names) - used, "%s%s", used ? " " : "", name);
}

/** add_match() - One more pin that is for the container: 0, REFUSED when they are too many */
static int add_match(const struct pin *pin, struct pinning *pinning, struct error *reterr)
{
	if (pinning->n_matched == LIMIT_PINS_PER_CONTAINER)
		return error_set(reterr, ERROR_CONFIG, "more than %u snat entries match this container",
				 LIMIT_PINS_PER_CONTAINER);
	pinning->matched[pinning->n_matched++] = pin;
	note_name(pinning, pin->name);
	return 0;
}

/**
 * match_chosen() - The pin that the pod chose by annotation goes before the others
 * @netconf:	Configuration
 * @args:	CNI_ARGS
 * @pinning:	Its pins are added to
 * @reterr:	Code 103
 *
 * Only among those that match the pod: who writes an annotation must not get a source that is for others.
 *
 * Return: 0, REFUSED
 */
static int match_chosen(const struct netconf *netconf, const struct cni_args *args, struct pinning *pinning,
			struct error *reterr)
{
	for (size_t i = 0; i < netconf->n_pins; i++) {
		if (strcmp(netconf->pins[i].name, netconf->chosen_pin) != 0)
			continue;
		if (pin_matches(&netconf->pins[i], args))
			return add_match(&netconf->pins[i], pinning, reterr);
		return error_set(
			reterr, ERROR_SNAT,
			"the pod's annotation rangeguard.dev/source names snat entry \"%.64s\", whose match is "
			"not for this pod; choose another, or have its match changed",
			netconf->chosen_pin);
	}
	return error_set(reterr, ERROR_SNAT,
			 "the pod's annotation rangeguard.dev/source names \"%.64s\", which no snat entry of network "
			 "\"%.64s\" is called",
			 netconf->chosen_pin, netconf->name);
}

/** match() - Find the pins that are for a container: 0, REFUSED when they are too many */
static int match(const struct netconf *netconf, const struct cni_args *args, struct pinning *pinning,
		 struct error *reterr)
{
	int r = netconf->chosen_pin ? match_chosen(netconf, args, pinning, reterr) : 0;

	for (size_t i = 0; i < netconf->n_pins && !r; i++) {
		if (!pin_matches(&netconf->pins[i], args) ||
		    (netconf->chosen_pin && !strcmp(netconf->pins[i].name, netconf->chosen_pin)))
			continue;
		r = add_match(&netconf->pins[i], pinning, reterr);
	}
	return r;
}

/** describe() - The pins and masquerading as clauses, and these as bytes: 0, -ENOMEM */
static int describe(const struct netconf *netconf, const struct pinning_own *own, struct pinning *pinning)
{
	void *data = NULL;
	size_t size = 0;
	int r = 0;

	for (size_t i = 0; i < pinning->n_matched && !r; i++)
		r = add_pin(pinning->matched[i], own, &pinning->egress);
	if (!r && netconf->ip_masq)
		r = add_masquerading(netconf, own, &pinning->egress);
	if (r || !pinning->egress.n_clauses)
		return r;
	r = egress_encode(&pinning->egress, &data, &size);
	if (r)
		return r;
	pinning->definition = bytes_of(data, size);
	pinning->digest = egress_digest(pinning->definition);
	return 0;
}

/**
 * pinning_make() - How a container's packets leave
 * @netconf:		Configuration
 * @args:		CNI_ARGS, which say what the pod is called
 * @own:		The network's own ranges
 * @ret_pinning:	Always written; pinning_done() releases it
 * @reterr:		Code 7
 *
 * Return: 0, REFUSED
 */
int pinning_make(const struct netconf *netconf, const struct cni_args *args, const struct pinning_own *own,
		 struct pinning *ret_pinning, struct error *reterr)
{
	*ret_pinning = (struct pinning){0};
	if (match(netconf, args, ret_pinning, reterr))
		return REFUSED;
	return describe(netconf, own, ret_pinning) ? error_no_memory(reterr) : 0;
}

/** absent_error() - Say why a source is not usable that no route of the host leads to: REFUSED (103) */
static int absent_error(const struct pin *pin, const struct address *source, int outcome, struct error *reterr)
{
	char text[ADDRESS_TEXT_MAX];

	(void)address_format(source, text);
	if (outcome < 0)
		return error_set_errno(reterr, ERROR_SNAT, outcome,
				       "cannot find out whether source %s of snat entry \"%s\" is on the host", text,
				       pin->name);
	if (outcome == (int)OWN_ADDRESS_E_TENTATIVE)
		return error_set(
			reterr, ERROR_SNAT,
			"source %s of snat entry \"%s\" is on this host, but can't be used yet: duplicate address "
			"detection goes on (tentative); try again in a second, or put it there with nodad",
			text, pin->name);
	if (outcome == (int)OWN_ADDRESS_E_DUPLICATE)
		return error_set(
			reterr, ERROR_SNAT,
			"source %s of snat entry \"%s\" is on this host, but can't be used: a neighbour has it, too "
			"(duplicate address detection failed)",
			text, pin->name);
	return error_set(
		reterr, ERROR_SNAT,
		"source %s of snat entry \"%s\" is not an address of this host; put it there, or let rangeguard "
		"do so with \"assign\": \"INTERFACE\"",
		text, pin->name);
}

/** check_source() - A source that nobody assigns must be on the host, in whatever VRF: 0, REFUSED (103) */
static int check_source(const struct pin *pin, const struct address *source, struct port *host, struct error *reterr)
{
	bool usable = false;
	int r;

	if (assign_usable(host, source, &usable, reterr))
		return REFUSED;
	r = usable ? 0 : own_address_look(host, source);
	return r ? absent_error(pin, source, r, reterr) : 0;
}

/** check_pin() - One source of a pin; what hosts share the agent puts on this one: 0, REFUSED (103) */
static int check_pin(const struct pin *pin, const struct address *source, struct port *host, struct error *reterr)
{
	if (!source->family || pin->shared)
		return 0;
	return pin->assign ? assign_check_place(host, pin->assign, source, reterr)
			   : check_source(pin, source, host, reterr);
}

/**
 * pinning_check() - Whether the sources can be had
 * @pinning:	Pinning
 * @host:	Port in the host's namespace
 * @reterr:	Code 103
 *
 * Return: 0, REFUSED
 */
int pinning_check(const struct pinning *pinning, struct port *host, struct error *reterr)
{
	for (size_t i = 0; i < pinning->n_matched; i++) {
		const struct pin *pin = pinning->matched[i];

		for (size_t j = 0; j < 2; j++)
			if (check_pin(pin, &pin->sources[j], host, reterr))
				return REFUSED;
	}
	return 0;
}

/** pinning_done() - Release what is owned */
void pinning_done(struct pinning *pinning)
{
	egress_done(&pinning->egress);
	free((void *)(uintptr_t)pinning->definition.data);
	pinning->definition = bytes_of(NULL, 0);
}
