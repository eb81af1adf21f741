/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with an address plan by itself. Pure. */

#include "plugin/foreign/plan.h"

#include <stdio.h>
#include <string.h>

#include "rangeguard/array.h"

/** Ranges of one plan that are compared with each other; more are the nodes' or pools', which one plan has not */
#define RANGES_MAX 256U

/** enum standing - What a range of the registry means for a plan */
enum standing {
	STANDING_PRIVATE, /* for anybody's own use */
	STANDING_SPECIAL, /* not for networks of one's own */
};

/**
 * struct special - A row of IANA's registries for special-purpose addresses (iana-ipv4-special-registry and
 * iana-ipv6-special-registry), as of 2025-10; and multicast (RFC 5771, RFC 4291)
 */
static const struct special {
	char cidr[24];
	enum standing standing;
	char name[64];
} specials[] = {
	{"10.0.0.0/8", STANDING_PRIVATE, "private use (RFC 1918)"},
	{"172.16.0.0/12", STANDING_PRIVATE, "private use (RFC 1918)"},
	{"192.168.0.0/16", STANDING_PRIVATE, "private use (RFC 1918)"},
	{"100.64.0.0/10", STANDING_PRIVATE, "shared address space (RFC 6598)"},
	{"169.254.0.0/16", STANDING_PRIVATE, "link-local (RFC 3927)"},
	{"0.0.0.0/8", STANDING_SPECIAL, "this network (RFC 791)"},
	{"127.0.0.0/8", STANDING_SPECIAL, "loopback (RFC 1122)"},
	{"192.0.0.0/24", STANDING_SPECIAL, "IETF protocol assignments (RFC 6890)"},
	{"192.0.2.0/24", STANDING_SPECIAL, "documentation (RFC 5737)"},
	{"198.51.100.0/24", STANDING_SPECIAL, "documentation (RFC 5737)"},
	{"203.0.113.0/24", STANDING_SPECIAL, "documentation (RFC 5737)"},
	{"192.31.196.0/24", STANDING_SPECIAL, "AS112 (RFC 7535)"},
	{"192.52.193.0/24", STANDING_SPECIAL, "AMT (RFC 7450)"},
	{"192.88.99.0/24", STANDING_SPECIAL, "6to4 relays (RFC 7526)"},
	{"192.175.48.0/24", STANDING_SPECIAL, "AS112 (RFC 7534)"},
	{"198.18.0.0/15", STANDING_SPECIAL, "benchmarking (RFC 2544)"},
	{"224.0.0.0/4", STANDING_SPECIAL, "multicast (RFC 5771)"},
	{"240.0.0.0/4", STANDING_SPECIAL, "reserved (RFC 1112)"},
	{"::1/128", STANDING_SPECIAL, "loopback (RFC 4291)"},
	{"64:ff9b::/96", STANDING_SPECIAL, "NAT64 (RFC 6052)"},
	{"64:ff9b:1::/48", STANDING_SPECIAL, "NAT64 (RFC 8215)"},
	{"2001::/23", STANDING_SPECIAL, "IETF protocol assignments (RFC 2928)"},
	{"2002::/16", STANDING_SPECIAL, "6to4 (RFC 3056)"},
	{"5f00::/16", STANDING_SPECIAL, "segment routing (RFC 9602)"},
	{"100::/64", STANDING_SPECIAL, "discard-only (RFC 6666)"},
	{"2001:db8::/32", STANDING_SPECIAL, "documentation (RFC 3849)"},
	{"3fff::/20", STANDING_SPECIAL, "documentation (RFC 9637)"},
	{"fe80::/10", STANDING_SPECIAL, "link-local (RFC 4291)"},
	{"ff00::/8", STANDING_SPECIAL, "multicast (RFC 4291)"},
};

/** struct checked - A plan being checked */
struct checked {
	const struct declarations *declarations;
	const char *file;
	const struct guard *guard;
	struct report *report;
};

/** special_of() - The row that holds some of a range, @ret_whole: all of it; NULL: none */
static const struct special *special_of(const struct span *span, bool *ret_whole)
{
	struct prefix prefix;

	for (size_t i = 0; i < ARRAY_LENGTH(specials); i++) {
		struct span row;

		if (prefix_parse(specials[i].cidr, &prefix) < 0)
			continue;
		row = prefix_span(&prefix);
		if (span_overlaps(&row, span)) {
			*ret_whole = span_covers(&row, span);
			return &specials[i];
		}
	}
	return NULL;
}

/** is_granted() - Whether the policy says of some of a range that somebody may use it: then whoever wrote that knows it */
static bool is_granted(const struct guard *guard, const struct span *span)
{
	for (size_t i = 0; i < guard_n_entries(guard); i++) {
		struct guard_entry entry = guard_entry(guard, i);

		if (entry.kind == GUARD_GRANTED && span_overlaps(&entry.span, span))
			return true;
	}
	return false;
}

/** may_be_public() - Whether public addresses are usual for a use; all of IPv6 may be routed */
static bool may_be_public(const struct declaration *declaration)
{
	return declaration->use == USE_LOAD_BALANCERS || declaration->use == USE_MACHINES ||
	       declaration->use == USE_UNKNOWN || declaration->span.family == FAMILY_IPV6;
}

/** tell_special() - A range that is not for private use, as a whole or in part (RG109) */
static void tell_special(const struct checked *checked, const struct declaration *declaration,
			 const struct special *special, bool whole)
{
	char text[SPAN_TEXT_MAX], message[ERROR_MSG_MAX];
	struct finding finding = {
		.rule = RULE_NOT_PRIVATE,
		.severity = SEVERITY_WARNING,
		.file = checked->file,
		.pointer = declaration->pointer,
		.offset = declaration->offset,
		.message = message,
	};

	(void)span_format(&declaration->span, text);
	if (special)
		(void)snprintf(message, sizeof(message), "range %s %s set aside for %s; choose a private range", text,
			       whole ? "is" : "holds what is", special->name);
	else
		(void)snprintf(
			message, sizeof(message),
			"range %s is public: whoever has these addresses in the Internet can't be reached any more; "
			"choose a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16), or grant it if it is "
			"your organisation's",
			text);
	report_finding(checked->report, &finding);
}

/** check_standing() - Whether a range is for private use */
static void check_standing(const struct checked *checked, const struct declaration *declaration)
{
	bool whole = false;
	const struct special *special = special_of(&declaration->span, &whole);

	if (declaration->default_of || is_granted(checked->guard, &declaration->span))
		return;
	if (special && special->standing == STANDING_SPECIAL)
		tell_special(checked, declaration, special, whole);
	else if (!whole && !may_be_public(declaration))
		tell_special(checked, declaration, NULL, false);
}

/** is_of_plan() - Whether a declaration is a range that all others of its plan have to be apart from */
static bool is_of_plan(const struct declaration *declaration)
{
	return declaration->kind == DECLARED_RANGE &&
	       (declaration->use == USE_PODS || declaration->use == USE_SERVICES || declaration->use == USE_MACHINES ||
		declaration->use == USE_INTERNAL);
}

/** tell_overlap() - Two ranges of one plan that overlap (RG108) */
static void tell_overlap(const struct checked *checked, const struct declaration *declaration,
			 const struct declaration *other)
{
	char text[SPAN_TEXT_MAX], other_text[SPAN_TEXT_MAX], message[ERROR_MSG_MAX];
	struct finding finding = {
		.rule = RULE_PLAN_OVERLAP,
		.severity = SEVERITY_ERROR,
		.file = checked->file,
		.pointer = declaration->pointer,
		.offset = declaration->offset,
		.message = message,
		.related_file = checked->file,
		.related_pointer = other->pointer,
	};

	(void)snprintf(message, sizeof(message),
		       "range %s%s of the %s overlaps range %s%s of the %s; the ranges of a cluster must be apart",
		       span_format(&declaration->span, text), declaration->default_of ? " (a default)" : "",
		       declaration_use_name(declaration->use), span_format(&other->span, other_text),
		       other->default_of ? " (a default)" : "", declaration_use_name(other->use));
	report_finding(checked->report, &finding);
}

/** check_apart() - Compare a range with those before it that are for something else: a node has a part of the pods' */
static void check_apart(const struct checked *checked, size_t index)
{
	const struct declaration *declaration = &checked->declarations->items[index];

	for (size_t i = 0; i < index; i++) {
		const struct declaration *other = &checked->declarations->items[i];

		if (is_of_plan(other) && other->use != declaration->use &&
		    span_overlaps(&declaration->span, &other->span))
			tell_overlap(checked, declaration, other);
	}
}

/**
 * plan_check() - Check the ranges of one document beside each other, and each by itself
 * @declarations:	Its addresses
 * @file:	Its file
 * @guard:	Policies: what they grant is known to be the organisation's
 * @report:	Hears of RG108 and RG109
 *
 * Return: 0 also with findings
 */
int plan_check(const struct declarations *declarations, const char *file, const struct guard *guard,
	       struct report *report)
{
	const struct checked checked = {.declarations = declarations, .file = file, .guard = guard, .report = report};

	for (size_t i = 0; i < declarations->n_items; i++) {
		if (i < RANGES_MAX && is_of_plan(&declarations->items[i]))
			check_apart(&checked, i);
		if (declarations->items[i].kind == DECLARED_RANGE)
			check_standing(&checked, &declarations->items[i]);
	}
	return 0;
}
