/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of a cluster's pools, as `kubectl get … -o json` prints them: what the names stand for that configurations
 * of Calico, Spiderpool and whereabouts have.
 *
 * Sources: Spiderpool (reference, SpiderIPPool and SpiderSubnet), whereabouts (IPPool). Others are rows of the table.
 */

#include <errno.h>
#include <string.h>

#include "plugin/foreign/declaration_reader.h"

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
static void read_spans(struct declaration_reader *declaration, const json_t *spec, const char *key,
		       const struct prefix *network)
{
	const json_t *spans = declaration_array(declaration, spec, key);
	struct span whole = network ? prefix_span(network) : (struct span){.family = FAMILY_NONE};
	size_t mark = pointer_push_key(&declaration->reader.at, declaration_member(spec, key).key);

	for (size_t i = 0; i < json_array_size(spans); i++) {
		struct declaration found = {.kind = DECLARED_EXCLUDED};
		size_t inner = pointer_push_index(&declaration->reader.at, i);

		if (!parse_span(json_string_value(json_array_get(spans, i)), &found.span) ||
		    (network && !span_covers(&whole, &found.span)))
			declaration_fault(declaration, NULL,
					  "%s must be a list of FIRST-LAST or ADDRESS, in the subnet", key);
		else if (!network)
			declaration_add(declaration, NULL, &found);
		pointer_pop(&declaration->reader.at, inner);
	}
	pointer_pop(&declaration->reader.at, mark);
}

/**
 * read_ips() - Spiderpool's `ips`: parts of the subnet, which is one finding however many they are
 * @declaration:	Reader, at the resource's spec
 * @spec:	Spec
 * @network:	Subnet
 */
static void read_ips(struct declaration_reader *declaration, const json_t *spec, const struct prefix *network)
{
	struct declaration_member subnet = declaration_member(spec, "subnet"), ips = declaration_member(spec, "ips");
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
		declaration_take_network(declaration, subnet.key, network, &all);
}

/** read_spiderpool() - `subnet`, `ips`, `excludeIPs`, `gateway` */
static void read_spiderpool(struct declaration_reader *declaration, const json_t *spec)
{
	struct prefix network;

	if (declaration_prefix(declaration, spec, "subnet", &network)) {
		if (json_array_size(declaration_member(spec, "ips").value))
			read_ips(declaration, spec, &network);
		else
			declaration_take_network(declaration, declaration_member(spec, "subnet").key, &network, NULL);
		read_spans(declaration, spec, "ips", &network);
	}
	read_spans(declaration, spec, "excludeIPs", NULL);
	declaration_take_gateway(declaration, spec, "gateway");
}

/**
 * declaration_read_spiderpool() - Addresses that a pool or subnet of Spiderpool has
 * @resource:	The resource
 * @file:	Its file
 * @pointer:	JSON pointer there
 * @declarations:	Get what is found
 * @report:	Hears what is malformed
 *
 * Return: 0 also with errors, -ENOMEM
 */
int declaration_read_spiderpool(const json_t *resource, const char *file, const char *pointer,
				struct declarations *declarations, struct report *report)
{
	struct declaration_reader declaration = {.reader = {.file = file, .report = report, .at = pointer_of(pointer)},
						 .declarations = declarations};

	(void)pointer_push_key(&declaration.reader.at, "spec");
	read_spiderpool(&declaration, json_object_get(resource, "spec"));
	return declaration.failed ? -ENOMEM : 0;
}

/** declaration_read_whereabouts() - Addresses that a pool of whereabouts has: `range`; see declaration_read_spiderpool() */
int declaration_read_whereabouts(const json_t *resource, const char *file, const char *pointer,
				 struct declarations *declarations, struct report *report)
{
	struct declaration_reader declaration = {.reader = {.file = file, .report = report, .at = pointer_of(pointer)},
						 .declarations = declarations};
	const json_t *spec = json_object_get(resource, "spec");
	struct prefix network;

	(void)pointer_push_key(&declaration.reader.at, "spec");
	if (declaration_prefix(&declaration, spec, "range", &network))
		declaration_take_network(&declaration, declaration_member(spec, "range").key, &network, NULL);
	return declaration.failed ? -ENOMEM : 0;
}
