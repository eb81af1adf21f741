/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `snat`: stable source addresses, and which containers they are for. Pure. */

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/netconf/netconf_ipam.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** source_of() - The place of the address of a family */
static struct address *source_of(struct pin *pin, enum family family)
{
	return &pin->sources[family == FAMILY_IPV6];
}

/** read_name() - `name`: it is told in errors and lists; REFUSED when reported */
static int read_name(struct reader *reader, const json_t *object, struct pin *pin)
{
	const char *name = json_member_text(reader, object, "name");

	if (!name && json_member(object, "name"))
		return REFUSED;
	if (!name || !*name || strlen(name) > LIMIT_PIN_NAME || !request_valid_name(name)) {
		reader_error(reader, "name", RULE_INVALID_VALUE,
			     "a snat entry needs a name: a letter or digit, then up to %u letters, digits, '_', '.' "
			     "and '-'",
			     LIMIT_PIN_NAME - 1);
		return REFUSED;
	}
	pin->name = name;
	return 0;
}

/** read_match() - `match`: globs; REFUSED when reported */
static int read_match(struct reader *reader, const json_t *object, struct pin *pin)
{
	static const char *const keys[] = {"namespace", "pod", NULL};
	unsigned errors_before = reader->report->errors;
	const json_t *match = json_member_object(reader, object, "match");
	size_t mark = pointer_push_key(&reader->at, "match");

	if (match) {
		json_check_keys(reader, match, keys);
		pin->namespace_glob = json_member_text(reader, match, "namespace");
		pin->pod_glob = json_member_text(reader, match, "pod");
	}
	pointer_pop(&reader->at, mark);
	return reader->report->errors == errors_before ? 0 : REFUSED;
}

/** can_be_source() - Whether packets can carry an address as their source to another host */
static bool can_be_source(const struct address *address)
{
	static const char *const never[] = {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
					    "::/127",	 "fe80::/10",	"ff00::/8"};

	for (size_t i = 0; i < ARRAY_LENGTH(never); i++) {
		struct prefix prefix = {0};
		struct span span;

		(void)prefix_parse(never[i], &prefix);
		span = prefix_span(&prefix);
		if (span_contains(&span, address))
			return false;
	}
	return true;
}

/** in_family() - How many sources of a family a pin has so far */
static size_t in_family(const struct pin *pin, enum family family)
{
	size_t n = 0;

	for (size_t i = 0; i < pin->n_all; i++)
		n += pin->all[i].family == family;
	return n;
}

/** is_named() - Whether a source stands there already */
static bool is_named(const struct pin *pin, const struct address *address)
{
	for (size_t i = 0; i < pin->n_all; i++)
		if (address_equal(&pin->all[i], address))
			return true;
	return false;
}

/** keep_source() - One more source; the first of its family counts until an ADD knows better */
static void keep_source(struct pin *pin, const struct address *address)
{
	if (!source_of(pin, address->family)->family)
		*source_of(pin, address->family) = *address;
	pin->all[pin->n_all++] = *address;
}

/** read_source() - One element of `source`: an address of a family that has none yet, unless hosts share them */
static void read_source(struct reader *reader, const json_t *element, struct pin *pin)
{
	const char *text = json_string_value(element);
	struct address address;

	if (!text || address_parse(text, &address) < 0)
		reader_error(reader, NULL, RULE_INVALID_VALUE, "a source must be an IP address without prefix length");
	else if (!can_be_source(&address))
		reader_error(reader, NULL, RULE_INVALID_VALUE, "%s can't be the source of packets to other hosts",
			     text);
	else if (source_of(pin, address.family)->family && !pin->shared)
		reader_error(
			reader, NULL, RULE_INVALID_VALUE,
			"%s is the second source of its family: one per family, so that it stays the same; several "
			"for hosts to share need \"shared\": true",
			text);
	else if (is_named(pin, &address))
		reader_error(reader, NULL, RULE_DUPLICATE, "source %s is named twice", text);
	else if (in_family(pin, address.family) == LIMIT_PIN_SHARED)
		reader_error(reader, NULL, RULE_INVALID_VALUE, "a snat entry may have %u sources of a family",
			     LIMIT_PIN_SHARED);
	else
		keep_source(pin, &address);
}

/** read_sources() - `source`; REFUSED when reported */
static int read_sources(struct reader *reader, const json_t *object, struct pin *pin)
{
	unsigned errors_before = reader->report->errors;
	const json_t *sources = json_member_array(reader, object, "source", 2 * LIMIT_PIN_SHARED);
	size_t mark = pointer_push_key(&reader->at, "source");
	size_t index;
	json_t *element;

	pin->all = calloc(json_array_size(sources) + 1, sizeof(*pin->all));
	if (!pin->all)
		reader_no_memory(reader);
	json_array_foreach((json_t *)(uintptr_t)sources, index, element) {
		size_t inner = pointer_push_index(&reader->at, index);

		if (pin->all)
			read_source(reader, element, pin);
		pointer_pop(&reader->at, inner);
	}
	pointer_pop(&reader->at, mark);
	if (!json_array_size(sources) && reader->report->errors == errors_before)
		reader_error(reader, "source", RULE_INVALID_VALUE, "a snat entry needs a source: [\"192.0.2.10\"]");
	return reader->report->errors == errors_before ? 0 : REFUSED;
}

/** read_destination() - One element of `destinations`, of a family that has a source */
static void read_destination(struct reader *reader, const json_t *element, struct pin *pin)
{
	const char *text = json_string_value(element);
	struct address address;
	struct prefix prefix;
	struct span span;

	if (text && !prefix_parse(text, &prefix)) {
		span = prefix_span(&prefix);
	} else if (text && !address_parse(text, &address)) {
		span = span_of_address(&address);
	} else {
		reader_error(reader, NULL, RULE_INVALID_VALUE, "a destination must be an address or ADDRESS/LENGTH");
		return;
	}
	if (!source_of(pin, span.family)->family)
		reader_error(reader, NULL, RULE_SNAT, "destination %s has no source of its family", text);
	else
		pin->destinations[pin->n_destinations++] = span;
}

/** read_destinations() - `destinations`; REFUSED when reported */
static int read_destinations(struct reader *reader, const json_t *object, struct pin *pin)
{
	unsigned errors_before = reader->report->errors;
	const json_t *list = json_member_array(reader, object, "destinations", LIMIT_PIN_DESTINATIONS);
	size_t mark = pointer_push_key(&reader->at, "destinations");
	size_t index;
	json_t *element;

	pin->destinations_given = list;
	pin->destinations = calloc(json_array_size(list) + 1, sizeof(*pin->destinations));
	if (!pin->destinations)
		reader_no_memory(reader);
	json_array_foreach((json_t *)(uintptr_t)list, index, element) {
		size_t inner = pointer_push_index(&reader->at, index);

		if (pin->destinations)
			read_destination(reader, element, pin);
		pointer_pop(&reader->at, inner);
	}
	pointer_pop(&reader->at, mark);
	if (list && !json_array_size(list))
		reader_error(reader, "destinations", RULE_SNAT,
			     "destinations is empty, so the entry says nothing; leave the key out to mean all");
	return reader->report->errors == errors_before ? 0 : REFUSED;
}

/** read_assign() - `assign`: an interface's name; REFUSED when reported */
static int read_assign(struct reader *reader, const json_t *object, struct pin *pin)
{
	const char *name = json_member_text(reader, object, "assign");

	if (!name)
		return json_member(object, "assign") ? REFUSED : 0;
	/* dev_valid_name() in the kernel */
	if (!*name || strlen(name) >= IFNAMSIZ || strpbrk(name, "/: \t\n\v\f\r") || !strcmp(name, ".") ||
	    !strcmp(name, "..")) {
		reader_error(reader, "assign", RULE_INVALID_VALUE,
			     "assign \"%.64s\" is not a name that an interface can have", name);
		return REFUSED;
	}
	pin->assign = name;
	return 0;
}

/** read_shared() - `shared`: whether hosts share the sources, which then the agent puts on the host; REFUSED when reported */
static int read_shared(struct reader *reader, const json_t *object, struct pin *pin)
{
	unsigned errors_before = reader->report->errors;

	(void)json_member_bool(reader, object, "shared", &pin->shared);
	if (pin->shared && !json_member(object, "assign"))
		reader_error(
			reader, "shared", RULE_SNAT,
			"sources that hosts share need \"assign\": \"INTERFACE\": rangeguard-agent puts them there while "
			"this host holds them");
	return reader->report->errors == errors_before ? 0 : REFUSED;
}

/** read_pin() - One entry, all of it, so that each mistake is reported; REFUSED when one was */
static int read_pin(struct reader *reader, const json_t *object, struct pin *pin)
{
	static const char *const keys[] = {"name", "match", "source", "destinations", "assign", "shared", NULL};
	int r;

	(void)snprintf(pin->pointer, sizeof(pin->pointer), "%.*s", RANGE_POINTER_MAX - 1, reader->at.text);
	if (!json_is_object(object)) {
		reader_error(reader, NULL, RULE_INVALID_VALUE, "a snat entry must be an object with name and source");
		return REFUSED;
	}
	json_check_keys(reader, object, keys);
	r = read_name(reader, object, pin);
	r |= read_match(reader, object, pin);
	r |= read_shared(reader, object, pin);
	r |= read_sources(reader, object, pin);
	/* What a destination's family needs is not known when a source is wrong. */
	r |= r ? 0 : read_destinations(reader, object, pin);
	return r | read_assign(reader, object, pin);
}

/** struct named - A pin, to be sorted by its name */
struct named {
	const struct pin *pin;
};

/** by_name() - qsort(3) order, of equals as in the configuration */
static int by_name(const void *a, const void *b)
{
	const struct named *left = a, *right = b;
	int r = strcmp(left->pin->name, right->pin->name);

	return r ? r : (left->pin > right->pin) - (left->pin < right->pin);
}

/** check_names() - Each name stands once */
static void check_names(struct reader *reader, const struct netconf *netconf)
{
	CLEANUP_FREE struct named *sorted = calloc(netconf->n_pins + 1, sizeof(*sorted));

	if (!sorted) {
		reader_no_memory(reader);
		return;
	}
	for (size_t i = 0; i < netconf->n_pins; i++)
		sorted[i].pin = &netconf->pins[i];
	qsort(sorted, netconf->n_pins, sizeof(*sorted), by_name);
	for (size_t i = 1; i < netconf->n_pins; i++)
		if (!strcmp(sorted[i - 1].pin->name, sorted[i].pin->name))
			report_error(reader->report, RULE_DUPLICATE, reader->file, sorted[i].pin->pointer,
				     "snat entry \"%s\" is there already, at %s; names are unique", sorted[i].pin->name,
				     sorted[i - 1].pin->pointer);
}

/**
 * netconf_read_snat() - `snat`
 * @reader:	Reader, at the plugin's object
 * @root:	Plugin's object
 * @netconf:	Its pins are filled, with those that could be read
 */
void netconf_read_snat(struct reader *reader, const json_t *root, struct netconf *netconf)
{
	const json_t *snat = json_member_array(reader, root, "snat", LIMIT_PINS);
	size_t mark = pointer_push_key(&reader->at, "snat");
	size_t index;
	json_t *element;

	netconf->pins = json_array_size(snat) ? calloc(json_array_size(snat), sizeof(*netconf->pins)) : NULL;
	json_array_foreach((json_t *)(uintptr_t)snat, index, element) {
		size_t inner = pointer_push_index(&reader->at, index);
		struct pin pin = {0};

		if (!netconf->pins) {
			reader_no_memory(reader);
			break;
		}
		if (read_pin(reader, element, &pin))
			pin_done(&pin);
		else
			netconf->pins[netconf->n_pins++] = pin;
		pointer_pop(&reader->at, inner);
	}
	pointer_pop(&reader->at, mark);
	check_names(reader, netconf);
}

/** pin_done() - Release what an entry owns */
void pin_done(struct pin *pin)
{
	free(pin->destinations);
	free(pin->all);
	pin->destinations = NULL;
	pin->all = NULL;
}

/**
 * pin_matches() - Whether an entry is for a container
 * @pin:	Entry
 * @args:	CNI_ARGS of the container
 */
bool pin_matches(const struct pin *pin, const struct cni_args *args)
{
	return netconf_glob_matches(pin->namespace_glob, args->pod_namespace) &&
	       netconf_glob_matches(pin->pod_glob, args->pod_name);
}
