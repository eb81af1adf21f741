/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of a cluster's pools, as `kubectl get … -o json` prints them: what the names stand for that configurations
 * of Calico, Spiderpool and whereabouts have.
 *
 * Sources: Spiderpool (reference, SpiderIPPool and SpiderSubnet), whereabouts (IPPool). Others are rows of the table.
 */

#include <errno.h>
#include <string.h>

#include "plugin/foreign/usage_reader.h"

/** parse_span() - Spiderpool's "FIRST-LAST" or "ADDRESS"; whether it is one */
static bool parse_span(const char *text, struct span *ret_span)
{
	struct address address;

	if (!text)
		return false;
	if (span_parse(text, ret_span) == 0)
		return true;
	if (address_parse(text, &address) < 0)
		return false;
	*ret_span = span_of_address(&address);
	return true;
}

/** read_spans() - Spans of an array at member @key, each a part of @network or, when that is NULL, excluded */
static void read_spans(struct usage_reader *usage, const json_t *spec, const char *key, const struct prefix *network)
{
	const json_t *spans = usage_array(usage, spec, key);
	struct span whole = network ? prefix_span(network) : (struct span){.family = FAMILY_NONE};
	size_t mark = pointer_push_key(&usage->reader.at, usage_member(spec, key).key);

	for (size_t i = 0; i < json_array_size(spans); i++) {
		struct usage found = {.kind = USAGE_EXCLUDED};
		size_t inner = pointer_push_index(&usage->reader.at, i);

		if (!parse_span(json_string_value(json_array_get(spans, i)), &found.span) ||
		    (network && !span_covers(&whole, &found.span)))
			usage_fault(usage, NULL, "%s must be a list of FIRST-LAST or ADDRESS, in the subnet", key);
		else if (!network)
			usage_add(usage, NULL, &found);
		pointer_pop(&usage->reader.at, inner);
	}
	pointer_pop(&usage->reader.at, mark);
}

/**
 * read_ips() - Spiderpool's `ips`: parts of the subnet, which is one finding however many they are
 * @usage:	Reader, at the resource's spec
 * @spec:	Spec
 * @network:	Subnet
 */
static void read_ips(struct usage_reader *usage, const json_t *spec, const struct prefix *network)
{
	struct usage_member subnet = usage_member(spec, "subnet"), ips = usage_member(spec, "ips");
	struct span whole = prefix_span(network), all = {.family = FAMILY_NONE}, part;

	for (size_t i = 0; i < json_array_size(ips.value); i++) {
		if (!parse_span(json_string_value(json_array_get(ips.value, i)), &part) || !span_covers(&whole, &part))
			continue;
		if (all.family == FAMILY_NONE)
			all = part;
		all.first = part.first < all.first ? part.first : all.first;
		all.last = part.last > all.last ? part.last : all.last;
	}
	if (all.family != FAMILY_NONE)
		usage_take_network(usage, subnet.key, network, &all);
}

/** read_spiderpool() - `subnet`, `ips`, `excludeIPs`, `gateway` */
static void read_spiderpool(struct usage_reader *usage, const json_t *spec)
{
	struct prefix network;

	if (usage_prefix(usage, spec, "subnet", &network)) {
		if (json_array_size(usage_member(spec, "ips").value))
			read_ips(usage, spec, &network);
		else
			usage_take_network(usage, usage_member(spec, "subnet").key, &network, NULL);
		read_spans(usage, spec, "ips", &network);
	}
	read_spans(usage, spec, "excludeIPs", NULL);
	usage_take_gateway(usage, spec, "gateway");
}

/**
 * usage_read_spiderpool() - Addresses that a pool or subnet of Spiderpool has
 * @resource:	The resource
 * @file:	Its file
 * @pointer:	JSON pointer there
 * @usages:	Get what is found
 * @report:	Hears what is malformed
 *
 * Return: 0 also with errors, -ENOMEM
 */
int usage_read_spiderpool(const json_t *resource, const char *file, const char *pointer, struct usages *usages,
			  struct report *report)
{
	struct usage_reader usage = {.reader = {.file = file, .report = report, .at = pointer_of(pointer)},
				     .usages = usages};

	(void)pointer_push_key(&usage.reader.at, "spec");
	read_spiderpool(&usage, json_object_get(resource, "spec"));
	return usage.failed ? -ENOMEM : 0;
}

/** usage_read_whereabouts() - Addresses that a pool of whereabouts has: `range`; see usage_read_spiderpool() */
int usage_read_whereabouts(const json_t *resource, const char *file, const char *pointer, struct usages *usages,
			   struct report *report)
{
	struct usage_reader usage = {.reader = {.file = file, .report = report, .at = pointer_of(pointer)},
				     .usages = usages};
	const json_t *spec = json_object_get(resource, "spec");
	struct prefix network;

	(void)pointer_push_key(&usage.reader.at, "spec");
	if (usage_prefix(&usage, spec, "range", &network))
		usage_take_network(&usage, usage_member(spec, "range").key, &network, NULL);
	return usage.failed ? -ENOMEM : 0;
}
