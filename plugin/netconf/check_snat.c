/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of `snat` that say less than their author thinks: an earlier one has all their destinations, no packet goes
 * there, or the pool may give their source to a container. Pure.
 */

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "ipam/address/spans.h"
#include "plugin/netconf/check.h"
#include "rangeguard/array.h"
#include "rangeguard/cleanup.h"

/** Index of a family in what each entry has per family */
#define FAMILIES 2U

/** struct set - Merged spans; owned */
struct set {
	struct span *spans;
	size_t n;
};

/**
 * struct entry - An entry's destinations
 * @pin:	Entry
 * @to:		Destinations of each family that it has a source of; a default's are borrowed from the check
 */
struct entry {
	const struct pin *pin;
	struct set to[FAMILIES];
};

/**
 * struct pin_check - What the checks share
 * @netconf:	Configuration
 * @report:	Listener
 * @everywhere:	Destinations of an entry that names none
 * @entries:	One per pin
 * @rivals:	Space for as many indices of them: earlier ones that match at least the same containers
 * @n_rivals:	How many
 * @winner:	One that has a destination, after rivals_cover()
 */
struct pin_check {
	const struct netconf *netconf;
	struct report *report;
	struct set everywhere[FAMILIES];
	struct entry *entries;
	size_t *rivals;
	size_t n_rivals;
	size_t winner;
};

static const enum family family_of[FAMILIES] = {FAMILY_IPV4, FAMILY_IPV6};

/**
 * glob_covers() - Whether whatever matches the glob @inner matches @outer, too
 * @outer:	Glob, NULL: matches also what has no text
 * @inner:	Likewise
 *
 * Says no where it can't tell. With `*` alone on the outer side, and no brackets on the inner one, each wildcard of @inner
 * falls into a `*` of @outer, so that @inner may be taken for a text.
 */
static bool glob_covers(const char *outer, const char *inner)
{
	if (!outer || (inner && strcmp(outer, inner) == 0))
		return true;
	if (!inner)
		return false;
	if (inner[strcspn(inner, "*?[\\")] && (strpbrk(outer, "?[\\") || strpbrk(inner, "[\\")))
		return false;
	return strpbrk(outer, "*?[\\") && fnmatch(outer, inner, 0) == 0;
}

/** matches_all_of() - Whether @outer is for all containers that @inner is for */
static bool matches_all_of(const struct pin *outer, const struct pin *inner)
{
	return glob_covers(outer->namespace_glob, inner->namespace_glob) &&
	       glob_covers(outer->pod_glob, inner->pod_glob);
}

/** rivals_cover() - Whether rivals have all of a span of a family, together */
static bool rivals_cover(struct pin_check *check, unsigned family, struct span rest)
{
	const struct span *found = NULL;

	do {
		struct address first = {.family = rest.family, .value = rest.first};

		found = NULL;
		for (size_t i = 0; !found && i < check->n_rivals; i++) {
			const struct set *to = &check->entries[check->rivals[i]].to[family];

			found = spans_find(to->spans, to->n, &first);
			check->winner = check->rivals[i];
		}
		if (found && found->last < rest.last)
			rest.first = found->last + 1;
		else if (found)
			return true;
	} while (found);
	return false;
}

/** is_shadowed() - Whether the rivals leave nothing of an entry */
static bool is_shadowed(struct pin_check *check, const struct entry *entry)
{
	for (unsigned family = 0; family < FAMILIES; family++)
		for (size_t i = 0; i < entry->to[family].n; i++)
			if (!rivals_cover(check, family, entry->to[family].spans[i]))
				return false;
	return true;
}

/** check_shadow() - Tell when earlier entries have all that entry @index is for */
static void check_shadow(struct pin_check *check, size_t index)
{
	const struct pin *pin = check->entries[index].pin;

	check->n_rivals = 0;
	for (size_t i = 0; i < index; i++)
		if (matches_all_of(check->entries[i].pin, pin))
			check->rivals[check->n_rivals++] = i;
	if (check->n_rivals && is_shadowed(check, &check->entries[index]))
		report_warning(
			check->report, RULE_SNAT, check->netconf->file, pin->pointer,
			"snat entry \"%s\" never counts: for all of its containers and destinations an earlier one "
			"does (entry \"%s\"); put it before that one, or narrow that one",
			pin->name, check->entries[check->winner].pin->name);
}

/** check_destination() - Tell of a destination to which no host sends on what a container sends */
static void check_destination(const struct pin_check *check, const struct pin *pin, const struct span *destination)
{
	static const char *const never[] = {"0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "::/127", "ff00::/8"};
	char text[SPAN_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LENGTH(never); i++) {
		struct prefix prefix = {0};
		struct span span;

		(void)prefix_parse(never[i], &prefix);
		span = prefix_span(&prefix);
		if (span_covers(&span, destination))
			report_warning(check->report, RULE_SNAT, check->netconf->file, pin->pointer,
				       "destination %s of snat entry \"%s\" is none that packets are translated to; "
				       "name addresses of other hosts",
				       span_format(destination, text), pin->name);
	}
}

/** check_source() - Tell of a source that the network might give to a container */
static void check_source(const struct pin_check *check, const struct pin *pin, const struct address *source)
{
	char address[ADDRESS_TEXT_MAX], span[SPAN_TEXT_MAX];

	for (size_t i = 0; i < check->netconf->n_sets; i++)
		for (size_t j = 0; j < check->netconf->sets[i].n_ranges; j++)
			if (span_contains(&check->netconf->sets[i].ranges[j].span, source))
				report_warning(
					check->report, RULE_SNAT, check->netconf->file, pin->pointer,
					"source %s of snat entry \"%s\" lies in range %s, from which containers get "
					"their addresses; choose one outside of it",
					address_format(source, address), pin->name,
					span_format(&check->netconf->sets[i].ranges[j].span, span));
}

/** set_make() - Merge the spans of a family into @ret_set: 0, -1 without memory */
static int set_make(enum family family, const struct span *spans, size_t n, struct set *ret_set)
{
	ret_set->spans = calloc(n + 1, sizeof(*ret_set->spans));
	if (!ret_set->spans)
		return -1;
	ret_set->n = spans_merge(family, spans, n, ret_set->spans);
	return 0;
}

/** make_everywhere() - Where a container's packets keep no address of their own, by default: 0, -1 without memory */
static int make_everywhere(struct pin_check *check, enum family family, struct set *ret_set)
{
	const struct netconf *netconf = check->netconf;
	size_t n = SPANS_LINK_SCOPED;
	CLEANUP_FREE struct span *own = NULL;
	struct set excluded = {0};

	for (size_t i = 0; i < netconf->n_sets; i++)
		n += netconf->sets[i].n_ranges;
	own = calloc(n, sizeof(*own));
	ret_set->spans = calloc(n + 1, sizeof(*ret_set->spans));
	if (!own || !ret_set->spans)
		return -1;
	spans_link_scoped(own);
	n = SPANS_LINK_SCOPED;
	for (size_t i = 0; i < netconf->n_sets; i++)
		for (size_t j = 0; j < netconf->sets[i].n_ranges; j++)
			own[n++] = prefix_span(&netconf->sets[i].ranges[j].subnet);
	if (set_make(family, own, n, &excluded) < 0)
		return -1;
	ret_set->n = spans_complement(family, excluded.spans, excluded.n, ret_set->spans);
	free(excluded.spans);
	return 0;
}

/** make_entry() - The destinations of an entry: 0, -1 without memory */
static int make_entry(const struct pin_check *check, const struct pin *pin, struct entry *entry)
{
	entry->pin = pin;
	for (unsigned i = 0; i < FAMILIES; i++) {
		if (!pin->sources[i].family)
			continue;
		if (!pin->destinations_given)
			entry->to[i] = check->everywhere[i];
		else if (set_make(family_of[i], pin->destinations, pin->n_destinations, &entry->to[i]) < 0)
			return -1;
	}
	return 0;
}

/** make_entries() - Those of all pins: 0, -1 without memory */
static int make_entries(struct pin_check *check)
{
	const struct netconf *netconf = check->netconf;
	int r = 0;

	check->entries = calloc(netconf->n_pins, sizeof(*check->entries));
	check->rivals = calloc(netconf->n_pins, sizeof(*check->rivals));
	if (!check->entries || !check->rivals)
		return -1;
	for (unsigned i = 0; !r && i < FAMILIES; i++)
		r = make_everywhere(check, family_of[i], &check->everywhere[i]);
	for (size_t i = 0; !r && i < netconf->n_pins; i++)
		r = make_entry(check, &netconf->pins[i], &check->entries[i]);
	return r;
}

/** pin_check_done() - Release what the checks share */
static void pin_check_done(struct pin_check *check)
{
	for (size_t i = 0; check->entries && i < check->netconf->n_pins; i++)
		for (unsigned j = 0; j < FAMILIES; j++)
			if (check->entries[i].to[j].spans != check->everywhere[j].spans)
				free(check->entries[i].to[j].spans);
	for (unsigned i = 0; i < FAMILIES; i++)
		free(check->everywhere[i].spans);
	free(check->entries);
	free(check->rivals);
}

/**
 * check_snat() - Warn of `snat` entries that say less than they seem to
 * @netconf:	Configuration
 * @report:	Hears each of them
 *
 * Return: 0, -1 without memory
 */
int check_snat(const struct netconf *netconf, struct report *report)
{
	struct pin_check check __attribute__((cleanup(pin_check_done))) = {.netconf = netconf, .report = report};

	if (!netconf->n_pins)
		return 0;
	if (make_entries(&check) < 0)
		return -1;
	for (size_t i = 0; i < netconf->n_pins; i++) {
		const struct pin *pin = &netconf->pins[i];

		for (size_t j = 0; j < pin->n_destinations; j++)
			check_destination(&check, pin, &pin->destinations[j]);
		for (size_t j = 0; j < pin->n_all; j++)
			check_source(&check, pin, &pin->all[j]);
		check_shadow(&check, i);
	}
	return 0;
}
