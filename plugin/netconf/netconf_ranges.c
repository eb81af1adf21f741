/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ranges that a network gives addresses from: `ipam.ranges`, its older form, and the runtime's ipRanges. Pure. */

#include "plugin/netconf/netconf_ipam.h"

#include <stdlib.h>

/** read_subnet() - `subnet` of a range: a prefix without host bits; REFUSED when reported */
static int read_subnet(struct reader *reader, const json_t *object, struct prefix *ret_subnet)
{
	const char *text = json_member_text(reader, object, "subnet");
	char proper_text[PREFIX_TEXT_MAX];
	struct prefix proper;

	if (!text) {
		if (!json_member(object, "subnet"))
			reader_error(reader, "subnet", RULE_INVALID_VALUE, "a range needs a subnet");
		return REFUSED;
	}
	if (prefix_parse(text, ret_subnet) < 0) {
		reader_error(reader, "subnet", RULE_INVALID_VALUE,
			     "subnet \"%.64s\" is not a network in the form ADDRESS/LENGTH", text);
		return REFUSED;
	}
	if (prefix_has_host_bits(ret_subnet)) {
		proper = *ret_subnet;
		proper.address.value = prefix_span(ret_subnet).first;
		reader_error(reader, "subnet", RULE_INVALID_VALUE, "subnet %s has host bits set; the network is %s",
			     text, prefix_format(&proper, proper_text));
		return REFUSED;
	}
	return 0;
}

/** default_gateway() - host-local's: the subnet's first host address, where there is room for one */
static struct address default_gateway(const struct prefix *subnet)
{
	struct span span = prefix_span(subnet);

	if (span.last - span.first <= 1)
		return (struct address){.family = FAMILY_NONE};
	return (struct address){.family = span.family, .value = span.first + 1};
}

/** read_bounds() - `rangeStart` and `rangeEnd` inside the subnet; REFUSED when reported */
static int read_bounds(struct reader *reader, const json_t *object, struct ip_range *range)
{
	struct span whole = prefix_span(&range->subnet);
	struct span usual = range_default_span(&range->subnet);
	struct address first = {.family = usual.family, .value = usual.first};
	struct address last = {.family = usual.family, .value = usual.last};
	char text[ADDRESS_TEXT_MAX], subnet_text[PREFIX_TEXT_MAX];

	if (netconf_read_address(reader, object, "rangeStart", usual.family, &first) ||
	    netconf_read_address(reader, object, "rangeEnd", usual.family, &last))
		return REFUSED;
	(void)prefix_format(&range->subnet, subnet_text);
	if (!span_contains(&whole, &first)) {
		reader_error(reader, "rangeStart", RULE_INVALID_VALUE, "rangeStart %s is not in subnet %s",
			     address_format(&first, text), subnet_text);
		return REFUSED;
	}
	if (!span_contains(&whole, &last)) {
		reader_error(reader, "rangeEnd", RULE_INVALID_VALUE, "rangeEnd %s is not in subnet %s",
			     address_format(&last, text), subnet_text);
		return REFUSED;
	}
	if (first.value > last.value) {
		reader_error(reader, "rangeEnd", RULE_INVALID_VALUE, "rangeEnd %s is before the range's first address",
			     address_format(&last, text));
		return REFUSED;
	}
	range->span = (struct span){.family = usual.family, .first = first.value, .last = last.value};
	return 0;
}

/**
 * read_range() - One range
 * @reader:	Reader, at the range
 * @object:	Range's object
 * @role:	A delegate's range has a gateway even where none is named, as host-local's has: the plugin that called
 *		puts it on its bridge or into its routes
 * @ret_range:	Range
 *
 * Return: 0, REFUSED when reported
 */
static int read_range(struct reader *reader, const json_t *object, enum role role, struct ip_range *ret_range)
{
	struct ip_range range = {0};
	char text[SPAN_TEXT_MAX];

	(void)snprintf(range.pointer, sizeof(range.pointer), "%.*s", RANGE_POINTER_MAX - 1, reader->at.text);
	if (read_subnet(reader, object, &range.subnet))
		return REFUSED;
	if (role == ROLE_DELEGATE)
		range.gateway = default_gateway(&range.subnet);
	range.pool = json_member_text(reader, object, "pool");
	if (read_bounds(reader, object, &range) ||
	    netconf_read_address(reader, object, "gateway", range.span.family, &range.gateway))
		return REFUSED;
	if (!range_is_for_hosts(&range.span)) {
		reader_error(
			reader, NULL, RULE_INVALID_VALUE,
			"range %s has no address for a container: all are unspecified, loopback, multicast, broadcast or "
			"IPv6 link-local",
			span_format(&range.span, text));
		return REFUSED;
	}
	if (range.gateway.family != FAMILY_NONE && range.span.first == range.span.last &&
	    span_contains(&range.span, &range.gateway)) {
		reader_error(reader, NULL, RULE_NO_ADDRESS,
			     "the range has no usable address: its only one is the gateway");
		return REFUSED;
	}
	*ret_range = range;
	return 0;
}

/** add_set() - Room for one more range set, NULL when there is none (reported) */
static struct range_set *add_set(struct reader *reader, struct netconf *netconf)
{
	struct range_set *sets;

	if (netconf->n_sets == LIMIT_RANGE_SETS) {
		reader_error(reader, NULL, RULE_INVALID_VALUE, "more than %u range sets (one address each)",
			     LIMIT_RANGE_SETS);
		return NULL;
	}
	sets = reallocarray(netconf->sets, netconf->n_sets + 1, sizeof(*sets));
	if (!sets) {
		reader_no_memory(reader);
		return NULL;
	}
	netconf->sets = sets;
	sets[netconf->n_sets] = (struct range_set){0};
	return &sets[netconf->n_sets++];
}

/** check_in_set() - A range must be of its set's family and overlap no earlier range of it */
static void check_in_set(struct reader *reader, const struct range_set *set, const struct ip_range *range)
{
	char text[SPAN_TEXT_MAX], other_text[SPAN_TEXT_MAX];

	if (set->n_ranges && set->ranges[0].span.family != range->span.family)
		reader_error(
			reader, NULL, RULE_INVALID_VALUE,
			"a range set yields one address, so its ranges must be of one family; give %s a set of its own",
			span_format(&range->span, text));
	for (size_t i = 0; i < set->n_ranges; i++)
		if (span_overlaps(&set->ranges[i].span, &range->span))
			reader_error(reader, NULL, RULE_OVERLAP, "range %s overlaps range %s of the same set",
				     span_format(&range->span, text), span_format(&set->ranges[i].span, other_text));
}

/** check_between_sets() - No range of the newest set may overlap one of an earlier set */
static void check_between_sets(struct reader *reader, const struct netconf *netconf)
{
	const struct range_set *set = &netconf->sets[netconf->n_sets - 1];
	char text[SPAN_TEXT_MAX], other_text[SPAN_TEXT_MAX];

	for (size_t other = 0; other + 1 < netconf->n_sets; other++)
		for (size_t i = 0; i < netconf->sets[other].n_ranges; i++)
			for (size_t j = 0; j < set->n_ranges; j++)
				if (span_overlaps(&netconf->sets[other].ranges[i].span, &set->ranges[j].span))
					report_error(reader->report, RULE_OVERLAP, reader->file, set->ranges[j].pointer,
						     "range %s overlaps range %s of range set %zu",
						     span_format(&set->ranges[j].span, text),
						     span_format(&netconf->sets[other].ranges[i].span, other_text),
						     other);
}

/** drop_empty_set() - A set none of whose ranges could be read has been reported; nothing further on may meet it */
static void drop_empty_set(struct netconf *netconf)
{
	struct range_set *set = &netconf->sets[netconf->n_sets - 1];

	if (set->n_ranges)
		return;
	free(set->ranges);
	netconf->n_sets--;
}

/** read_set() - One range set: an array of ranges */
static void read_set(struct reader *reader, const json_t *array, struct netconf *netconf)
{
	struct range_set *set;
	size_t index;
	json_t *element;

	if (!json_is_array(array) || !json_array_size(array) || json_array_size(array) > LIMIT_RANGES_PER_SET) {
		reader_error(
			reader, NULL, RULE_INVALID_VALUE,
			"a range set must be an array of 1 to %u ranges: \"ranges\": [[{\"subnet\": \"10.0.0.0/24\"}]]",
			LIMIT_RANGES_PER_SET);
		return;
	}
	set = add_set(reader, netconf);
	if (!set)
		return;
	set->ranges = calloc(json_array_size(array), sizeof(*set->ranges));
	if (!set->ranges)
		reader_no_memory(reader);
	json_array_foreach((json_t *)(uintptr_t)array, index, element) {
		static const char *const keys[] = {"subnet", "rangeStart", "rangeEnd", "gateway", "pool", NULL};
		size_t mark = pointer_push_index(&reader->at, index);
		struct ip_range range;

		if (!json_is_object(element)) {
			reader_error(reader, NULL, RULE_INVALID_VALUE, "a range must be an object with a subnet");
		} else {
			json_check_keys(reader, element, keys);
			if (set->ranges && !read_range(reader, element, netconf->role, &range)) {
				check_in_set(reader, set, &range);
				set->ranges[set->n_ranges++] = range;
			}
		}
		pointer_pop(&reader->at, mark);
	}
	check_between_sets(reader, netconf);
	drop_empty_set(netconf);
}

/** read_sets() - An array of range sets at member @key of @object, below the reader's place */
static void read_sets(struct reader *reader, const json_t *object, const char *key, struct netconf *netconf)
{
	const json_t *sets = json_member_array(reader, object, key, LIMIT_RANGE_SETS);
	size_t mark = pointer_push_key(&reader->at, key);
	size_t index;
	json_t *element;

	json_array_foreach((json_t *)(uintptr_t)sets, index, element) {
		size_t inner = pointer_push_index(&reader->at, index);

		read_set(reader, element, netconf);
		pointer_pop(&reader->at, inner);
	}
	pointer_pop(&reader->at, mark);
}

/** read_legacy_range() - host-local's older form: one range in the ipam object itself */
static void read_legacy_range(struct reader *reader, const json_t *ipam, struct netconf *netconf)
{
	struct ip_range *range;
	struct range_set *set;

	if (!json_member(ipam, "subnet")) {
		if (json_member(ipam, "rangeStart") || json_member(ipam, "rangeEnd") || json_member(ipam, "gateway"))
			reader_error(reader, NULL, RULE_INVALID_VALUE,
				     "rangeStart, rangeEnd and gateway of the ipam object need its subnet");
		return;
	}
	range = calloc(1, sizeof(*range));
	if (!range)
		reader_no_memory(reader);
	set = range && !read_range(reader, ipam, netconf->role, range) ? add_set(reader, netconf) : NULL;
	if (!set) {
		free(range);
		return;
	}
	*set = (struct range_set){.ranges = range, .n_ranges = 1};
	check_between_sets(reader, netconf);
}

/** check_sets() - There is a range, and the version can carry as many addresses */
static void check_sets(struct reader *reader, struct netconf *netconf)
{
	size_t of_family[2] = {0};

	for (size_t i = 0; i < netconf->n_sets; i++)
		of_family[netconf->sets[i].ranges[0].span.family == FAMILY_IPV6]++;
	if (netconf->version < CNI_0_3_0 && (of_family[0] > 1 || of_family[1] > 1))
		reader_error(reader, "ranges", RULE_INVALID_VALUE,
			     "more than one address of a family needs cniVersion 0.3.0 or newer");
}

/**
 * netconf_read_ranges() - runtimeConfig.ipRanges, the legacy range and `ranges`, in host-local's order
 * @reader:	Reader, at the ipam object
 * @root:	Plugin's object
 * @ipam:	The ipam object, NULL when it could not be read
 * @netconf:	Its sets are filled
 */
void netconf_read_ranges(struct reader *reader, const json_t *root, const json_t *ipam, struct netconf *netconf)
{
	const json_t *runtime = json_member(root, "runtimeConfig");
	struct reader at_runtime = netconf_reader_at_root(reader, netconf);
	unsigned errors_before = reader->report->errors;

	(void)pointer_push_key(&at_runtime.at, "runtimeConfig");
	if (json_is_object(runtime))
		read_sets(&at_runtime, runtime, "ipRanges", netconf);
	read_legacy_range(reader, ipam, netconf);
	read_sets(reader, ipam, "ranges", netconf);
	if (!netconf->n_sets && reader->report->errors == errors_before)
		reader_error(reader, NULL, RULE_INVALID_VALUE,
			     "no address range: ipam needs \"ranges\": [[{\"subnet\": \"10.0.0.0/24\"}]]");
	check_sets(reader, netconf);
}
