/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A configuration checked against a host's routes, as an ADD there would check each address that it chose. The rules
 * (`ip rule`) of that host are not known: its own three tables are looked up in their order, each other table is a
 * possibility. Pure.
 */

#include <stdio.h>
#include <string.h>

#include "plugin/netconf/check.h"

/** enum weight - What a route means for a range; of several the heaviest is told */
enum weight {
	WEIGHT_NONE,
	WEIGHT_TAKEN,	 /* addresses that the choice passes over */
	WEIGHT_POSSIBLE, /* a clash, if the host's rules lead to that table */
	WEIGHT_CLASH,
};

/** struct tally - The heaviest routes of a range: the first of them, and how many */
struct tally {
	enum weight weight;
	const struct known_route *first;
	size_t count;
};

/** same_table() - Whether two routes compete in one lookup */
static bool same_table(const struct known_route *a, const struct known_route *b)
{
	if (a->table != b->table)
		return false;
	return a->table != TABLE_OTHER || strcmp(a->table_name, b->table_name) == 0;
}

/** goes_before() - Whether the kernel takes @a where @a and @b both match; exact ones are too small to matter */
static bool goes_before(const struct known_route *a, const struct known_route *b)
{
	unsigned length = a->rule.destination.length, other = b->rule.destination.length;

	if (hostroute_is_exact(&a->rule))
		return false;
	if (same_table(a, b))
		return length > other || (length == other && a->metric < b->metric);
	return a->table < b->table && b->table != TABLE_OTHER && a->rule.kind != HOSTROUTE_THROW;
}

/** covered_until() - Last address of the widest route that holds @at and goes before @route; false when none does */
static bool covered_until(const struct routes *routes, const struct known_route *route, const struct address *at,
			  u128 *ret_last)
{
	bool found = false;

	for (size_t i = 0; i < routes->n_items; i++) {
		struct span span = prefix_span(&routes->items[i].rule.destination);

		if (!span_contains(&span, at) || !goes_before(&routes->items[i], route) ||
		    (found && span.last <= *ret_last))
			continue;
		*ret_last = span.last;
		found = true;
	}
	return found;
}

/** is_reached() - Whether a lookup of some address of @within ends at @route, not at others before it */
static bool is_reached(const struct routes *routes, const struct known_route *route, const struct span *within)
{
	struct span destination = prefix_span(&route->rule.destination);
	u128 last = destination.last < within->last ? destination.last : within->last;
	struct address at = {.family = within->family};
	u128 covered;

	at.value = destination.first > within->first ? destination.first : within->first;
	while (covered_until(routes, route, &at, &covered)) {
		if (covered >= last)
			return false;
		at.value = covered + 1;
	}
	return true;
}

/** weigh() - What @route means for the addresses of @range */
static enum weight weigh(const struct routes *routes, const struct known_route *route,
			 const struct route_question *range)
{
	struct span destination = prefix_span(&route->rule.destination);

	if (!span_overlaps(&destination, &range->span))
		return WEIGHT_NONE;
	/* The fence's: only packets of pinned containers are led to its table. */
	if (route->own && route->table == TABLE_OTHER)
		return WEIGHT_NONE;
	if (range->own_device && route->device && strcmp(range->own_device, route->device) == 0)
		return WEIGHT_NONE;
	switch (hostroute_rule(&route->rule, &range->network)) {
	case HOSTROUTE_TAKEN:
		return route->own ? WEIGHT_NONE : WEIGHT_TAKEN;
	case HOSTROUTE_CLASH:
		/* A default route in a table of its own is for marked packets (TPROXY) or one source only. */
		if (route->table == TABLE_OTHER && route->rule.destination.length == 0)
			return WEIGHT_NONE;
		if (!is_reached(routes, route, &range->span))
			return WEIGHT_NONE;
		return route->table == TABLE_OTHER ? WEIGHT_POSSIBLE : WEIGHT_CLASH;
	case HOSTROUTE_FREE:
	default:
		return WEIGHT_NONE;
	}
}

/** tally_routes() - The heaviest routes of a range */
static struct tally tally_routes(const struct routes *routes, const struct route_question *range)
{
	struct tally tally = {.weight = WEIGHT_NONE};

	for (size_t i = 0; i < routes->n_items; i++) {
		enum weight weight = weigh(routes, &routes->items[i], range);

		if (weight > tally.weight)
			tally = (struct tally){.weight = weight, .first = &routes->items[i]};
		tally.count += weight != WEIGHT_NONE && weight == tally.weight;
	}
	return tally;
}

/** write_message() - What was found, and what to do */
static void write_message(const struct tally *tally, const struct route_question *range, char *message, size_t size)
{
	static const char *const clauses[] = {
		[WEIGHT_TAKEN] = "holds addresses that the host routes exactly",
		[WEIGHT_POSSIBLE] = "clashes, if the host's rules lead there, with route",
		[WEIGHT_CLASH] = "clashes with the host's route",
	};
	const char *remedy = tally->weight == WEIGHT_TAKEN
				     ? "they are the host's own or somebody's, and are passed over"
				     : range->remedy;
	char span[SPAN_TEXT_MAX], route[ROUTE_TEXT_MAX], more[40] = "";

	if (tally->count > 1)
		(void)snprintf(more, sizeof(more), " and %zu more", tally->count - 1);
	(void)snprintf(message, size, "range %s %s: %s%s; %s", span_format(&range->span, span), clauses[tally->weight],
		       routes_describe(tally->first, route), more, remedy);
}

/**
 * check_range_routes() - Check one range against all routes of a host
 * @range:	Range
 * @routes:	The host's routes
 * @report:	Hears of the heaviest
 */
void check_range_routes(const struct route_question *range, const struct routes *routes, struct report *report)
{
	struct tally tally = tally_routes(routes, range);
	char message[ERROR_MSG_MAX], related[32];
	struct finding finding = {
		.rule = RULE_HOST_ROUTE,
		.severity = tally.weight == WEIGHT_CLASH ? range->clash_severity : SEVERITY_WARNING,
		.file = range->file,
		.pointer = range->pointer,
		.offset = range->offset,
		.message = message,
		.related_file = routes->file,
		.related_pointer = related,
	};

	if (tally.weight == WEIGHT_NONE)
		return;
	write_message(&tally, range, message, sizeof(message));
	(void)snprintf(related, sizeof(related), "/%zu", tally.first->index);
	report_finding(report, &finding);
}

/**
 * check_routes() - Check the ranges of a configuration against a host's routes (`guard.hostRoutes`)
 * @netconf:	Configuration; only in the interface role clashes matter
 * @routes:	The host's routes
 * @report:	Hears, of each range, the heaviest: an error where an ADD would be refused, else a warning
 *
 * Return: 0, REFUSED when errors were reported
 */
int check_routes(const struct netconf *netconf, const struct routes *routes, struct report *report)
{
	unsigned errors_before = report->errors;
	struct route_question question = {
		.file = netconf->file,
		.clash_severity = netconf->guard.host_routes == HOST_ROUTES_REFUSE ? SEVERITY_ERROR : SEVERITY_WARNING,
		.remedy = "choose another range, remove the route, or set guard.hostRoutes",
	};

	if (netconf->role != ROLE_INTERFACE || netconf->guard.host_routes == HOST_ROUTES_OFF)
		return 0;
	for (size_t i = 0; i < netconf->n_sets; i++) {
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++) {
			question.pointer = netconf->sets[i].ranges[j].pointer;
			question.span = netconf->sets[i].ranges[j].span;
			question.network = netconf->sets[i].ranges[j].subnet;
			check_range_routes(&question, routes, report);
		}
	}
	return report_outcome_since(report, errors_before);
}
