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

#include "plugin/foreign/usage_reader.h"

/** read_subnet() - host-local's `subnet`, `rangeStart`, `rangeEnd`, and the gateway that it takes where none is named */
static void read_subnet(struct usage_reader *usage, const json_t *object)
{
	struct usage_member member = usage_member(object, "subnet");
	const struct usage_bounds bounds = {.object = object, .first = "rangeStart", .last = "rangeEnd"};
	struct usage gateway = {.kind = USAGE_GATEWAY, .implied = true};
	struct prefix network;
	char text[PREFIX_TEXT_MAX];

	/* Calico's "usePodCidr" and "usePodCidrIPv6" stand for what the cluster gave this node. */
	if (json_is_string(member.value) && strncasecmp(json_string_value(member.value), "usePodCidr", 10) == 0)
		return;
	if (!usage_prefix(usage, object, "subnet", &network))
		return;
	gateway.network = (struct prefix){.address = network.address, .length = network.length};
	gateway.network.address.value = prefix_span(&network).first;
	if (prefix_has_host_bits(&network))
		usage_fault(usage, member.key, "subnet has host bits set; the network is %s",
			    prefix_format(&gateway.network, text));
	usage_take_bounded(usage, member.key, &network, &bounds);
	if (usage_member(object, "gateway").value || family_bits(network.address.family) - network.length < 2)
		return;
	gateway.span = prefix_span(&network);
	gateway.span.last = ++gateway.span.first;
	usage_add(usage, member.key, &gateway);
}

/** read_sets() - An array of arrays of host-local's ranges at member @key */
static void read_sets(struct usage_reader *usage, const json_t *object, const char *key)
{
	const json_t *sets = usage_array(usage, object, key);
	size_t mark = pointer_push_key(&usage->reader.at, usage_member(object, key).key);

	for (size_t i = 0; i < json_array_size(sets); i++) {
		const json_t *set = json_array_get(sets, i);
		size_t outer = pointer_push_index(&usage->reader.at, i);

		if (!json_is_array(set))
			usage_fault(usage, NULL, "a range set must be an array of ranges");
		for (size_t j = 0; json_is_array(set) && j < json_array_size(set); j++) {
			size_t inner = pointer_push_index(&usage->reader.at, j);

			read_subnet(usage, json_array_get(set, j));
			usage_take_gateway(usage, json_array_get(set, j), "gateway");
			pointer_pop(&usage->reader.at, inner);
		}
		pointer_pop(&usage->reader.at, outer);
	}
	pointer_pop(&usage->reader.at, mark);
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
static void read_excluded(struct usage_reader *usage, const json_t *object)
{
	const json_t *excluded = usage_array(usage, object, "exclude");
	size_t mark = pointer_push_key(&usage->reader.at, usage_member(object, "exclude").key);

	for (size_t i = 0; i < json_array_size(excluded); i++) {
		const char *text = json_string_value(json_array_get(excluded, i));
		size_t inner = pointer_push_index(&usage->reader.at, i);
		struct usage found = {.kind = USAGE_EXCLUDED};

		if (!text || (!usage_parse_text(text, &found.network) && span_parse(text, &found.span) < 0))
			usage_fault(
				usage, NULL,
				"exclude must be a list of networks (ADDRESS/LENGTH), addresses or ranges (FIRST-LAST)");
		else if (found.network.address.family != FAMILY_NONE)
			found.span = prefix_span(&found.network);
		if (found.span.family != FAMILY_NONE)
			usage_add(usage, NULL, &found);
		pointer_pop(&usage->reader.at, inner);
	}
	pointer_pop(&usage->reader.at, mark);
}

/** read_whereabouts() - `range`, `range_start`, `range_end` and `exclude` of an object */
static void read_whereabouts(struct usage_reader *usage, const json_t *object)
{
	struct usage_member member = usage_member(object, "range");
	const struct usage_bounds bounds = {.object = object, .first = "range_start", .last = "range_end"};
	const char *text = json_string_value(member.value);
	struct prefix network;
	struct span span;

	if (!member.value)
		return;
	if (!text || !parse_range(text, &network, &span))
		usage_fault(usage, member.key, "range must be ADDRESS/LENGTH or FIRST-LAST/LENGTH");
	else if (span.family != FAMILY_NONE)
		usage_take_network(usage, member.key, &network, &span);
	else
		usage_take_bounded(usage, member.key, &network, &bounds);
	read_excluded(usage, object);
}

/** read_whereabouts_ranges() - whereabouts' `ipRanges`: objects, one address each */
static void read_whereabouts_ranges(struct usage_reader *usage, const json_t *ipam)
{
	const json_t *ranges = usage_array(usage, ipam, "ipRanges");
	size_t mark = pointer_push_key(&usage->reader.at, usage_member(ipam, "ipRanges").key);

	for (size_t i = 0; i < json_array_size(ranges); i++) {
		size_t inner = pointer_push_index(&usage->reader.at, i);

		read_whereabouts(usage, json_array_get(ranges, i));
		pointer_pop(&usage->reader.at, inner);
	}
	pointer_pop(&usage->reader.at, mark);
}

/** take_address() - Add an address at member @key, NULL: at the place itself */
static void take_address(struct usage_reader *usage, const char *key, const struct prefix *prefix)
{
	struct usage found = {.kind = USAGE_ADDRESS, .network = *prefix, .span = span_of_address(&prefix->address)};

	found.network.address.value = prefix_span(prefix).first;
	usage_add(usage, key, &found);
}

/** read_static() - static's and whereabouts' `addresses`: objects with `address` (with its length) and `gateway` */
static void read_static(struct usage_reader *usage, const json_t *ipam)
{
	const json_t *addresses = usage_array(usage, ipam, "addresses");
	size_t mark = pointer_push_key(&usage->reader.at, usage_member(ipam, "addresses").key);

	for (size_t i = 0; i < json_array_size(addresses); i++) {
		const json_t *object = json_array_get(addresses, i);
		size_t inner = pointer_push_index(&usage->reader.at, i);
		struct prefix prefix;

		if (!usage_member(object, "address").value)
			usage_fault(usage, NULL, "an element of addresses must be an object with an address");
		else if (usage_prefix(usage, object, "address", &prefix))
			take_address(usage, usage_member(object, "address").key, &prefix);
		usage_take_gateway(usage, object, "gateway");
		pointer_pop(&usage->reader.at, inner);
	}
	pointer_pop(&usage->reader.at, mark);
}

/** read_pools() - Calico's pools: those that are given by CIDR; a name leads into the cluster's datastore */
static void read_pools(struct usage_reader *usage, const json_t *ipam, const char *key)
{
	const json_t *pools = usage_array(usage, ipam, key);
	size_t mark = pointer_push_key(&usage->reader.at, usage_member(ipam, key).key);

	for (size_t i = 0; i < json_array_size(pools); i++) {
		const char *text = json_string_value(json_array_get(pools, i));
		size_t inner = pointer_push_index(&usage->reader.at, i);
		struct prefix network;
		struct span span;

		if (!text || (strchr(text, '/') && prefix_parse(text, &network) < 0)) {
			usage_fault(usage, NULL, "%s must be a list of networks (ADDRESS/LENGTH) or names of pools",
				    key);
		} else if (strchr(text, '/')) {
			/* Routed addresses: the first and the last one are given, too. */
			span = prefix_span(&network);
			usage_take_network(usage, NULL, &network, &span);
		}
		pointer_pop(&usage->reader.at, inner);
	}
	pointer_pop(&usage->reader.at, mark);
}

/** read_asked() - Addresses asked for: member `ips` of @object, with or without a length */
static void read_asked(struct usage_reader *usage, const json_t *object)
{
	const json_t *ips = usage_array(usage, object, "ips");
	size_t mark = pointer_push_key(&usage->reader.at, usage_member(object, "ips").key);

	for (size_t i = 0; i < json_array_size(ips); i++) {
		const char *text = json_string_value(json_array_get(ips, i));
		size_t inner = pointer_push_index(&usage->reader.at, i);
		struct prefix prefix;

		if (!text || !usage_parse_text(text, &prefix))
			usage_fault(usage, NULL, "ips must be a list of addresses");
		else
			take_address(usage, NULL, &prefix);
		pointer_pop(&usage->reader.at, inner);
	}
	pointer_pop(&usage->reader.at, mark);
}

/** read_reserved() - What a policy, or rangeguard's guard, reserves; malformed entries are the policy reader's */
static void read_reserved(struct usage_reader *usage, const json_t *object)
{
	const json_t *reserved = json_object_get(object, "reserved");
	size_t mark = pointer_push_key(&usage->reader.at, "reserved");

	for (size_t i = 0; json_is_array(reserved) && i < json_array_size(reserved); i++) {
		const json_t *entry = json_array_get(reserved, i);
		const char *range = json_string_value(json_object_get(entry, "range"));
		size_t inner = pointer_push_index(&usage->reader.at, i);
		struct usage found = {.kind = USAGE_RESERVED};

		if (usage_prefix(usage, entry, "cidr", &found.network))
			found.span = prefix_span(&found.network);
		else if (range && span_parse(range, &found.span) < 0)
			usage_fault(usage, "range", "range must be FIRST-LAST");
		if (found.span.family != FAMILY_NONE)
			usage_add(usage, NULL, &found);
		pointer_pop(&usage->reader.at, inner);
	}
	pointer_pop(&usage->reader.at, mark);
}

/** is_known() - Whether an IPAM plugin's keys are known here */
static bool is_known(const json_t *ipam)
{
	static const char *const known[] = {"host-local", "static",	"whereabouts", "calico-ipam",
					    "spiderpool", "rangeguard", NULL};
	const char *type = json_string_value(usage_member(ipam, "type").value);

	for (const char *const *name = known; type && *name; name++)
		if (strcmp(type, *name) == 0)
			return true;
	return false;
}

/** read_ipam() - An ipam object, at which the reader is */
static void read_ipam(struct usage_reader *usage, const json_t *ipam)
{
	usage->lenient = !is_known(ipam);
	read_subnet(usage, ipam);
	read_sets(usage, ipam, "ranges");
	read_whereabouts(usage, ipam);
	read_whereabouts_ranges(usage, ipam);
	read_static(usage, ipam);
	read_pools(usage, ipam, "ipv4_pools");
	read_pools(usage, ipam, "ipv6_pools");
	usage_take_gateway(usage, ipam, "gateway");
	(void)pointer_push_key(&usage->reader.at, "guard");
	read_reserved(usage, json_object_get(ipam, "guard"));
}

/** usage_read_ipam() - Addresses that an ipam object uses, alone in a text; see usage_read_plugin() */
int usage_read_ipam(const json_t *object, const char *file, const char *pointer, struct usages *usages,
		    struct report *report)
{
	struct usage_reader usage = {.reader = {.file = file, .report = report, .at = pointer_of(pointer)},
				     .usages = usages};

	read_ipam(&usage, object);
	return usage.failed ? -ENOMEM : 0;
}

/** read_runtime() - What a runtime adds, or a file has in its place: args.cni.ips, runtimeConfig.ips and .ipRanges */
static void read_runtime(struct usage_reader *usage, const json_t *object)
{
	struct usage_member args = usage_member(object, "args"), cni = usage_member(args.value, "cni");
	struct usage_member runtime = usage_member(object, "runtimeConfig");
	size_t mark = pointer_push_key(&usage->reader.at, args.key);

	usage->lenient = false;
	(void)pointer_push_key(&usage->reader.at, cni.key);
	read_asked(usage, cni.value);
	pointer_pop(&usage->reader.at, mark);
	(void)pointer_push_key(&usage->reader.at, runtime.key);
	read_asked(usage, runtime.value);
	read_sets(usage, runtime.value, "ipRanges");
	pointer_pop(&usage->reader.at, mark);
}

/**
 * usage_read_plugin() - Addresses that a plugin's object uses
 * @object:	Object; of another type it uses none
 * @file:	Its file
 * @pointer:	JSON pointer there
 * @usages:	Get what is found
 * @report:	Hears what is malformed
 *
 * Return: 0 also with errors, -ENOMEM
 */
int usage_read_plugin(const json_t *object, const char *file, const char *pointer, struct usages *usages,
		      struct report *report)
{
	struct usage_reader usage = {.reader = {.file = file, .report = report}, .usages = usages};
	struct usage_member ipam = usage_member(object, "ipam");
	struct pointer *at = &usage.reader.at;
	size_t mark;

	if (!json_is_object(object))
		return 0;
	*at = pointer_of(pointer);
	mark = pointer_push_key(at, ipam.key);
	read_ipam(&usage, ipam.value);
	pointer_pop(at, mark);
	read_runtime(&usage, object);
	read_reserved(&usage, object);
	mark = pointer_push_key(at, "guard");
	read_reserved(&usage, json_object_get(object, "guard"));
	pointer_pop(at, mark);
	return usage.failed ? -ENOMEM : 0;
}
