/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the plugins of a list do to each other, where one of them is rangeguard: an order in which each ADD is refused, by
 * rangeguard or by the other one. Each was tried with the reference plugins 1.1.1. Pure.
 */

#include "plugin/foreign/order.h"

#include <stdio.h>
#include <string.h>

/**
 * struct order - The elements so far
 * @reader:	At the element at hand
 * @maker:	The one that made the interface, NULL: none
 * @maker_at:	Its pointer
 */
struct order {
	struct reader *reader;
	const json_t *maker;
	struct pointer maker_at;
};

/** type_of() - An element's type, "" when it has none */
static const char *type_of(const json_t *element)
{
	const char *type = json_string_value(json_object_get(element, "type"));

	return type ? type : "";
}

/** is_rangeguard() - Whether an element is rangeguard itself */
static bool is_rangeguard(const json_t *element)
{
	return strcmp(type_of(element), "rangeguard") == 0;
}

/** makes_interface() - Whether an element makes the container's interface: it gives addresses to one */
static bool makes_interface(const json_t *element)
{
	return is_rangeguard(element) ? json_member(element, "ipam") != NULL
				      : *type_of(json_object_get(element, "ipam"));
}

/** hides_packets() - Whether the host never sees what a plugin's interface sends, so that no pin can hold */
static bool hides_packets(const json_t *element)
{
	static const char *const types[] = {"macvlan", "ipvlan",       "host-device", "vlan",
					    "sriov",   "ib-sriov-cni", "dummy",	      NULL};

	for (size_t i = 0; types[i]; i++)
		if (strcmp(type_of(element), types[i]) == 0)
			return true;
	return false;
}

/** is_guarded() - Whether an interface of ours has its own classifier, at the place that others want */
static bool is_guarded(const json_t *element)
{
	return !json_is_false(json_object_get(element, "antiSpoof")) ||
	       json_array_size(json_object_get(element, "snat")) || json_is_true(json_object_get(element, "ipMasq"));
}

/** has_capability() - Whether an element declares a capability */
static bool has_capability(const json_t *element, const char *capability)
{
	return json_is_true(json_object_get(json_object_get(element, "capabilities"), capability));
}

/** check_second_maker() - Two elements that make the interface, one of them ours */
static void check_second_maker(struct order *order, const json_t *element)
{
	if (order->maker && (is_rangeguard(order->maker) || is_rangeguard(element)))
		reader_error(order->reader, "ipam", RULE_INVALID_VALUE,
			     "%.64s at %.64s makes the container's interface already, so an ADD fails here; leave ipam "
			     "out of one of the two, or make them two networks",
			     type_of(order->maker), order->maker_at.text);
}

/** check_chained() - rangeguard without ipam: it needs a result before it, and for pins packets that the host sees */
static void check_chained(struct order *order, const json_t *element, size_t index)
{
	if (!index)
		order_check_alone(order->reader, element);
	else if (order->maker && hides_packets(order->maker) && json_array_size(json_object_get(element, "snat")))
		reader_error(
			order->reader, "snat", RULE_SNAT,
			"after %.64s the host does not see the container's packets, so an ADD that a pin matches is "
			"refused; pins need a veth pair, as ptp and bridge make it",
			type_of(order->maker));
}

/** check_bandwidth() - The reference bandwidth after an interface of ours: both want its ingress qdisc */
static void check_bandwidth(struct order *order, const json_t *element)
{
	if (!is_guarded(order->maker))
		return;
	if (json_integer_value(json_object_get(element, "egressRate")) > 0)
		reader_error(order->reader, "egressRate", RULE_INVALID_VALUE,
			     "bandwidth can't limit what leaves an interface of rangeguard's by a fixed rate: an ADD "
			     "fails with \"create ingress qdisc: file exists\"; let the runtime ask for it, with the "
			     "capability bandwidth at both");
	else if (has_capability(element, "bandwidth") && !has_capability(order->maker, "bandwidth"))
		reader_error(order->reader, "capabilities", RULE_INVALID_VALUE,
			     "an ADD with a limit fails with \"create ingress qdisc: file exists\": give rangeguard's "
			     "entry at %.64s \"capabilities\": {\"bandwidth\": true}, too (Linux 6.6 or later)",
			     order->maker_at.text);
}

/** tell_unserved_limit() - Limits are asked for at an element of ours, which only makes room for who enforces them */
static void tell_unserved_limit(struct reader *reader)
{
	reader_warning(
		reader, "capabilities", RULE_INVALID_VALUE,
		"capability bandwidth is declared, and no plugin bandwidth with it stands in the list: a pod's limit "
		"is ignored; add {\"type\": \"bandwidth\", \"capabilities\": {\"bandwidth\": true}}");
}

/** check_limits() - Whoever has rangeguard ask for limits has a plugin that enforces them */
static void check_limits(struct reader *reader, const json_t *plugins)
{
	size_t n = json_array_size(plugins), ours = n;

	for (size_t i = 0; i < n; i++) {
		const json_t *element = json_array_get(plugins, i);

		if (strcmp(type_of(element), "bandwidth") == 0 && has_capability(element, "bandwidth"))
			return;
		if (is_rangeguard(element) && has_capability(element, "bandwidth"))
			ours = i;
	}
	if (ours < n) {
		size_t mark = pointer_push_index(&reader->at, ours);

		tell_unserved_limit(reader);
		pointer_pop(&reader->at, mark);
	}
}

/** check_tuning() - The reference tuning after an interface of ours: neighbours are permanent there */
static void check_tuning(struct order *order, const json_t *element)
{
	static const char text[] =
		"rangeguard's neighbours are permanent, so a MAC address that is changed afterwards leaves the "
		"container deaf until a CHECK; set it by the capability mac at rangeguard's entry";

	if (json_member(element, "mac"))
		reader_error(order->reader, "mac", RULE_INVALID_VALUE, text);
	else if (has_capability(element, "mac"))
		reader_error(order->reader, "capabilities", RULE_INVALID_VALUE, text);
}

/** check_after_ours() - Another plugin, after an interface of ours */
static void check_after_ours(struct order *order, const json_t *element)
{
	const char *type = type_of(element);

	if (strcmp(type, "bandwidth") == 0)
		check_bandwidth(order, element);
	else if (strcmp(type, "tuning") == 0)
		check_tuning(order, element);
	else if (strcmp(type, "sbr") == 0)
		reader_error(
			order->reader, "type", RULE_INVALID_VALUE,
			"sbr can't route by the source of an interface of rangeguard's, whose next hop is not in "
			"its subnet: an ADD fails with \"network is unreachable\"; leave it out, rangeguard routes "
			"what comes from a further interface's address by that interface");
}

/** check_element() - One element, with those before it */
static void check_element(struct order *order, const json_t *element, size_t index)
{
	if (makes_interface(element)) {
		check_second_maker(order, element);
		if (!order->maker) {
			order->maker = element;
			order->maker_at = order->reader->at;
		}
	} else if (is_rangeguard(element)) {
		check_chained(order, element, index);
	} else if (order->maker && is_rangeguard(order->maker)) {
		check_after_ours(order, element);
	}
}

/**
 * order_check_alone() - rangeguard's object without a plugin before it
 * @reader:	Reader, at the object; hears it when rangeguard needs one
 * @object:	Object
 */
void order_check_alone(struct reader *reader, const json_t *object)
{
	if (is_rangeguard(object) && !json_member(object, "ipam") && !json_member(object, "prevResult"))
		reader_error(
			reader, NULL, RULE_INVALID_VALUE,
			"without ipam rangeguard guards what an earlier plugin of the list made, and there is none "
			"before it: an ADD fails (\"Required prevResult missing\"); give it ipam, or put it after "
			"that plugin");
}

/** order_check_single() - The same of one that is no element of a list, nor of its delegates */
void order_check_single(struct reader *reader, const json_t *object)
{
	order_check_alone(reader, object);
	if (is_rangeguard(object) && has_capability(object, "bandwidth"))
		tell_unserved_limit(reader);
}

/**
 * order_check() - Look at the elements of a list beside each other
 * @reader:	Reader, at the list
 * @list:	List
 */
void order_check(struct reader *reader, const json_t *list)
{
	const json_t *plugins = json_object_get(list, "plugins");
	struct order order = {.reader = reader};
	size_t mark = pointer_push_key(&reader->at, "plugins");

	for (size_t i = 0; i < json_array_size(plugins); i++) {
		size_t inner = pointer_push_index(&reader->at, i);

		check_element(&order, json_array_get(plugins, i), i);
		pointer_pop(&reader->at, inner);
	}
	check_limits(reader, plugins);
	pointer_pop(&reader->at, mark);
}
