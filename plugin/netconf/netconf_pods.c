/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a pod gets by its name (`ipam.fixed`) and what it may choose (`annotations`). Pure. */

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/netconf/netconf_ipam.h"

/** netconf_glob_matches() - Whether a glob says yes to a text; a missing text matches no glob but a missing one */
bool netconf_glob_matches(const char *glob, const char *text)
{
	return !glob || (text && fnmatch(glob, text, 0) == 0);
}

/** set_of() - The range set that gives an address, NULL: none */
static const struct range_set *set_of(const struct netconf *netconf, const struct address *address)
{
	for (size_t i = 0; i < netconf->n_sets; i++)
		if (range_set_find(&netconf->sets[i], address))
			return &netconf->sets[i];
	return NULL;
}

/** netconf_fixed_at() - The entry that an address belongs to, NULL: none */ const struct fixed *
netconf_fixed_at(const struct netconf *netconf, const struct address *address)
{
	for (size_t i = 0; i < netconf->n_fixed; i++)
		for (size_t j = 0; j < netconf->fixed[i].n_addresses; j++)
			if (address_equal(&netconf->fixed[i].addresses[j], address))
				return &netconf->fixed[i];
	return NULL;
}

/** count_fixed() - How many addresses the entries read so far have */
static size_t count_fixed(const struct netconf *netconf)
{
	size_t n = 0;

	for (size_t i = 0; i < netconf->n_fixed; i++)
		n += netconf->fixed[i].n_addresses;
	return n;
}

/** read_fixed_address() - One element of an entry's `addresses`; a prefix length, if it has one, says nothing */
static void read_fixed_address(struct reader *reader, const json_t *element, struct netconf *netconf,
			       struct fixed *fixed)
{
	const char *text = json_string_value(element);
	const struct fixed *other;
	struct address address;
	struct prefix prefix;

	if (text && !prefix_parse(text, &prefix)) {
		address = prefix.address;
	} else if (!text || address_parse(text, &address) < 0) {
		reader_error(reader, NULL, RULE_INVALID_VALUE, "a fixed address must be an IP address in quotes");
		return;
	}
	other = netconf_fixed_at(netconf, &address);
	if (count_fixed(netconf) + fixed->n_addresses == LIMIT_FIXED_ADDRESSES)
		reader_error(reader, NULL, RULE_INVALID_VALUE, "more than %u fixed addresses", LIMIT_FIXED_ADDRESSES);
	else if (!set_of(netconf, &address))
		reader_error(reader, NULL, RULE_INVALID_VALUE,
			     "fixed address %s is in none of the ranges of this network; add a range, or correct it",
			     text);
	else if (other)
		reader_error(reader, NULL, RULE_DUPLICATE,
			     "fixed address %s belongs to the pods of %s already; an address has one owner", text,
			     other->pointer);
	else
		fixed->addresses[fixed->n_addresses++] = address;
}

/** read_fixed() - One entry of `fixed`, whose addresses go to @netconf; REFUSED when reported */
static int read_fixed(struct reader *reader, const json_t *object, struct netconf *netconf, struct fixed *fixed)
{
	static const char *const keys[] = {"namespace", "pod", "addresses", NULL};
	const json_t *addresses;
	json_t *element;
	size_t index, mark;

	(void)snprintf(fixed->pointer, sizeof(fixed->pointer), "%.*s", RANGE_POINTER_MAX - 1, reader->at.text);
	if (!json_is_object(object)) {
		reader_error(reader, NULL, RULE_INVALID_VALUE,
			     "a fixed entry must be an object with pod and addresses");
		return REFUSED;
	}
	json_check_keys(reader, object, keys);
	fixed->namespace_glob = json_member_text(reader, object, "namespace");
	fixed->pod_glob = json_member_text(reader, object, "pod");
	addresses = json_member_array(reader, object, "addresses", LIMIT_FIXED_ADDRESSES);
	if (!fixed->pod_glob)
		reader_error(reader, "pod", RULE_INVALID_VALUE,
			     "a fixed entry needs the name of its pod, or a glob: \"pod\": \"pg-*\"");
	if (!json_array_size(addresses)) {
		reader_error(reader, "addresses", RULE_INVALID_VALUE, "a fixed entry needs addresses: [\"10.0.0.50\"]");
		return REFUSED;
	}
	fixed->addresses = calloc(json_array_size(addresses), sizeof(*fixed->addresses));
	if (!fixed->addresses) {
		reader_no_memory(reader);
		return REFUSED;
	}
	mark = pointer_push_key(&reader->at, "addresses");
	json_array_foreach((json_t *)(uintptr_t)addresses, index, element) {
		size_t inner = pointer_push_index(&reader->at, index);

		read_fixed_address(reader, element, netconf, fixed);
		pointer_pop(&reader->at, inner);
	}
	pointer_pop(&reader->at, mark);
	return fixed->pod_glob && fixed->n_addresses ? 0 : REFUSED;
}

/**
 * netconf_read_fixed() - `ipam.fixed`: addresses that belong to pods by name
 * @reader:	Reader, at the ipam object
 * @ipam:	The ipam object, NULL when it could not be read
 * @netconf:	Its ranges have been read; its fixed entries are filled
 */
void netconf_read_fixed(struct reader *reader, const json_t *ipam, struct netconf *netconf)
{
	const json_t *list = json_member_array(reader, ipam, "fixed", LIMIT_FIXED);
	size_t mark = pointer_push_key(&reader->at, "fixed");
	size_t index;
	json_t *element;

	netconf->fixed = json_array_size(list) ? calloc(json_array_size(list), sizeof(*netconf->fixed)) : NULL;
	json_array_foreach((json_t *)(uintptr_t)list, index, element) {
		size_t inner = pointer_push_index(&reader->at, index);
		struct fixed fixed = {0};

		if (!netconf->fixed) {
			reader_no_memory(reader);
			break;
		}
		if (read_fixed(reader, element, netconf, &fixed))
			free(fixed.addresses);
		else
			netconf->fixed[netconf->n_fixed++] = fixed;
		pointer_pop(&reader->at, inner);
	}
	pointer_pop(&reader->at, mark);
}

/**
 * netconf_fixed_of() - The fixed addresses of a pod
 * @netconf:	Configuration
 * @args:	CNI_ARGS of the container
 *
 * Return: the first entry that is for it, NULL: none; without a pod's name, none is
 */
const struct fixed *netconf_fixed_of(const struct netconf *netconf, const struct cni_args *args)
{
	for (size_t i = 0; i < netconf->n_fixed; i++)
		if (netconf_glob_matches(netconf->fixed[i].namespace_glob, args->pod_namespace) &&
		    netconf_glob_matches(netconf->fixed[i].pod_glob, args->pod_name))
			return &netconf->fixed[i];
	return NULL;
}

/**
 * netconf_read_annotations() - `annotations`: what pods may choose
 * @reader:	Reader, at the plugin's object
 * @root:	Plugin's object
 * @netconf:	Its may_choose is filled
 */
void netconf_read_annotations(struct reader *reader, const json_t *root, struct netconf *netconf)
{
	static const char *const names[] = {
		[CHOICE_ADDRESSES] = "addresses", [CHOICE_POOL] = "pool", [CHOICE_SOURCE] = "source", NULL};
	const json_t *list = json_member_array(reader, root, "annotations", N_POD_CHOICES);
	size_t mark = pointer_push_key(&reader->at, "annotations");
	size_t index;
	json_t *element;

	json_array_foreach((json_t *)(uintptr_t)list, index, element) {
		size_t inner = pointer_push_index(&reader->at, index);
		const char *text = json_string_value(element);
		size_t i = 0;

		while (names[i] && (!text || strcmp(text, names[i]) != 0))
			i++;
		if (names[i])
			netconf->may_choose[i] = true;
		else
			reader_error(reader, NULL, RULE_INVALID_VALUE,
				     "annotations lists what pods may choose: \"addresses\", \"pool\", \"source\"");
		pointer_pop(&reader->at, inner);
	}
	pointer_pop(&reader->at, mark);
	if (json_array_size(list) &&
	    !json_is_true(json_object_get(json_member(root, "capabilities"), NETCONF_ANNOTATIONS)) &&
	    !json_member(root, "runtimeConfig"))
		reader_warning(reader, "annotations", RULE_INVALID_VALUE,
			       "no pod's annotations will arrive: add \"capabilities\": {\"" NETCONF_ANNOTATIONS
			       "\": true}");
}

/**
 * netconf_annotation() - What a pod chose by annotation
 * @reader:	Reader, at the annotations
 * @root:	Plugin's object
 * @netconf:	Its may_choose has been read
 * @choice:	Which choice
 *
 * Return: the annotation's text; NULL when the pod has none, or, reported, when it may not choose
 */
const char *netconf_annotation(struct reader *reader, const json_t *root, const struct netconf *netconf,
			       enum pod_choice choice)
{
	static const char *const keys[] = {[CHOICE_ADDRESSES] = "rangeguard.dev/addresses",
					   [CHOICE_POOL] = "rangeguard.dev/pool",
					   [CHOICE_SOURCE] = "rangeguard.dev/source"};
	const json_t *annotations = json_member(json_member(root, "runtimeConfig"), NETCONF_ANNOTATIONS);
	const json_t *annotation = json_member(annotations, keys[choice]);

	if (!annotation)
		return NULL;
	if (!netconf->may_choose[choice]) {
		reader_error(reader, keys[choice], RULE_INVALID_VALUE,
			     "the pod's annotation %s is not allowed by network \"%.64s\": its configuration must list "
			     "\"%s\" in annotations, or the pod must do without",
			     keys[choice], netconf->name, keys[choice] + strlen("rangeguard.dev/"));
		return NULL;
	}
	if (!json_string_length(annotation)) {
		reader_error(reader, keys[choice], RULE_INVALID_VALUE, "the pod's annotation %s is empty",
			     keys[choice]);
		return NULL;
	}
	return json_string_value(annotation);
}

/**
 * netconf_read_choices() - What the pod chose, but for its addresses
 * @reader:	Reader, at the plugin's object
 * @root:	Plugin's object
 * @netconf:	Its may_choose has been read; chosen_pool and chosen_pin are filled
 */
void netconf_read_choices(struct reader *reader, const json_t *root, struct netconf *netconf)
{
	size_t mark = pointer_push_key(&reader->at, "runtimeConfig");

	(void)pointer_push_key(&reader->at, NETCONF_ANNOTATIONS);
	netconf->chosen_pool = netconf_annotation(reader, root, netconf, CHOICE_POOL);
	netconf->chosen_pin = netconf_annotation(reader, root, netconf, CHOICE_SOURCE);
	pointer_pop(&reader->at, mark);
}

/** is_offered() - Whether a range may give an address to the pod: it is in the pool chosen, or none was and it has none */
static bool is_offered(const struct ip_range *range, const char *pool)
{
	return pool ? range->pool && !strcmp(range->pool, pool) : !range->pool;
}

/** has_pool() - Whether a range of a set is in the pool chosen */
static bool has_pool(const struct range_set *set, const char *pool)
{
	for (size_t i = 0; i < set->n_ranges; i++)
		if (set->ranges[i].pool && !strcmp(set->ranges[i].pool, pool))
			return true;
	return false;
}

/** offer_set() - One set without the ranges that the pod did not choose: 0, -ENOMEM */
static int offer_set(const struct range_set *set, const char *pool, struct range_set *ret_offered)
{
	*ret_offered = *set;
	ret_offered->n_ranges = 0;
	ret_offered->ranges = calloc(set->n_ranges, sizeof(*set->ranges));
	if (!ret_offered->ranges)
		return -ENOMEM;
	/* A set that the pool has no part in gives what it gives without. */
	if (pool && !has_pool(set, pool))
		pool = NULL;
	for (size_t i = 0; i < set->n_ranges; i++)
		if (is_offered(&set->ranges[i], pool))
			ret_offered->ranges[ret_offered->n_ranges++] = set->ranges[i];
	return 0;
}

/** check_pool() - The pool that the pod chose is one of this network's */
static void check_pool(struct reader *reader, const struct netconf *netconf)
{
	for (size_t i = 0; i < netconf->n_sets; i++)
		if (has_pool(&netconf->sets[i], netconf->chosen_pool))
			return;
	reader_error(reader, NULL, RULE_INVALID_VALUE,
		     "the pod's annotation rangeguard.dev/pool names \"%.64s\", but no range of network \"%.64s\" has "
		     "that pool",
		     netconf->chosen_pool, netconf->name);
}

/**
 * netconf_offer() - Which ranges give the pod's addresses
 * @reader:	Reader
 * @offline:	There is no pod: that one without annotation would get nothing is no mistake yet
 * @netconf:	Its ranges and choices have been read; offered is filled
 */
void netconf_offer(struct reader *reader, bool offline, struct netconf *netconf)
{
	if (netconf->chosen_pool)
		check_pool(reader, netconf);
	netconf->offered = calloc(netconf->n_sets + 1, sizeof(*netconf->offered));
	for (size_t i = 0; i < netconf->n_sets; i++) {
		if (!netconf->offered || offer_set(&netconf->sets[i], netconf->chosen_pool, &netconf->offered[i])) {
			reader_no_memory(reader);
			return;
		}
		if (!netconf->offered[i].n_ranges && !offline)
			reader_error(
				reader, NULL, RULE_INVALID_VALUE,
				"each range of set %zu of network \"%.64s\" is in a named pool; the pod must choose "
				"one by the annotation rangeguard.dev/pool",
				i, netconf->name);
	}
}
