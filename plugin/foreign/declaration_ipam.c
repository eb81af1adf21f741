/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of a CNI plugin's object. The keys of all IPAM plugins known are read in whatever `ipam` object they stand:
 * none means another thing by one of them, and what an unknown plugin has under such a name is better read than passed.
 *
 * Sources: containernetworking/plugins (host-local config.go and range.go, static main.go), whereabouts (types.go,
 * config.go), Calico (cni-plugin types.go: pools by CIDR or name), Spiderpool (cni_types.go: pools by name alone).
 */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "plugin/foreign/declaration_reader.h"

/** read_subnet() - host-local's `subnet`, `rangeStart`, `rangeEnd`, and the gateway that it takes where none is named */
static void read_subnet(struct declaration_reader *declaration, const json_t *object)
{
	struct declaration_member member = declaration_member(object, "subnet");
	const struct declaration_bounds bounds = {.object = object, .first = "rangeStart", .last = "rangeEnd"};
	struct declaration gateway = {.kind = DECLARED_GATEWAY, .implied = true};
	struct prefix network;
	char text[PREFIX_TEXT_MAX];

	/* Calico's "usePodCidr" and "usePodCidrIPv6" stand for what the cluster gave this node. */
	if (json_is_string(member.value) && strncasecmp(json_string_value(member.value), "usePodCidr", 10) == 0)
		return;
	if (!declaration_prefix(declaration, object, "subnet", &network))
		return;
	gateway.network = (struct prefix){.address = network.address, .length = network.length};
	gateway.network.address.value = prefix_span(&network).first;
	if (prefix_has_host_bits(&network))
		declaration_fault(declaration, member.key, "subnet has host bits set; the network is %s",
				  prefix_format(&gateway.network, text));
	declaration_take_bounded(declaration, member.key, &network, &bounds);
	if (declaration_member(object, "gateway").value || family_bits(network.address.family) - network.length < 2)
		return;
	gateway.span = prefix_span(&network);
	gateway.span.last = ++gateway.span.first;
	declaration_add(declaration, member.key, &gateway);
}

/** read_sets() - An array of arrays of host-local's ranges at member @key */
static void read_sets(struct declaration_reader *declaration, const json_t *object, const char *key)
{
	const json_t *sets = declaration_array(declaration, object, key);
	size_t mark = pointer_push_key(&declaration->reader.at, declaration_member(object, key).key);

	for (size_t i = 0; i < json_array_size(sets); i++) {
		const json_t *set = json_array_get(sets, i);
		size_t outer = pointer_push_index(&declaration->reader.at, i);

		if (!json_is_array(set))
			declaration_fault(declaration, NULL, "a range set must be an array of ranges");
		for (size_t j = 0; json_is_array(set) && j < json_array_size(set); j++) {
			size_t inner = pointer_push_index(&declaration->reader.at, j);

			read_subnet(declaration, json_array_get(set, j));
			declaration_take_gateway(declaration, json_array_get(set, j), "gateway");
			pointer_pop(&declaration->reader.at, inner);
		}
		pointer_pop(&declaration->reader.at, outer);
	}
	pointer_pop(&declaration->reader.at, mark);
}

/**
 * parse_range() - whereabouts' `range`: "ADDRESS/LENGTH", of which all is meant, or "FIRST-LAST/LENGTH"
 * @text:		Text
 * @ret_network:	Network
 * @ret_span:		Addresses; no family: all that are usual
 *
 * Return: whether it is one
 */
static bool parse_range(const char *text, struct prefix *ret_network, struct span *ret_span)
{
	const char *dash = strchr(text, '-');
	char copy[ADDRESS_TEXT_MAX] = "";
	struct address first;
	struct prefix last;

	*ret_span = (struct span){.family = FAMILY_NONE};
	if (!dash)
		return prefix_parse(text, ret_network) == 0;
	if ((size_t)(dash - text) >= sizeof(copy))
		return false;
	memcpy(copy, text, (size_t)(dash - text));
	if (address_parse(copy, &first) < 0 || prefix_parse(dash + 1, &last) < 0)
		return false;
	*ret_span = prefix_span(&last);
	if (!span_contains(ret_span, &first) || first.value > last.address.value)
		return false;
	*ret_span = (struct span){.family = first.family, .first = first.value, .last = last.address.value};
	*ret_network = last;
	return true;
}

/** read_excluded() - whereabouts' `exclude`: networks, or addresses, that are not given */
static void read_excluded(struct declaration_reader *declaration, const json_t *object)
{
	const json_t *excluded = declaration_array(declaration, object, "exclude");
	size_t mark = pointer_push_key(&declaration->reader.at, declaration_member(object, "exclude").key);

	for (size_t i = 0; i < json_array_size(excluded); i++) {
		const char *text = json_string_value(json_array_get(excluded, i));
		size_t inner = pointer_push_index(&declaration->reader.at, i);
		struct declaration found = {.kind = DECLARED_EXCLUDED};

		if (!text || (!declaration_parse_text(text, &found.network) && span_parse(text, &found.span) < 0))
			declaration_fault(
				declaration, NULL,
				"exclude must be a list of networks (ADDRESS/LENGTH), addresses or ranges (FIRST-LAST)");
		else if (found.network.address.family != FAMILY_NONE)
			found.span = prefix_span(&found.network);
		if (found.span.family != FAMILY_NONE)
			declaration_add(declaration, NULL, &found);
		pointer_pop(&declaration->reader.at, inner);
	}
	pointer_pop(&declaration->reader.at, mark);
}

/** read_whereabouts() - `range`, `range_start`, `range_end` and `exclude` of an object */
static void read_whereabouts(struct declaration_reader *declaration, const json_t *object)
{
	struct declaration_member member = declaration_member(object, "range");
	const struct declaration_bounds bounds = {.object = object, .first = "range_start", .last = "range_end"};
	const char *text = json_string_value(member.value);
	struct prefix network;
	struct span span;

	if (!member.value)
		return;
	if (!text || !parse_range(text, &network, &span))
		declaration_fault(declaration, member.key, "range must be ADDRESS/LENGTH or FIRST-LAST/LENGTH");
	else if (span.family != FAMILY_NONE)
		declaration_take_network(declaration, member.key, &network, &span);
	else
		declaration_take_bounded(declaration, member.key, &network, &bounds);
	read_excluded(declaration, object);
}

/** read_whereabouts_ranges() - whereabouts' `ipRanges`: objects, one address each */
static void read_whereabouts_ranges(struct declaration_reader *declaration, const json_t *ipam)
{
	const json_t *ranges = declaration_array(declaration, ipam, "ipRanges");
	size_t mark = pointer_push_key(&declaration->reader.at, declaration_member(ipam, "ipRanges").key);

	for (size_t i = 0; i < json_array_size(ranges); i++) {
		size_t inner = pointer_push_index(&declaration->reader.at, i);

		read_whereabouts(declaration, json_array_get(ranges, i));
		pointer_pop(&declaration->reader.at, inner);
	}
	pointer_pop(&declaration->reader.at, mark);
}

/** take_address() - Add an address at member @key, NULL: at the place itself */
static void take_address(struct declaration_reader *declaration, const char *key, const struct prefix *prefix)
{
	struct declaration found = {
		.kind = DECLARED_ADDRESS, .network = *prefix, .span = span_of_address(&prefix->address)};

	found.network.address.value = prefix_span(prefix).first;
	declaration_add(declaration, key, &found);
}

/** read_static() - static's and whereabouts' `addresses`: objects with `address` (with its length) and `gateway` */
static void read_static(struct declaration_reader *declaration, const json_t *ipam)
{
	const json_t *addresses = declaration_array(declaration, ipam, "addresses");
	size_t mark = pointer_push_key(&declaration->reader.at, declaration_member(ipam, "addresses").key);

	for (size_t i = 0; i < json_array_size(addresses); i++) {
		const json_t *object = json_array_get(addresses, i);
		size_t inner = pointer_push_index(&declaration->reader.at, i);
		struct prefix prefix;

		if (!declaration_member(object, "address").value)
			declaration_fault(declaration, NULL,
					  "an element of addresses must be an object with an address");
		else if (declaration_prefix(declaration, object, "address", &prefix))
			take_address(declaration, declaration_member(object, "address").key, &prefix);
		declaration_take_gateway(declaration, object, "gateway");
		pointer_pop(&declaration->reader.at, inner);
	}
	pointer_pop(&declaration->reader.at, mark);
}

/** read_pools() - Calico's pools: those that are given by CIDR; a name leads into the cluster's datastore */
static void read_pools(struct declaration_reader *declaration, const json_t *ipam, const char *key)
{
	const json_t *pools = declaration_array(declaration, ipam, key);
	size_t mark = pointer_push_key(&declaration->reader.at, declaration_member(ipam, key).key);

	for (size_t i = 0; i < json_array_size(pools); i++) {
		const char *text = json_string_value(json_array_get(pools, i));
		size_t inner = pointer_push_index(&declaration->reader.at, i);
		struct prefix network;
		struct span span;

		if (!text || (strchr(text, '/') && prefix_parse(text, &network) < 0)) {
			declaration_fault(declaration, NULL,
					  "%s must be a list of networks (ADDRESS/LENGTH) or names of pools", key);
		} else if (strchr(text, '/')) {
			/* Routed addresses: the first and the last one are given, too. */
			span = prefix_span(&network);
			declaration_take_network(declaration, NULL, &network, &span);
		}
		pointer_pop(&declaration->reader.at, inner);
	}
	pointer_pop(&declaration->reader.at, mark);
}

/** read_asked() - Addresses asked for: member `ips` of @object, with or without a length */
static void read_asked(struct declaration_reader *declaration, const json_t *object)
{
	const json_t *ips = declaration_array(declaration, object, "ips");
	size_t mark = pointer_push_key(&declaration->reader.at, declaration_member(object, "ips").key);

	for (size_t i = 0; i < json_array_size(ips); i++) {
		const char *text = json_string_value(json_array_get(ips, i));
		size_t inner = pointer_push_index(&declaration->reader.at, i);
		struct prefix prefix;

		if (!text || !declaration_parse_text(text, &prefix))
			declaration_fault(declaration, NULL, "ips must be a list of addresses");
		else
			take_address(declaration, NULL, &prefix);
		pointer_pop(&declaration->reader.at, inner);
	}
	pointer_pop(&declaration->reader.at, mark);
}

/** read_reserved() - What a policy, or rangeguard's guard, reserves; malformed entries are the policy reader's */
static void read_reserved(struct declaration_reader *declaration, const json_t *object)
{
	const json_t *reserved = json_object_get(object, "reserved");
	size_t mark = pointer_push_key(&declaration->reader.at, "reserved");

	for (size_t i = 0; json_is_array(reserved) && i < json_array_size(reserved); i++) {
		const json_t *entry = json_array_get(reserved, i);
		const char *range = json_string_value(json_object_get(entry, "range"));
		size_t inner = pointer_push_index(&declaration->reader.at, i);
		struct declaration found = {.kind = DECLARED_RESERVED};

		if (declaration_prefix(declaration, entry, "cidr", &found.network))
			found.span = prefix_span(&found.network);
		else if (range && span_parse(range, &found.span) < 0)
			declaration_fault(declaration, "range", "range must be FIRST-LAST");
		if (found.span.family != FAMILY_NONE)
			declaration_add(declaration, NULL, &found);
		pointer_pop(&declaration->reader.at, inner);
	}
	pointer_pop(&declaration->reader.at, mark);
}

/** is_known() - Whether an IPAM plugin's keys are known here */
static bool is_known(const json_t *ipam)
{
	static const char *const known[] = {"host-local", "static",	"whereabouts", "calico-ipam",
					    "spiderpool", "rangeguard", NULL};
	const char *type = json_string_value(declaration_member(ipam, "type").value);

	for (const char *const *name = known; type && *name; name++)
		if (strcmp(type, *name) == 0)
			return true;
	return false;
}

/** read_ipam() - An ipam object, at which the reader is */
static void read_ipam(struct declaration_reader *declaration, const json_t *ipam)
{
	declaration->lenient = !is_known(ipam);
	read_subnet(declaration, ipam);
	read_sets(declaration, ipam, "ranges");
	read_whereabouts(declaration, ipam);
	read_whereabouts_ranges(declaration, ipam);
	read_static(declaration, ipam);
	read_pools(declaration, ipam, "ipv4_pools");
	read_pools(declaration, ipam, "ipv6_pools");
	declaration_take_gateway(declaration, ipam, "gateway");
	(void)pointer_push_key(&declaration->reader.at, "guard");
	read_reserved(declaration, json_object_get(ipam, "guard"));
}

/** declaration_read_ipam() - Addresses that an ipam object uses, alone in a text; see declaration_read_plugin() */
int declaration_read_ipam(const json_t *object, const char *file, const char *pointer,
			  struct declarations *declarations, struct report *report)
{
	struct declaration_reader declaration = {.reader = {.file = file, .report = report, .at = pointer_of(pointer)},
						 .declarations = declarations};

	read_ipam(&declaration, object);
	return declaration.failed ? -ENOMEM : 0;
}

/** read_runtime() - What a runtime adds, or a file has in its place: args.cni.ips, runtimeConfig.ips and .ipRanges */
static void read_runtime(struct declaration_reader *declaration, const json_t *object)
{
	struct declaration_member args = declaration_member(object, "args"),
				  cni = declaration_member(args.value, "cni");
	struct declaration_member runtime = declaration_member(object, "runtimeConfig");
	size_t mark = pointer_push_key(&declaration->reader.at, args.key);

	declaration->lenient = false;
	(void)pointer_push_key(&declaration->reader.at, cni.key);
	read_asked(declaration, cni.value);
	pointer_pop(&declaration->reader.at, mark);
	(void)pointer_push_key(&declaration->reader.at, runtime.key);
	read_asked(declaration, runtime.value);
	read_sets(declaration, runtime.value, "ipRanges");
	pointer_pop(&declaration->reader.at, mark);
}

/**
 * declaration_read_plugin() - Addresses that a plugin's object uses
 * @object:	Object; of another type it uses none
 * @file:	Its file
 * @pointer:	JSON pointer there
 * @declarations:	Get what is found
 * @report:	Hears what is malformed
 *
 * Return: 0 also with errors, -ENOMEM
 */
int declaration_read_plugin(const json_t *object, const char *file, const char *pointer,
			    struct declarations *declarations, struct report *report)
{
	struct declaration_reader declaration = {.reader = {.file = file, .report = report},
						 .declarations = declarations};
	struct declaration_member ipam = declaration_member(object, "ipam");
	struct pointer *at = &declaration.reader.at;
	size_t mark;

	if (!json_is_object(object))
		return 0;
	*at = pointer_of(pointer);
	mark = pointer_push_key(at, ipam.key);
	read_ipam(&declaration, ipam.value);
	pointer_pop(at, mark);
	read_runtime(&declaration, object);
	read_reserved(&declaration, object);
	mark = pointer_push_key(at, "guard");
	read_reserved(&declaration, json_object_get(object, "guard"));
	pointer_pop(at, mark);
	return declaration.failed ? -ENOMEM : 0;
}
