/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration checked against the guard. Pure. */

#include "plugin/netconf/check.h"

#include <stdio.h>

#include "plugin/netconf/check_capture.h"

/** Counts of addresses below this are printed digit by digit */
#define COUNT_EXACT_BELOW 1000000000000ULL

/** struct check - What the checks share: configuration, guard and listener */
struct check {
	const struct netconf *netconf;
	const struct guard *guard;
	struct report *report;
};

/**
 * reservation_describe() - The owner's side of a refusal
 * @entry:	Entry that decided
 * @buffer:	Space for it
 *
 * Return: @buffer, "reserved range 10.20.0.0/16 (owner db-platform, reason Oracle RAC, ref NET-1042; FILE /reserved/0)"
 */
const char *reservation_describe(const struct guard_entry *entry, char buffer[static RESERVATION_TEXT_MAX])
{
	char span[SPAN_TEXT_MAX];

	(void)snprintf(buffer, RESERVATION_TEXT_MAX, "reserved range %s (owner %.128s%s%.256s%s%.64s; %.256s %.64s)",
		       span_format(&entry->span, span), *entry->owner ? entry->owner : "not named",
		       *entry->reason ? ", reason " : "", entry->reason, *entry->ref ? ", ref " : "", entry->ref,
		       entry->file, entry->pointer);
	return buffer;
}

/**
 * reservation_report() - Report that something clashes with a reservation
 * @report:	Listener
 * @clash:	What, and what to do
 * @entry:	The policy's entry, the other side
 */
void reservation_report(struct report *report, const struct reservation_clash *clash, const struct guard_entry *entry)
{
	char reservation[RESERVATION_TEXT_MAX], message[ERROR_MSG_MAX];
	struct finding finding = {
		.rule = clash->rule,
		.severity = clash->severity,
		.file = clash->file,
		.pointer = clash->pointer,
		.message = message,
		.related_file = entry->file,
		.related_pointer = entry->pointer,
		.offset = clash->offset,
	};

	if (report->is_full)
		message[0] = '\0';
	else
		(void)snprintf(message, sizeof(message), "%s %s; %s", clash->subject,
			       reservation_describe(entry, reservation), clash->remedy);
	report_finding(report, &finding);
}

/** tell() - One finding about @subject at member @key of @pointer, with the policy's entry as its other side */
static void tell(const struct check *check, enum rule rule, enum severity severity, const char *pointer,
		 const char *key, const char *subject, const struct guard_entry *entry, const char *remedy)
{
	char at[POINTER_MAX];
	struct reservation_clash clash = {
		.rule = rule,
		.severity = severity,
		.file = check->netconf->file,
		.pointer = at,
		.subject = subject,
		.remedy = remedy,
	};

	(void)snprintf(at, sizeof(at), "%s%s", pointer, key);
	reservation_report(check->report, &clash, entry);
}

/** check_subnet() - `refuse`: no part of the subnet may be reserved, since a route to all of it may be made */
static void check_subnet(const struct check *check, const struct ip_range *range)
{
	struct span subnet = prefix_span(&range->subnet);
	char text[PREFIX_TEXT_MAX], subject[128];
	struct guard_entry entry;
	struct span part;

	if (guard_touch(check->guard, &subnet, &part, &entry) != GUARD_E_RESERVED)
		return;
	(void)snprintf(subject, sizeof(subject), "subnet %s touches", prefix_format(&range->subnet, text));
	tell(check, RULE_RANGE_RESERVED, SEVERITY_ERROR, range->pointer, "/subnet", subject, &entry,
	     check->netconf->role == ROLE_INTERFACE
		     ? "choose another subnet, ask the owner for a grant, or set guard.onOverlap to \"exclude\""
		     : "choose another subnet, or ask the owner for a grant");
}

/** check_gateway() - A gateway is an address that somebody will answer at */
static void check_gateway(const struct check *check, const struct ip_range *range)
{
	char text[ADDRESS_TEXT_MAX], subject[128];
	struct guard_entry entry;

	if (range->gateway.family == FAMILY_NONE ||
	    guard_decide(check->guard, &range->gateway, &entry) != GUARD_E_RESERVED)
		return;
	(void)snprintf(subject, sizeof(subject), "gateway %s lies in", address_format(&range->gateway, text));
	tell(check, RULE_GATEWAY_RESERVED, SEVERITY_ERROR, range->pointer, "/gateway", subject, &entry,
	     "choose another gateway, or ask the owner");
}

/** struct room - What may be given of a range: @usable of @all; @first_reserved is the first part of the @reserved */
struct room {
	u128 all;
	u128 usable;
	u128 reserved;
	struct span first_reserved;
};

/** takes_room() - Whether an address that is never given makes a range smaller */
static bool takes_room(const struct check *check, const struct ip_range *range, const struct address *address)
{
	return span_contains(&range->span, address) && !guard_decide(check->guard, address, NULL);
}

/** is_counted() - Whether the @n th excluded address of a set is a gateway, too, or excluded twice */
static bool is_counted(const struct range_set *set, size_t n)
{
	for (size_t i = 0; i < set->n_ranges; i++)
		if (address_equal(&set->ranges[i].gateway, &set->excluded[n]))
			return true;
	for (size_t i = 0; i < n; i++)
		if (address_equal(&set->excluded[i], &set->excluded[n]))
			return true;
	return false;
}

/**
 * measure_room() - Count the addresses of a range that are not reserved, nor never given
 * @check:	What the checks share; where only errors count, counting ends when it is sure that there are any
 * @set:	Range set, which has the gateways
 * @range:	Range
 *
 * Return: the count
 */
static struct room measure_room(const struct check *check, const struct range_set *set, const struct ip_range *range)
{
	u128 all = range->span.last - range->span.first + 1;
	struct room room = {.all = all ? all : ~(u128)0}; /* ::/0 has one more than the type can say */
	struct span rest = range->span;
	struct span part;
	u128 n_free = 0;

	while (guard_next(check->guard, &rest, &part) == GUARD_E_RESERVED) {
		n_free += part.first - rest.first;
		/* No more of them are gateways than there are ranges. */
		if (check->report->errors_only && n_free > set->n_ranges + set->n_excluded)
			return (struct room){.all = n_free, .usable = n_free - set->n_ranges - set->n_excluded};
		if (room.first_reserved.family == FAMILY_NONE)
			room.first_reserved = part;
		room.reserved += part.last - part.first + 1;
		if (part.last == range->span.last)
			break;
		rest.first = part.last + 1;
	}
	room.usable = room.all - room.reserved;
	for (size_t i = 0; i < set->n_ranges; i++)
		room.usable -= takes_room(check, range, &set->ranges[i].gateway);
	for (size_t i = 0; i < set->n_excluded; i++)
		room.usable -= takes_room(check, range, &set->excluded[i]) && !is_counted(set, i);
	return room;
}

/** count_format() - "254"; beyond what people read as a number "about 1.8e+19". Return: @buffer */
const char *count_format(u128 count, char buffer[static COUNT_TEXT_MAX])
{
	if (count < COUNT_EXACT_BELOW)
		(void)snprintf(buffer, COUNT_TEXT_MAX, "%llu", (unsigned long long)count);
	else
		(void)snprintf(buffer, COUNT_TEXT_MAX, "about %.1Le", (long double)count);
	return buffer;
}

/** warn_of_room() - `exclude`: a range that gives less than it seems to */
static void warn_of_room(const struct check *check, const struct ip_range *range, const struct room *room)
{
	struct address first = {.value = room->first_reserved.first, .family = room->first_reserved.family};
	char usable[COUNT_TEXT_MAX], all[COUNT_TEXT_MAX], reserved[COUNT_TEXT_MAX], text[SPAN_TEXT_MAX], subject[256];
	struct guard_entry entry;

	if (guard_decide(check->guard, &first, &entry) != GUARD_E_RESERVED)
		return;
	(void)snprintf(subject, sizeof(subject), "range %s has %s usable addresses of %s, with %s reserved: it touches",
		       span_format(&range->span, text), count_format(room->usable, usable),
		       count_format(room->all, all), count_format(room->reserved, reserved));
	tell(check, RULE_NO_ADDRESS, SEVERITY_WARNING, range->pointer, "", subject, &entry,
	     "enlarge the range if that is too few");
}

/**
 * check_room() - Nothing left of a range is an error, less than half of it is worth a warning
 * @check:	What the checks share
 * @set:	Its set
 * @range:	Range
 *
 * Who sets `exclude` expects that some addresses are missing.
 */
static void check_room(const struct check *check, const struct range_set *set, const struct ip_range *range)
{
	struct room room = measure_room(check, set, range);
	char text[SPAN_TEXT_MAX];

	if (!room.usable)
		report_error(
			check->report, RULE_NO_ADDRESS, check->netconf->file, range->pointer,
			"range %s has no usable address: each one is reserved, a gateway, a next hop or a source of snat",
			span_format(&range->span, text));
	else if (room.reserved && room.usable < room.all / 2)
		warn_of_room(check, range, &room);
}

/** check_range() - Subnet, gateway and what is left, for one range */
static void check_range(const struct check *check, const struct range_set *set, const struct ip_range *range)
{
	unsigned errors_before = check->report->errors;

	if (check->netconf->guard.on_overlap == OVERLAP_REFUSE)
		check_subnet(check, range);
	check_gateway(check, range);
	if (check->report->errors == errors_before)
		check_room(check, set, range);
}

/** check_requested() - An address asked for by name, at @pointer, may not be reserved */
static void check_requested(const struct check *check, const struct address *address, const char *pointer)
{
	char text[ADDRESS_TEXT_MAX], subject[128];
	struct guard_entry entry;

	if (guard_decide(check->guard, address, &entry) != GUARD_E_RESERVED)
		return;
	(void)snprintf(subject, sizeof(subject), "requested address %s lies in", address_format(address, text));
	tell(check, RULE_ADDRESS_RESERVED, SEVERITY_ERROR, pointer, "", subject, &entry, "ask for another address");
}

/** check_pin() - The sources of a `snat` entry are addresses that others will know as ours */
static void check_pin(const struct check *check, const struct pin *pin)
{
	char text[ADDRESS_TEXT_MAX], subject[128];
	struct guard_entry entry;

	for (size_t i = 0; i < pin->n_all; i++) {
		if (guard_decide(check->guard, &pin->all[i], &entry) != GUARD_E_RESERVED)
			continue;
		(void)snprintf(subject, sizeof(subject), "source %s lies in", address_format(&pin->all[i], text));
		tell(check, RULE_SNAT_RESERVED, SEVERITY_ERROR, pin->pointer, "/source", subject, &entry,
		     "choose another source, or ask the owner for a grant");
	}
}

/**
 * check_netconf() - Check ranges, gateways, routes, requested addresses and SNAT sources of a configuration against the guard
 * @netconf:	Configuration
 * @guard:	Sealed guard
 * @report:	Hears each clash
 *
 * Return: 0, REFUSED when errors were reported
 */
int check_netconf(const struct netconf *netconf, const struct guard *guard, struct report *report)
{
	struct check check = {.netconf = netconf, .guard = guard, .report = report};
	unsigned errors_before = report->errors;

	for (size_t i = 0; i < netconf->n_sets; i++)
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++)
			check_range(&check, &netconf->sets[i], &netconf->sets[i].ranges[j]);
	for (size_t i = 0; i < netconf->n_requested; i++)
		check_requested(&check, &netconf->requested[i], netconf->requested_at[i]);
	for (size_t i = 0; i < netconf->n_pins; i++)
		check_pin(&check, &netconf->pins[i]);
	check_capture(netconf, guard, report);
	return report_outcome_since(report, errors_before);
}

/**
 * check_fixed() - Check the addresses that belong to pods by name against the guard
 * @netconf:	Configuration
 * @guard:	Sealed guard
 * @report:	Hears each that is reserved
 *
 * For `validate`: an ADD asks about the address that its own pod is to get, so that the others go on.
 *
 * Return: 0, REFUSED when errors were reported
 */
int check_fixed(const struct netconf *netconf, const struct guard *guard, struct report *report)
{
	struct check check = {.netconf = netconf, .guard = guard, .report = report};
	unsigned errors_before = report->errors;
	char text[ADDRESS_TEXT_MAX], subject[128];
	struct guard_entry entry;

	for (size_t i = 0; i < netconf->n_fixed; i++) {
		const struct fixed *fixed = &netconf->fixed[i];

		for (size_t j = 0; j < fixed->n_addresses; j++) {
			if (guard_decide(guard, &fixed->addresses[j], &entry) != GUARD_E_RESERVED)
				continue;
			(void)snprintf(subject, sizeof(subject), "fixed address %s lies in",
				       address_format(&fixed->addresses[j], text));
			tell(&check, RULE_ADDRESS_RESERVED, SEVERITY_ERROR, fixed->pointer, "/addresses", subject,
			     &entry, "give the pod another address, or ask the owner for a grant");
		}
	}
	return report_outcome_since(report, errors_before);
}

/** note() - Note a span, if there is space given for it; return how many are noted then */
static size_t note(struct span *spans, size_t n, struct span span)
{
	if (spans)
		spans[n] = span;
	return n + 1;
}

/**
 * check_netconf_spans() - All that check_netconf() and check_fixed() ask a guard about: one that knows of these will do
 * @netconf:	Configuration
 * @spans:	Space for them; NULL: they are only counted
 *
 * Return: how many
 */
size_t check_netconf_spans(const struct netconf *netconf, struct span *spans)
{
	size_t n = 0;

	for (size_t i = 0; i < netconf->n_sets; i++) {
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++) {
			const struct ip_range *range = &netconf->sets[i].ranges[j];

			n = note(spans, n, prefix_span(&range->subnet));
			n = note(spans, n, range->span);
			if (range->gateway.family != FAMILY_NONE)
				n = note(spans, n, span_of_address(&range->gateway));
		}
	}
	for (size_t i = 0; i < netconf->n_fixed; i++)
		for (size_t j = 0; j < netconf->fixed[i].n_addresses; j++)
			n = note(spans, n, span_of_address(&netconf->fixed[i].addresses[j]));
	for (size_t i = 0; i < netconf->n_routes; i++) {
		n = note(spans, n, prefix_span(&netconf->routes[i].destination));
		if (netconf->routes[i].gateway.family != FAMILY_NONE)
			n = note(spans, n, span_of_address(&netconf->routes[i].gateway));
	}
	for (size_t i = 0; i < netconf->n_requested; i++)
		n = note(spans, n, span_of_address(&netconf->requested[i]));
	for (size_t i = 0; i < netconf->n_pins; i++)
		for (size_t j = 0; j < netconf->pins[i].n_all; j++)
			n = note(spans, n, span_of_address(&netconf->pins[i].all[j]));
	return n;
}
